"""Searching the whole Tape: the newest first, a stretch of it at a time, so that no question costs more than that."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, or_, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.csv_guard import write_csv
from cxconsole.errors import Invalid
from cxconsole.journey.personal_fields import refuse_personal_path
from cxconsole.journey.profile_views import read_guard
from cxconsole.journey.recent import name_persons
from cxconsole.journey.sight import show_rows
from cxconsole.journey.timeline import TimelineEvent, find_family, tell_events
from models.event import Event

STRETCH = 50_000
"""So many events are looked through in one go; `next` says where to go on."""
MAX_LIMIT = 200
MOST_EXPORTED = 100_000
_LONGEST_PATH = 8
_NO_NAME = re.compile(r"[\"'\\{}\[\],]")  # what the ways of the two databases into a document cannot spell
_TRUTH = {"true": "1", "false": "0"}  # how SQLite says them


@dataclass(frozen=True, kw_only=True)
class EventQuery:
    """What is looked for; all that is given must hold.

    type, source: exact; a type that ends in `*` is a beginning. field: a path into the data, such as `cart.total`,
    whose value is `value`, or which is there at all when no value is given.
    """

    type: str = ""
    source: str = ""
    person_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    field: str = ""
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class FoundEvent:
    """An event with the person it is about."""

    told: TimelineEvent
    person_id: int | None
    person_name: str
    actor: str
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """What was found, the newest first. `next` is the `before` of what is older; None at the beginning of the Tape.

    `looked_back_to` is the time of the oldest event that was looked at, when the page is not full.
    """

    events: tuple[FoundEvent, ...]
    next: int | None
    looked_back_to: datetime | None


def search_events(
    session: Session, query: EventQuery, *, actor: Actor, before: int | None = None, limit: int = 50
) -> EventPage:
    """Events that fit, from before a key, or the newest, as the actor may see them.

    Raises Invalid, Forbidden for a field that is kept from the actor, and NotFound for a person there is not.
    """
    actor.require("persons.read")
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid.field("limit", f"The limit must be between 1 and {MAX_LIMIT}.")
    if query.field:
        _check_field(session, query, actor)
    rows, following, oldest = _look(session, query, before, limit)
    return EventPage(events=_found(session, rows, actor), next=following, looked_back_to=oldest)


def export_events(session: Session, query: EventQuery, *, actor: Actor) -> Iterator[str]:
    """What fits as CSV, the newest first, at most MOST_EXPORTED events."""
    actor.require("persons.read")
    header = ("id", "time", "type", "source", "person_id", "person", "title", "detail", "actor", "data")

    def rows() -> Iterator[list[object]]:
        before, left = None, MOST_EXPORTED
        while left > 0:
            page = search_events(session, query, actor=actor, before=before, limit=min(MAX_LIMIT, left))
            yield from (_cells(one) for one in page.events)
            before, left = page.next, left - len(page.events)
            if before is None:
                return

    return write_csv(header, rows())


def _look(
    session: Session, query: EventQuery, before: int | None, limit: int
) -> tuple[list[Any], int | None, datetime | None]:
    key = col(Event.id)
    here: list[ColumnElement[bool]] = [] if before is None else [key < before]
    if query.person_id is not None:  # by its own index, which leaves no more than one person's events to look through
        here.append(col(Event.person_id).in_(find_family(session, query.person_id)))
    conditions = _conditions(query, sqlite=session.get_bind().dialect.name == "sqlite")
    floor = None
    if conditions:
        floor = session.execute(
            select(key, col(Event.time)).where(*here).order_by(key.desc()).offset(STRETCH - 1).limit(1)
        ).first()
    if floor is not None:
        here.append(key >= floor.id)
    table = Event.__table__  # type: ignore[attr-defined]
    rows = list(session.execute(select(table).where(*here, *conditions).order_by(key.desc()).limit(limit + 1)).all())
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1].id, None
    return rows, (floor.id if floor else None), (floor.time if floor else None)


def _check_field(session: Session, query: EventQuery, actor: Actor) -> None:
    """Raise Forbidden for a field that is kept from the actor, and Invalid for one that is sealed."""
    read_guard(session, actor=actor).check_path(query.field.split("."))
    kind = None if query.type.endswith("*") else query.type
    refuse_personal_path(session, query.field.split("."), kind, query.source, loc="field")


def _conditions(query: EventQuery, *, sqlite: bool) -> list[ColumnElement[bool]]:
    kind, time = col(Event.type), col(Event.time)
    where: list[ColumnElement[bool]] = []
    if query.type.endswith("*"):
        where.append(kind.startswith(query.type[:-1], autoescape=True))
    elif query.type:
        where.append(kind == query.type)
    if query.source:
        where.append(col(Event.source) == query.source)
    if query.since:
        where.append(time >= query.since)
    if query.until:
        where.append(time <= query.until)
    if query.field:
        where.append(_holds(col(Event.data), query, sqlite=sqlite))
    return where


def _holds(data: Any, query: EventQuery, *, sqlite: bool) -> ColumnElement[bool]:
    path = tuple(query.field.split("."))
    if not all(path) or len(path) > _LONGEST_PATH or _NO_NAME.search(query.field):
        raise Invalid.field("field", "Write the way to the field with dots, such as cart.total.")
    value = cast(data[path].as_string(), String)
    if not query.value:
        return value.is_not(None)
    if sqlite and query.value in _TRUTH:
        return or_(value == query.value, value == _TRUTH[query.value])
    return value == query.value


def _found(session: Session, rows: Sequence[Any], actor: Actor) -> tuple[FoundEvent, ...]:
    names = name_persons(session, sorted({row.person_id for row in rows if row.person_id is not None}))
    rows = show_rows(session, rows, actor=actor)
    return tuple(
        FoundEvent(
            told=told, person_id=row.person_id, person_name=names.get(row.person_id, ""), actor=row.actor,
            data=dict(row.data or {}),
        )
        for row, told in zip(rows, tell_events(session, rows), strict=True)
    )  # fmt: skip


def _cells(one: FoundEvent) -> list[object]:
    told = one.told
    return [
        told.id, told.at, told.type, told.source, one.person_id, one.person_name, told.title, told.detail, one.actor,
        json.dumps(one.data, ensure_ascii=False) if one.data else "",
    ]  # fmt: skip
