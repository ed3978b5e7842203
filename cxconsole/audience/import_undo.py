"""Takes an import back: contacts nobody has written to yet go, and so do persons whom nothing else knows."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, select, update
from sqlmodel import Session, col

from cxconsole import clock
from cxconsole.audience.counters import column_of, move_contacts
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.import_chunk import LEASE
from cxconsole.audience.search import queue_persons
from cxconsole.database import Database
from cxconsole.journey.tape import append_event, append_events
from models.comm import CommDelivery
from models.contact import (
    CampaignContact,
    ContactImport,
    ContactSource,
    ContactStatus,
    ImportState,
    SourceMention,
)
from models.event import EventType
from models.person import Identity, Person
from models.suppression import Suppression

_CHUNK = 2_000
_CONTACTED = (ContactStatus.IN_PROGRESS, ContactStatus.COMPLETED)


def run_undo(database: Database, import_id: int, *, tell: Callable[[], None], should_stop: Callable[[], bool]) -> None:
    """Work on an import in the state `undoing` until it is undone."""
    after = 0
    while not should_stop():
        with database.write() as session:
            work = session.get(ContactImport, import_id, with_for_update=True)
            if work is None or work.state != ImportState.UNDOING:
                return
            now = clock.now()
            found = _undo_chunk(session, work, after, now)
            if found is None:
                work.state, work.lease_until = ImportState.UNDONE, None
                data = {"import_id": work.id, "source_id": work.source_id}
                append_event(
                    session, EventType.IMPORT_UNDONE, now=now, actor=work.undo_actor or work.actor,
                    campaign_id=work.campaign_id, data=data,
                )  # fmt: skip
            else:
                after, work.lease_until, work.attempts = found, now + LEASE, 0
            session.add(work)
        tell()
        if found is None:
            return
    with database.write() as session:
        work = session.get(ContactImport, import_id)
        if work is not None and work.state == ImportState.UNDOING:
            work.lease_until = None
            session.add(work)


def _undo_chunk(session: Session, work: ContactImport, after: int, now: datetime) -> int | None:
    """Undo the next contacts after this id; the last one looked at, None when there are no more."""
    lock_identities(session)
    contact = CampaignContact.__table__  # type: ignore[attr-defined]
    rows = session.execute(
        select(contact.c.id, contact.c.person_id, contact.c.status, contact.c.hold_reason)
        .where(contact.c.source_id == work.source_id, contact.c.id > after)
        .order_by(contact.c.id)
        .limit(_CHUNK)
        .with_for_update()
    ).all()
    if not rows:
        return None
    ids = [row.id for row in rows]
    contacted = set(
        session.scalars(select(CommDelivery.contact_id).where(col(CommDelivery.contact_id).in_(ids)))  # type: ignore[call-overload]
    )
    free = [row for row in rows if row.id not in contacted and row.status not in _CONTACTED]
    kept_by = _hand_over(session, work, free)
    gone = [row for row in free if row.person_id not in kept_by]
    _remove_contacts(session, work, gone, now)
    _remove_persons(session, work, [row.person_id for row in gone])
    return ids[-1]


def _hand_over(session: Session, work: ContactImport, rows: Sequence[Any]) -> set[int]:
    """Contacts whom another source of the campaign named too now come from that one; their persons."""
    mention = SourceMention.__table__.c  # type: ignore[attr-defined]
    source = ContactSource.__table__  # type: ignore[attr-defined]
    other = select(source.c.id).where(source.c.campaign_id == work.campaign_id, source.c.id != work.source_id)
    undone = select(ContactImport.source_id).where(  # type: ignore[call-overload]
        col(ContactImport.state).in_([ImportState.UNDOING, ImportState.UNDONE])
    )
    persons = [row.person_id for row in rows]
    mentions = session.execute(
        select(mention.person_id, mention.source_id)
        .where(mention.person_id.in_(persons), mention.source_id.in_(other), mention.source_id.not_in(undone))
        .order_by(mention.source_id.desc())
    )
    heirs: dict[int, int] = {row[0]: row[1] for row in mentions}  # the oldest source wins
    if not heirs:
        return set()
    contact = CampaignContact.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        update(contact).where(contact.c.id == bindparam("at")).values(source_id=bindparam("heir")),
        [{"at": row.id, "heir": heirs[row.person_id]} for row in rows if row.person_id in heirs],
    )
    session.connection().execute(
        delete(SourceMention.__table__).where(  # type: ignore[attr-defined]
            mention.person_id == bindparam("person"), mention.source_id == bindparam("heir")
        ),
        [{"person": person_id, "heir": source_id} for person_id, source_id in heirs.items()],
    )
    person = Person.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        update(person)
        .where(person.c.id == bindparam("person"), person.c.created_by_source == work.source_id)
        .values(created_by_source=bindparam("heir")),
        [{"person": person_id, "heir": source_id} for person_id, source_id in heirs.items()],
    )
    moved = Counter(heirs.values())
    moved[work.source_id] -= len(heirs)
    for source_id, delta in sorted(moved.items()):  # as many statements as sources, not as rows
        session.execute(update(source).where(source.c.id == source_id).values(contacts=source.c.contacts + delta))
    return set(heirs)


def _remove_contacts(session: Session, work: ContactImport, rows: Sequence[Any], now: datetime) -> None:
    if not rows:
        return
    contact = CampaignContact.__table__  # type: ignore[attr-defined]
    source = ContactSource.__table__  # type: ignore[attr-defined]
    session.execute(delete(contact).where(contact.c.id.in_([row.id for row in rows])))
    deltas = Counter({"planned": -len(rows)})
    deltas.subtract(column_of(row.status, row.hold_reason) for row in rows)
    move_contacts(session, work.campaign_id, deltas)
    session.execute(update(source).where(source.c.id == work.source_id).values(contacts=source.c.contacts - len(rows)))
    append_events(
        session,
        [
            {
                "type": EventType.CONTACT_REMOVED, "time": now, "actor": work.undo_actor or work.actor,
                "person_id": row.person_id, "campaign_id": work.campaign_id, "contact_id": row.id,
                "data": {"source_id": work.source_id},
            }
            for row in rows
        ],
    )  # fmt: skip


def _remove_persons(session: Session, work: ContactImport, candidates: Sequence[int]) -> None:
    """Of these persons, remove those whom this import brought and nothing else refers to."""
    if not candidates:
        return
    person = Person.__table__  # type: ignore[attr-defined]
    merged = person.alias()
    used_by = [col(model.person_id) for model in (CampaignContact, CommDelivery, Suppression, SourceMention)]
    gone = list(
        session.scalars(
            select(person.c.id).where(
                person.c.id.in_(candidates),
                person.c.created_by_source == work.source_id,
                person.c.merged_into.is_(None),
                *(~exists().where(column == person.c.id) for column in used_by),
                ~exists().where(merged.c.merged_into == person.c.id),
            )
        )
    )
    if not gone:
        return
    session.execute(delete(Identity).where(col(Identity.person_id).in_(gone)))
    session.execute(delete(Person).where(col(Person.id).in_(gone)))
    queue_persons(session, gone)
