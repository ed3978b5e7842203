"""Reading the Tape: the history of a person, and a search over everything."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.driver import Driver
from cxconsole.journey.deadline import deadline
from cxconsole.journey.filtering import Filter, say_sql
from cxconsole.journey.personal import open_documents
from cxconsole.journey.personal_fields import refuse_personal_filter
from cxconsole.journey.profile_rights import Guard
from cxconsole.journey.profile_views import read_guard

MOST = 1_000
_SEARCH_SECONDS = 5.0
_MOST_PARTS = 40
COLUMNS = (
    "id, event_id, source, type, person_id, campaign_id, contact_id, delivery_id, identity_id, time, actor, data, "
    "extensions"
)
_NAME_RANK = ("customer_id", "email", "phone", "social_id", "push", "postal", "temporary_id")
_OWN_ID = uuid.UUID("6378636f-6e73-8f6c-a500-000000000000").int
"""What the CloudEvents id of an own event begins with; its end is the key of the row."""


class Place(NamedTuple):
    """Where a page of a history ends; the next one begins behind it."""

    time: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An event as it is read. `person` is the name it came with, or the best one the person has now."""

    id: int
    event_id: str
    source: str
    type: str
    person_id: int | None
    person: str | None
    campaign_id: int | None
    contact_id: int | None
    delivery_id: int | None
    time: datetime
    actor: str
    data: Mapping[str, Any]
    extensions: Mapping[str, Any]

    @property
    def place(self) -> Place:
        """Where it stands in a history."""
        return Place(self.time, self.id)


def find_history(session: Session, person_id: int) -> list[int]:
    """All ids under which this person has events: whoever it was merged into first, then all who were merged."""
    driver = Driver(session)
    # UNION, not UNION ALL: a circle ends
    last = driver.run(
        "WITH RECURSIVE up (id, merged_into) AS (SELECT id, merged_into FROM person WHERE id = ? "
        "UNION SELECT p.id, p.merged_into FROM person p JOIN up ON p.id = up.merged_into) "
        "SELECT id FROM up WHERE merged_into IS NULL",
        person_id,
    ).scalar()
    first = person_id if last is None else last
    found = driver.run(
        "WITH RECURSIVE down (id) AS (SELECT ?::bigint UNION SELECT p.id FROM person p JOIN down d "
        "ON p.merged_into = d.id) SELECT id FROM down".replace("?::bigint", "?" if driver.sqlite else "?::bigint"),
        first,
    )
    return [first, *sorted(row[0] for row in found if row[0] != first)]


def list_person_events(
    session: Session,
    person_ids: Sequence[int],
    *,
    filter: Filter | None = None,
    people: Mapping[str, Sequence[int]] | None = None,
    before: Place | None = None,
    limit: int = 50,
    actor: Actor,
) -> list[EventView]:
    """The events of one person, newest first by their own time; `person_ids` are of `find_history`.

    What a view keeps from the actor is left out. Raises Forbidden for a filter that asks for it.
    """
    actor.require("events.read")
    driver, guard = Driver(session), read_guard(session, actor=actor)
    condition, values = _where(session, filter, people or {}, before, guard)
    limit = max(1, min(limit, MOST))
    if not person_ids:
        return []
    if len(person_ids) > _MOST_PARTS:
        sql = f"SELECT {COLUMNS} FROM event WHERE person_id {driver.among_ids}{condition}"  # noqa: S608
        parameters: list[Any] = [list(person_ids), *values]
    else:
        # each part is read from the end of its own stretch of the index, however long the history is
        part = (
            f"SELECT * FROM (SELECT {COLUMNS} FROM event WHERE person_id = ?{condition} "  # noqa: S608
            "ORDER BY time DESC, id DESC LIMIT ?) AS part"
        )
        sql = " UNION ALL ".join([part] * len(person_ids))
        parameters = [one for person_id in person_ids for one in (person_id, *values, limit)]
    with deadline(session, _SEARCH_SECONDS):
        rows = driver.run(f"{sql} ORDER BY time DESC, id DESC LIMIT ?", *parameters, limit).all()
    return strip_events(view_rows(session, rows), guard)


def search_events(
    session: Session,
    *,
    filter: Filter | None = None,
    people: Mapping[str, Sequence[int]] | None = None,
    before_id: int | None = None,
    limit: int = 50,
    actor: Actor,
) -> list[EventView]:
    """The same of everybody, last stored first. Raises Invalid when the filter finds too little in five seconds."""
    actor.require("events.read")
    driver, guard = Driver(session), read_guard(session, actor=actor)
    condition, values = _where(session, filter, people or {}, None, guard)
    if before_id is not None:
        condition += " AND id < ?"
        values.append(before_id)
    with deadline(session, _SEARCH_SECONDS):
        rows = driver.run(
            f"SELECT {COLUMNS} FROM event WHERE id > 0{condition} ORDER BY id DESC LIMIT ?",  # noqa: S608
            *values,
            max(1, min(limit, MOST)),
        ).all()
    return strip_events(view_rows(session, rows), guard)


