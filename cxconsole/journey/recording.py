"""Events of others onto the Tape: a batch in one transaction, each source and id once."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pydantic_core import to_json
from sqlmodel import Session

from cxconsole.driver import Driver, dump
from cxconsole.journey.cloud_event import GivenEvent
from cxconsole.journey.personal import seal_events

ACTOR = "journey"
"""Who makes and joins persons on the word of an event."""


class Named(NamedTuple):
    """Whom an event names."""

    person: str
    previously: str | None
    source: str


class Recognised(NamedTuple):
    """Who that is."""

    person_id: int
    identity_id: int


class Recogniser(Protocol):
    """The port to whoever knows people: one answer for each that is named."""

    def __call__(self, session: Session, named: Sequence[Named], *, actor: str, now: datetime) -> Sequence[Recognised]:
        """Find or make the persons."""
        ...


_COLUMNS = ("event_id", "source", "type", "person_id", "identity_id", "time", "actor", "data", "extensions")
_ONCE = "ON CONFLICT (source, event_id) WHERE event_id IS NOT NULL DO NOTHING"
_COPIED_FROM = 100
"""From so many rows on COPY costs about half; for fewer its steps cost more than its rows."""
# For a few events, and for a batch of which some is there already. One document with all rows: the database takes it
# apart faster than Python puts arrays together.
_POSTGRESQL = (
    f"INSERT INTO event ({', '.join(_COLUMNS)}) SELECT * FROM json_to_recordset(?::json) AS given "  # noqa: S608
    "(event_id text, source text, type text, person_id bigint, identity_id bigint, time timestamptz, actor text, "
    f"data jsonb, extensions jsonb) {_ONCE}"
)


def record_events(
    session: Session, events: Sequence[GivenEvent], actors: Sequence[str], *, recognise: Recogniser, now: datetime
) -> list[bool]:
    """Store the events, each with who sent it; for each whether it was new. One that is there changes nothing."""
    if not events:
        return []
    named = [Named(event.person, event.previously, event.source) for event in events]
    persons = recognise(session, named, actor=ACTOR, now=now)
    events = seal_events(session, events, (who.person_id for who in persons), now=now)
    driver = Driver(session)
    insert = _insert_sqlite if driver.sqlite else _insert_postgresql
    return insert(driver, events, persons, actors)


def _insert_sqlite(
    driver: Driver, events: Sequence[GivenEvent], persons: Sequence[Recognised], actors: Sequence[str]
) -> list[bool]:
    stored = driver.insert_blocks("event", _COLUMNS, list(_rows(driver, events, persons, actors)), _ONCE)
    if stored == len(events):
        return [True] * len(events)
    # there is one writer, so the last ones are ours
    return _tell_new(
        events, driver.run("SELECT source, event_id FROM event WHERE id > (SELECT max(id) FROM event) - ?", stored)
    )


def _insert_postgresql(
    driver: Driver, events: Sequence[GivenEvent], persons: Sequence[Recognised], actors: Sequence[str]
) -> list[bool]:
    if len(events) >= _COPIED_FROM and driver.copy_new("event", _COLUMNS, _rows(driver, events, persons, actors)):
        return [True] * len(events)
    rows = [
        {
            "event_id": event.event_id, "source": event.source, "type": event.type, "person_id": who.person_id,
            "identity_id": who.identity_id, "time": event.time, "actor": actor, "data": event.data,
            "extensions": event.extensions,
        }
        for event, who, actor in zip(events, persons, actors, strict=True)
    ]  # fmt: skip
    stored = driver.run(_POSTGRESQL, to_json(rows, inf_nan_mode="null").decode()).rowcount
    if stored == len(events):
        return [True] * len(events)
    ours = driver.run(
        "SELECT e.source, e.event_id FROM unnest(?::text[], ?::text[]) AS n (source, event_id) "
        "JOIN event e ON e.source = n.source AND e.event_id = n.event_id WHERE e.xmin = pg_current_xact_id()::xid",
        [event.source for event in events], [event.event_id for event in events],
    )  # fmt: skip
    return _tell_new(events, ours)


def _rows(
    driver: Driver, events: Sequence[GivenEvent], persons: Sequence[Recognised], actors: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """The columns of each event."""
    length = 26 if driver.sqlite else None  # SQLite keeps times in UTC and without saying so
    for event, who, actor in zip(events, persons, actors, strict=True):
        yield (
            event.event_id, event.source, event.type, *who, event.time.isoformat(" ", "microseconds")[:length], actor,
            event.text, dump(event.extensions) if event.extensions else None,
        )  # fmt: skip


def _tell_new(events: Sequence[GivenEvent], stored: Sequence[Sequence[str]]) -> list[bool]:
    """For each event whether it is among the stored ones; of several with one id only the first."""
    left = {(source, event_id) for source, event_id in stored}
    told = []
    for event in events:
        key = (event.source, event.event_id)
        told.append(key in left)
        left.discard(key)
    return told


__all__ = ["Named", "Recognised", "Recogniser", "record_events"]
