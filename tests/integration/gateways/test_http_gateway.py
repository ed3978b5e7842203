"""Against a real HTTP server that behaves like an SMS vendor."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cxconsole.gateways.http.gateway import HttpGateway
from cxconsole.gateways.http.settings import HttpSecrets, HttpSettings
from cxconsole.gateways.outgoing import OutgoingGuard
from cxconsole.gateways.port import GatewayError
from cxconsole.settings import Settings

from .servers import Authority

BODY = '{"to": {{ target | tojson }}, "from": "Acme", "text": {{ text | tojson }}, "ref": {{ message_id | tojson }}}'


class Vendor(ThreadingHTTPServer):
    """Takes texts; `answer` is (status, headers, body), or what makes it misbehave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, dict, str]] = []
        self.answer: tuple[int, dict, str] | str = (201, {}, '{"messages": [{"id": "m-1", "status": "queued"}]}')

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.requests.append((self.path, dict(self.headers), body))
        answer = self.server.answer
        if answer == "hang":
            time.sleep(1)
        if isinstance(answer, str):
            self.close_connection = True
            return
        status, headers, text = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST

    def log_message(self, *args) -> None:
        """Quiet."""


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def http(vendor):
    def build(*, console: Settings | None = None, **settings) -> HttpGateway:
        return HttpGateway(
            HttpSettings(
                **{
                    "url": vendor.url + "/v1/messages",
                    "headers": {"Authorization": "Bearer {{ secrets.token }}"},
                    "body": BODY,
                    "id_from": "json",
                    "id_at": "messages[0].id",
                    **settings,
                }
            ),
            HttpSecrets(token="very-secret-token"),
            OutgoingGuard(console or Settings()),
        )

    return build


def send(gateway, *messages):
    async def go():
        try:
            return [await gateway.send(one) for one in messages]
        finally:
            await gateway.close()

    return asyncio.run(go())


def steps_of(gateway, target):
    async def go():
        try:
            return await gateway.test(target)
        finally:
            await gateway.close()

    return asyncio.run(go())


def refusal(gateway, message) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        send(gateway, message)
    return caught.value


def test_a_text_reaches_the_vendor_and_its_id_comes_back(vendor, http, message):
    text = 'She said "hi"\nünïcode & {{ not a template }}'
    receipt = send(http(), message(7, target="+15550100123", html=None, text=text))[0]
    path, headers, body = vendor.requests[0]
    assert (path, headers["Authorization"]) == ("/v1/messages", "Bearer very-secret-token")
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"to": "+15550100123", "from": "Acme", "text": text, "ref": "d7.c1001@acme.example"}
    assert receipt.provider_id == "m-1"


def test_values_in_the_address_are_encoded_once(vendor, http, message):
    gateway = http(url=vendor.url + "/send?to={{ target }}&text={{ text | urlencode }}", method="GET", body="")
    send(gateway, message(target="+1555&admin=1", html=None, text="a b/c"))
    assert vendor.requests[0][0] == "/send?to=%2B1555%26admin%3D1&text=a%20b%2Fc"


@pytest.mark.parametrize(
    ("settings", "headers", "found"),
    [
        ({"id_from": "header", "id_at": "X-Message-Id"}, {"X-Message-Id": "h-9"}, "h-9"),
        ({"id_from": "regex", "id_at": r'"id": "([^"]+)"'}, {}, "m-1"),
        ({"id_from": "none", "id_at": ""}, {}, None),
        ({"id_at": "nowhere.at.all"}, {}, None),
    ],
)
def test_the_message_id_is_found_where_the_settings_say(vendor, http, message, settings, headers, found):
    vendor.answer = (200, headers, '{"messages": [{"id": "m-1"}]}')
    assert send(http(**settings), message())[0].provider_id == found


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((429, {"Retry-After": "30"}, "slow"), {"slow_down": True, "permanent": False, "retry_after_seconds": 30.0}),
        ((503, {"Retry-After": "5"}, "busy"), {"slow_down": True, "permanent": False, "retry_after_seconds": 5.0}),
        ((500, {}, "oops"), {"slow_down": False, "permanent": False, "whole_gateway": True}),
        ((401, {}, "key expired"), {"permanent": False, "whole_gateway": True, "code": "401"}),
        ((404, {}, ""), {"permanent": False, "whole_gateway": True}),
        ((302, {"Location": "http://127.0.0.1:1/"}, ""), {"permanent": False, "whole_gateway": True}),
        ((422, {}, "not a number"), {"permanent": True, "whole_gateway": False, "code": "422"}),
    ],
)
def test_each_answer_gets_its_verdict(vendor, http, message, answer, expected):
    vendor.answer = answer
    error = refusal(http(), message())
    assert {name: getattr(error, name) for name in expected} == expected
    assert not error.in_doubt
    assert answer[2] in error.detail
    assert len(vendor.requests) == 1


