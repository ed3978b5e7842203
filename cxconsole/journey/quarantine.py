"""Events that were set aside: look at them, store them after all, or drop them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Invalid
from cxconsole.journey.cloud_event import BadEvent, GivenEvent, read_event
from cxconsole.journey.recording import Recogniser, record_events
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.journey import QuarantinedEvent

MOST = 1_000


@dataclass(frozen=True, kw_only=True)
class QuarantineView:
    """An event that was set aside. Its data is personal, so it is not shown here."""

    id: int
    source: str
    type: str
    received_at: datetime


def list_quarantined(
    session: Session, source: str, *, after_id: int = 0, limit: int = 50, actor: Actor
) -> list[QuarantineView]:
    """What is set aside of one source, oldest first."""
    actor.require("events.read")
    rows = session.exec(
        select(QuarantinedEvent)
        .where(col(QuarantinedEvent.source) == source, col(QuarantinedEvent.id) > after_id)
        .order_by(col(QuarantinedEvent.id))
        .limit(max(1, min(limit, MOST)))
    )
    return [
        QuarantineView(id=row.id or 0, source=row.source, type=row.type, received_at=row.received_at) for row in rows
    ]


def replay_quarantined(
    session: Session, ids: Sequence[int], *, recognise: Recogniser, actor: Actor, now: datetime
) -> int:
    """Store these after all, with the times they came with; how many were new. They leave the quarantine."""
    rows = _take(session, ids, actor)
    events: list[GivenEvent] = []
    for row in rows:
        try:
            events.append(read_event(row.document, now=now))
        except BadEvent as bad:
            raise Invalid(f"The event {row.id} cannot be stored: {bad}.", errors=[bad.problem]) from bad
    stored = sum(record_events(session, events, [actor.name] * len(events), recognise=recognise, now=now))
    _tell(session, "replayed", len(rows), actor, now)
    return stored


def drop_quarantined(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> int:
    """Forget these for good; how many."""
    count = len(_take(session, ids, actor))
    _tell(session, "dropped", count, actor, now)
    return count


def _tell(session: Session, change: str, count: int, actor: Actor, now: datetime) -> None:
    if count:
        data = {"change": change, "count": count}
        append_event(session, EventType.SOURCE_CHANGED, now=now, actor=actor.name, data=data)


def _take(session: Session, ids: Sequence[int], actor: Actor) -> list[QuarantinedEvent]:
    actor.require("events.edit")
    if len(ids) > MOST:
        raise Invalid.field("ids", f"At most {MOST:,} at a time.")
    mine = col(QuarantinedEvent.id).in_(list(ids))
    rows = list(session.exec(select(QuarantinedEvent).where(mine).order_by(col(QuarantinedEvent.id))))
    session.execute(delete(QuarantinedEvent).where(mine).execution_options(synchronize_session=False))
    return rows


__all__ = ["QuarantineView", "drop_quarantined", "list_quarantined", "replay_quarantined"]
