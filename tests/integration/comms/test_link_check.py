import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cxconsole.comms import link_check
from cxconsole.comms.link_check import find_dead_links
from cxconsole.settings import Settings


class Site(BaseHTTPRequestHandler):
    """Answers by what its path asks for."""

    def do_HEAD(self):
        code = {"/gone": 404, "/moved": 302, "/no-head": 405, "/broken": 500, "/no-head-404": 404}.get(self.path, 200)
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "http://169.254.169.254/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.send_response(404 if self.path == "/gone" else 500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        """Quiet."""


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(link_check, "find_link_problem", lambda address: None)  # which refuses this machine's own name
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_dead_links_are_told_from_living_ones(site):
    paths = ("/ok", "/gone", "/moved", "/no-head", "/no-head-404", "/broken")
    links = [*(site + path for path in paths), "mailto:a@example.com", "https://x.example/{{ id }}"]
    findings = asyncio.run(find_dead_links(links, settings=Settings(outgoing_allow="127.0.0.1")))
    assert [one.detail.split("”")[0].removeprefix("The link “") for one in findings] == [
        site + "/gone",
        site + "/broken",
    ]
    assert "the server says 404" in findings[0].detail


def test_private_addresses_are_not_asked(site):
    [finding] = asyncio.run(find_dead_links([site], settings=Settings(host="0.0.0.0")))
    assert "private network" in finding.detail


def test_a_server_that_is_not_there_is_a_finding():
    [finding] = asyncio.run(find_dead_links(["http://does-not-exist.invalid/"], settings=Settings()))
    assert "not found" in finding.detail
