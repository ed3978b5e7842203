"""A real mail server that writes down what it gets, and a console of its own without the demo world."""

import asyncio
import email
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from playwright.sync_api import Browser, Page

from tests.ui.conftest import Console, free_port, start_console, stop_console, watch_page


class Recorder:
    """Takes each mail after a moment, so that a campaign can be stopped half-way."""

    SECONDS_EACH = 0.02

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mails: list[tuple[str, bytes]] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.SECONDS_EACH)
        with self._lock:
            self._mails.append((envelope.rcpt_tos[0], bytes(envelope.content or b"")))
        return "250 2.0.0 Taken"

    def counts(self) -> Counter[str]:
        """How many mails each address got."""
        with self._lock:
            return Counter(target for target, _ in self._mails)

    def mail_to(self, target: str) -> email.message.Message:
        """The first mail to this address."""
        with self._lock:
            return email.message_from_bytes(next(content for one, content in self._mails if one == target))


@pytest.fixture
def mail_server() -> Iterator[tuple[Recorder, int]]:
    """The recorder and its port."""
    recorder = Recorder()
    port = free_port()
    controller = Controller(recorder, hostname="127.0.0.1", port=port)
    controller.start()
    yield recorder, port
    controller.stop()


@pytest.fixture
def empty_console(tmp_path) -> Iterator[Console]:
    """A console that begins empty."""
    process, console = start_console(tmp_path, demo="0")
    yield console
    stop_console(process)


@pytest.fixture
def page(browser: Browser, empty_console: Console) -> Iterator[Page]:
    """A page of that console."""
    yield from watch_page(browser, empty_console)
