"""All that is known about one person as one JSON document, written as it is read, however much it is."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import select
from sqlmodel import Session, SQLModel, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.people import get_person
from cxconsole.journey.reading import EventView, Place, find_history, list_person_events
from models.activity import Note, ScheduledActivity
from models.comm import CommDelivery
from models.contact import CampaignContact
from models.suppression import Suppression

_PAGE = 500
_PARTS: tuple[tuple[str, type[SQLModel], frozenset[str]], ...] = (
    ("contacts", CampaignContact, frozenset({"person_id"})),
    ("deliveries", CommDelivery, frozenset({"person_id", "lease_owner", "lease_until"})),
    ("notes", Note, frozenset({"person_id"})),
    ("follow_ups", ScheduledActivity, frozenset({"person_id"})),
)
"""Name in the document, table, and columns that say nothing about the person."""


def export_person(session: Session, person_id: int, *, actor: Actor) -> Iterator[str]:
    """The document in pieces: who they are, events (opened), contacts, deliveries, notes, follow-ups, suppressions.

    Of who was merged, all of who they are now. Raises NotFound.
    """
    actor.require("persons.export")
    actor.require("events.read")
    family = find_history(session, person_id)
    person = get_person(session, family[0], actor=actor)
    known = {name: getattr(person, name) for name in person.__dataclass_fields__ if name != "merged_into"}
    yield f'{{"person":{_write(known)},"merged_persons":{_write(family[1:])}'
    yield from _list("events", _read_events(session, family, actor))
    for name, table, hidden in _PARTS:
        yield from _list(name, _read_rows(session, table, family, hidden))
    yield from _list("suppressions", _read_suppressions(session, family, [one.value for one in person.identities]))
    yield "}\n"


def _list(name: str, pages: Iterator[Sequence[Any]]) -> Iterator[str]:
    comma = ""
    yield f',\n"{name}":['
    for page in pages:
        yield comma + ",\n".join(_write(one) for one in page)
        comma = ",\n"
    yield "]"


def _read_events(session: Session, family: Sequence[int], actor: Actor) -> Iterator[Sequence[dict[str, Any]]]:
    before: Place | None = None
    while page := list_person_events(session, family, before=before, limit=_PAGE, actor=actor):
        yield [_event(one) for one in page]
        before = page[-1].place


def _event(one: EventView) -> dict[str, Any]:
    told = {
        "id": one.event_id, "source": one.source, "type": one.type, "person": one.person, "time": one.time,
        "campaign_id": one.campaign_id, "contact_id": one.contact_id, "delivery_id": one.delivery_id,
        "actor": one.actor, "data": one.data, "extensions": one.extensions,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _read_rows(
    session: Session, table: Any, family: Sequence[int], hidden: frozenset[str]
) -> Iterator[Sequence[dict[str, Any]]]:
    columns = [column for column in table.__table__.c if column.name not in hidden]
    key, after = table.__table__.c.id, 0
    while page := session.execute(
        select(*columns).where(col(table.person_id).in_(family), key > after).order_by(key).limit(_PAGE)
    ).all():
        yield [dict(row._mapping) for row in page]
        after = page[-1].id


def _read_suppressions(
    session: Session, family: Sequence[int], addresses: Sequence[str]
) -> Iterator[Sequence[dict[str, Any]]]:
    mine = col(Suppression.person_id).in_(family) | col(Suppression.address).in_(
        [form for one in addresses for form in (one, one.lower())]
    )
    table = Suppression.__table__  # type: ignore[attr-defined]
    rows = session.execute(select(table).where(mine).order_by(table.c.id)).all()
    if rows:
        yield [dict(row._mapping) for row in rows]


def _write(value: Any) -> str:
    return to_json(value, inf_nan_mode="null").decode()


__all__ = ["export_person"]
