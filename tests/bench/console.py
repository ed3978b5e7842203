"""A console for a bench: its own data, its own process, and clients that look at it."""

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from harness import ROOT, free_port
from playwright.sync_api import Browser, sync_playwright
from simple_websocket import AioClient, ConnectionClosed

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.bootstrap import Application, build_application
from cxconsole.campaigns.flow import Step, graph_of
from cxconsole.campaigns.lifecycle import publish_campaign
from cxconsole.demo.load import seed_contacts
from cxconsole.serve import build_front_end
from cxconsole.settings import Settings
from models.campaign import Campaign, Flow
from models.gateway import Gateway
from models.migrate import migrate
from models.template import Template, TemplateVersion
from tests.find_browser import HELP, find_browser

MAIL = (
    "<html><body><p>Hello {{ first_name }}, this is your offer in {{ city | default('your town') }}.</p>"
    + "<p>" + "word " * 900 + "</p><p><a href='{{ unsubscribe_url }}'>Unsubscribe</a></p></body></html>"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RunningConsole:
    """A console that answers."""

    url: str
    process: psutil.Process
    started_in_seconds: float

    def cpu_seconds(self) -> float:
        """Processor time so far, with that of its children."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in family)

    def memory_mb(self) -> float:
        """What it keeps in memory now."""
        return self.process.memory_info().rss / 1e6

    def own_memory_mb(self) -> float:
        """The same without mapped files, such as the database: that room the system gives to whoever needs it."""
        found = self.process.memory_info()
        return (found.rss - found.shared) / 1e6


def prepare(folder: Path) -> Application:
    """A migrated, empty database in this folder, and the front end built."""
    build_front_end()
    application = build_application(Settings(data_dir=folder, demo=False))  # type: ignore[call-arg]
    migrate(application.database)
    return application


@contextmanager
def running_console(folder: Path, *, port: int | None = None, **settings: str) -> Iterator[RunningConsole]:
    """Start the console on this folder; it has ended when the block has."""
    port = port or free_port()
    environment = {
        **os.environ, "CXCONSOLE_PORT": str(port), "CXCONSOLE_DATA_DIR": str(folder), "CXCONSOLE_DATABASE_URL": "",
        "CXCONSOLE_DEMO": "0", "CXCONSOLE_LOG_LEVEL": "WARNING",
        **{f"CXCONSOLE_{name.upper()}": value for name, value in settings.items()},
    }  # fmt: skip
    begun = time.perf_counter()
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cxconsole", "run"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(process, url, folder)
        yield RunningConsole(
            url=url, process=psutil.Process(process.pid), started_in_seconds=time.perf_counter() - begun
        )
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/healthz", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.01)
    raise RuntimeError(f"the console did not start:\n{(folder / 'server.log').read_text()[-2000:]}")


def make_key(folder: Path, database_url: str = "") -> str:
    """A key for the REST API of this console."""
    command = [sys.executable, "-m", "cxconsole", "apikey", "create", "--name", "bench", "--scopes", "all"]
    environment = {**os.environ, "CXCONSOLE_DATA_DIR": str(folder), "CXCONSOLE_DATABASE_URL": database_url}
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real browser."""
    path = find_browser()
    assert path, HELP
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


class LightPages:
    """Open pages without a browser: each is a socket that says what a browser said, and reads what comes."""

    def __init__(self, url: str, hello: str) -> None:
        self._url = url.replace("http", "ws", 1)
        self._hello = hello
        self.received = 0

    async def run(self, count: int, ready: asyncio.Event) -> None:
        """Keep so many open until cancelled."""
        async with asyncio.TaskGroup() as group:
            opened = [asyncio.Event() for _ in range(count)]
            for one in opened:
                group.create_task(self._open(one))
            await asyncio.gather(*(one.wait() for one in opened))
            ready.set()

    async def _open(self, opened: asyncio.Event) -> None:
        token = str(uuid.uuid4())
        address = f"{self._url}/_event/?token={token}&EIO=4&transport=websocket"
        socket = await AioClient.connect(address, headers={"Origin": self._url.replace("ws", "http", 1)})
        try:
            while True:
                said = str(await socket.receive())
                self.received += said.startswith("42")
                if said.startswith("0"):
                    await socket.send(self._hello)
                elif said == "2":
                    await socket.send("3")
                elif said.startswith("40"):
                    opened.set()
        except ConnectionClosed:
            return
        finally:
            await socket.close()


def record_hello(browser: Browser, address: str) -> str:
    """What a real browser says first when it opens this page."""
    page = browser.new_page()
    said: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: said.append(str(frame))))
    page.goto(address)
    page.wait_for_timeout(1500)
    page.close()
    hello = next(one for one in said if one.startswith("40/_event"))
    json.loads(hello.partition(",")[2])
    return hello


def add_sending_campaign(
    application: Application, *, contacts: int, kind: str = "sandbox", settings: dict[str, object],
) -> int:  # fmt: skip
    """A campaign of made-up contacts with one mail step and a gateway of its own, ready to be published; its key."""
    campaign_id = seed_contacts(application, contacts)
    now = clock.now()
    with application.database.write() as session:
        gateway = Gateway(
            name="Bench", kind=kind, channel="email", settings=settings, created_at=now,
            updated_at=now,
        )  # fmt: skip
        template = Template(name="Bench", channel="email", created_at=now, updated_at=now)
        session.add_all([gateway, template])
        session.flush()
        version = TemplateVersion(
            template_id=template.id or 0, version=1, subject="For {{ first_name }}", html=MAIL, created_at=now
        )
        session.add(version)
        session.flush()
        template.current_version_id = version.id
        step = Step(id="s1", channel="email", template_id=template.id, gateway_id=gateway.id)
        session.add(Flow(campaign_id=campaign_id, version=1, graph=graph_of([step]), created_at=now))
        campaign = session.get_one(Campaign, campaign_id)
        campaign.flow_version = 1
    return campaign_id


def publish(application: Application, campaign_id: int) -> None:
    """Let it run; the engine of another process sees it at its next turn."""
    with application.database.write() as session:
        publish_campaign(session, campaign_id, actor=OPERATOR, now=clock.now())
