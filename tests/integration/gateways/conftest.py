"""Real servers on this machine."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from cxconsole.accounts.vault import Vault
from cxconsole.gateways.port import OutgoingMessage
from cxconsole.gateways.smtp.gateway import SmtpGateway
from cxconsole.gateways.smtp.settings import SmtpSecrets, SmtpSettings

from .servers import Authority


class MailServer:
    """An SMTP server that keeps what it gets and misbehaves as told.

    `answers[command]` is called with (how often the command came, its argument) and returns the
    line to answer with, or None for the usual one.
    """

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.sessions: set[int] = set()
        self.answers: dict[str, object] = {}
        self.counts: dict[str, int] = {}
        self.extensions: list[str] = []
        self.port = self.tls_port = 0

    def told(self, command: str, argument: str) -> str | None:
        self.counts[command] = self.counts.get(command, 0) + 1
        answer = self.answers.get(command)
        return answer(self.counts[command], argument) if callable(answer) else answer  # type: ignore[return-value]

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.sessions.add(id(session))
        return [*responses[:-1], *(f"250-{one}" for one in self.extensions), responses[-1]]

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options):
        if told := self.told("MAIL", address):
            return told
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options):
        if told := self.told("RCPT", address):
            return told
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope):
        if told := self.told("DATA", ",".join(envelope.rcpt_tos)):
            if told == "drop":
                self.received.append(envelope)
                server.transport.abort()
                return "250 nobody hears this"
            return told
        self.received.append(envelope)
        return "250 2.0.0 queued"


@pytest.fixture
def vault() -> Vault:
    return Vault(b"a key of the tests")


@contextmanager
def listening(factory: Callable[[], asyncio.BaseProtocol], **options) -> Iterator[int]:
    """Serve a protocol on a thread and an event loop of its own; the port it listens on."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def open_server() -> asyncio.Server:
        return await loop.create_server(factory, "127.0.0.1", 0, **options)

    async def close_server() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(open_server(), loop).result(5)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(close_server(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A plain server; `.port` is where it listens."""
    server = MailServer()
    with listening(lambda: SMTP(server, enable_SMTPUTF8=True, hostname="mail.test")) as server.port:
        yield server


@pytest.fixture
def secure_server(tmp_path) -> Iterator[tuple[MailServer, Authority]]:
    """A server called localhost that wants TLS and a sign-in (acme, right); `.tls_port` is for implicit TLS."""
    authority = Authority(tmp_path)
    tls = authority.serve_as("localhost")
    server = MailServer()

    def check(_server, _session, _envelope, _mechanism, data) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"acme", b"right"), handled=False)

    options = {"authenticator": check, "hostname": "mail.test", "enable_SMTPUTF8": True}
    with (
        listening(lambda: SMTP(server, tls_context=tls, require_starttls=True, **options)) as server.port,
        listening(lambda: SMTP(server, auth_require_tls=False, **options), ssl=tls) as server.tls_port,
    ):
        yield server, authority


@pytest.fixture
def smtp():
    """Builds a gateway to a port; `password` is its secret, the rest its settings."""

    def build(port: int, *, password: str = "", **settings) -> SmtpGateway:
        return SmtpGateway(
            SmtpSettings(
                **{"host": "127.0.0.1", "port": port, "tls": "none", "sender": "Acme <hello@acme.example>", **settings}
            ),
            SmtpSecrets(password=password),
        )

    return build


def make_message(number: int = 1, **fields) -> OutgoingMessage:
    return OutgoingMessage(
        **{
            "delivery_id": number,
            "message_id": f"d{number}.c1001@acme.example",
            "target": f"person{number}@example.com",
            "subject": "Hello",
            "html": "<p>Hello</p>",
            "text": "Hello",
            **fields,
        }
    )


@pytest.fixture
def message():
    return make_message


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
