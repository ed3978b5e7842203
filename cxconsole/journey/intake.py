"""The way in for events of others: requests put theirs into a buffer, one writer commits all that waits.

A commit costs about the same for one event as for a thousand, so the writer takes everything there is as soon as
it is free. Who sent an event is answered after its commit. Nothing waits on a clock: under light load an event is
committed at once, under heavy load the commits grow.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlmodel import Session

from cxconsole import clock
from cxconsole.database import Database
from cxconsole.errors import CxError, TooMany
from cxconsole.journey.cloud_event import GivenEvent
from cxconsole.journey.recording import Recogniser, record_events
from cxconsole.journey.registry import Registry
from cxconsole.journey.sources import SourceRules, Verdict, set_aside
from cxconsole.signals import Signals, topics

log = logging.getLogger("cxconsole.journey")

MOST_WAITING = 20_000
MOST_WAITING_BYTES = 64 * 1024 * 1024
_MOST_PER_COMMIT = 2_000
_TRIES = 3
_PAUSE_SECONDS = 0.05

Write = Callable[[], AbstractContextManager[Session]]


class Unavailable(CxError):
    """The events could not be stored now; nothing of the request was."""

    status = 503
    title = "Not now"


@dataclass(eq=False, slots=True)
class _Submission:
    """What one request brought, and who waits for it."""

    events: Sequence[GivenEvent]
    actor: str
    size: int
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[list[Verdict]]"


class Intake:
    """The buffer and its writer, one per process."""

    def __init__(self, database: Database, signals: Signals, recognise: Recogniser) -> None:
        self._database = database
        self._signals = signals
        self._recognise = recognise
        self._lock = threading.Condition()  # told when something comes
        self._waiting: deque[_Submission] = deque()
        self._events = self._bytes = 0
        self._is_writing = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self._rules = SourceRules()
        self._registry = Registry()

    async def submit(self, events: Sequence[GivenEvent], *, actor: str) -> list[Verdict]:
        """Store events; what became of each, once that is committed.

        Raises TooMany when more waits than the writer can follow, Unavailable when the database does not take it.
        """
        if not events:
            return []
        loop = asyncio.get_running_loop()
        size = sum(len(event.text) for event in events)
        submission = _Submission(events, actor, size, loop, loop.create_future())
        with self._lock:
            if self._events + len(events) > MOST_WAITING or self._bytes + size > MOST_WAITING_BYTES:
                raise TooMany("More events come than can be stored. Send them again later.", retry_after_seconds=1)
            self._waiting.append(submission)
            self._events += len(events)
            self._bytes += size
            starts, self._is_writing = not self._is_writing, True
            self._lock.notify()
        if starts:
            self._writer.submit(self._write_all)
        return await submission.answer

    @property
    def waiting(self) -> int:
        """Events that came in and are not written yet, but for those of the commit that runs."""
        return self._events

    def forget_rules(self) -> None:
        """Somebody changed the rules of a source here: heed them from the next commit on."""
        self._rules.forget()

    def close(self) -> None:
        """Wait until everything that came in is written; nothing can be submitted any more."""
        self._writer.shutdown()

    def _write_all(self) -> None:
        while batch := self._take():
            try:
                with self._database.keep_writing() as write:
                    while batch:
                        self._write(batch, write)
                        self._catch_up(write)
                        batch = self._take()
            except Exception:  # whatever it is, nobody may wait for ever
                log.exception("action=intake_failed")
                _answer((one, Unavailable("The events could not be stored.")) for one in batch)

    def _take(self) -> list[_Submission]:
        """All that waits, up to what one commit may hold; empty when there is nothing and the writer rests."""
        batch: list[_Submission] = []
        with self._lock:
            count = 0
            while self._waiting and (not batch or count + len(self._waiting[0].events) <= _MOST_PER_COMMIT):
                one = self._waiting.popleft()
                batch.append(one)
                count += len(one.events)
                self._bytes -= one.size
            self._events -= count
            self._is_writing = bool(batch)
        return batch

    def _catch_up(self, write: Write) -> None:
        """When nothing comes for a moment, write what the registry has counted and not written yet."""
        if self._waiting or not self._registry.is_behind:
            return
        with self._lock:
            if self._lock.wait_for(lambda: self._waiting, _PAUSE_SECONDS):
                return
        now = clock.now()
        with write() as session:
            self._registry.write(session, now=now)
        self._registry.settle(now)

    def _write(self, batch: list[_Submission], write: Write) -> None:
        for left in reversed(range(_TRIES)):
            try:
                verdicts = self._commit(batch, write)
            except DBAPIError as error:
                collided = isinstance(error, IntegrityError | OperationalError)
                if collided and left:
                    continue  # another process made the same person or met us in a lock: look again
                if len(batch) > 1 and not isinstance(error, OperationalError):
                    for one in batch:  # one of them is the reason; the others need not suffer
                        self._write([one], write)
                    return
                said = str(error.orig).partition("\n")[0]  # below it PostgreSQL quotes the row
                log.warning("action=intake_refused %s", said)
                _answer((one, Unavailable("The database did not take the events.")) for one in batch)
                return
            self._signals.publish(topics.TAPE)
            _answer(zip(batch, _parts(verdicts, batch), strict=True))
            return

    def _commit(self, batch: list[_Submission], write: Write) -> list[Verdict]:
        now = clock.now()
        events = [event for one in batch for event in one.events]
        actors = [one.actor for one in batch for _ in one.events]
        new: list[GivenEvent] = []
        try:
            with write() as session:
                verdicts = self._rules.judge(session, events, now=now)
                good = [at for at, verdict in enumerate(verdicts) if verdict is Verdict.ACCEPTED]
                if len(good) < len(events):
                    aside = [event for event, verdict in zip(events, verdicts, strict=True) if verdict is _ASIDE]
                    set_aside(session, aside, now=now)
                    events, actors = [events[at] for at in good], [actors[at] for at in good]
                is_new = record_events(session, events, actors, recognise=self._recognise, now=now)
                new = [event for event, fresh in zip(events, is_new, strict=True) if fresh]
                self._registry.note(new)
                writes_registry = self._registry.is_due(now)
                if writes_registry:
                    self._registry.write(session, now=now)
        except Exception:
            self._registry.take_back(new)
            self._rules.forget()
            raise
        if writes_registry:
            self._registry.settle(now)
        for at, fresh in zip(good, is_new, strict=True):
            if not fresh:
                verdicts[at] = Verdict.DUPLICATE
        return verdicts


_ASIDE = Verdict.QUARANTINED


def _parts(verdicts: list[Verdict], batch: Iterable[_Submission]) -> Iterable[list[Verdict]]:
    at = 0
    for one in batch:
        yield verdicts[at : at + len(one.events)]
        at += len(one.events)


def _answer(told: Iterable[tuple[_Submission, Any]]) -> None:
    """Tell those who wait; one call for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for submission, result in told:
        by_loop.setdefault(submission.loop, []).append((submission.answer, result))
    for loop, answers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: Iterable[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in answers:
        if future.done():  # who asked has gone
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


__all__ = ["Intake", "Unavailable"]
