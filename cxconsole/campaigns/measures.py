"""The numbers of the whole console, for whoever watches it from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from cxconsole.accounts.actor import Actor
from cxconsole.comms.pause import is_sending_paused
from cxconsole.jobs import engine_is_alive
from models.campaign import Campaign, CampaignChannel, CampaignProgress
from models.contact import ContactImport
from models.event import Event
from models.system import JobRun

STATUSES = (
    "pending", "in_progress", "completed", "failed", "suppressed", "held_unpublished", "held_expired", "held_ended",
)  # fmt: skip
OUTCOMES = (
    "sent", "delivered", "bounced", "failed", "opened", "clicked", "replied", "unsubscribed", "complained",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class JobMeasure:
    """How one job fares; `last_run_at` is of the last turn that had something to do."""

    runs: int
    errors: int
    last_run_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Measures:
    """All of it: a few key look-ups and sums over one row a campaign."""

    campaigns: Mapping[str, int]
    """By state."""
    contacts: Mapping[str, int]
    """By status, holds by their reason."""
    deliveries: Mapping[tuple[str, str], int]
    """By channel and what came of them; one delivery counts in several."""
    imports: Mapping[str, int]
    """By state."""
    jobs: Mapping[str, JobMeasure]
    last_event_id: int
    engine_is_alive: bool
    sending_is_paused: bool


def read_measures(session: Session, *, actor: Actor, now: datetime) -> Measures:
    """The numbers as they are kept beside the rows."""
    actor.require("jobs.read")
    contacts = session.execute(
        select(*(func.coalesce(func.sum(getattr(CampaignProgress, name)), 0) for name in STATUSES))
    ).one()
    channels = session.execute(
        select(CampaignChannel.channel, *(func.sum(getattr(CampaignChannel, name)) for name in OUTCOMES))
        .group_by(col(CampaignChannel.channel))
    ).all()  # fmt: skip
    return Measures(
        campaigns=_count(session, Campaign.state),
        contacts=dict(zip(STATUSES, map(int, contacts), strict=True)),
        deliveries={
            (channel, outcome): int(count)
            for channel, *counts in channels
            for outcome, count in zip(OUTCOMES, counts, strict=True)
        },
        imports=_count(session, ContactImport.state),
        jobs={
            job.name: JobMeasure(runs=job.runs, errors=job.errors, last_run_at=job.last_run_at)
            for job in session.exec(select(JobRun).order_by(col(JobRun.name)))
        },
        last_event_id=session.execute(select(func.max(Event.id))).scalar_one() or 0,
        engine_is_alive=engine_is_alive(session, now=now),
        sending_is_paused=is_sending_paused(session),
    )


def _count(session: Session, state: object) -> dict[str, int]:
    found = session.execute(select(col(state), func.count()).group_by(col(state)))  # type: ignore[arg-type]
    return {str(name): count for name, count in found}
