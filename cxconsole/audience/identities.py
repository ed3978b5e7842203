"""Who is who: rows in, persons and their places in a campaign out, a batch at a time."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session

from cxconsole.audience.bulk import slices
from cxconsole.audience.counters import move_contacts
from cxconsole.audience.grouping import Batch, Unions, identities_of
from cxconsole.audience.merging import find_oldest, merge_persons
from cxconsole.audience.rows import PERSON_COLUMNS, ParsedRow
from cxconsole.audience.search import queue_persons
from cxconsole.audience.staging import Hit, Origin, Stage
from cxconsole.journey.tape import append_events
from models.contact import CampaignContact, ContactStatus, SourceMention
from models.event import EventType
from models.person import Identity, Person


class Verdict(StrEnum):
    """What became of a row."""

    CREATED = "created"  # new in the campaign
    MERGED = "merged"  # in the campaign already, brought up to date
    DUPLICATE = "duplicate"  # the same person again within this source
    REJECTED = "rejected"


@dataclass(kw_only=True)
class Stored:
    """What became of a batch."""

    batch: Batch
    known: dict[int, tuple[Verdict, int]] = field(default_factory=dict)
    """(verdict, person) of the groups that were somebody already; all others are new."""
    ids_of_new: Callable[[int], tuple[int, int]] | None = None
    counts: Counter[Verdict] = field(default_factory=Counter)

    def verdict_of(self, at: int) -> tuple[Verdict, int]:
        """(verdict, person id) of the row at this position; only after `store_rows(..., want_ids=True)`."""
        group = self.batch.group_of[at]
        assert self.ids_of_new is not None
        verdict, person_id = self.known.get(group) or (Verdict.CREATED, self.ids_of_new(group)[0])
        return (verdict if at == group else Verdict.DUPLICATE), person_id


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """The batch before this one in the same file, which another connection may still be storing."""

    keys: Mapping[str, int]
    """The identities it names: its `Batch.first_row_of`."""
    wait: Callable[[], None]
    """Returns when it is stored; raises when it will not be."""


def store_rows(
    session: Session,
    batch: Batch,
    origin: Origin,
    *,
    want_ids: bool = False,
    ahead: Ahead | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Stored:
    """Find or create the person of each row, bring them up to date, and give them a place in the campaign.

    Rows that share an identity are one person; a row that ties existing persons together merges them. Writes
    the campaign's counters and the Tape, not the source's counts. Uses the batch up. Before, lock or share the
    identities.

    With a batch `ahead` only what is new to both is stored beside it: persons whom nobody knows, of whom it does
    not speak. Those who are known, whom it may be changing, and those whom it names wait for it, and so do the
    counters. So nothing ever waits in the database for a later batch. `meanwhile` is called when what is left is
    the database's work, so that the processor is free for another thread.
    """
    stored = Stored(batch=batch)
    stored.counts[Verdict.DUPLICATE] = batch.further_rows
    groups = batch.groups
    waiting = {n: groups.pop(n) for n in batch.find_groups(ahead.keys)} if ahead is not None else {}
    hits = _store_new(session, groups, stored, origin, want_ids=want_ids, meanwhile=meanwhile)
    if ahead is not None:
        groups |= waiting
        ahead.wait()
        hits = _store_new(session, groups, stored, origin)
    if hits and stored.ids_of_new is not None:
        stored.known = _store_known(session, groups, hits, origin, stored.ids_of_new)
    stored.counts.update(verdict for verdict, _ in stored.known.values())
    added = stored.counts[Verdict.CREATED]
    move_contacts(session, origin.campaign_id, {"planned": added, "pending": added})
    return stored


def _store_new(
    session: Session,
    groups: dict[int, ParsedRow],
    stored: Stored,
    origin: Origin,
    *,
    want_ids: bool = False,
    meanwhile: Callable[[], None] | None = None,
) -> list[Hit]:
    """Make persons of the groups that are nobody yet, and take them out; the identities of those that are left."""
    if not groups:
        return []
    stage = Stage(session, groups)
    hits = stage.find_known()
    known = {hit.group for hit in hits}
    if known or want_ids:
        stored.ids_of_new = stage.read_ids(groups if want_ids else known)
    stage.drop(known)
    for group in groups.keys() - known:
        del groups[group]  # they are in the database's hands: room for the rows of the next batch
    if meanwhile is not None:
        meanwhile()
    stored.counts[Verdict.CREATED] += stage.store_new(origin)
    return hits


@dataclass(kw_only=True)
class _Writes:
    """What is to be written about persons who exist."""

    people: list[dict[str, Any]] = field(default_factory=list)
    identities: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass(kw_only=True)
class _Known:
    """What is known of the persons a batch names."""

    people: dict[int, Any]
    primary: set[tuple[int, str]]
    identities: set[tuple[str, str]]
    source_of: dict[int, int]  # person -> the source of their contact in this campaign
    mentioned: set[int]  # persons in the campaign whom this source has named before


def _store_known(
    session: Session,
    groups: Mapping[int, ParsedRow],
    hits: Sequence[Hit],
    origin: Origin,
    ids_of_new: Callable[[int], tuple[int, int]],
) -> dict[int, tuple[Verdict, int]]:
    person_of = _settle_persons(session, hits, origin)
    known = _read_known(session, sorted(set(person_of.values())), origin)
    known.identities = {(hit.kind, hit.value) for hit in hits}
    _read_primary(session, groups, person_of, known)
    writes = _Writes()
    verdicts: dict[int, tuple[Verdict, int]] = {}
    seen: set[int] = set()
    for group, person_id in sorted(person_of.items()):
        row = groups[group]
        changed = _update_values(known.people[person_id], row)
        changed |= _add_identities(row, person_id, known, writes, origin)
        if changed:
            writes.people.append({"at": person_id})
        if person_id in seen:
            verdicts[group] = (Verdict.DUPLICATE, person_id)
            continue
        seen.add(person_id)
        verdicts[group] = (_place(person_id, ids_of_new(group)[1], known, writes, origin), person_id)
    _write(session, known, writes, origin)
    return verdicts


def _settle_persons(session: Session, hits: Iterable[Hit], origin: Origin) -> dict[int, int]:
    """The one person of each group, after merging those whom the batch ties together."""
    person_of: dict[int, int] = {}
    unions = Unions()
    tied: set[int] = set()
    for group, _kind, _value, person_id in hits:
        first = person_of.setdefault(group, person_id)
        if first != person_id:
            unions.join(first, person_id)
            tied |= {first, person_id}
    if not tied:
        return person_of
    clusters: dict[int, set[int]] = {}
    for person_id in tied:
        clusters.setdefault(unions.find(person_id), set()).add(person_id)
    moves = find_oldest(session, clusters.values())
    merge_persons(session, moves, actor=origin.actor, now=origin.now)
    return {group: moves.get(person_id, person_id) for group, person_id in person_of.items()}


def _read_known(session: Session, ids: Sequence[int], origin: Origin) -> _Known:
    known = _Known(people={}, primary=set(), identities=set(), source_of={}, mentioned=set())
    person = Person.__table__.c  # type: ignore[attr-defined]
    contact = CampaignContact.__table__.c  # type: ignore[attr-defined]
    mention = SourceMention.__table__.c  # type: ignore[attr-defined]
    columns = [person[name] for name in PERSON_COLUMNS]
    # a subquery, because PostgreSQL would rather read the whole campaign for some hundred persons of it
    place = select(contact.source_id).where(contact.campaign_id == origin.campaign_id, contact.person_id == person.id)
    for some in slices(ids):
        read = select(place.scalar_subquery(), person.id, *columns, person.attributes).where(person.id.in_(some))
        for source_id, *row in session.execute(read):
            known.people[row[0]] = row
            if source_id is not None:
                known.source_of[row[0]] = source_id
        known.mentioned |= set(
            session.scalars(
                select(mention.person_id).where(mention.source_id == origin.source_id, mention.person_id.in_(some))
            )
        )
    return known


def _read_primary(
    session: Session, groups: Mapping[int, ParsedRow], person_of: Mapping[int, int], known: _Known
) -> None:
    """Which kinds the persons have an address in use of; asked only for those who get a new one."""
    growing = {
        person_id
        for group, person_id in person_of.items()
        if any(identity not in known.identities for identity in identities_of(groups[group]))
    }
    identity = Identity.__table__.c  # type: ignore[attr-defined]
    for some in slices(sorted(growing)):
        in_use = select(identity.person_id, identity.kind).where(
            identity.person_id.in_(some), identity.is_primary.is_(True)
        )
        known.primary |= {(person_id, kind) for person_id, kind in session.execute(in_use)}


def _update_values(person: list[Any], row: ParsedRow) -> bool:
    """Bring a person's columns (id, PERSON_COLUMNS, attributes) up to the row; an empty cell changes nothing."""
    changed = False
    for at, value in enumerate(row[3:9], start=1):
        if value is not None and person[at] != value:
            person[at] = value
            changed = True
    if row.attributes != "{}":
        merged = {**person[-1], **json.loads(row.attributes)}
        if merged != person[-1]:
            person[-1] = merged
            changed = True
    return changed


