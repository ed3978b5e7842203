"""Identity conflicts: two persons known by name of whom somebody said that they are one. A person decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, insert, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.people import PersonView, find_present, view_persons
from cxconsole.driver import Driver
from cxconsole.errors import NotFound
from cxconsole.journey.reading import find_history, find_last_seen
from cxconsole.journey.recent import name_persons
from cxconsole.journey.timeline import find_families
from cxconsole.paging import COUNT_CAP, Page, check_range, make_page
from models.campaign import Campaign
from models.contact import CampaignContact
from models.event import Event
from models.journey import Decision, IdentityConflict
from models.person import Identity

EVENTS_CAP = 1_001
"""Counting the events of a side stops here."""
_CAMPAIGNS = 5


class Claimed(NamedTuple):
    """Somebody gave a name of `other` to `person`; both are known by name."""

    person: int
    other: int
    identity_id: int
    source: str


@dataclass(frozen=True, kw_only=True)
class ConflictView:
    """A conflict in a list. The names are of who the two are now; empty for somebody who was removed.

    `identity` is the name that both have a claim to, None when it is gone.
    """

    id: int
    person_id: int
    person: str
    other_person_id: int
    other: str
    identity: str | None
    kind: str | None
    source: str
    seen_at: datetime
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ConflictSide:
    """One of the two, in full. `events` ends at 1,001; of the campaigns the first five are named."""

    person: PersonView
    last_seen_at: datetime | None
    events: int
    campaigns: int
    campaign_names: tuple[str, ...]
    has_identity: bool
    """Whether the name that both claim is this one's now."""


@dataclass(frozen=True, kw_only=True)
class ConflictDetail:
    """A conflict with both sides: first whom the event was about.

    No sides when one of them was removed, one when they are one by now.
    """

    conflict: ConflictView
    sides: tuple[ConflictSide, ...]


# All who were merged into some persons, each with the one of these: a pair may be on record under earlier ids.
_DOWN = (
    "WITH RECURSIVE down (id, root) AS (SELECT id, id FROM person WHERE id {among} "
    "UNION SELECT p.id, d.root FROM person p JOIN down d ON p.merged_into = d.id) "
)
_SIDES = "identity_conflict c JOIN down a ON a.id = c.person_id JOIN down b ON b.id = c.other_person_id"


def note_conflicts(session: Session, claims: Sequence[Claimed], *, now: datetime) -> None:
    """Keep what is to be decided. A pair that is waiting already, or that a person keeps apart, is not asked again."""
    driver = Driver(session)
    found = driver.run(
        f"{_DOWN.format(among=driver.among_ids)} SELECT a.root, b.root FROM {_SIDES} "  # noqa: S608
        "WHERE c.decided_at IS NULL OR c.decision = ?",
        sorted({one for claim in claims for one in claim[:2]}),
        Decision.KEPT.value,
    )
    asked = {frozenset(pair) for pair in found}
    rows = []
    for claim in claims:
        pair = frozenset(claim[:2])
        if len(pair) == 2 and pair not in asked:
            asked.add(pair)
            rows.append({
                "person_id": claim.person, "other_person_id": claim.other, "identity_id": claim.identity_id,
                "source": claim.source, "seen_at": now,
            })  # fmt: skip
    if rows:
        session.execute(insert(IdentityConflict), rows)


def list_conflicts(
    session: Session, *, decided: bool = False, limit: int = 50, offset: int = 0, actor: Actor
) -> Page[ConflictView]:
    """Conflicts that wait, the newest first; or those that were decided, the last decision first."""
    actor.require("persons.read")
    check_range(limit, offset)
    where = _is_open() if not decided else col(IdentityConflict.decided_at).is_not(None)
    newest = (col(IdentityConflict.decided_at).desc(),) if decided else ()
    rows = session.execute(
        select(IdentityConflict)
        .where(where)
        .order_by(*newest, col(IdentityConflict.id).desc())
        .limit(limit)
        .offset(offset)
    )
    total = _count(session, where)
    items = _view(session, rows.scalars().all())
    return make_page(items, total=total, limit=limit, offset=offset, total_is_capped=total >= COUNT_CAP)


def count_open_conflicts(session: Session, *, actor: Actor) -> int:
    """How many wait for a decision; counting ends at 10,001."""
    actor.require("persons.read")
    return _count(session, _is_open())


