"""What people do with contacts, one or many: change, remove, try again."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.counters import column_of, move_contacts
from cxconsole.audience.identity_changes import drop_identity, find_own, has_identity, of_kind
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.rows import IDENTITY_COLUMNS, KNOWN_COLUMNS, LONGEST_CELL, PERSON_COLUMNS, read_value
from cxconsole.audience.search import is_one_of, is_sqlite, queue_persons
from cxconsole.campaigns.contact_filter import Selection
from cxconsole.campaigns.contact_query import check_query
from cxconsole.campaigns.contact_selection import select_ids
from cxconsole.campaigns.flow import load_graph
from cxconsole.campaigns.records import load_campaign
from cxconsole.driver import dump
from cxconsole.errors import Conflict, FieldProblem, Invalid
from cxconsole.journey.tape import append_events
from models.campaign import CampaignState, campaign_code
from models.contact import CONTACT_MOVES, CampaignContact, ContactSource, ContactStatus, SourceMention
from models.event import EventType
from models.person import Identity, Person
from models.transitions import check_move

_RETRIED = (ContactStatus.FAILED, ContactStatus.SUPPRESSED)


def update_contacts(
    session: Session,
    campaign_id: int,
    selection: Selection,
    changes: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    default_region: str = "US",
) -> int:
    """Change the persons behind the selected contacts; the count of contacts.

    Keys are the known columns of a contact row; any other key is an attribute. None or "" clears a value.
    E-mail, phone and customer id can be changed for one contact at a time; Conflict when another person has it.
    """
    actor.require("contacts.edit")
    load_campaign(session, campaign_id)
    values = _check_changes(changes, default_region)
    identities = {name: values.pop(name) for name in IDENTITY_COLUMNS if name in values}
    count = 0
    for rows in _chunks(session, campaign_id, selection):
        count += len(rows)
        if identities:
            if count > 1:
                raise Invalid.field(next(iter(identities)), "An address or customer id belongs to one person; "
                                    "select a single contact to change it.")  # fmt: skip
            _change_identities(session, rows[0].person_id, identities, now=now)
        persons = [row.person_id for row in rows]
        _change_persons(session, persons, values, now=now)
        queue_persons(session, persons)
        _note(session, EventType.CONTACT_CHANGED, campaign_id, rows, actor=actor, now=now,
              data={"fields": sorted([*values, *identities])})  # fmt: skip
    return count


def remove_contacts(session: Session, campaign_id: int, selection: Selection, *, actor: Actor, now: datetime) -> int:
    """Take the selected contacts out of the campaign, except those under way; the count of those that went.

    What was sent to them stays in the campaign's channel numbers, and their history on the Tape.
    """
    actor.require("contacts.edit")
    load_campaign(session, campaign_id)
    count = 0
    for rows in _chunks(session, campaign_id, selection, lock=True):
        gone = [row for row in rows if row.status != ContactStatus.IN_PROGRESS]
        if not gone:
            continue
        chosen = _among(session, col(CampaignContact.id), [row.id for row in gone])
        session.execute(delete(CampaignContact).where(chosen).execution_options(synchronize_session=False))
        _forget_mentions(session, campaign_id, [row.person_id for row in gone])
        deltas = Counter(column_of(row.status, row.hold_reason) for row in gone)
        move_contacts(session, campaign_id, {name: -n for name, n in deltas.items()} | {"planned": -len(gone)})
        for source_id, number in sorted(Counter(row.source_id for row in gone).items()):
            session.execute(
                update(ContactSource)
                .where(col(ContactSource.id) == source_id)
                .values(contacts=col(ContactSource.contacts) - number)
                .execution_options(synchronize_session=False)
            )
        _note(session, EventType.CONTACT_REMOVED, campaign_id, gone, actor=actor, now=now, data={})
        count += len(gone)
    return count


def retry_contacts(session: Session, campaign_id: int, selection: Selection, *, actor: Actor, now: datetime) -> int:
    """Put failed and suppressed contacts of the selection back to pending; the count. The caller publishes WORK.

    A failed one begins again with the step that failed; a suppressed one, to whom nothing was sent, with the
    first. Earlier requests stay as they are. Raises Conflict when the campaign has ended.
    """
    actor.require("contacts.edit")
    campaign = load_campaign(session, campaign_id)
    if campaign.state == CampaignState.ENDED:
        raise Conflict(f"{campaign_code(campaign_id)} has ended; nobody is contacted any more.")
    before = {edge["target"]: edge["source"] for edge in load_graph(session, campaign).get("edges", ())}
    count = 0
    for rows in _chunks(session, campaign_id, selection, lock=True):
        groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        retried = [row for row in rows if row.status in _RETRIED]
        for row in retried:
            check_move(CONTACT_MOVES, ContactStatus(row.status), ContactStatus.PENDING)
            # a contact stands at the step done last, so that the next one is the one to be done
            node = before.get(row.node) if row.status == ContactStatus.FAILED else None
            groups[row.status, node].append(row.id)
        for (_, node), ids in groups.items():
            session.execute(
                update(CampaignContact)
                .where(_among(session, col(CampaignContact.id), ids))
                .values(
                    status=ContactStatus.PENDING.value, reason=None, hold_reason=None, node=node, due_at=now,
                    last_activity_at=now,
                )
                .execution_options(synchronize_session=False)
            )  # fmt: skip
        if retried:
            left = Counter(row.status for row in retried)
            move_contacts(session, campaign_id, {name: -n for name, n in left.items()} | {"pending": len(retried)})
            _note(session, EventType.CONTACT_RETRIED, campaign_id, retried, actor=actor, now=now, data={})
        count += len(retried)
    return count


def _chunks(session: Session, campaign_id: int, selection: Selection, *, lock: bool = False) -> Iterator[Sequence[Any]]:
    if selection.matching is not None:
        check_query(selection.matching)
    contact = CampaignContact
    for ids in select_ids(session, campaign_id, selection):
        statement = (
            select(
                col(contact.id), col(contact.person_id), col(contact.status), col(contact.hold_reason),
                col(contact.source_id), col(contact.node),
            )
            .where(_among(session, col(contact.id), ids))
            .order_by(col(contact.id))
        )  # fmt: skip
        yield session.execute(statement.with_for_update() if lock else statement).all()


def _among(session: Session, key: Any, ids: Sequence[int]) -> Any:
    return is_one_of(key, ids, sqlite=is_sqlite(session))


def _check_changes(changes: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Values as they are stored; raises Invalid naming each that cannot be."""
    problems: list[FieldProblem] = []
    values: dict[str, Any] = {}
    if not changes:
        raise Invalid.field("changes", "Say what is to be changed.")
    for name, value in changes.items():
        if isinstance(value, str):
            value = value.strip()
        if value in (None, ""):
            values[name] = None
        elif name in KNOWN_COLUMNS:
            read = read_value(name, str(value), region=region)
            if isinstance(read, str):
                values[name] = read
            else:
                problems.append(FieldProblem(loc=name, msg=f"{read[0]}. {read[1]}."))
        elif not name.strip() or '"' in name or not isinstance(value, str | int | float | bool):
            problems.append(FieldProblem(loc=name, msg="An attribute has a name without quotes and a plain value."))
        elif len(str(value)) > LONGEST_CELL or "\x00" in str(value):
            problems.append(FieldProblem(loc=name, msg=f"At most {LONGEST_CELL:,} characters, none of them NUL."))
        else:
            values[name] = value
    if problems:
        raise Invalid("The contacts were not changed: " + problems[0].msg, errors=problems)
    return values


