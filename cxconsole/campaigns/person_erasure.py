"""Erasing a person: the key and all by which the person can be known go; ids, counts and the Tape stay."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.counters import column_of, move_contacts
from cxconsole.audience.forgetting import find_traces, forget_identity, list_names
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.campaigns.advance import find_reached
from cxconsole.comms.forgetting import ERASED, forget_content, list_targets, stop_deliveries
from cxconsole.errors import NotFound
from cxconsole.journey.forgetting import forget_journey, holds_any
from cxconsole.journey.reading import find_history
from cxconsole.journey.tape import append_event, append_rows
from models.activity import Note, ScheduledActivity
from models.comm import CommDelivery
from models.contact import CONTACT_MOVES, CampaignContact, ContactStatus, HoldReason
from models.event import EventType
from models.person import Identity, Person
from models.transitions import check_move


@dataclass(frozen=True, kw_only=True)
class ErasedPerson:
    """What went, and what was stopped. Asked again for somebody who was erased, the counts are nought."""

    id: int
    erased_at: datetime
    identities: int = 0
    notes: int = 0
    follow_ups: int = 0
    deliveries: int = 0
    stopped_contacts: int = 0
    family: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ErasureOutlook:
    """What erasing would take away, and stop."""

    identities: int
    notes: int
    follow_ups: int
    deliveries: int
    campaigns: int


def foresee_erasure(session: Session, person_id: int, *, actor: Actor) -> ErasureOutlook:
    """What `erase_person` would do, in numbers; nothing is changed."""
    actor.require("persons.read")
    ids = find_history(session, person_id)

    def count(model: Any, *which: Any) -> int:
        mine = select(func.count()).select_from(model).where(col(model.person_id).in_(ids), *which)
        return session.execute(mine).scalar_one()

    return ErasureOutlook(
        identities=count(Identity), notes=count(Note), follow_ups=count(ScheduledActivity),
        deliveries=count(CommDelivery), campaigns=count(CampaignContact, _is_going()),
    )  # fmt: skip


def erase_person(session: Session, person_id: int, *, actor: Actor, now: datetime) -> ErasedPerson:
    """Erase a person and all who were merged into them. It cannot be undone. Raises NotFound.

    The caller then forgets what it keeps in memory, publishes topics.WORK, CAMPAIGNS, TAPE and SUPPRESSIONS, and
    calls `Database.scrub`.
    """
    actor.require("persons.erase")
    lock_identities(session)
    family = _lock_family(session, person_id)
    root = family[0]
    if root.erased_at is not None:
        return ErasedPerson(id=root.id or 0, erased_at=root.erased_at, family=tuple(one.id or 0 for one in family))
    ids = [one.id or 0 for one in family]
    names = list_names(session, ids)
    traces = sorted({*find_traces(names), *list_targets(session, ids)})
    stopped = _stop_contacts(session, ids, actor=actor.name, now=now)
    _clean_reasons(session, ids, traces)
    stop_deliveries(session, ids, actor=actor.name, now=now)
    counts = {
        "identities": len(names), "deliveries": forget_content(session, ids, traces=traces),
        "stopped_contacts": stopped,
        **forget_journey(session, ids, names=[value for _, value in names], traces=traces),
    }  # fmt: skip
    forget_identity(session, ids, traces=traces, now=now)
    append_event(session, EventType.PERSON_ERASED, now=now, actor=actor.name, person_id=root.id, data=counts)
    session.expire_all()
    return ErasedPerson(id=ids[0], erased_at=now, family=tuple(ids), **counts)


def _lock_family(session: Session, person_id: int) -> list[Person]:
    """Who they are now, then all who were merged."""
    ids = find_history(session, person_id)
    rows = session.execute(
        select(Person).where(col(Person.id).in_(ids)).order_by(col(Person.id)).with_for_update()
    ).scalars()
    found = {one.id: one for one in rows}
    if person_id not in found:
        raise NotFound(f"There is no person {person_id}.")
    return [found[one] for one in ids if one in found]


def _stop_contacts(session: Session, person_ids: Sequence[int], *, actor: str, now: datetime) -> int:
    """End all places in campaigns that are not over: completed where anything was sent, else suppressed."""
    contact = CampaignContact
    going = session.execute(
        select(
            col(contact.id), col(contact.person_id), col(contact.campaign_id), col(contact.status),
            col(contact.hold_reason),
        )
        .where(col(contact.person_id).in_(person_ids), _is_going())
        .order_by(col(contact.campaign_id), col(contact.id))
        .with_for_update()
    ).all()  # fmt: skip
    reached = find_reached(session, [row.id for row in going])
    deltas: dict[int, Counter[str]] = defaultdict(Counter)
    ended: dict[ContactStatus, list[int]] = defaultdict(list)
    events: list[Any] = []
    for row in going:
        before = ContactStatus(row.status)
        sent = row.id in reached and before is not ContactStatus.HELD
        after = ContactStatus.COMPLETED if sent else ContactStatus.SUPPRESSED
        check_move(CONTACT_MOVES, before, after)
        deltas[row.campaign_id].update({column_of(row.status, row.hold_reason): -1, after.value: 1})
        kind = EventType.CONTACT_COMPLETED if sent else EventType.CONTACT_SUPPRESSED
        events.append((kind, row.person_id, row.campaign_id, row.id, None, {"reason": ERASED}))
        ended[after].append(row.id)
    for after, ids in ended.items():
        session.execute(
            update(contact)
            .where(col(contact.id).in_(ids))
            .values(status=after.value, hold_reason=None, reason=ERASED, due_at=None, last_activity_at=now)
            .execution_options(synchronize_session=False)
        )
    for campaign_id, delta in sorted(deltas.items()):
        move_contacts(session, campaign_id, delta)
    append_rows(session, events, now=now, actor=actor)
    return len(going)


def _clean_reasons(session: Session, person_ids: Sequence[int], traces: Sequence[str]) -> None:
    """Why a contact failed may be told in the words of a mail server, with the address."""
    mine = col(CampaignContact.person_id).in_(person_ids), holds_any(CampaignContact.reason, traces)
    named = update(CampaignContact).where(*mine).values(reason=ERASED)
    session.execute(named.execution_options(synchronize_session=False))


def _is_going() -> ColumnElement[bool]:
    """Whether anything may still come of a place in a campaign."""
    status = col(CampaignContact.status)
    held = and_(status == ContactStatus.HELD, col(CampaignContact.hold_reason) != HoldReason.ENDED)
    return or_(status.in_((ContactStatus.PENDING, ContactStatus.IN_PROGRESS)), held)


__all__ = ["ErasedPerson", "ErasureOutlook", "erase_person", "foresee_erasure"]
