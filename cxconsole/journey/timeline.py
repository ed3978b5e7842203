"""A person's events, the newest first: quick for a hundred thousand of them, and with the past of who was merged.

Events are in the order of their own time, so one that came late stands where it belongs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, exists, literal, not_, or_, select, tuple_, union_all
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.journey.event_words import brief, look_of, tell
from cxconsole.journey.sight import show_rows
from cxconsole.journey.timeline_facts import load_facts
from models.comm import CommDelivery
from models.event import Event
from models.person import Person

WINDOW = 5_000
"""So many events are looked through for a filter in one go; then `next` says where to go on."""
MAX_LIMIT = 200
_MOST_MERGED = 400  # parts of one statement that SQLite takes

Place = tuple[datetime, int]

FILTERS = ("email", "sms", "voice", "letter", "push", "web", "agent", "record")
"""What a timeline can be narrowed to: channels, `web` (all that others sent), `agent` (notes and follow-ups),
`record` (what became of the person's data and places in campaigns)."""


@dataclass(frozen=True, kw_only=True)
class TimelineEvent:
    """One event as it is told. `place` is where it stands: give it as `before` to read what is older.

    `title`, `detail`, `icon`, `tone` and `badge` come from the table in event_words.
    """

    id: int
    place: str
    at: datetime
    type: str
    source: str
    title: str
    detail: str
    icon: str
    tone: str
    badge: str
    channel: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Events of one person, the newest first.

    `family` is who they are now, then who was merged. `next` is the `before` of what is older, empty at the end.

    Under a filter a page may hold fewer events than asked for, even none, and still have a `next`.
    """

    family: tuple[int, ...]
    events: tuple[TimelineEvent, ...]
    next: str

    @property
    def person_id(self) -> int:
        """Who they are now."""
        return self.family[0]


def read_timeline(
    session: Session, person_id: int, *, actor: Actor, before: str = "", limit: int = 50, only: str = ""
) -> Timeline:
    """Events of a person and of who was merged into them; `only` is one of FILTERS. Raises NotFound, Invalid."""
    actor.require("persons.read")
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid.field("limit", f"The limit must be between 1 and {MAX_LIMIT}.")
    family = find_family(session, person_id)
    place = parse_place(before) if before else None
    floor = _find_floor(session, family, place) if only else None
    window = _newest(family, limit + 1, place=place, floor=floor, only=only)
    rows = session.execute(select(window).order_by(window.c.time.desc(), window.c.id.desc())).all()
    end = rows[limit - 1] if len(rows) > limit else floor
    return Timeline(
        family=tuple(family),
        events=tuple(tell_events(session, show_rows(session, rows[:limit], actor=actor))),
        next=make_place(end) if end else "",
    )


def read_latest(
    session: Session, person_ids: Sequence[int], *, actor: Actor, limit: int = 10
) -> dict[int, tuple[TimelineEvent, ...]]:
    """The newest events of several persons at once; whom there is not is left out."""
    actor.require("persons.read")
    families = find_families(session, person_ids)
    parts = []
    for person_id, family in families.items():
        window = _newest(family, limit)
        newest = select(literal(person_id).label("owner"), window).order_by(window.c.time.desc(), window.c.id.desc())
        parts.append(select(newest.limit(limit).subquery()))
    rows = session.execute(union_all(*parts)).all() if parts else []
    told = dict(zip((row.id for row in rows), tell_events(session, show_rows(session, rows, actor=actor)), strict=True))
    latest: dict[int, list[TimelineEvent]] = {one: [] for one in families}
    for row in sorted(rows, key=lambda row: (row.time, row.id), reverse=True):
        latest[row.owner].append(told[row.id])
    return {one: tuple(events) for one, events in latest.items()}


def find_family(session: Session, person_id: int) -> list[int]:
    """Everybody whose events are this person's: who they are now first, then who was merged. Raises NotFound."""
    found = find_families(session, [person_id])
    if person_id not in found:
        raise NotFound(f"There is no person {person_id}.")
    return found[person_id]


def find_writable(session: Session, person_id: int) -> int:
    """Who they are now, for something to be kept about them. Raises NotFound, and Conflict for who was erased."""
    present = find_family(session, person_id)[0]
    if session.execute(select(col(Person.erased_at)).where(col(Person.id) == present)).scalar() is not None:
        raise Conflict("This person was erased. Nothing can be added.")
    return present


def find_families(session: Session, person_ids: Sequence[int]) -> dict[int, list[int]]:
    """The family of each person there is, with two short questions for all of them unless many were merged."""
    key, parent = col(Person.id), col(Person.merged_into)
    above: dict[int, int | None] = {}
    asked = set(person_ids)
    while asked:
        found = dict(session.execute(select(key, parent).where(key.in_(asked))).all())  # type: ignore[arg-type]
        above.update(found)
        asked = {one for one in found.values() if one is not None} - above.keys()
    root_of = {one: _climb(above, one) for one in person_ids if one in above}
    families = {root: [root] for root in root_of.values()}
    owners = {root: root for root in families}
    asked = set(owners)
    while asked:
        below = session.execute(select(key, parent).where(parent.in_(asked)).limit(_MOST_MERGED)).all()
        asked = set()
        for one, into in below:
            if one not in owners and len(families[owners[into]]) < _MOST_MERGED:
                owners[one] = owners[into]
                families[owners[one]].append(one)
                asked.add(one)
    return {one: families[root] for one, root in root_of.items()}


def _climb(above: Mapping[int, int | None], person_id: int) -> int:
    seen = {person_id}
    while (into := above.get(person_id)) is not None and into not in seen and into in above:
        person_id = into
        seen.add(into)
    return person_id


_COLUMNS: tuple[Any, ...] = (
    col(Event.id), col(Event.event_id), col(Event.source), col(Event.type), col(Event.person_id),
    col(Event.campaign_id), col(Event.contact_id), col(Event.delivery_id), col(Event.time), col(Event.actor),
    col(Event.data),
)  # fmt: skip


_TIME, _KEY = col(Event.time), col(Event.id)


def _newest(
    family: Sequence[int], size: int, *, place: Place | None = None, floor: Any = None, only: str = ""
) -> Subquery:
    """The newest events of the family that fit, in no order: the part of each of them stops by its index."""
    where = [_fits(only)] if only else []
    if floor is not None:
        where.append(tuple_(_TIME, _KEY) >= (floor.time, floor.id))
    parts = [
        select(*_COLUMNS).where(*_of(one, place), *where).order_by(_TIME.desc(), _KEY.desc()).limit(size).subquery()
        for one in family
    ]
    if len(parts) == 1:
        return parts[0]
    together = union_all(*(select(part) for part in parts)).subquery()
    return select(together).order_by(together.c.time.desc(), together.c.id.desc()).limit(size).subquery()


def _find_floor(session: Session, family: Sequence[int], place: Place | None) -> Any:
    """How far back a filter looks: the WINDOWth event of whoever has that many; None when all is looked through."""
    ends = [
        select(
            select(_TIME.label("time"), _KEY.label("id"))
            .where(*_of(one, place))
            .order_by(_TIME.desc(), _KEY.desc())
            .offset(WINDOW - 1)
            .limit(1)
            .subquery()
        )
        for one in family
    ]
    return max(session.execute(union_all(*ends)).all(), key=lambda row: (row.time, row.id), default=None)


def _of(person_id: int, place: Place | None) -> list[ColumnElement[bool]]:
    here = [col(Event.person_id) == person_id]
    return here if place is None else [*here, tuple_(_TIME, _KEY) < place]


def _fits(only: str) -> ColumnElement[bool]:
    kind, own = col(Event.type), col(Event.source) == "cxconsole"
    if only == "agent":
        return and_(own, or_(kind.startswith("note."), kind.startswith("activity.")))
    if only == "record":
        return and_(own, or_(*(kind.startswith(f"{word}.") for word in ("person", "contact", "suppression"))))
    said = col(Event.data)["channel"].as_string()
    if only == "web":
        return and_(not_(own), or_(said.is_(None), said == "web", said.not_in(FILTERS)))
    if only not in FILTERS:
        raise Invalid.field("only", f"A timeline can be narrowed to {', '.join(FILTERS)}; not to {only!r}.")
    delivery = exists().where(col(CommDelivery.id) == col(Event.delivery_id), col(CommDelivery.channel) == only)
    return or_(and_(own, kind.startswith("comm."), or_(said == only, delivery)), and_(not_(own), said == only))


def tell_events(session: Session, rows: Sequence[Any]) -> list[TimelineEvent]:
    """Rows from `show_rows` as they are told, in the same order; a handful of queries for all of them."""
    facts_of = load_facts(session, rows)
    told = []
    for row in rows:
        facts, look = facts_of[row.id], look_of(row.type, row.source)
        facts["data"] = brief(row.data or {})
        told.append(
            TimelineEvent(
                id=row.id, place=make_place(row), at=row.time, type=row.type, source=row.source,
                title=tell(look.title, facts), detail=tell(look.detail, facts),
                icon=look.icon or facts["channel_icon"], tone=look.tone, badge=look.badge,
                channel=facts["channel_key"],
            )
        )  # fmt: skip
    return told


def make_place(row: Any) -> str:
    """Where an event stands in its person's timeline."""
    return f"{row.time.isoformat()}~{row.id}"


def parse_place(text: str) -> Place:
    """The time and key of a place. Raises Invalid."""
    time, _, key = text.partition("~")
    try:
        at = datetime.fromisoformat(time)
        if at.tzinfo is None or not (key.isascii() and key.isdigit()) or len(key) > 18:
            raise ValueError
    except ValueError:
        raise Invalid.field("before", "Give the `place` of an event, as it was read.") from None
    return at, int(key)
