"""Yardstick: how fast aiosmtplib alone hands ready-made bytes to a server, over 10 kept connections."""

import asyncio
import sys
import time
from pathlib import Path

import aiosmtplib

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import mail_sink, report, run_async

SIZE = 5000


def ready_made(size: int = SIZE) -> bytes:
    """A mail of this many bytes."""
    head = b"From: a@sender.example\r\nTo: b@mail.example\r\nSubject: Ready made\r\nMIME-Version: 1.0\r\n\r\n"
    line = b"x" * 76 + b"\r\n"
    return head + line * ((size - len(head)) // len(line))


async def _send_all(port: int, count: int, connections: int) -> float:
    left = iter(range(count))
    body = ready_made()

    async def worker() -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False)
        await client.connect()
        for number in left:
            await client.sendmail("a@sender.example", [f"p{number}@mail.example"], body)
        await client.quit()

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return time.perf_counter() - begun


def measure(port: int, *, count: int = 20_000, connections: int = 10) -> float:
    """Messages a second."""
    return count / run_async(_send_all(port, count, connections))


if __name__ == "__main__":
    with mail_sink() as sink:
        report("yardstick_raw_smtp", messages=20_000, messages_per_second=measure(sink))
