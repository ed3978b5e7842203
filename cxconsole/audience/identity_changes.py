"""Changing by which addresses a person is known, and telling that two persons are one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.contacts_intake import check_region
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.merging import find_oldest, merge_persons
from cxconsole.audience.people import IdentityView, PersonView, find_present, lock_person, view_persons
from cxconsole.audience.problems import Problem
from cxconsole.audience.rows import IDENTITY_COLUMNS, read_value
from cxconsole.errors import Conflict, FieldProblem, Invalid, NotFound
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.person import Identity, Person, PersonSearchQueue


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
    person = lock_person(session, person_id)
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
    _note(session, person, kind, actor=actor, now=now)
    return _view(identity)


def remove_identity(session: Session, person_id: int, identity_id: int, *, actor: Actor, now: datetime) -> None:
    """Take an address or id away from the person. Raises NotFound, and Conflict for the last one."""
    actor.require("persons.edit")
    lock_identities(session)
    person = lock_person(session, person_id)
    identity = session.get(Identity, identity_id)
    if identity is None or identity.person_id != person_id:
        raise NotFound(f"Person {person_id} has no identity {identity_id}.")
    drop_identity(session, identity)
    if not has_identity(session, person_id):
        raise Conflict("A person keeps at least one address or id; add another one first.")
    _note(session, person, identity.kind, actor=actor, now=now)


def unite_persons(session: Session, person_ids: Sequence[int], *, actor: Actor, now: datetime) -> PersonView:
    """Make these persons one: the oldest takes everything. Who was merged before stands for who took them over."""
    actor.require("persons.edit")
    lock_identities(session)
    found = [(one, find_present(session, one)) for one in person_ids]
    for asked, person in found:
        if person is None:
            raise Invalid.field("person_ids", f"There is no person {asked}.")
    cluster = {person.id or 0 for _, person in found if person is not None}
    moves = find_oldest(session, [cluster])
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


def drop_identity(session: Session, identity: Identity) -> None:
    """Take it away; the next of its kind is then used for sending."""
    session.delete(identity)
    session.flush()
    rest = of_kind(session, identity.person_id, identity.kind)
    if rest and identity.is_primary:
        rest[0].is_primary = True
    session.flush()


def has_identity(session: Session, person_id: int) -> bool:
    """Whether there is any by which the person is known."""
    return (
        session.execute(select(col(Identity.id)).where(col(Identity.person_id) == person_id).limit(1)).first()
        is not None
    )


def _view(one: Identity) -> IdentityView:
    return IdentityView(id=one.id or 0, kind=one.kind, value=one.value, is_primary=one.is_primary)


def _note(session: Session, person: Person, kind: str, *, actor: Actor, now: datetime) -> None:
    person.updated_at = now
    session.add(person)
    session.execute(insert(PersonSearchQueue), [{"person_id": person.id}])
    append_event(
        session, EventType.PERSON_CHANGED, now=now, actor=actor.name, person_id=person.id, data={"fields": [kind]}
    )


__all__ = ["add_identity", "drop_identity", "find_own", "has_identity", "of_kind", "remove_identity", "unite_persons"]
