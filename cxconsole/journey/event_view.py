"""One event in full: what is on the Tape, and what it refers to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.errors import NotFound
from cxconsole.journey.sight import show_rows
from cxconsole.journey.timeline import tell_events
from models.event import Event


@dataclass(frozen=True, kw_only=True)
class EventView:
    """An event as it is kept. `event_id` is its CloudEvents id; an own event's is its key."""

    id: int
    event_id: str
    source: str
    type: str
    at: datetime
    actor: str
    person_id: int | None
    campaign_id: int | None
    contact_id: int | None
    delivery_id: int | None
    title: str
    detail: str
    data: dict[str, Any]


def get_event(session: Session, event_id: int, *, actor: Actor) -> EventView:
    """One event. Raises NotFound."""
    actor.require("persons.read")
    row = session.get(Event, event_id)
    if row is None:
        raise NotFound(f"There is no event {event_id}.")
    [row] = show_rows(session, [row], actor=actor)
    [told] = tell_events(session, [row])
    return EventView(
        id=event_id, event_id=row.event_id or str(event_id), source=row.source, type=row.type, at=row.time,
        actor=row.actor, person_id=row.person_id, campaign_id=row.campaign_id, contact_id=row.contact_id,
        delivery_id=row.delivery_id, title=told.title, detail=told.detail, data=dict(row.data or {}),
    )  # fmt: skip
