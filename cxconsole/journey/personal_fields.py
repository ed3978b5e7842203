"""Which fields of which kinds of events are personal: what looks so is marked by itself, people have the last word."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.driver import Driver
from cxconsole.errors import Invalid, NotFound
from cxconsole.journey.cloud_event import GivenEvent
from cxconsole.journey.filtering import Filter, find_exact, paths_in
from cxconsole.journey.registry import MAX_PATH, Kind, walk_fields
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.journey import EventTypeSeen, PersonalField

_READ_EVERY = timedelta(seconds=1)
_MAX_SHAPES = 20_000
_FOUND_BY = "journey"
_NAME = re.compile(r"e[-_ ]?mail|phone|mobile|msisdn|address|street|birth|iban", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}")
_PHONE = re.compile(r"\+[1-9][0-9 ()./-]{6,20}")
_ADDRESSED = re.compile(r'"\s*(?:[^@\s"]{1,64}+@[^@\s"]++\s*"|\+[1-9])')  # JSON in which a text may be one of the two
_WAY = re.compile(r"https?:|/")  # an address of the web, not of a person


def looks_personal(path: str, value: Any) -> bool:
    """Whether a field is named like an e-mail address, phone number or postal address, or holds one of the first."""
    if isinstance(value, str):
        if _EMAIL.fullmatch(value.strip()) or _PHONE.fullmatch(value.strip()):
            return True
        named = bool(value) and not _WAY.match(value)
    else:
        named = isinstance(value, int | float) and not isinstance(value, bool)
    return named and _is_named(path)


def _may_yet_be(path: str, value: Any) -> bool:
    """Whether a field is named so but empty: what comes in it later is personal, in data of the same shape."""
    return value in (None, "", []) and _is_named(path)


def _is_named(path: str) -> bool:
    return _NAME.search(path.rsplit(".", 1)[-1]) is not None


class PersonalFields:
    """What is marked, read again each second, and the shapes of data that were looked at. Used by writers."""

    def __init__(self) -> None:
        self._marks: dict[Kind, dict[str, bool]] = {}
        self._personal: dict[Kind, tuple[str, ...]] = {}
        self._shapes: set[tuple[Any, ...]] = set()
        self._read_at: datetime | None = None
        self._made_in: object = None

    def find(self, session: Session, events: Sequence[GivenEvent], *, now: datetime) -> dict[int, Sequence[str]]:
        """The personal fields of each event that has some, by its place. Marks what is seen for the first time."""
        if self._read_at is None or not timedelta() <= now - self._read_at < _READ_EVERY:
            self._read(session, now)
        shapes = self._shapes
        new = [event for event in events if _shape(event) not in shapes]
        if new:
            self._look_at(session, new, now)
        personal = self._personal
        if not personal:
            return {}
        return {
            at: paths
            for at, event in enumerate(events)
            if (paths := personal.get((event.type, event.source))) is not None
        }

    def find_late(
        self, session: Session, events: Sequence[GivenEvent], before: Mapping[int, Sequence[str]], *, now: datetime
    ) -> dict[int, Sequence[str]]:
        """What is personal besides `before` in these events, of which that is sealed: a field may hold an address late.

        A look at the text rules out nearly all, whatever their shape.
        """
        late = [
            at
            for at, event in enumerate(events)
            if ("@" in event.text or "+" in event.text) and _ADDRESSED.search(event.text)
        ]
        if not late:
            return {}
        self._look_at(session, [events[at] for at in late], now)
        found = {}
        for at in late:
            paths = self._personal.get((events[at].type, events[at].source), ())
            if more := [path for path in paths if path not in before.get(at, ())]:
                found[at] = more
        return found

    def find_outside(self, events: Sequence[GivenEvent]) -> dict[int, Sequence[str]]:
        """The attributes beside the data that are personal, of each event that has some, by its place.

        They are few and no shape is known of them, so each is looked at; a mark on the name holds for them too.
        """
        found = {}
        for at, event in enumerate(events):
            if event.extensions:
                marks = self._marks.get((event.type, event.source), {})
                given = event.extensions.items()
                names = [name for name, one in given if one is not None and marks.get(name, looks_personal(name, one))]
                if names:
                    found[at] = names
        return found

    def _read(self, session: Session, now: datetime) -> None:
        rows = Driver(session).run("SELECT type, source, path, is_personal FROM personal_field").all()
        marks: dict[Kind, dict[str, bool]] = {}
        for type_, source, path, is_personal in rows:
            marks.setdefault((type_, source), {})[path] = bool(is_personal)
        self._marks, self._read_at = marks, now
        self._personal = _personal_of(marks)

    def _look_at(self, session: Session, events: Sequence[GivenEvent], now: datetime) -> None:
        """Mark what looks personal and nobody has decided on. A shape is known once its marks are committed."""
        if len(self._shapes) > _MAX_SHAPES:
            self._shapes = set()
        found: set[tuple[str, str, str]] = set()
        for event in events:
            known = self._marks.get((event.type, event.source), {})
            undecided = [(path, value) for path, value in walk_fields(event.data) if path not in known]
            fresh = {path for path, value in undecided if looks_personal(path, value)}
            if fresh:
                found |= {(event.type, event.source, path) for path in fresh}
            elif session.get_transaction() is not self._made_in and not any(_may_yet_be(*one) for one in undecided):
                self._shapes.add(_shape(event))
        if not found:
            return
        driver = Driver(session)
        at = driver.bind(now)
        driver.run_many(
            "INSERT INTO personal_field (type, source, path, is_personal, actor, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (type, source, path) DO NOTHING",
            [(*one, True, _FOUND_BY, at) for one in sorted(found)],
        )
        self._read(session, now)
        self._read_at, self._made_in = None, session.get_transaction()  # what was added may not be kept


def _shape(event: GivenEvent) -> tuple[Any, ...]:
    """What tells data with other fields apart, without going into it: the outer names, and how many names in all."""
    return (event.type, event.source, event.text.count('":'), *event.data)


def _personal_of(marks: Mapping[Kind, Mapping[str, bool]]) -> dict[Kind, tuple[str, ...]]:
    chosen = {kind: tuple(sorted(path for path, is_on in some.items() if is_on)) for kind, some in marks.items()}
    return {kind: paths for kind, paths in chosen.items() if paths}


def load_personal(session: Session) -> dict[Kind, tuple[str, ...]]:
    """The personal fields of each kind of event that has some."""
    marks: dict[Kind, dict[str, bool]] = {}
    for one in session.exec(select(PersonalField)):
        marks.setdefault((one.type, one.source), {})[one.path] = one.is_personal
    return _personal_of(marks)


def mark_field(
    session: Session, kind: Kind, path: str, *, is_personal: bool, actor: Actor, now: datetime
) -> tuple[str, ...]:
    """Say of a field of a kind of event whether it is personal, from now on; all that are. Raises NotFound, Invalid."""
    actor.require("events.edit")
    type_, source = kind
    seen = session.exec(
        select(EventTypeSeen).where(EventTypeSeen.type == type_, EventTypeSeen.source == source)
    ).first()
    if seen is None:
        raise NotFound(f"No event {type_[:120]!r} has come from {source[:120]!r}.")
    if not path or len(path) > MAX_PATH or not path.isprintable():
        raise Invalid.field("path", "Name a field of the data, such as customer.email.")
    mine = (PersonalField.type == type_, PersonalField.source == source)
    row = session.exec(select(PersonalField).where(*mine, PersonalField.path == path)).first()
    if row is None:
        row = PersonalField(
            type=type_, source=source, path=path, is_personal=is_personal, actor=actor.name, updated_at=now
        )
    row.is_personal, row.actor, row.updated_at = is_personal, actor.name, now
    session.add(row)
    session.flush()
    data = {"event_type_id": seen.id, "personal_field_id": row.id, "is_personal": is_personal}  # a path may be anything
    append_event(session, EventType.SOURCE_CHANGED, now=now, actor=actor.name, data=data)
    marked = session.exec(select(PersonalField.path).where(*mine, col(PersonalField.is_personal)))
    return tuple(sorted(marked))


def refuse_personal_filter(session: Session, tree: Filter) -> None:
    """Raise Invalid for a filter that looks into a personal field: it is sealed, so nothing would be found."""
    paths = paths_in(tree)
    if paths:
        wanted = (find_exact(tree, "type"), find_exact(tree, "source"))
        for path in paths:
            refuse_personal_path(session, path, *wanted, loc="$filter")


def refuse_personal_path(
    session: Session, path: Sequence[str], type_: str | None, source: str | None, *, loc: str
) -> None:
    """The same for one path, among the events of a type and source if they are given."""
    for (kind, origin), fields in load_personal(session).items():
        if (type_ or kind) != kind or (source or origin) != origin:
            continue
        for field in fields:
            steps = [step.replace("[]", "") for step in field.split(".")]
            shorter = min(len(steps), len(path))
            if list(path[:shorter]) == steps[:shorter]:
                raise Invalid.field(
                    loc,
                    f"{'.'.join(path)} is personal in {kind} of {origin}, so it is kept encrypted and cannot be "
                    "searched. Search by the person instead.",
                )


__all__ = [
    "PersonalFields", "load_personal", "looks_personal", "mark_field", "refuse_personal_filter",
    "refuse_personal_path",
]  # fmt: skip
