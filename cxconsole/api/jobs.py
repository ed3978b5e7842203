"""Operations: the jobs, to be watched, paused, resumed and run."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cxconsole.api.call import Caller, Listing, Pages
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import View
from cxconsole.bootstrap import build_jobs
from cxconsole.job_control import check_runnable, list_jobs, set_job_paused
from cxconsole.jobs import JobRunner

router = APIRouter(prefix="/jobs", tags=["operations"], route_class=ApiRoute)


class JobReading(View):
    """A job and how it fares. `picked_up` is what its last turn that found work drained."""

    name: str
    paused: bool
    every_seconds: float = Field(description="How often it looks, when no signal wakes it before.")
    last_run_at: datetime | None
    picked_up: int
    runs: int
    errors: int
    last_error: str | None


class JobTurn(BaseModel):
    """What one turn drained."""

    name: str
    picked_up: int


@router.get("")
def list_all(call: Caller, pages: Pages) -> Listing[JobReading]:
    """List the jobs, in the order of the pipeline."""
    with call.read() as session:
        return pages.listing_all(list_jobs(session, build_jobs(call.application), actor=call.actor), JobReading.of)


@router.post("/{name}/pause")
def pause(call: Caller, name: str) -> JobReading:
    """Pause a job in every process, from its next turn on."""
    return _set_paused(call, name, paused=True)


@router.post("/{name}/resume")
def resume(call: Caller, name: str) -> JobReading:
    """Let a job go on."""
    return _set_paused(call, name, paused=False)


@router.post("/{name}/run")
def run(call: Caller, name: str) -> JobTurn:
    """Run one turn of a job now, beside its schedule."""
    jobs = build_jobs(call.application)
    with call.read() as session:
        job = check_runnable(session, jobs, name, actor=call.actor)
    runner = JobRunner(jobs, database=call.application.database, signals=call.application.signals)
    return JobTurn(name=name, picked_up=runner.run_once(job))


def _set_paused(call: Caller, name: str, *, paused: bool) -> JobReading:
    jobs = build_jobs(call.application)
    with call.write() as session:
        view = set_job_paused(session, jobs, name, paused=paused, actor=call.actor)
    for job in jobs:
        if job.name == name and not paused:
            call.publish(*job.wakes_on)
    return JobReading.of(view)