def find_last_seen(driver: Driver, person_ids: Sequence[int]) -> dict[int, datetime]:
    """The time of the latest event of others about each; what the product did itself is no sign of life."""
    # the index leads to the latest of each; a person of whom only we wrote costs a look at what we wrote
    rows = driver.run(
        "SELECT p.id, (SELECT e.time FROM event e WHERE e.person_id = p.id AND e.source <> 'cxconsole' "  # noqa: S608
        f"ORDER BY e.time DESC, e.id DESC LIMIT 1) FROM person p WHERE p.id {driver.among_ids}",
        list(person_ids),
    )
    return {person_id: time for person_id, latest in rows if (time := driver.moment(latest)) is not None}


def read_after(session: Session, after_id: int, limit: int) -> Sequence[Any]:
    """What follows on the Tape, oldest first, as rows for `view_rows`."""
    sql = f"SELECT {COLUMNS} FROM event WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
    return Driver(session).run(sql, after_id, limit).all()


def last_id(session: Session) -> int:
    """The end of the Tape."""
    return Driver(session).run("SELECT max(id) FROM event").scalar() or 0


def view_rows(session: Session, rows: Sequence[Any]) -> list[EventView]:
    """Rows as events, with the names of the persons they are about."""
    driver = Driver(session)
    given = _read_identities(driver, {row[8] for row in rows if row[8] is not None})
    nameless = {row[4] for row in rows if row[4] is not None and row[8] not in given}
    names = read_names(session, nameless)
    outside = [driver.document(row[12]) if row[12] else {} for row in rows]
    opened = open_documents(session, [*(driver.document(row[11]) for row in rows), *outside])
    return [
        EventView(
            id=row[0],
            event_id=own_event_id(row[0]) if row[1] is None else row[1],
            source=row[2],
            type=row[3],
            person_id=row[4],
            person=given.get(row[8]) or names.get(row[4]),
            campaign_id=row[5],
            contact_id=row[6],
            delivery_id=row[7],
            time=driver.moment(row[9]),  # type: ignore[arg-type]
            actor=row[10],
            data=data,
            extensions=extensions,
        )
        for row, data, extensions in zip(rows, opened[: len(rows)], opened[len(rows) :], strict=True)
    ]


def strip_events(events: list[EventView], guard: Guard) -> list[EventView]:
    """The events without what is kept from somebody."""
    if not guard.fields:
        return events
    return [replace(one, data=guard.strip(one.type, one.data)) for one in events]


def read_names(session: Session, person_ids: Iterable[int]) -> dict[int, str]:
    """The best name of each person: the customer id before the e-mail before the phone; of whom took them over."""
    wanted = sorted(person_ids)
    if not wanted:
        return {}
    driver = Driver(session)
    found = driver.run(
        "WITH RECURSIVE up (start, id, merged_into) AS (SELECT id, id, merged_into FROM person "  # noqa: S608
        f"WHERE id {driver.among_ids} UNION SELECT up.start, p.id, p.merged_into FROM person p "
        "JOIN up ON p.id = up.merged_into) "
        "SELECT up.start, i.kind, i.is_primary, i.id, i.value FROM up JOIN identity i ON i.person_id = up.id",
        wanted,
    )
    best: dict[int, tuple[Any, str]] = {}
    for start, kind, is_primary, identity_id, value in found:
        rank = (_NAME_RANK.index(kind), not is_primary, identity_id)
        if start not in best or rank < best[start][0]:
            best[start] = (rank, value)
    return {start: value for start, (_, value) in best.items()}


def own_event_id(key: int) -> str:
    """The CloudEvents id of an own event: a UUID that ends in the key of the row."""
    return str(uuid.UUID(int=_OWN_ID | key))


def _read_identities(driver: Driver, ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    found = driver.run(f"SELECT id, value FROM identity WHERE id {driver.among_ids}", sorted(ids))  # noqa: S608
    return dict(found.all())


def _where(
    session: Session, filter: Filter | None, people: Mapping[str, Sequence[int]], before: Place | None, guard: Guard
) -> tuple[str, list[Any]]:
    condition, values = "", []
    if filter is not None:
        guard.check_filter(filter)
        refuse_personal_filter(session, filter)
        said, values = say_sql(filter, people, Driver(session))
        condition = f" AND {said}"
    if before is not None:
        condition += " AND (time, id) < (?, ?)"
        values = [*values, before.time, before.id]
    return condition, values


__all__ = [
    "COLUMNS", "EventView", "Place", "find_history", "find_last_seen", "last_id", "list_person_events", "own_event_id",
    "read_after", "read_names", "search_events", "strip_events", "view_rows",
]  # fmt: skip