def test_a_good_status_with_the_wrong_value_is_a_refusal_in_the_vendors_words(vendor, http, message):
    vendor.answer = (200, {}, '{"status": "rejected", "error": {"text": "landline"}}')
    gateway = http(success_path="status", success_equals="accepted|queued", error_path="error.text")
    error = refusal(gateway, message())
    assert error.permanent and error.code == "rejected" and "“200 landline”" in error.detail


@pytest.mark.parametrize("misbehaviour", ["hang", "drop"])
def test_no_answer_leaves_a_doubt(vendor, http, message, misbehaviour):
    vendor.answer = misbehaviour
    error = refusal(http(timeout_seconds=0.4), message())
    assert error.in_doubt and error.whole_gateway and not error.permanent


def test_nobody_listening_leaves_no_doubt(http, message, unused_port):
    error = refusal(http(url=f"http://127.0.0.1:{unused_port}/"), message())
    assert error.whole_gateway and not error.in_doubt
    assert "refused the connection" in error.detail


def test_a_secret_is_in_no_error_and_no_log(vendor, http, message, caplog):
    caplog.set_level(logging.DEBUG)
    vendor.answer = (400, {}, "unknown token very-secret-token")
    gateway = http(url=vendor.url + "/?key={{ secrets.token }}")
    error = refusal(gateway, message())
    assert "very-secret-token" not in f"{error} {error.detail}" and "***" in error.detail
    assert "very-secret-token" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("cxconsole")
    )


def test_a_private_address_is_refused_unless_allowed(vendor, http, message):
    # a console that others can reach must not be a way to what listens on its own loopback
    error = refusal(http(console=Settings(host="0.0.0.0")), message())
    assert error.whole_gateway and "CXCONSOLE_OUTGOING_ALLOW" in error.detail and not vendor.requests
    assert send(http(console=Settings(host="0.0.0.0", outgoing_allow="127.0.0.0/8")), message())


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("localhost", {"verify": False}, None),
        ("localhost", {}, "is not trusted"),
        ("localhost", {"ca_certificate": "of the tests"}, None),
        ("127.0.0.1", {"ca_certificate": "of the tests"}, "is not trusted"),
    ],
)
def test_the_certificate_is_checked_against_the_name_although_the_address_is_pinned(
    vendor, http, message, tmp_path, name, settings, words
):
    authority = Authority(tmp_path)
    vendor.socket = authority.serve_as("localhost").wrap_socket(vendor.socket, server_side=True)
    if "ca_certificate" in settings:
        settings = {"ca_certificate": authority.pem}
    gateway = http(url=f"https://{name}:{vendor.server_address[1]}/", **settings)
    if words is None:
        assert send(gateway, message())[0].provider_id == "m-1"
        assert vendor.requests[0][1]["Host"] == f"localhost:{vendor.server_address[1]}"
    else:
        error = refusal(gateway, message())
        assert words in error.detail and error.whole_gateway and not error.in_doubt


def test_a_body_that_the_values_break_is_not_sent(vendor, http, message):
    by_hand = """{"code": "{{ fields.code | replace('"', '') | replace('\n', ' ') }}"}"""
    error = refusal(http(body=by_hand), message(fields={"code": "C:\\dir"}))
    assert error.permanent and "not JSON" in error.detail and not vendor.requests


def test_the_test_button_shows_each_step(vendor, http):
    steps = steps_of(http(), "+15550100123")
    assert [(one.name, one.ok) for one in steps] == [
        ("Request written", True),
        ("Name found", True),
        ("Connected", True),
        ("Test message accepted", True),
    ]
    assert "Message id m-1" in steps[-1].detail
    vendor.answer = (401, {}, "bad key very-secret-token")
    last = steps_of(http(), "+15550100123")[-1]
    assert not last.ok and "Check the gateway's secrets" in last.detail and "very-secret-token" not in last.detail


def test_the_test_button_says_who_refused(http, unused_port):
    last = steps_of(http(url=f"http://127.0.0.1:{unused_port}/"), None)[-1]
    assert (last.name, last.ok) == ("Connected", False) and "Check the URL's host and port" in last.detail
    last = steps_of(http(url="http://nowhere.invalid/"), None)[-1]
    assert (last.name, last.ok) == ("Name found", False)
