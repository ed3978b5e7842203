"""Changing by which addresses a person is known, and telling that two persons are one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.contacts_intake import check_region
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.merging import find_oldest, merge_persons
from cxconsole.audience.people import IdentityView, PersonView, find_present, lock_person, view_persons
from cxconsole.audience.problems import Problem
from cxconsole.audience.rows import IDENTITY_COLUMNS, read_value
from cxconsole.audience.search import queue_persons
from cxconsole.errors import Conflict, FieldProblem, Invalid, NotFound
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.person import Identity, Person


def add_identity(
    session: Session,
    person_id: int,
    kind: str,
    value: str,
    *,
    use_for_sending: bool = False,
    default_region: str = "US",
    actor: Actor,
    now: datetime,
) -> IdentityView:
    """Add an e-mail, phone or customer id to the person; one that the person has already is returned.

    It is used for sending when told so, or when it is the first of its kind. Raises NotFound, Invalid, and Conflict
    when it belongs to another person.
    """
    actor.require("persons.edit")
    lock_identities(session)
    lock_person(session, person_id)
    if kind not in IDENTITY_COLUMNS:
        raise Invalid.field("kind", f"Choose one of {', '.join(IDENTITY_COLUMNS)}.")
    check_region(default_region)
    read = read_value(kind, value.strip(), region=default_region)
    if isinstance(read, Problem):
        raise Invalid.field("value", f"{read.reason}. {read.remedy}.")
    identity = find_own(session, person_id, kind, read)
    before = of_kind(session, person_id, kind)
    if identity is None:
        identity = Identity(person_id=person_id, kind=kind, value=read, is_primary=not before, created_at=now)
        session.add(identity)
    elif identity.is_primary or not use_for_sending:
        return _view(identity)
    if use_for_sending:
        for one in (*before, identity):
            one.is_primary = one is identity
    session.flush()
    note_identities(session, person_id, [kind], actor=actor, now=now)
    return _view(identity)


def remove_identity(session: Session, person_id: int, identity_id: int, *, actor: Actor, now: datetime) -> None:
    """Take an address or id away from the person. Raises NotFound, and Conflict for the last one."""
    actor.require("persons.edit")
    lock_identities(session)
    lock_person(session, person_id)
    identity = session.get(Identity, identity_id)
    if identity is None or identity.person_id != person_id:
        raise NotFound(f"Person {person_id} has no identity {identity_id}.")
    drop_identities(session, person_id, [identity_id], actor=actor, now=now)


def drop_identities(
    session: Session, person_id: int, ids: Sequence[int], *, keep_one: bool = True, actor: Actor, now: datetime
) -> None:
    """Take these identities of the person away; the next of each kind is then used for sending.

    Raises Conflict when none would be left, unless that is meant. Before, lock the identities.
    """
    gone = session.execute(select(Identity).where(col(Identity.id).in_(ids))).scalars().all()
    for one in gone:
        session.delete(one)
    session.flush()
    settle_primary(session, [person_id])
    if keep_one and not has_identity(session, person_id):
        raise Conflict("A person keeps at least one address or id; add another one first.")
    note_identities(session, person_id, [one.kind for one in gone], actor=actor, now=now)


def unite_persons(
    session: Session, person_ids: Sequence[int], *, primary_id: int | None = None, actor: Actor, now: datetime
) -> PersonView:
    """Make these persons one: the primary, else the oldest, takes everything.

    Who was merged before stands for who took them over, so nobody can come back to themselves in a circle.
    """
    actor.require("persons.edit")
    lock_identities(session)
    found = [(one, find_present(session, one)) for one in person_ids]
    for asked, person in found:
        if person is None:
            raise Invalid.field("person_ids", f"There is no person {asked}.")
        if person.erased_at is not None:
            raise Invalid.field("person_ids", f"The person {asked} was erased.")
    cluster = {person.id or 0 for _, person in found if person is not None}
    if primary_id is None:
        moves = find_oldest(session, [cluster])
    else:
        primary = find_present(session, primary_id)
        if primary is None or primary.id not in cluster:
            raise Invalid.field("primary_id", "The primary is one of the persons who become one.")
        moves = dict.fromkeys(cluster - {primary.id}, primary.id)
    merge_persons(session, moves, actor=actor.name, now=now)
    session.expire_all()
    stays = lock_person(session, next(iter(cluster - moves.keys())))
    return view_persons(session, [stays])[0]


def find_own(session: Session, person_id: int, kind: str, value: str) -> Identity | None:
    """The person's identity of this value. Raises Conflict when it is another person's."""
    statement = select(Identity).where(col(Identity.kind) == kind, col(Identity.value) == value)
    found = session.execute(statement).scalar_one_or_none()
    if found is not None and found.person_id != person_id:
        raise Conflict(
            f"This {kind.replace('_', ' ')} belongs to another person (number {found.person_id}).",
            errors=[FieldProblem(loc=kind, msg="It belongs to another person.")],
        )
    return found


def of_kind(session: Session, person_id: int, kind: str) -> Sequence[Identity]:
    """The person's identities of this kind, the oldest first."""
    statement = select(Identity).where(col(Identity.person_id) == person_id, col(Identity.kind) == kind)
    return session.execute(statement.order_by(col(Identity.id))).scalars().all()


def settle_primary(session: Session, person_ids: Sequence[int]) -> None:
    """Of each kind that these persons have, one is used for sending: the oldest where none is, and not two."""
    rows = session.execute(
        select(Identity)
        .where(col(Identity.person_id).in_(person_ids))
        .order_by(col(Identity.is_primary).desc(), col(Identity.id))
    ).scalars()
    settled: set[tuple[int, str]] = set()
    for one in rows:
        one.is_primary = (one.person_id, one.kind) not in settled
        settled.add((one.person_id, one.kind))
    session.flush()


def drop_identity(session: Session, identity: Identity) -> None:
    """Take it away; the next of its kind is then used for sending."""
    session.delete(identity)
    session.flush()
    settle_primary(session, [identity.person_id])


def has_identity(session: Session, person_id: int) -> bool:
    """Whether there is any by which the person is known."""
    return (
        session.execute(select(col(Identity.id)).where(col(Identity.person_id) == person_id).limit(1)).first()
        is not None
    )


def _view(one: Identity) -> IdentityView:
    return IdentityView(id=one.id or 0, kind=one.kind, value=one.value, is_primary=one.is_primary)


def note_identities(session: Session, person_id: int, kinds: Sequence[str], *, actor: Actor, now: datetime) -> None:
    """Say on the Tape that identities of these kinds came or went, and let search know."""
    session.execute(update(Person).where(col(Person.id) == person_id).values(updated_at=now))
    queue_persons(session, (person_id,))
    data = {"fields": list(dict.fromkeys(kinds))}
    append_event(session, EventType.PERSON_CHANGED, now=now, actor=actor.name, person_id=person_id, data=data)


__all__ = [
    "add_identity", "drop_identities", "drop_identity", "find_own", "has_identity", "note_identities", "of_kind",
    "remove_identity", "settle_primary", "unite_persons",
]  # fmt: skip
