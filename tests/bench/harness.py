"""What the benches share: one JSON line a result, a mail server that swallows all, data to import."""

import asyncio
import csv
import json
import os
import platform
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BENCH = Path(__file__).resolve().parent
for folder in (ROOT, BENCH):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def report(bench: str, **figures: Any) -> dict[str, Any]:
    """Print one result as one JSON line, numbers cut to what can be meant; the result again."""
    line = {"bench": bench} | {name: _short(value) for name, value in figures.items()}
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return line


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3 if abs(value) < 10 else 1)
    return value


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and the greatest, for times in milliseconds."""
    return {"p50_ms": median(values), "p95_ms": percentile(values, 0.95), "max_ms": max(values), "n": len(values)}


def timed(work: Callable[[], Any]) -> float:
    """Seconds that it took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def mail_sink(*, port: int | None = None) -> Iterator[int]:
    """A server in a process of its own that takes every mail and forgets it; its port."""
    port = port or free_port()
    found = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    command = [sys.executable, str(BENCH / "sink.py"), str(port)]
    if found:
        command = [found, *(("-u", "nobody") if os.geteuid() == 0 else ()), f"127.0.0.1:{port}", "512"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpus = len(os.sched_getaffinity(0))
    return {"cpus": cpus, "python": platform.python_version(), "system": platform.system()}


FAR = 2000  # rows between the two of one person: peers that write in batches cannot take both in one
COLUMNS = ("email", "phone", "customer_id", "first_name", "last_name", "city")


def write_contacts_csv(path: Path, rows: int, *, seed: int = 7, start: int = 0, shuffled: bool = True) -> Path:
    """`rows` contacts in random order: 6 columns, 1 % that cannot be used, 1 % that name a person again."""
    rng = random.Random(seed)
    numbers = list(range(start, start + rows))
    if shuffled:
        rng.shuffle(numbers)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for place, number in enumerate(numbers):
            if place % 100 == 50 and place > FAR:
                number = numbers[place - rng.randrange(FAR, place)]
            email = f"person{number}@mail{number % 50}.example"
            phone = f"+1{201 + number // 10**7 % 700:03d}{number % 10**7:07d}"
            if place % 100 == 0:
                email, phone = f"person{number}@@mail", "not a number"
            known = "" if place % 100 == 0 else f"C{number:09d}"
            writer.writerow(
                (email, phone, known, f"First{number % 997}", f"Last{number % 4999}", f"Town{number % 301}")
            )
    return path


def run_async(work: Any) -> Any:
    """On uvloop, as the engine does."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
