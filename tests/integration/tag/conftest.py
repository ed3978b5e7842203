"""The real server on one port, a company's web site on another, and a browser that looks at the site."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from sqlmodel import select

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.apps import create_app
from cxconsole.accounts.page_tokens import make_page_token
from cxconsole.bootstrap import Application
from models.event import Event
from models.person import Identity
from tests.integration import serving

application, console = serving.application, serving.console

SNIPPET = """<!doctype html><html lang="en"><head><title>%(title)s</title><script>
window.cjaas = window.cjaas || function () { (cjaas.q = cjaas.q || []).push(arguments); };
cjaas.scriptURL = "%(console)s/cj.js";
cjaas.baseURL = "%(console)s";
document.head.appendChild(Object.assign(document.createElement("script"), { src: cjaas.scriptURL, async: true }));
%(calls)s
</script></head><body>%(body)s</body></html>"""


@dataclass
class Site:
    """A company's own web server: pages by their path, and a way to renew tokens."""

    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    make_token: Callable[[], str] = lambda: ""
    renewals: int = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/token":
            self.renewals += 1
            body, kind = json.dumps({"token": self.make_token()}).encode(), "application/json"
        else:
            body, kind = self.pages.get(handler.path.partition("?")[0], "").encode(), "text/html; charset=utf-8"
        handler.send_response(200 if body else 404)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def site() -> Iterator[Site]:
    """A web site of another origin."""
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.answer(self)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


@dataclass
class Visitor:
    """Who looks at the site; what the Tape knows of them."""

    page: Page
    site: Site
    console: str
    application: Application
    errors: list[str] = field(default_factory=list)

    def write_page(
        self, path: str, calls: str = "", *, body: str = "", title: str = "Shop", start: bool = True
    ) -> None:
        if start:
            calls = f'cjaas("dsWriteToken", {json.dumps(self.make_token())});\n{calls}\ncjaas("init");'
        self.site.pages[path] = SNIPPET % {"title": title, "console": self.console, "calls": calls, "body": body}

    def open(self, path: str = "/", calls: str = "", **more: Any) -> None:
        self.write_page(path, calls, **more)
        self.page.goto(self.site.url + path)
        self.page.wait_for_function("window.cjaas && cjaas.version")

    def call(self, *arguments: Any) -> Any:
        return self.page.evaluate("(given) => cjaas(...given)", list(arguments))

    def make_token(self, lifetime: timedelta = timedelta(minutes=5), *, name: str = "web", now: Any = None) -> str:
        with self.application.database.read() as session:
            return make_page_token(
                session, name, lifetime=lifetime, vault=self.application.vault, actor=OPERATOR, now=now or clock.now()
            ).text

    def events(self) -> list[Event]:
        """What came, in the order in which it happened."""
        with self.application.database.read() as session:
            return list(session.exec(select(Event).where(Event.source != "cxconsole").order_by(Event.time, Event.id)))

    def wait_for(self, *types: str) -> list[Event]:
        """Wait until exactly these have come, in the order in which they happened; in the end, that is what must be."""
        deadline = time.monotonic() + 15
        while [one.type for one in self.events()] != list(types) and time.monotonic() < deadline:
            self.page.wait_for_timeout(30)
        found = self.events()
        assert [one.type for one in found] == list(types)
        return found

    def people(self) -> dict[str, int]:
        with self.application.database.read() as session:
            return {one.value: one.person_id for one in session.exec(select(Identity))}


@pytest.fixture
def visitor(browser: Browser, application: Application, console: str, site: Site) -> Iterator[Visitor]:
    """A browser of its own, and an app whose pages are the site's."""
    with application.database.write() as session:
        create_app(
            session, "web", services={"ds": "w"}, attributes={"allowedOrigins": [site.url]}, vault=application.vault,
            actor=OPERATOR, now=clock.now(),
        )  # fmt: skip
    context = browser.new_context()
    page = context.new_page()
    made = Visitor(page=page, site=site, console=console, application=application)
    page.on("pageerror", lambda error: made.errors.append(str(error)))
    site.make_token = made.make_token
    yield made
    context.close()
    assert not made.errors
