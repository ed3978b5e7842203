"""The jobs as operators see and steer them. A pause holds for every process that runs jobs."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Conflict, NotFound
from cxconsole.jobs import Job
from models.system import JobRun

log = logging.getLogger("cxconsole.jobs")


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job and how it fares. `picked_up` is what its last turn drained."""

    name: str
    paused: bool
    every_seconds: float
    last_run_at: datetime | None
    picked_up: int
    runs: int
    errors: int
    last_error: str | None


def list_jobs(session: Session, jobs: Sequence[Job], *, actor: Actor) -> list[JobView]:
    """All jobs, in the order of the pipeline."""
    actor.require("jobs.read")
    records = {one.name: one for one in session.exec(select(JobRun)).all()}
    return [_view(job, records.get(job.name)) for job in jobs]


def set_job_paused(session: Session, jobs: Sequence[Job], name: str, *, paused: bool, actor: Actor) -> JobView:
    """Pause a job or let it go on; doing it twice changes nothing. Raises NotFound."""
    actor.require("jobs.edit")
    job = find_job(jobs, name)
    record = session.get(JobRun, name, with_for_update=True) or JobRun(name=name)
    record.paused = paused
    session.add(record)
    session.flush()
    log.info("action=%s job=%s actor=%s", "job_paused" if paused else "job_resumed", name, actor.name)
    return _view(job, record)


def check_runnable(session: Session, jobs: Sequence[Job], name: str, *, actor: Actor) -> Job:
    """The job, if it may be run now. Raises NotFound, or Conflict while it is paused."""
    actor.require("jobs.edit")
    job = find_job(jobs, name)
    record = session.get(JobRun, name)
    if record is not None and record.paused:
        raise Conflict(f"The job {name} is paused. Resume it first.")
    log.info("action=job_run_by_hand job=%s actor=%s", name, actor.name)
    return job


def find_job(jobs: Sequence[Job], name: str) -> Job:
    """The job of this name. Raises NotFound."""
    for job in jobs:
        if job.name == name:
            return job
    raise NotFound(f"There is no job {name[:40]!r}. GET /jobs lists those there are.")


def _view(job: Job, record: JobRun | None) -> JobView:
    record = record or JobRun(name=job.name)
    return JobView(
        name=job.name,
        paused=record.paused,
        every_seconds=job.every_seconds,
        last_run_at=record.last_run_at,
        picked_up=record.last_count,
        runs=record.runs,
        errors=record.errors,
        last_error=record.last_error,
    )
