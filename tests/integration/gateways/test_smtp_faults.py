"""What a mail server can do wrong, and the verdict on each."""

import asyncio
import email
import email.policy
from contextlib import contextmanager

import pytest
import uvloop

from cxconsole.gateways.port import GatewayError

from .conftest import listening
from .servers import RawServer


def send(gateway, *messages):
    """One after the other over the same gateway: receipts, or the errors in their places."""

    async def go():
        try:
            answers = []
            for one in messages:
                try:
                    answers.append(await gateway.send(one))
                except GatewayError as error:
                    answers.append(error)
            return answers
        finally:
            await gateway.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the engine runs
        return runner.run(go())


def verdict(answer) -> set[str]:
    """The flags that are set."""
    assert isinstance(answer, GatewayError), answer
    return {name for name in ("permanent", "slow_down", "whole_gateway", "in_doubt") if getattr(answer, name)}


@contextmanager
def raw(smtp, *, connections=1, **options):
    server = RawServer(**options)
    with listening(server) as port:
        yield server, smtp(port, connections=connections, timeout_seconds=0.4, connect_timeout_seconds=1)


@pytest.fixture(params=[False, True], ids=["plain", "pipelined"])
def pipelining(request, mail_server):
    if request.param:
        mail_server.extensions.append("PIPELINING")
    return request.param


@pytest.mark.parametrize(
    ("command", "answer", "flags", "code", "after"),
    [
        ("MAIL", "421 4.7.0 too many connections", {"slow_down"}, "421 4.7.0", None),
        ("MAIL", "451 4.3.0 try in 5 minutes", {"slow_down"}, "451 4.3.0", 300),
        ("MAIL", "530 5.7.0 sign in first", {"whole_gateway"}, "530 5.7.0", None),
        ("MAIL", "550 5.7.1 sender not allowed", {"whole_gateway"}, "550 5.7.1", None),
        ("MAIL", "552 5.3.4 too large", {"permanent"}, "552 5.3.4", None),
        ("RCPT", "450 4.2.0 greylisted, come back after 60 seconds", {"slow_down"}, "450 4.2.0", 60),
        ("RCPT", "452 4.2.2 mailbox full", set(), "452 4.2.2", None),
        ("RCPT", "454 4.7.1 later", {"slow_down"}, "454 4.7.1", None),
        ("RCPT", "550 5.1.1 no such user", {"permanent"}, "550 5.1.1", None),
        ("RCPT", "550 no such user", {"permanent"}, "550", None),
        ("DATA", "451 4.7.1 too fast", {"slow_down"}, "451 4.7.1", None),
        ("DATA", "452 4.3.1 disk full", set(), "452 4.3.1", None),
        ("DATA", "554 5.7.1 looks like spam", {"permanent"}, "554 5.7.1", None),
    ],
)
def test_a_no_gets_its_verdict_and_the_servers_words(
    mail_server, smtp, message, pipelining, command, answer, flags, code, after
):
    mail_server.answers[command] = answer
    (error,) = send(smtp(mail_server.port), message())
    assert verdict(error) == flags
    assert (error.code, error.retry_after_seconds) == (code, after)
    assert f"“{answer}”" in error.detail
    assert not mail_server.received


def test_one_refused_recipient_does_not_cost_the_connection(mail_server, smtp, message, pipelining):
    mail_server.answers["RCPT"] = lambda count, address: "550 5.1.1 no such user" if "person2@" in address else None
    answers = send(smtp(mail_server.port), *(message(number) for number in range(5)))
    assert [isinstance(one, GatewayError) for one in answers] == [False, False, True, False, False]
    assert len(mail_server.received) == 4 and len(mail_server.sessions) == 1


@pytest.mark.parametrize(
    "body", [".", "..", ".\n.\n..\n", "a\n.\nb", "\n\n.\n", ".hidden\n" * 50, "x" * 5000, "é" * 5000]
)
def test_dots_and_long_lines_arrive_as_they_were(mail_server, smtp, message, pipelining, body):
    send(smtp(mail_server.port), message(html=None, text=body))
    got = email.message_from_bytes(mail_server.received[0].original_content, policy=email.policy.default)
    assert got.get_content().replace("\r\n", "\n").rstrip("\n") == body.rstrip("\n")


