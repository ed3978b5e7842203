"""The event types seen, with their fields: counted in memory, written with the events they are about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.driver import Driver, dump
from cxconsole.journey.cloud_event import GivenEvent
from models.journey import EventTypeSeen

MAX_TYPES = 5_000
"""So many kinds are described; what comes beyond is stored and not described."""
MAX_FIELDS = 200
MAX_PATH = 120
_MAX_SHAPES = 20_000
_LOOKED_AT_EVERY = 64
_WRITTEN_EVERY = timedelta(seconds=1)

Kind = tuple[str, str]
"""Type and source."""


@dataclass
class _Tally:
    count: int = 0
    fields: dict[str, set[str]] = field(default_factory=dict)


class Registry:
    """What one process has seen since it last wrote. Used by one thread at a time."""

    def __init__(self) -> None:
        self._tallies: dict[Kind, _Tally] = {}
        self._shapes: set[tuple[str, ...]] = set()
        self._known: dict[Kind, dict[str, set[str]]] = {}
        self._has_news = False
        self._written_at: datetime | None = None

    def note(self, events: Iterable[GivenEvent]) -> None:
        """Count these; those of a new shape, and some of the others, are looked at field by field."""
        tallies, shapes = self._tallies, self._shapes
        for event in events:
            kind = (event.type, event.source)
            tally = tallies.get(kind)
            if tally is None:
                tally = tallies[kind] = _Tally()
                self._has_news |= kind not in self._known
            tally.count += 1
            shape = (*kind, *event.data)
            if shape not in shapes or tally.count % _LOOKED_AT_EVERY == 0:
                if len(shapes) < _MAX_SHAPES:
                    shapes.add(shape)
                self._look_at(kind, tally, event.data)

    @property
    def is_behind(self) -> bool:
        """Whether something was seen that is not written."""
        return bool(self._tallies)

    def take_back(self, events: Iterable[GivenEvent]) -> None:
        """These were noted and then not stored."""
        for event in events:
            self._tallies[event.type, event.source].count -= 1

    def is_due(self, now: datetime) -> bool:
        """Whether there is something new to write, or a second has passed."""
        return self._has_news or self._written_at is None or now - self._written_at >= _WRITTEN_EVERY

    def write(self, session: Session, *, now: datetime) -> None:
        """Bring the rows up to date; call `settle` once that is committed."""
        if not self._tallies:
            return
        driver = Driver(session)
        at = driver.bind(now)
        minute = driver.bind(now.replace(second=0, microsecond=0))
        rows = self._read_rows(driver)
        room = MAX_TYPES
        if any(kind not in rows for kind in self._tallies):
            room -= driver.run("SELECT count(*) FROM event_type_seen").scalar_one()
        values = []
        for kind, tally in self._tallies.items():
            if kind not in rows:
                if room <= 0:
                    continue
                room -= 1
            fields = _join_fields(rows.get(kind, {}), tally.fields)
            self._known[kind] = {path: set(kinds) for path, kinds in fields.items()}
            values.append((*kind, dump(fields), tally.count, minute, tally.count, at, at))
        driver.run_many(_UPSERT, values)

    def settle(self, now: datetime) -> None:
        """What was written is committed: begin anew."""
        self._tallies = {}
        self._has_news = False
        self._written_at = now

    def _look_at(self, kind: Kind, tally: _Tally, data: Mapping[str, Any]) -> None:
        known = self._known.get(kind, {})
        for path, value_kind in describe_fields(data):
            if value_kind not in known.get(path, ()):
                tally.fields.setdefault(path, set()).add(value_kind)
                self._has_news = True

    def _read_rows(self, driver: Driver) -> dict[Kind, Mapping[str, Sequence[str]]]:
        if driver.sqlite:
            found = driver.run(
                "SELECT s.type, s.source, s.fields FROM json_each(?) AS n CROSS JOIN event_type_seen AS s "
                "WHERE s.type = json_extract(n.value, '$[0]') AND s.source = json_extract(n.value, '$[1]')",
                [list(kind) for kind in self._tallies],
            )
        else:
            types, sources = (list(column) for column in zip(*self._tallies, strict=True))
            found = driver.run(
                "SELECT s.type, s.source, s.fields FROM event_type_seen AS s "
                "WHERE (s.type, s.source) IN (SELECT * FROM unnest(?::text[], ?::text[])) "
                "ORDER BY s.type, s.source FOR UPDATE",
                types, sources,
            )  # fmt: skip
        return {(type_, source): Driver.document(fields) for type_, source, fields in found}


_UPSERT = (
    "INSERT INTO event_type_seen AS s "
    "(type, source, fields, count, minute_at, minute_count, last_minute_count, first_seen_at, last_seen_at) "
    "VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT (type, source) DO UPDATE SET fields = excluded.fields, "
    "count = s.count + excluded.count, last_seen_at = excluded.last_seen_at, "
    "last_minute_count = CASE WHEN s.minute_at = excluded.minute_at THEN s.last_minute_count ELSE s.minute_count END, "
    "minute_count = CASE WHEN s.minute_at = excluded.minute_at THEN s.minute_count ELSE 0 END + excluded.minute_count, "
    "minute_at = excluded.minute_at"
)


def describe_fields(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(path, kind of value) of each field, such as ("cart.total", "number"); the items of a list are `[]`."""
    return [(path, _KINDS.get(type(value), "text")) for path, value in walk_fields(data)]


