"""Where events come from, and what may come from there: allowed types, a pace, a sample, quarantine."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import literal
from sqlmodel import Session, col, func, select

from cxconsole.accounts.actor import Actor
from cxconsole.driver import Driver, Row, dump
from cxconsole.errors import Invalid, NotFound
from cxconsole.journey.cloud_event import GivenEvent
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.journey import EventSource, Excess, QuarantinedEvent, SourceState

MAX_SOURCES = 1_000
"""So many sources get a row of their own; what comes from others is stored by the rules of an open one."""
COUNTED = 10_000
"""So many of what is set aside are counted: the page asks each second."""
_READ_EVERY = timedelta(seconds=1)


class Verdict(StrEnum):
    """What becomes of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    SAMPLED_OUT = "sampled_out"
    QUARANTINED = "quarantined"
    BLOCKED = "blocked"
    TYPE_NOT_ALLOWED = "type_not_allowed"
    TOO_FAST = "too_fast"


REFUSALS = frozenset({Verdict.BLOCKED, Verdict.TYPE_NOT_ALLOWED, Verdict.TOO_FAST})


@dataclass
class _Bucket:
    """How many more may come now; it fills by the pace of its source, to one second's worth."""

    room: float
    filled_at: datetime

    def take(self, per_second: int, now: datetime) -> bool:
        passed = (now - self.filled_at).total_seconds()
        self.room = min(float(per_second), self.room + max(0.0, passed) * per_second)
        self.filled_at = now
        if self.room < 1:
            return False
        self.room -= 1
        return True


class SourceRules:
    """The rules of all sources, read again each second. Used by one thread at a time."""

    def __init__(self) -> None:
        self._rules: dict[str, EventSource | None] = {}  # None: everything may come
        self._buckets: dict[str, _Bucket] = {}
        self._read_at: datetime | None = None

    def judge(self, session: Session, events: Sequence[GivenEvent], *, now: datetime) -> list[Verdict]:
        """For each event ACCEPTED, or what else becomes of it. A source that is new gets its row."""
        if self._read_at is None or not timedelta() <= now - self._read_at < _READ_EVERY:
            self._rules = {rule.name: _restriction(rule) for rule in session.exec(select(EventSource))}
            self._read_at = now
        rules = self._rules
        new = {event.source for event in events if event.source not in rules}
        if new:
            self._add(session, new, now)
        accepted = Verdict.ACCEPTED
        return [
            accepted if (rule := rules[event.source]) is None else self._judge(rule, event, now) for event in events
        ]

    def forget(self) -> None:
        """Read the rules again the next time: what was added may not have been kept."""
        self._read_at = None

    def _judge(self, rule: EventSource, event: GivenEvent, now: datetime) -> Verdict:
        if rule.state == SourceState.BLOCKED:
            return Verdict.BLOCKED
        if rule.state == SourceState.QUARANTINED:
            return Verdict.QUARANTINED
        if rule.allowed_types is not None and event.type not in rule.allowed_types:
            return _excess(rule, Verdict.TYPE_NOT_ALLOWED)
        # by its id, so that an event that is sent again meets the same fate
        if rule.sample_percent < 100 and zlib.crc32(event.event_id.encode()) % 100 >= rule.sample_percent:
            return Verdict.SAMPLED_OUT
        if rule.per_second is not None:
            bucket = self._buckets.get(rule.name)
            if bucket is None:
                bucket = self._buckets[rule.name] = _Bucket(float(rule.per_second), now)
            if not bucket.take(rule.per_second, now):
                return _excess(rule, Verdict.TOO_FAST)
        return Verdict.ACCEPTED

    def _add(self, session: Session, names: Iterable[str], now: datetime) -> None:
        room = MAX_SOURCES - len(self._rules)
        driver = Driver(session)
        at = driver.bind(now)
        added = sorted(names)[: max(0, room)]
        driver.run_many(
            "INSERT INTO event_source (name, state, sample_percent, excess, first_seen_at, updated_at) "
            "VALUES (?, 'open', 100, 'refuse', ?, ?) ON CONFLICT (name) DO NOTHING",
            [(name, at, at) for name in added],
        )
        self._rules |= dict.fromkeys(names)