def test_a_server_that_dies_after_the_dot_leaves_a_doubt(mail_server, smtp, message, pipelining):
    mail_server.answers["DATA"] = "drop"
    (error,) = send(smtp(mail_server.port), message())
    assert verdict(error) == {"whole_gateway", "in_doubt"}
    assert len(mail_server.received) == 1, "it was taken indeed"


@pytest.mark.parametrize("fault", ["drop", "hang"])
@pytest.mark.parametrize("word", ["hello", "EHLO", "MAIL", "RCPT", "DATA"])
def test_what_breaks_before_the_dot_leaves_no_doubt(smtp, message, word, fault):
    with raw(smtp, **{word: fault}) as (server, gateway):
        (error,) = send(gateway, message())
    assert verdict(error) == {"whole_gateway"}
    assert not server.messages


@pytest.mark.parametrize("fault", ["drop", "hang", b"what?\r\n", b"2" * 100_000])
def test_what_breaks_after_the_dot_leaves_a_doubt(smtp, message, fault):
    with raw(smtp, dot=fault) as (_, gateway):
        (error,) = send(gateway, message())
    assert verdict(error) == {"whole_gateway", "in_doubt"}


def test_a_server_that_asks_for_the_message_although_it_refused_everyone_gets_none(smtp, message):
    # RFC 2920, 3.1: the client must send a single dot then
    with raw(smtp, RCPT=lambda count: b"550 5.1.1 no\r\n" if count == 1 else None) as (server, gateway):
        first, second = send(gateway, message(1), message(2))
    assert verdict(first) == {"permanent"} and not isinstance(second, GatewayError)
    assert server.messages[0] == b"" and b"person2@" in server.messages[1]
    assert server.connections == 1


def test_an_answer_that_comes_in_pieces_is_put_together(smtp, message):
    with raw(smtp, dot=b"250-2.0.0 queued\r\n250-as 42\r\n250 bye\r\n") as (_, gateway):
        (receipt,) = send(gateway, message())
    assert receipt.detail == "250 2.0.0 queued as 42 bye"


@pytest.mark.parametrize("farewell", ["drop", b"421 4.4.2 idle for too long\r\n"])
def test_a_kept_connection_that_the_server_closed_is_replaced_unnoticed(smtp, message, farewell):
    with raw(smtp, MAIL=lambda count: farewell if count == 2 else None) as (server, gateway):
        answers = send(gateway, message(1), message(2), message(3))
    assert not any(isinstance(one, GatewayError) for one in answers)
    assert (len(server.messages), server.connections) == (3, 2)


def test_a_connection_is_renewed_after_its_share_of_messages(smtp, message):
    server = RawServer()
    with listening(server) as port:
        send(smtp(port, connections=1, messages_per_connection=2), *(message(number) for number in range(5)))
    assert server.connections == 3 and len(server.messages) == 5
    assert server.commands.count("QUIT") >= 2


def test_one_connection_too_many_is_a_word_to_slow_down_and_the_others_go_on(smtp, message):
    def greet(count):
        return b"421 4.7.0 too many connections\r\n" if count > 2 else None

    async def go(gateway):
        try:
            return await asyncio.gather(*(gateway.send(message(n)) for n in range(30)), return_exceptions=True)
        finally:
            await gateway.close()

    with raw(smtp, connections=3, hello=greet) as (server, gateway):
        answers = asyncio.run(go(gateway))
    told = [one for one in answers if isinstance(one, GatewayError)]
    assert 1 <= len(told) <= 3 and all(verdict(one) == {"slow_down"} for one in told)
    assert len(server.messages) == 30 - len(told)


def test_nobody_listening_says_so(smtp, message, unused_port):
    (error,) = send(smtp(unused_port), message())
    assert verdict(error) == {"whole_gateway"} and "refused the connection" in error.detail


def test_an_unknown_name_says_so(smtp, message):
    (error,) = send(smtp(25, host="nowhere.invalid"), message())
    assert verdict(error) == {"whole_gateway"} and "The name nowhere.invalid was not found" in error.detail


