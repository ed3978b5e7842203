"""Whatever was answered 202 is on the Tape, once, however often the server is killed."""

import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlmodel import select

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.keys import create_key
from models.event import Event
from tests.integration.engine.world import free_port

ROOT = Path(__file__).parents[3]
SERVE = """
import asyncio, sys
from cxconsole.api.journey.routes import build_journey
from cxconsole.bootstrap import get_application
from cxconsole.serve import build_server

server = build_server(build_journey(get_application()), host="127.0.0.1", port=int(sys.argv[1]))
asyncio.run(server.serve())
"""
CLIENTS, KILLS = 6, 5


@contextmanager
def server(url: str, data_dir: Path, port: int):
    """A real server that takes events; it is killed in the end."""
    environment = {**os.environ, "CXCONSOLE_DATABASE_URL": url, "CXCONSOLE_DATA_DIR": str(data_dir)}
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Sender(threading.Thread):
    """Sends events, some alone and some in batches, and sends again what was not answered."""

    def __init__(self, port: int, key: str, seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.sent: set[str] = set()
        self.answered: set[str] = set()
        self.unanswered = 0
        self._url = f"http://127.0.0.1:{port}/v1/journey/events"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._dice = random.Random(seed)
        self._stop_asked = stop

    def run(self) -> None:
        with httpx.Client(headers=self._headers, timeout=10) as client:
            while not self._stop_asked.is_set():
                batch = [self._event() for _ in range(self._dice.choice((1, 1, 20)))]
                ids = {one["id"] for one in batch}
                self.sent |= ids
                while not self._is_taken(client, batch):
                    if self._stop_asked.is_set():
                        return
                    self.unanswered += 1
                    time.sleep(0.02)
                self.answered |= ids

    def _is_taken(self, client: httpx.Client, batch: list[dict]) -> bool:
        try:
            return client.post(self._url, json=batch if len(batch) > 1 else batch[0]).status_code == 202
        except httpx.TransportError:
            return False

    def _event(self) -> dict:
        return {
            "specVersion": "1.0", "id": str(uuid.uuid4()), "source": "till", "type": "sale.made",
            "person": f"customer-{self._dice.randrange(200)}", "data": {"total": self._dice.random()},
        }  # fmt: skip


def wait_until_taken(senders: list[Sender], more: int) -> None:
    """Until so many further events were answered."""
    before = sum(len(one.answered) for one in senders)
    deadline = time.monotonic() + 30
    while sum(len(one.answered) for one in senders) < before + more:
        assert time.monotonic() < deadline, "the server takes nothing"
        time.sleep(0.005)


def test_five_kills_lose_nothing_that_was_answered_and_store_nothing_twice(database, database_url, tmp_path):
    with database.write() as session:
        _, key = create_key(session, "till", scopes=("events.write",), actor=OPERATOR, now=clock.now())
    port, stop, seed = free_port(), threading.Event(), random.randrange(10**6)
    senders = [Sender(port, key, seed + number, stop) for number in range(CLIENTS)]
    dice = random.Random(seed)
    for number in range(KILLS + 1):
        with server(database_url, tmp_path, port):
            if not number:
                for sender in senders:
                    sender.start()
            wait_until_taken(senders, 50)
            time.sleep(dice.uniform(0.0, 0.1))
            if number == KILLS:  # in peace: what is under way is answered
                stop.set()
                for sender in senders:
                    sender.join(20)
    with database.read() as session:
        stored = Counter(session.exec(select(Event.event_id).where(Event.source == "till")))
    answered = set().union(*(one.answered for one in senders))
    assert sum(one.unanswered for one in senders) >= KILLS, "the kills met nobody"
    assert answered <= stored.keys() <= set().union(*(one.sent for one in senders)), f"seed {seed}"
    assert set(stored.values()) == {1}, f"seed {seed}"