def _change_persons(session: Session, person_ids: Sequence[int], values: Mapping[str, Any], *, now: datetime) -> None:
    columns: dict[str, Any] = {name: value for name, value in values.items() if name in PERSON_COLUMNS}
    attributes = {name: value for name, value in values.items() if name not in PERSON_COLUMNS}
    if attributes:
        document = col(Person.attributes)
        if is_sqlite(session):
            columns["attributes"] = func.json_patch(document, dump(attributes))  # a null takes the key away
        else:
            gone = [name for name, value in attributes.items() if value is None]
            kept = {name: value for name, value in attributes.items() if value is not None}
            cleared = document.op("-")(cast(gone, ARRAY(String))) if gone else document
            columns["attributes"] = cleared.op("||")(kept)
    session.execute(
        update(Person)
        .where(_among(session, col(Person.id), person_ids), col(Person.erased_at).is_(None))
        .values(**columns, updated_at=now)
        .execution_options(synchronize_session=False)
    )


def _change_identities(session: Session, person_id: int, values: Mapping[str, str | None], *, now: datetime) -> None:
    lock_identities(session)
    if session.get_one(Person, person_id).erased_at is not None:
        raise Conflict("This person was erased. Nothing can be added.")
    for kind, value in values.items():
        mine = of_kind(session, person_id, kind)
        primary = next((one for one in mine if one.is_primary), None)
        if value is None:
            if primary is not None:
                drop_identity(session, primary)
            continue
        same = find_own(session, person_id, kind, value)
        if same is not None:
            for one in mine:
                one.is_primary = one is same
        elif primary is not None:
            primary.value = value
        else:
            session.add(Identity(person_id=person_id, kind=kind, value=value, created_at=now))
        session.flush()
    if not has_identity(session, person_id):
        raise Invalid.field(next(iter(values)), "A person keeps at least one address or id; set another one first.")


def _forget_mentions(session: Session, campaign_id: int, person_ids: Sequence[int]) -> None:
    """A person who is no longer in the campaign is new to it when a source names them again."""
    sources = select(col(ContactSource.id)).where(col(ContactSource.campaign_id) == campaign_id)
    session.execute(
        delete(SourceMention).where(
            col(SourceMention.source_id).in_(sources), _among(session, col(SourceMention.person_id), person_ids)
        ).execution_options(synchronize_session=False)
    )  # fmt: skip


def _note(
    session: Session,
    kind: EventType,
    campaign_id: int,
    rows: Sequence[Any],
    *,
    actor: Actor,
    now: datetime,
    data: dict[str, Any],
) -> None:
    append_events(
        session,
        [
            {
                "type": kind, "time": now, "actor": actor.name, "person_id": row.person_id, "campaign_id": campaign_id,
                "contact_id": row.id, "data": data,
            }
            for row in rows
        ],
    )  # fmt: skip