def test_letters_beyond_ascii_before_the_at_need_a_server_that_takes_them(mail_server, smtp, message):
    (receipt,) = send(smtp(mail_server.port), message(target="jörg@bäcker.example"))
    assert mail_server.received[0].rcpt_tos == ["jörg@xn--bcker-gra.example"]
    assert "SMTPUTF8" in mail_server.received[0].mail_options and receipt.detail
    with raw(smtp) as (_, gateway):
        (error,) = send(gateway, message(target="jörg@example.com"))
    assert verdict(error) == {"permanent"} and "jörg@" in error.detail


def test_what_is_no_address_never_reaches_the_server(mail_server, smtp, message):
    (error,) = send(smtp(mail_server.port), message(target="ann@example.com>\r\nRCPT TO:<bob@example.com"))
    assert verdict(error) == {"permanent"} and not mail_server.sessions


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "localhost"}, "is not trusted"),
        ({"host": "127.0.0.1", "ca_certificate": "of the tests"}, "is not trusted"),
        ({"host": "localhost", "ca_certificate": "of the tests"}, None),
        ({"verify": False}, None),
    ],
)
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_is_trusted_when_name_and_authority_fit(secure_server, smtp, message, tls, settings, words):
    server, authority = secure_server
    if "ca_certificate" in settings:
        settings = {**settings, "ca_certificate": authority.pem}
    port = server.port if tls == "starttls" else server.tls_port
    (answer,) = send(smtp(port, tls=tls, **settings), message())
    if words is None:
        assert answer.detail == "250 2.0.0 queued"
    else:
        assert verdict(answer) == {"whole_gateway"} and words in answer.detail


def test_a_server_without_starttls_gets_no_password(mail_server, smtp, message):
    (error,) = send(smtp(mail_server.port, tls="starttls", username="u", password="p"), message())
    assert verdict(error) == {"whole_gateway"} and "does not offer STARTTLS" in error.detail


def test_tls_towards_a_plain_server_says_what_may_be_wrong(mail_server, smtp, message):
    (error,) = send(smtp(mail_server.port, tls="implicit", connect_timeout_seconds=1), message())
    assert verdict(error) == {"whole_gateway"} and "TLS" in error.detail


def test_sign_in_works_and_a_wrong_password_stops_the_gateway_not_the_message(secure_server, smtp, message):
    server, authority = secure_server
    known = {"host": "localhost", "tls": "starttls", "ca_certificate": authority.pem, "username": "acme"}
    (receipt,) = send(smtp(server.port, password="right", **known), message())
    assert receipt.detail == "250 2.0.0 queued"
    (error,) = send(smtp(server.port, password="wrong", **known), message())
    assert verdict(error) == {"whole_gateway"} and error.code.startswith("535")
    assert "Check user name and password" in error.detail and "wrong" not in error.detail


def test_the_test_button_tells_each_step(secure_server, smtp):
    server, authority = secure_server
    gateway = smtp(
        server.port, host="localhost", tls="starttls", ca_certificate=authority.pem, username="acme",
        password="right", connections=3,
    )  # fmt: skip
    steps = asyncio.run(gateway.test("admin@acme.example"))
    assert [(one.name, one.ok, one.warning) for one in steps] == [
        ("Name found", True, False), ("Connected", True, False), ("Signed in", True, False),
        ("Test message accepted", True, False), ("Connections at once", True, False),
    ]  # fmt: skip
    assert "TLS 1.3, certificate good until" in steps[1].detail
    assert server.received[0].rcpt_tos == ["admin@acme.example"]


def test_the_test_button_warns_of_too_many_connections(smtp):
    with raw(smtp, connections=4, hello=lambda count: b"421 4.7.0 too many\r\n" if count > 3 else None) as (_, gateway):
        steps = asyncio.run(gateway.test(None))
    last = steps[-1]
    assert last.ok and last.warning and "Only 3 of 4" in last.detail and "“421 4.7.0 too many”" in last.detail


def test_the_test_button_stops_at_what_failed(smtp, mail_server, unused_port):
    assert [(one.name, one.ok) for one in asyncio.run(smtp(unused_port).test("a@acme.example"))] == [
        ("Name found", True),
        ("Connected", False),
    ]
    mail_server.answers["RCPT"] = "550 5.7.1 relaying denied"
    last = asyncio.run(smtp(mail_server.port).test("a@acme.example"))[-1]
    assert (last.name, last.ok) == ("Test message accepted", False) and "relaying denied" in last.detail