def _restriction(rule: EventSource) -> EventSource | None:
    """The rule, if it holds anything back."""
    lets_all = rule.state == SourceState.OPEN and rule.allowed_types is None and rule.sample_percent == 100
    return None if lets_all and rule.per_second is None else rule


def _excess(rule: EventSource, verdict: Verdict) -> Verdict:
    return Verdict.QUARANTINED if rule.excess == Excess.QUARANTINE else verdict


def set_aside(session: Session, events: Sequence[GivenEvent], *, now: datetime) -> None:
    """Put events into quarantine, as they came."""
    driver = Driver(session)
    at = driver.bind(now)
    rows: list[Row] = [(event.source, event.type, "rules", dump(_document(event)), at) for event in events]
    driver.insert("quarantined_event", ("source", "type", "reason", "document", "received_at"), rows)


def _document(event: GivenEvent) -> dict[str, Any]:
    document = {
        "id": event.event_id, "source": event.source, "type": event.type, "person": event.person,
        "previously": event.previously, "time": event.time.isoformat(), "data": dict(event.data),
    }  # fmt: skip
    return {**(event.extensions or {}), **document}


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """A source as people see it."""

    id: int
    name: str
    state: str
    allowed_types: tuple[str, ...] | None
    per_second: int | None
    sample_percent: int
    excess: str
    quarantined: int
    first_seen_at: datetime
    updated_at: datetime


def list_sources(session: Session, *, actor: Actor) -> list[SourceView]:
    """All sources seen, by name, with how many of their events are set aside; beyond 10,000 one more is told."""
    actor.require("events.read")
    mine = select(literal(1)).where(QuarantinedEvent.source == EventSource.name).limit(COUNTED + 1)
    waiting = select(func.count()).select_from(mine.correlate(EventSource).subquery()).scalar_subquery()
    rows = session.exec(select(EventSource, waiting).order_by(col(EventSource.name)))
    return [_view(row, quarantined) for row, quarantined in rows]


def change_source(session: Session, source_id: int, values: dict[str, Any], *, actor: Actor, now: datetime) -> None:
    """Change the rules of a source; they hold within a second. Raises NotFound, Invalid."""
    actor.require("events.edit")
    row = session.get(EventSource, source_id)
    if row is None:
        raise NotFound(f"There is no source {source_id}.")
    for name, value in values.items():
        _check(name, value)
        setattr(row, name, value)
    row.updated_at = now
    session.add(row)
    data = {"event_source_id": source_id, "fields": sorted(values)}
    append_event(session, EventType.SOURCE_CHANGED, now=now, actor=actor.name, data=data)


def _check(name: str, value: Any) -> None:
    choices = {"state": list(SourceState), "excess": list(Excess)}.get(name)
    if choices is not None and value not in choices:
        raise Invalid.field(name, f"Use {', '.join(choices)}.")
    if name == "sample_percent" and not (type(value) is int and 0 <= value <= 100):
        raise Invalid.field(name, "Use a whole number from 0 to 100.")
    if name == "per_second" and not (value is None or (type(value) is int and 1 <= value <= 1_000_000)):
        raise Invalid.field(name, "Use a whole number from 1 to 1,000,000, or null for no limit.")
    is_names = isinstance(value, list) and len(value) <= 500 and all(isinstance(one, str) for one in value)
    if name == "allowed_types" and not (value is None or is_names):
        raise Invalid.field(name, "Use a list of at most 500 event types, or null for all.")
    if choices is None and name not in ("sample_percent", "per_second", "allowed_types"):
        raise Invalid.field(name, "This field is not known.")


def _view(row: EventSource, quarantined: int) -> SourceView:
    return SourceView(
        id=row.id or 0,
        name=row.name,
        state=row.state,
        allowed_types=None if row.allowed_types is None else tuple(row.allowed_types),
        per_second=row.per_second,
        sample_percent=row.sample_percent,
        excess=row.excess,
        quarantined=quarantined,
        first_seen_at=row.first_seen_at,
        updated_at=row.updated_at,
    )


__all__ = ["REFUSALS", "SourceRules", "SourceView", "Verdict", "change_source", "list_sources", "set_aside"]
