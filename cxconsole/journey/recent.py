"""Who moved last: the newest events of everybody."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.journey.sight import show_rows
from cxconsole.journey.timeline import TimelineEvent, tell_events
from models.event import Event, EventType
from models.person import Identity, Person

_LOOKED_AT = 300
_MOVERS = 1_000


Movers = dict[int, int | None]
"""The newest events of all: key -> the person each is about, 0 for one that may be about two of them."""
_ANYBODY = 0


@dataclass(frozen=True, kw_only=True)
class RecentPerson:
    """A person with the last thing that happened."""

    id: int
    name: str
    last: TimelineEvent


def read_movers(session: Session, *, actor: Actor) -> Movers:
    """Who the newest events are about. Whoever watches some persons asks this, and reads further when it is they."""
    actor.require("persons.read")
    # of a merge the event names who stays, and who watches the other one must look again, too
    whom = case((col(Event.type) == EventType.PERSON_MERGED.value, _ANYBODY), else_=col(Event.person_id))
    rows = session.execute(select(col(Event.id), whom).order_by(col(Event.id).desc()).limit(_MOVERS))
    return {key: person_id for key, person_id in rows}  # noqa: C416 (a row is no pair for the type checker)


def who_moved(before: Movers, now: Movers) -> set[int] | None:
    """The persons of the events that are new; None when it may be anybody: more came than were read, or two are one."""
    fresh = now.keys() - before.keys()
    if before and (len(fresh) == len(now) or any(now[key] == _ANYBODY for key in fresh)):
        return None
    return {person_id for key in fresh if (person_id := now[key]) is not None}


def find_recent_persons(session: Session, *, actor: Actor, limit: int = 8) -> tuple[RecentPerson, ...]:
    """Persons of the newest events, the latest first; one who was merged or erased since is not among them."""
    actor.require("persons.read")
    keys = session.execute(select(col(Event.id), col(Event.person_id)).order_by(col(Event.id).desc()).limit(_LOOKED_AT))
    newest: dict[int, int] = {}
    for key, person_id in keys:
        if person_id is not None:
            newest.setdefault(person_id, key)
    current = select(col(Person.id)).where(
        col(Person.id).in_(list(newest)), col(Person.merged_into).is_(None), col(Person.erased_at).is_(None)
    )
    known = set(session.execute(current).scalars())
    chosen = [newest[one] for one in newest if one in known][:limit]
    table = Event.__table__  # type: ignore[attr-defined]
    rows = session.execute(select(table).where(table.c.id.in_(chosen)).order_by(table.c.id.desc())).all()
    names = name_persons(session, [row.person_id for row in rows])
    told = tell_events(session, show_rows(session, rows, actor=actor))
    return tuple(
        RecentPerson(id=row.person_id, name=names[row.person_id], last=last)
        for row, last in zip(rows, told, strict=True)
    )


def name_persons(session: Session, person_ids: Sequence[int]) -> dict[int, str]:
    """What to call each of them: the name, else the first identity; whom there is not is left out."""
    rows = session.execute(
        select(col(Person.id), col(Person.first_name), col(Person.last_name)).where(col(Person.id).in_(person_ids))
    ).all()
    names = {key: " ".join(part for part in (first, last) if part) for key, first, last in rows}
    nameless = [key for key, name in names.items() if not name]
    first_ones = select(func.min(col(Identity.id))).where(col(Identity.person_id).in_(nameless))
    known_by = session.execute(
        select(col(Identity.person_id), col(Identity.value)).where(
            col(Identity.id).in_(first_ones.group_by(col(Identity.person_id)))
        )
    )
    names.update(known_by.all() if nameless else ())  # type: ignore[arg-type]
    return {key: name or f"Person {key}" for key, name in names.items()}