def _add_identities(row: ParsedRow, person_id: int, known: _Known, writes: _Writes, origin: Origin) -> bool:
    added = False
    for kind, value in identities_of(row):
        if (kind, value) in known.identities:
            continue
        known.identities.add((kind, value))
        is_primary = (person_id, kind) not in known.primary
        known.primary.add((person_id, kind))
        writes.identities.append(
            {"person_id": person_id, "kind": kind, "value": value, "is_primary": is_primary, "created_at": origin.now}
        )
        added = True
    return added


def _place(person_id: int, contact_id: int, known: _Known, writes: _Writes, origin: Origin) -> Verdict:
    """The person's place in the campaign: a new one, or the one that is there."""
    source_id = known.source_of.get(person_id)
    if source_id == origin.source_id or person_id in known.mentioned:
        return Verdict.DUPLICATE
    if source_id is not None:
        writes.mentions.append({"person_id": person_id, "source_id": origin.source_id})
        return Verdict.MERGED
    writes.contacts.append(
        {
            "id": contact_id, "campaign_id": origin.campaign_id, "person_id": person_id,
            "source_id": origin.source_id, "status": ContactStatus.PENDING, "due_at": origin.now,
            "created_at": origin.now,
        }
    )  # fmt: skip
    writes.events.append(
        {
            "type": EventType.CONTACT_ADDED, "time": origin.now, "actor": origin.actor, "person_id": person_id,
            "campaign_id": origin.campaign_id, "contact_id": contact_id, "data": {"source_id": origin.source_id},
        }
    )  # fmt: skip
    return Verdict.CREATED


def _write(session: Session, known: _Known, writes: _Writes, origin: Origin) -> None:
    table = Person.__table__  # type: ignore[attr-defined]
    connection = session.connection()
    changed = sorted({row["at"] for row in writes.people})
    if changed:
        names = (*PERSON_COLUMNS, "attributes")
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        connection.execute(
            update(table).where(table.c.id == bindparam("at")).values(**values, updated_at=origin.now),
            [
                {"at": one, **{f"new_{name}": value for name, value in zip(names, known.people[one][1:], strict=True)}}
                for one in changed
            ],
        )
        queue_persons(session, changed)
        writes.events.extend(
            {
                "type": EventType.PERSON_CHANGED, "time": origin.now, "actor": origin.actor, "person_id": one,
                "campaign_id": origin.campaign_id, "data": {"source_id": origin.source_id},
            }
            for one in changed
        )  # fmt: skip
    for model, rows in (
        (Identity, writes.identities),
        (CampaignContact, writes.contacts),
        (SourceMention, writes.mentions),
    ):
        if rows:
            connection.execute(insert(model.__table__), rows)  # type: ignore[attr-defined]
    append_events(session, writes.events)
