"""Mail: from Publish to the last row written, personalised, through the whole pipeline, beside the raw loop.

`python tests/bench/bench_mail.py [--messages N] [--large N] [--worker]`. On SQLite, and on PostgreSQL when
CXCONSOLE_TEST_DATABASE_URL is set. The console serves pages to a light client meanwhile; with `--worker`
only the engine runs. Yardsticks run in the same minute against the same sink.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from types import SimpleNamespace

import psutil
from harness import BENCH, ROOT, free_port, mail_sink, report, spread
from offer import HTML, SUBJECT, TEXT
from sqlalchemy import func, text
from sqlalchemy.engine import make_url
from sqlmodel import select
from yardsticks import raw_smtp

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.flow import set_steps
from cxconsole.campaigns.lifecycle import publish_campaign
from cxconsole.comms.templates import create_template
from cxconsole.database import Database
from cxconsole.demo.load import seed_contacts
from models.campaign import CampaignProgress
from models.gateway import Gateway
from models.migrate import migrate
from models.person import PersonSearchQueue

POSTGRES_URL = os.environ.get("CXCONSOLE_TEST_DATABASE_URL", "")


@contextmanager
def fresh_database(backend: str) -> Iterator[str]:
    """The URL of an empty, migrated database that goes when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        if backend == "sqlite":
            url = f"sqlite:///{folder}/cxconsole.db"
            migrate_once(url)
            yield url
            return
        name = f"cxconsole_bench_{uuid.uuid4().hex[:8]}"
        admin = Database(POSTGRES_URL).reader.execution_options(isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url = make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
        try:
            migrate_once(url)
            yield url
        finally:
            with admin.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def migrate_once(url: str) -> None:
    """Bring it to the newest schema."""
    database = Database(url)
    migrate(database)
    database.dispose()


def prepare(database: Database, *, messages: int, port: int) -> int:
    """Persons, contacts, a template and a gateway; the campaign's key, ready to be published."""
    campaign_id = seed_contacts(SimpleNamespace(database=database), messages)
    now = clock.now()
    settings = {
        "host": "127.0.0.1", "port": port, "tls": "none", "sender": "Acme <hello@acme.example>", "connections": 10,
    }  # fmt: skip
    with database.write() as session:
        gateway = Gateway(
            name="Sink", kind="smtp", channel="email", settings=settings, created_at=now, updated_at=now,
            tested_at=now, test_passed=True,
        )  # fmt: skip
        session.add(gateway)
        session.flush()
        data = {
            "name": "Offer", "channel": "email", "subject": SUBJECT, "html": HTML, "text": TEXT,
        }  # fmt: skip
        template = create_template(session, data, actor=OPERATOR, now=now)
        step = {"channel": "email", "template_id": template.id, "gateway_id": gateway.id}
        set_steps(session, campaign_id, [step], actor=OPERATOR, now=now)
    return campaign_id


@contextmanager
def console(url: str, *, worker: bool) -> Iterator[tuple[psutil.Process, int]]:
    """The console as people start it, or the engine alone; its process and port."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = {
            **os.environ, "CXCONSOLE_DATABASE_URL": url, "CXCONSOLE_DATA_DIR": folder, "CXCONSOLE_DEMO": "0",
            "CXCONSOLE_PORT": str(port), "CXCONSOLE_LOG_LEVEL": "WARNING",
        }  # fmt: skip
        command = [sys.executable, "-m", "cxconsole", "worker" if worker else "run"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            if worker:
                time.sleep(2)
            else:
                wait_for_page(f"http://127.0.0.1:{port}/healthz", seconds=600)
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()
            process.wait(20)


def wait_for_page(url: str, *, seconds: float) -> None:
    """Until it answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            fetch(url)
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def fetch(url: str) -> float:
    """Milliseconds of one GET."""
    begun = time.perf_counter()
    with urllib.request.urlopen(url, timeout=10) as answer:
        answer.read()
    return (time.perf_counter() - begun) * 1000


class Watch:
    """Beside the run: fetches a page five times a second, and notes the memory."""

    def __init__(self, process: psutil.Process, page: str | None) -> None:
        self.times: list[float] = []
        self.memory: list[float] = []
        self._process, self._page = process, page
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            self.memory.append(self._process.memory_info().rss / 2**20)
            if self._page:
                self.times.append(fetch(self._page))

    def end(self) -> None:
        self._stop.set()
        self._thread.join()


def wait_until_quiet(database: Database) -> None:
    """Until the new persons are in the search index: that is the work of the import, not of the mail."""
    while True:
        with database.read() as session:
            if session.exec(select(func.count()).select_from(PersonSearchQueue)).one() == 0:
                return
        time.sleep(0.2)


def run(url: str, *, messages: int, port: int, worker: bool) -> dict[str, float]:
    """One campaign; its figures."""
    database = Database(url)
    campaign_id = prepare(database, messages=messages, port=port)
    with console(url, worker=worker) as (process, web):
        wait_until_quiet(database)
        watch = Watch(process, None if worker else f"http://127.0.0.1:{web}/healthz")
        before = process.cpu_times()
        begun = time.perf_counter()
        with database.write() as session:
            publish_campaign(session, campaign_id, actor=OPERATOR, now=clock.now())
        first = None
        while True:
            with database.read() as session:
                progress = session.get(CampaignProgress, campaign_id)
                assert progress is not None
            first = first or (progress.completed and time.perf_counter() - begun) or None
            if progress.completed + progress.failed + progress.suppressed >= messages:
                break
            time.sleep(0.05)
        spent = time.perf_counter() - begun
        after = process.cpu_times()
        watch.end()
    assert progress.completed == messages, f"{progress.completed} of {messages} were completed"
    database.dispose()
    quarter = max(1, len(watch.memory) // 4)
    figures = {
        "messages": messages, "messages_per_second": messages / spent, "first_seconds": first or spent,
        "cpu_ms_per_message": (after.user + after.system - before.user - before.system) * 1000 / messages,
        "memory_mb": max(watch.memory),
        "memory_grew_mb": median(watch.memory[-quarter:]) - median(watch.memory[:quarter]),
    }  # fmt: skip
    return figures | {f"page_{name}": value for name, value in (spread(watch.times) if watch.times else {}).items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=200_000)
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--backends", default="sqlite,postgresql" if POSTGRES_URL else "sqlite")
    given = parser.parse_args()
    for backend in given.backends.split(","):
        with mail_sink() as port:
            small = measure_small(backend, port, given.messages, worker=given.worker)
            if given.large:
                measure_large(backend, port, given.large, small, worker=given.worker)


def measure_small(backend: str, port: int, messages: int, *, worker: bool) -> dict[str, float]:
    """The campaign of the promise, with the yardsticks before and after it, because machines vary."""
    before, raw_cpu = measure_raw(port, messages)
    with fresh_database(backend) as url:
        figures = run(url, messages=messages, port=port, worker=worker)
    raw = (before + measure_raw(port, messages)[0]) / 2
    rate = figures["messages_per_second"]
    compared = {"raw_smtp_per_second": raw, "ratio_to_raw": rate / raw, "raw_smtp_cpu_ms_per_message": raw_cpu}
    peer = measure_post_office(port) if backend == "sqlite" else None
    if peer:
        compared |= {"post_office_per_second": peer, "ratio_to_post_office": rate / peer}
    report("mail", database=backend, **figures, **compared)
    return figures


def measure_large(backend: str, port: int, messages: int, small: dict[str, float], *, worker: bool) -> None:
    """Ten times as many: what one message costs against the small run."""
    with fresh_database(backend) as url:
        large = run(url, messages=messages, port=port, worker=worker)
    cost = small["messages_per_second"] / large["messages_per_second"]
    cpu = large["cpu_ms_per_message"] / small["cpu_ms_per_message"]
    report("mail_large", database=backend, **large, cost_against_small=cost, cpu_against_small=cpu)


def measure_raw(port: int, count: int) -> tuple[float, float]:
    """Messages a second of the raw loop, and its milliseconds of CPU a message."""
    begun = time.process_time()
    rate = raw_smtp.measure(port, count=count)
    return rate, (time.process_time() - begun) * 1000 / count


def measure_post_office(port: int) -> float | None:
    """Messages a second of django-post_office in a process of its own; None when it is not installed."""
    code = f"from yardsticks.django_post_office import measure; print(measure({port}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=BENCH, capture_output=True, text=True)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


if __name__ == "__main__":
    main()
