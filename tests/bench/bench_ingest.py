"""Ingest: 32 connections, events of 500 bytes, one a request and a hundred a request, on both databases.

`python tests/bench/bench_ingest.py [--seconds N] [--rounds N] [--database-url URL ...]`. The whole console takes them
(rights, persons, the registry, the Tape) and beside it, in turns within the same run, a bare group commit on the same
kind of server and database (`yardsticks/bare_ingest.py`). The client is the same for both and shares their processors.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench_import import new_database
from console import make_key, running_console
from harness import BENCH, ROOT, free_port, percentile, report, run_async

POSTGRES_URL = os.environ.get("CXCONSOLE_TEST_DATABASE_URL", "")
CONNECTIONS = 32
PERSONS = 20_000
_TAIL = (
    b'","dataContentType":"application/json","data":{"page":"/checkout/step/3","title":"Checkout","cart":{"items":3,'
    b'"total":129.5,"currency":"EUR"},"referrer":"https://shop.example/cart","session":"s-1234567890",'
    b'"agent":"Mozilla/5.0 (X11; Linux x86_64)"}}'
)


def make_body(events: int, number: int, *, step: int = 104729) -> bytes:
    """So many events of about 500 bytes, each with an id of its own, about persons that come again."""
    made = []
    for at in range(events):
        person = (number + at * step) % PERSONS
        made.append(
            b'{"specVersion":"1.0","id":"%s","source":"shop.web","type":"page.visited","person":"customer-%06d",'
            b'"time":"2026-05-19T09:00:00.000Z%s' % (str(uuid.uuid4()).encode(), person, _TAIL)
        )
    return made[0] if events == 1 else b"[" + b",".join(made) + b"]"


async def load(port: int, header: str, events: int, seconds: float) -> tuple[float, list[float]]:
    """Keep 32 connections busy: events a second, and the milliseconds of each request."""
    times: list[float] = []
    deadline = time.perf_counter() + seconds

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < deadline:
            body = make_body(events, number)
            number += 7919
            head = (
                f"POST /v1/journey/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {header}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            begun = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line[16:]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            rest = await reader.readexactly(length)
            times.append((time.perf_counter() - begun) * 1000)
            assert answer.startswith(b"HTTP/1.1 202"), answer + rest
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return len(times) * events / (time.perf_counter() - begun), times


async def introduce(port: int, header: str) -> None:
    """One event of each person, so that all are known: customers come again and again."""
    import httpx

    async with httpx.AsyncClient(headers={"Authorization": header, "Content-Type": "application/json"}) as client:
        for first in range(0, PERSONS, 1000):
            body = make_body(1000, first, step=1)
            (await client.post(f"http://127.0.0.1:{port}/v1/journey/events", content=body)).raise_for_status()


@contextmanager
def bare_server(url: str) -> Iterator[int]:
    """The yardstick; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, str(BENCH / "yardsticks" / "bare_ingest.py"), str(port), url], cwd=ROOT)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    """Until somebody listens."""
    import socket

    for _ in range(3_000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the server did not start")


def measure(url: str, seconds: float, rounds: int, folder: Path) -> None:
    """Both in turns, single and batched."""
    with new_database(folder, url) as database, new_database(folder, url) as beside:
        kind = "sqlite" if database.is_sqlite else "postgresql"
        key = make_key(folder, database.url)
        settings = {"database_url": database.url}
        with running_console(folder, **settings) as console, bare_server(beside.url) as bare_port:
            port = int(console.url.rpartition(":")[2])
            run_async(introduce(port, f"Bearer {key}"))
            for events in (1, 100):
                ours: list[float] = []
                bare: list[float] = []
                times: list[float] = []
                for warm in (port, bare_port):
                    run_async(load(warm, f"Bearer {key}", events, 1))
                for _ in range(rounds):
                    bare.append(run_async(load(bare_port, f"Bearer {key}", events, seconds))[0])
                    speed, more = run_async(load(port, f"Bearer {key}", events, seconds))
                    ours.append(speed)
                    times += more
                report(
                    "ingest", database=kind, events_per_request=events, events_per_second=median(ours),
                    bare_events_per_second=median(bare), ratio_to_bare=median(ours) / median(bare),
                    p50_ms=median(times), p99_ms=percentile(times, 0.99),
                    runs=[round(one) for one in ours], bare_runs=[round(one) for one in bare],
                    memory_mb=console.memory_mb(),
                )  # fmt: skip


def main() -> None:
    """Print one JSON line a database and size of request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database-url", action="append", default=[])
    options = parser.parse_args()
    for url in options.database_url or ["sqlite://", *([POSTGRES_URL] if POSTGRES_URL else [])]:
        with tempfile.TemporaryDirectory() as home:
            measure(url, options.seconds, options.rounds, Path(home))


if __name__ == "__main__":
    main()
