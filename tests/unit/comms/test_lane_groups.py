"""How many messages a lane marks at once."""

import asyncio
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

from cxconsole.comms.lane import Lane
from cxconsole.comms.outbox import Turn

WORKERS = 10
TURNS = 8


class BusyOutbox:
    """Has always more to send, and a database that others keep busy: each turn takes a while."""

    def __init__(self) -> None:
        self.wanted: list[int] = []
        self.is_done = threading.Event()

    def has_due(self, _now: Any) -> bool:
        return True

    def take_turn(self, _results: Any, _news: Any, *, want: int, held: Any, now: Any) -> Turn:
        time.sleep(0.45)
        if want:
            self.wanted.append(want)
        if len(self.wanted) == TURNS:
            self.is_done.set()
        first = len(self.wanted) * 10_000
        return Turn(
            messages=[
                SimpleNamespace(id=first + at, template_version_id=1, attempts=1)  # type: ignore[misc]
                for at in range(want)
            ]
        )


class QuickGateway:
    """Takes ten messages in about two milliseconds."""

    concurrency = WORKERS

    async def send(self, _message: Any) -> Any:
        await asyncio.sleep(0.002)
        return SimpleNamespace(provider_id="x")

    async def close(self) -> None:
        return None


class NoDatabase:
    """Nothing is read from it."""

    def read(self) -> AbstractContextManager[None]:
        return nullcontext()


async def run_lane() -> list[int]:
    outbox = BusyOutbox()
    composer = SimpleNamespace(compose=lambda message: message, prepare=lambda session, versions: None)
    lane = Lane(
        QuickGateway(),  # type: ignore[arg-type]
        gateway_id=1,
        outbox=outbox,  # type: ignore[arg-type]
        composer=composer,  # type: ignore[arg-type]
        gate=SimpleNamespace(paused=False, allows=lambda message: True),  # type: ignore[arg-type]
        database=NoDatabase(),  # type: ignore[arg-type]
        signals=SimpleNamespace(publish=lambda *topics: None),  # type: ignore[arg-type]
    )
    running = asyncio.create_task(lane.run())
    await asyncio.to_thread(outbox.is_done.wait, 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return outbox.wanted


def test_turns_that_wait_for_the_database_do_not_make_groups_smaller():
    wanted = asyncio.run(run_lane())
    assert wanted[0] == 2 * WORKERS, "the pace is not known yet"
    assert wanted[-1] > 10 * WORKERS, wanted