def walk_fields(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(path, value) of each field; of a list its first items, too."""
    found: list[tuple[str, Any]] = []
    waiting: list[tuple[str, Any]] = [(str(name), value) for name, value in data.items()]
    while waiting and len(found) < MAX_FIELDS:
        path, value = waiting.pop(0)
        if len(path) > MAX_PATH:
            continue
        if isinstance(value, dict):
            waiting += [(f"{path}.{name}", inner) for name, inner in value.items()]
            continue
        found.append((path, value))
        if isinstance(value, list):
            waiting += [(f"{path}[]", inner) for inner in value[:3]]
    return found


_KINDS = {bool: "boolean", int: "integer", float: "number", list: "list", type(None): "null"}


def _join_fields(stored: Mapping[str, Sequence[str]], seen: Mapping[str, set[str]]) -> dict[str, list[str]]:
    fields = {path: set(kinds) for path, kinds in stored.items()}
    for path, kinds in seen.items():
        if path in fields or len(fields) < MAX_FIELDS:
            fields.setdefault(path, set()).update(kinds)
    return {path: sorted(kinds) for path, kinds in sorted(fields.items())}


@dataclass(frozen=True, kw_only=True)
class TypeView:
    """A kind of event as people see it. `per_minute` is of the last full minute, or of the one that runs."""

    type: str
    source: str
    fields: Mapping[str, tuple[str, ...]]
    count: int
    per_minute: int
    first_seen_at: datetime
    last_seen_at: datetime


def list_event_types(session: Session, *, source: str | None = None, actor: Actor, now: datetime) -> list[TypeView]:
    """The event types seen, by name."""
    actor.require("events.read")
    query = select(EventTypeSeen).order_by(col(EventTypeSeen.type), col(EventTypeSeen.source))
    if source is not None:
        query = query.where(col(EventTypeSeen.source) == source)
    return [_view(row, now) for row in session.exec(query)]


def _view(row: EventTypeSeen, now: datetime) -> TypeView:
    age = now - row.minute_at
    per_minute = max(row.minute_count, row.last_minute_count) if age < timedelta(minutes=1) else row.minute_count
    return TypeView(
        type=row.type,
        source=row.source,
        fields={path: tuple(kinds) for path, kinds in row.fields.items()},
        count=row.count,
        per_minute=per_minute if age < timedelta(minutes=2) else 0,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
    )


__all__ = ["MAX_PATH", "Kind", "Registry", "TypeView", "describe_fields", "list_event_types", "walk_fields"]
