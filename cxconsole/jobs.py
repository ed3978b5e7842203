"""Named background work: each job drains one kind of row.

A signal makes a job prompt, the schedule is the safety net. A job that fails is logged, counted
and tried again at its next turn; it never takes the others with it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlmodel import Session

from cxconsole import clock
from cxconsole.database import Database
from cxconsole.signals import Signals, topics
from models.system import JobRun, SystemFlag

log = logging.getLogger("cxconsole.jobs")

Drain = Callable[..., int]
HasWork = Callable[[Session, datetime], bool]


@dataclass(frozen=True, kw_only=True)
class Job:
    """`drain(session, *, now, limit) -> count` in one write transaction; called again while it fills its limit."""

    name: str
    drain: Drain
    every_seconds: float
    limit: int = 500
    wakes_on: Sequence[str] = (topics.WORK,)
    has_work: HasWork | None = None
    """A cheap look beforehand, so that an idle job does not queue for the right to write; may err towards yes."""
    announces: Sequence[str] = ()
    """Topics that are published when it did something."""


class JobRunner:
    """Runs jobs on the running event loop; their database work goes to threads."""

    def __init__(self, jobs: Sequence[Job], *, database: Database, signals: Signals) -> None:
        self._jobs = jobs
        self._database = database
        self._signals = signals

    async def run(self) -> None:
        """Run until cancelled."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        wake = {job.name: asyncio.Event() for job in self._jobs}
        for job in self._jobs:
            scheduler.add_job(
                _wake, "interval", args=(wake[job.name],), seconds=job.every_seconds, id=job.name,
                misfire_grace_time=None, coalesce=True,  # late is not missed, and once is enough
            )  # fmt: skip
        scheduler.start()
        try:
            async with asyncio.TaskGroup() as group:
                for job in self._jobs:
                    group.create_task(self._follow_signals(job, wake[job.name]))
                    group.create_task(self._follow_job(job, wake[job.name]))
        finally:
            scheduler.shutdown(wait=False)

    async def _follow_signals(self, job: Job, wake: asyncio.Event) -> None:
        with self._signals.subscribe(*job.wakes_on) as signal:
            while True:
                await signal.wait()
                wake.set()

    async def _follow_job(self, job: Job, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            try:
                count = await asyncio.to_thread(self.run_once, job)
            except Exception:
                log.exception("action=job_failed job=%s", job.name)
                await asyncio.sleep(1)
                continue
            if count < job.limit:
                await wake.wait()

    def run_once(self, job: Job) -> int:
        """One turn of one job; the count of what it drained. A paused job drains nothing."""
        now = clock.now()
        with self._database.read() as session:
            record = session.get(JobRun, job.name)
            if record is not None and record.paused:
                return 0
            if job.has_work is not None and not job.has_work(session, now):
                return 0
        try:
            with self._database.write() as session:
                count = job.drain(session, now=now, limit=job.limit)
                if count:
                    _note(session, job.name, now=now, count=count)
        except Exception as error:
            with self._database.write() as session:
                _note(session, job.name, now=now, count=0, error=type(error).__name__)
            raise
        if count:
            self._signals.publish(*job.announces)
        return count


_BEAT = "engine_beat"
_ALIVE_FOR = timedelta(seconds=60)
"""Several beats long, so that an engine that waits for its turn to write is not taken for dead."""


def beat(session: Session, *, now: datetime, limit: int) -> int:
    """A job of its own: says that the engine lives. Nothing is drained."""
    del limit
    session.merge(SystemFlag(name=_BEAT, updated_at=now))
    return 0


def engine_is_alive(session: Session, *, now: datetime) -> bool:
    """Whether an engine, here or in a worker elsewhere, has run its jobs within the last minute."""
    flag = session.get(SystemFlag, _BEAT)
    return flag is not None and flag.updated_at > now - _ALIVE_FOR


async def _wake(event: asyncio.Event) -> None:
    """A coroutine, so that the scheduler runs it on the loop: an event must not be set from another thread."""
    event.set()


def _note(session: Session, name: str, *, now: datetime, count: int, error: str | None = None) -> None:
    record = session.get(JobRun, name) or JobRun(name=name)
    record.last_run_at, record.last_count = now, count
    record.runs += 1
    if error:
        record.errors += 1
        record.last_error = error
    session.add(record)
