"""A small world for engine tests: a mail server that remembers, gateways, campaigns, and an engine to run."""

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from sqlmodel import Session, select

from cxconsole import clock
from cxconsole.bootstrap import Application, build_application
from cxconsole.database import Database
from cxconsole.engine import EngineThread
from cxconsole.settings import Settings
from models.campaign import Campaign, CampaignProgress, CampaignState, Flow
from models.contact import CampaignContact, ContactSource, SourceKind
from models.gateway import Gateway
from models.person import Identity, Person
from models.template import Template, TemplateVersion

_MESSAGE_ID = re.compile(rb"^Message-ID: <d(\d+)\.[^>]+>", re.MULTILINE)


@dataclass
class MailServer:
    """A real SMTP server that keeps who got what; `answer` may refuse by returning an SMTP line."""

    answer: Callable[[str], str | None] = lambda _target: None
    delay_seconds: float = 0.0
    got: list[tuple[str, int]] = field(default_factory=list)  # (target, delivery id)
    bodies: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    port: int = 0
    begun: int = 0

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        self.begun += 1
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        target = envelope.rcpt_tos[0]
        refusal = self.answer(target)
        if refusal:
            return refusal
        found = _MESSAGE_ID.search(envelope.content)
        self.got.append((target, int(found[1]) if found else 0))
        self.bodies.append(envelope.content)
        self.times.append(time.time())
        return "250 OK"

    @property
    def targets(self) -> list[str]:
        return [target for target, _ in self.got]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    port = options.pop("port", 0)
    server = MailServer(**options)
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(
        loop.create_server(lambda: SMTP(server, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", port)
    )
    server.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="mail server")
    thread.start()

    async def close() -> None:
        listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@dataclass
class World:
    """Rows of a test, made with few words."""

    database: Database
    now: datetime = field(default_factory=clock.now)

    def gateway(self, port: int, *, channel: str = "email", **columns: Any) -> int:
        settings = {
            "host": "127.0.0.1", "port": port, "tls": "none", "sender": "Acme <hello@acme.example>",
            "connections": columns.pop("connections", 4), "timeout_seconds": 10,
        }  # fmt: skip
        with self.database.write() as session:
            row = Gateway(
                name=f"Gateway {port} {time.monotonic_ns()}", kind="smtp", channel=channel, settings=settings,
                created_at=self.now, updated_at=self.now, **columns,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return _id(row)

    def template(self, *, subject: str = "Hello {{ first_name }}", html: str = "<p>Dear {{ first_name }}</p>") -> int:
        with self.database.write() as session:
            template = Template(name="Mail", channel="email", created_at=self.now, updated_at=self.now)
            session.add(template)
            session.flush()
            version = TemplateVersion(
                template_id=_id(template), version=1, subject=subject, html=html, created_at=self.now
            )
            session.add(version)
            session.flush()
            template.current_version_id = version.id
            return _id(template)

    def campaign(
        self, steps: list[dict[str, Any]], *, contacts: int = 1, published: bool = True, **columns: Any
    ) -> int:
        """Steps as `{"template_id", "gateway_id", "channel"?, "delay"?, "unless"?}`."""
        nodes = [
            {"id": f"s{index}", "kind": "message", "channel": step.get("channel", "email"),
             "template_id": step["template_id"], "gateway_id": step["gateway_id"]}
            for index, step in enumerate(steps, 1)
        ]  # fmt: skip
        edges = [
            {"source": f"s{index}", "target": f"s{index + 1}", "delay": step.get("delay", "PT0S"),
             "unless": step.get("unless")}
            for index, step in enumerate(steps[1:], 1)
        ]  # fmt: skip
        with self.database.write() as session:
            campaign = Campaign(
                name="Spring", flow_version=1, created_at=self.now, updated_at=self.now,
                state=CampaignState.PUBLISHED if published else CampaignState.UNPUBLISHED,
                first_published_at=self.now if published else None, **columns,
            )  # fmt: skip
            session.add(campaign)
            session.flush()
            campaign_id = _id(campaign)
            session.add(Flow(
                campaign_id=campaign_id, version=1, created_at=self.now,
                graph={"start": "s1", "nodes": nodes, "edges": edges},
            ))  # fmt: skip
            session.add(CampaignProgress(campaign_id=campaign_id))
            source = ContactSource(campaign_id=campaign_id, kind=SourceKind.MANUAL, name="Test", created_at=self.now)
            session.add(source)
            session.flush()
            self._contacts(session, campaign_id, _id(source), contacts)
            return campaign_id

    def _contacts(self, session: Session, campaign_id: int, source_id: int, count: int) -> None:
        people = [
            Person(first_name=f"Name{number}", created_at=self.now, updated_at=self.now) for number in range(count)
        ]
        session.add_all(people)
        session.flush()
        session.add_all(
            Identity(
                person_id=_id(person), kind="email", value=f"c{number}.{campaign_id}@example.com", created_at=self.now
            )
            for number, person in enumerate(people)
        )
        session.add_all(
            CampaignContact(
                campaign_id=campaign_id, person_id=_id(person), source_id=source_id, due_at=self.now,
                created_at=self.now,
            )
            for person in people
        )  # fmt: skip
        progress = session.get(CampaignProgress, campaign_id)
        assert progress is not None
        progress.planned = progress.pending = count
        session.add(progress)

    def progress(self, campaign_id: int) -> CampaignProgress:
        with self.database.read() as session:
            row = session.get(CampaignProgress, campaign_id)
            assert row is not None
            return row

    def set_state(self, campaign_id: int, state: CampaignState) -> None:
        with self.database.write() as session:
            campaign = session.get(Campaign, campaign_id)
            assert campaign is not None
            campaign.state = state
            campaign.first_published_at = campaign.first_published_at or clock.now()
            session.add(campaign)

    def all(self, table: Any) -> list[Any]:
        with self.database.read() as session:
            return list(session.exec(select(table).order_by(table.id)))


def _id(row: Any) -> int:
    assert row.id is not None
    return row.id


def wait_for(condition: Callable[[], Any], *, seconds: float = 15) -> Any:
    """The first truthy answer; fails when there is none in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"this did not become true within {seconds} s")


@contextlib.contextmanager
def running_engine(database: Database, data_dir: Path) -> Iterator[Application]:
    """A whole engine on its own thread."""
    application = build_application(Settings(data_dir=data_dir, database_url=database.url))
    engine = EngineThread(application)
    engine.start()
    try:
        yield application
    finally:
        stopped = engine.stop()
        application.database.dispose()
        assert stopped, "the engine did not stop in time"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]
