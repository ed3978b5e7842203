"""From an event being sent to the agent's screen, in a real browser, with many streams open; and the soak.

`python tests/bench/bench_streams.py [--streams N] [--rate N] [--seconds N]`. Events come at a steady rate about as
many customers as there are streams; each stream follows one of them and must get every event once and in order,
however it was sent. An agent looks at one customer more; the time begins when that customer's event is sent and ends
with the frame in which it is painted. The soak is `--streams 200 --rate 1000 --seconds 600`: memory must stay flat.
"""

import argparse
import asyncio
import json
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from console import RunningConsole, chromium, make_key, prepare, running_console
from harness import report, run_async, spread
from playwright.sync_api import Page

LIMIT_P95_MS = 250
TICK_SECONDS = 0.02
LOOKED_AT = "agent-customer"
LOOKED_AT_EVERY_SECONDS = 0.25
WATCH = """
() => {
  window.seen = {};
  const look = () => {
    for (const row of document.querySelectorAll('.cx-timeline > li')) {
      const number = /n: (\\d+)/.exec(row.textContent);  // innerText is empty until the row is laid out
      if (number && !(number[1] in window.seen)) {
        window.seen[number[1]] = 0;
        const note = () => { window.seen[number[1]] = performance.timeOrigin + performance.now(); };
        requestAnimationFrame(() => requestAnimationFrame(note));
      }
    }
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""


@dataclass
class Load:
    """What is sent, what the streams have got, and what went wrong."""

    port: int
    key: str
    streams: int
    rate: int
    sent: list[int] = field(default_factory=list)
    got: list[int] = field(default_factory=list)
    lost: int = 0
    looked_at: dict[int, float] = field(default_factory=dict)
    """When each event about the customer on the agent's screen was sent, in milliseconds since 1970."""
    is_open: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    async def run(self) -> None:
        """Open all streams, send until told to stop, and wait until all has come."""
        self.sent, self.got = [0] * self.streams, [0] * self.streams
        poster = await Poster.connect(self.port, self.key)
        await poster.post([make_event(f"customer-{number}", 0) for number in range(self.streams)])
        await poster.post([make_event(LOOKED_AT, 0)])
        async with asyncio.TaskGroup() as group:
            opened = [asyncio.Event() for _ in range(self.streams)]
            readers = [group.create_task(self._read(number, one)) for number, one in enumerate(opened)]
            for one in opened:
                await one.wait()
            self.is_open.set()
            await asyncio.gather(self._send(poster), self._send_looked_at())
            deadline = time.monotonic() + 30
            while self.got != self.sent and time.monotonic() < deadline:  # noqa: ASYNC110 - it comes over the wire
                await asyncio.sleep(0.05)
            for one in readers:
                one.cancel()

    async def _send(self, poster: "Poster") -> None:
        begun, count, number = time.perf_counter(), 0, 0
        while not self.stop.is_set():
            due = int((time.perf_counter() - begun) * self.rate) - count
            batch = []
            for _ in range(min(due, 1_000)):
                number = (number + 1) % self.streams
                self.sent[number] += 1
                batch.append(make_event(f"customer-{number}", self.sent[number]))
            if batch:
                await poster.post(batch)
            count += len(batch)
            await asyncio.sleep(TICK_SECONDS)

    async def _send_looked_at(self) -> None:
        poster, number = await Poster.connect(self.port, self.key), 0
        while not self.stop.is_set():
            number += 1
            self.looked_at[number] = time.time() * 1000
            await poster.post([make_event(LOOKED_AT, number)])
            await asyncio.sleep(LOOKED_AT_EVERY_SECONDS)

    async def _read(self, number: int, opened: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        writer.write(
            f"GET /v1/journey/streams/customer-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {self.key}\r\n\r\n".encode()
        )
        status = await reader.readline()
        assert status.startswith(b"HTTP/1.1 200"), status + await reader.read(1000)
        while line := await reader.readline():
            if line.startswith(b"retry:"):
                opened.set()
            elif line.startswith(b"data: "):
                came = json.loads(line[6:])["data"]["n"]
                self.lost += came != self.got[number] + 1
                self.got[number] = came
        raise ConnectionError(f"stream {number} ended")


@dataclass
class Poster:
    """One kept connection that sends events."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str

    @classmethod
    async def connect(cls, port: int, key: str) -> "Poster":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = (
            "POST /v1/journey/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\n"
        )
        return cls(reader, writer, head)

    async def post(self, events: list[dict]) -> None:
        """Send them; they are on the Tape when this returns."""
        body = json.dumps(events).encode()
        self.writer.write(f"{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        lines = answer.lower().split(b"\r\n")
        rest = await self.reader.readexactly(
            next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
        )
        assert answer.startswith(b"HTTP/1.1 202"), answer + rest


def make_event(person: str, number: int) -> dict:
    """An event of about 500 bytes that tells its number among those of the person."""
    data = {
        "n": number,
        "page": "/checkout/step/3",
        "title": "Checkout",
        "referrer": "https://shop.example/" + "x" * 150,
    }
    return {
        "specVersion": "1.0", "id": str(uuid.uuid4()), "source": "shop.web", "type": "page.visited", "person": person,
        "dataContentType": "application/json", "data": data,
    }  # fmt: skip


def watch(page: Page, console: RunningConsole, seconds: float, load: Load) -> tuple[list[float], dict[str, list[int]]]:
    """Milliseconds to the screen of each event, and the server's memory in MB each tenth of the time."""
    page.goto(f"{console.url}/live?identity={LOOKED_AT}")
    page.locator(".cx-timeline > li").first.wait_for()
    page.evaluate(WATCH)
    memory: dict[str, list[int]] = {"memory_mb": [], "memory_with_mapped_files_mb": []}
    for _ in range(10):
        page.wait_for_timeout(seconds * 100)
        memory["memory_mb"].append(round(console.own_memory_mb()))
        memory["memory_with_mapped_files_mb"].append(round(console.memory_mb()))
    seen = page.evaluate("window.seen")
    first = min(map(int, seen), default=0)
    missed = [
        number for number in load.looked_at if first < number < len(load.looked_at) - 8 and str(number) not in seen
    ]
    assert not missed, f"never on the screen: {missed}"
    return [at - load.looked_at[int(number)] for number, at in seen.items() if at and int(number)], memory


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """Run it beside the browser."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        prepare(folder).database.dispose()
        key = make_key(folder)
        with running_console(folder) as console:
            load = Load(port=int(console.url.rpartition(":")[2]), key=key, streams=given.streams, rate=given.rate)
            thread = in_thread(lambda: run_async(load.run()))
            try:
                assert load.is_open.wait(60), "the streams did not open"
                cpu, begun = console.cpu_seconds(), time.monotonic()
                times, memory = watch(browser.new_page(), console, given.seconds, load)
                cpu = (console.cpu_seconds() - cpu) / (time.monotonic() - begun)
            finally:
                load.stop.set()
                thread.join(60)
        found = spread(times)
        report(
            "streams", streams=given.streams, events=sum(load.sent), asked_a_second=given.rate,
            sent_a_second=sum(load.sent) / given.seconds, received=sum(load.got), out_of_order_or_lost=load.lost,
            missing=sum(load.sent) - sum(load.got), to_screen=found, limit_p95_ms=LIMIT_P95_MS,
            ratio_to_limit=found["p95_ms"] / LIMIT_P95_MS, **memory, cpu_cores=cpu,
        )  # fmt: skip


if __name__ == "__main__":
    main()