def get_conflict(session: Session, conflict_id: int, *, actor: Actor) -> ConflictDetail:
    """One conflict with both sides as they are now. Raises NotFound."""
    actor.require("persons.read")
    row = session.get(IdentityConflict, conflict_id)
    if row is None:
        raise NotFound(f"There is no identity conflict {conflict_id}.")
    claimed = session.get(Identity, row.identity_id)
    present = [find_present(session, one) for one in (row.person_id, row.other_person_id)]
    there = {one.id: one for one in present if one is not None} if None not in present else {}
    sides = [_read_side(session, one, claimed) for one in view_persons(session, list(there.values()))]
    return ConflictDetail(conflict=_view(session, [row])[0], sides=tuple(sides))


def find_open_between(session: Session, person_id: int, other_id: int) -> list[int]:
    """The keys of all open conflicts between these two, as they are now, under whatever ids."""
    driver = Driver(session)
    found = driver.run(
        f"{_DOWN.format(among=driver.among_ids)} SELECT c.id FROM {_SIDES} "  # noqa: S608
        "WHERE c.decided_at IS NULL AND a.root <> b.root",
        [person_id, other_id],
    )
    return [row[0] for row in found]


def close_merged(session: Session, person_ids: Sequence[int], *, actor: str, now: datetime) -> None:
    """Settle the open conflicts of these persons with themselves: whom somebody has just merged."""
    driver = Driver(session)
    driver.run(
        f"{_DOWN.format(among=driver.among_ids)} UPDATE identity_conflict "  # noqa: S608
        f"SET decision = ?, decided_at = ?, decided_by = ? WHERE id IN (SELECT c.id FROM {_SIDES} "
        "WHERE c.decided_at IS NULL AND a.root = b.root)",
        list(person_ids), Decision.MERGED.value, now, actor,
    )  # fmt: skip


def _is_open() -> ColumnElement[bool]:
    return col(IdentityConflict.decided_at).is_(None)


def _count(session: Session, where: ColumnElement[bool]) -> int:
    counted = select(col(IdentityConflict.id)).where(where).limit(COUNT_CAP).subquery()
    return session.execute(select(func.count()).select_from(counted)).scalar_one()


def _read_side(session: Session, person: PersonView, claimed: Identity | None) -> ConflictSide:
    history = find_history(session, person.id)
    some = select(col(Event.id)).where(col(Event.person_id).in_(history)).limit(EVENTS_CAP).subquery()
    places = col(CampaignContact.person_id) == person.id
    names = (
        select(col(Campaign.name))
        .join(CampaignContact, col(CampaignContact.campaign_id) == col(Campaign.id))
        .where(places)
        .order_by(col(CampaignContact.id).desc())
        .limit(_CAMPAIGNS)
    )
    return ConflictSide(
        person=person,
        last_seen_at=max(find_last_seen(Driver(session), history).values(), default=None),
        events=session.execute(select(func.count()).select_from(some)).scalar_one(),
        campaigns=session.execute(select(func.count()).select_from(CampaignContact).where(places)).scalar_one(),
        campaign_names=tuple(session.execute(names).scalars()),
        has_identity=claimed is not None and claimed.person_id == person.id,
    )


def _view(session: Session, rows: Sequence[IdentityConflict]) -> list[ConflictView]:
    families = find_families(session, sorted({one for row in rows for one in (row.person_id, row.other_person_id)}))
    root_of = {one: family[0] for one, family in families.items()}
    names = name_persons(session, sorted(set(root_of.values())))
    claimed = _read_claimed(session, {row.identity_id for row in rows})

    def name(person_id: int) -> str:
        return names.get(root_of.get(person_id, 0), "")

    return [
        ConflictView(
            id=row.id or 0, person_id=root_of.get(row.person_id, row.person_id), person=name(row.person_id),
            other_person_id=root_of.get(row.other_person_id, row.other_person_id), other=name(row.other_person_id),
            identity=claimed[row.identity_id].value if row.identity_id in claimed else None,
            kind=claimed[row.identity_id].kind if row.identity_id in claimed else None,
            source=row.source, seen_at=row.seen_at, decision=row.decision, decided_by=row.decided_by,
            decided_at=row.decided_at,
        )
        for row in rows
    ]  # fmt: skip


def _read_claimed(session: Session, ids: Iterable[int]) -> Mapping[int, Any]:
    return {one.id: one for one in session.execute(select(Identity).where(col(Identity.id).in_(ids))).scalars()}


__all__ = [
    "Claimed", "ConflictDetail", "ConflictSide", "ConflictView", "close_merged", "count_open_conflicts",
    "find_open_between", "get_conflict", "list_conflicts", "note_conflicts",
]  # fmt: skip
