"""Two persons turn out to be one: the oldest takes everything, the others become history."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import Session, col

from cxconsole.audience.counters import column_of, move_contacts
from cxconsole.journey.tape import append_events
from models.activity import Note, ScheduledActivity
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactSource, ContactStatus, SourceMention
from models.event import EventType
from models.person import Identity, Person, PersonSearchQueue
from models.suppression import Suppression

Item = TypeVar("Item")

_FILLED = ("first_name", "last_name", "language", "time_zone", "preferred_channel", "external_ref")

# Of two places in one campaign the one that stays: who was contacted must not be contacted again, and who
# still waits comes before who was given up, because the address that was missing may now be there.
_STAYS = [
    ContactStatus.IN_PROGRESS, ContactStatus.COMPLETED, ContactStatus.PENDING, ContactStatus.HELD,
    ContactStatus.FAILED, ContactStatus.SUPPRESSED,
]  # fmt: skip
_CONTACTED = (ContactStatus.IN_PROGRESS, ContactStatus.COMPLETED)
_MERGED = "merged with another contact of this campaign"


def slices(items: Sequence[Item], size: int = 10_000) -> Iterator[Sequence[Item]]:
    """Pieces that fit into one statement's parameters."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def find_oldest(session: Session, clusters: Iterable[set[int]]) -> dict[int, int]:
    """For clusters of persons who are one: each person who goes -> the one who stays, by age."""
    clusters = list(clusters)
    born: dict[int, datetime] = {}
    for ids in slices(sorted(set().union(*clusters))):
        born.update(session.execute(select(Person.id, Person.created_at).where(col(Person.id).in_(ids))).all())  # type: ignore[arg-type]
    moves: dict[int, int] = {}
    for cluster in clusters:
        winner = min(cluster, key=lambda person_id: (born[person_id], person_id))
        moves.update({loser: winner for loser in cluster if loser != winner})
    return moves


def merge_persons(session: Session, moves: Mapping[int, int], *, actor: str, now: datetime) -> None:
    """Merge each person of `moves` into the one it names, with identities, contacts, counters and the Tape.

    A person who stays is never in `moves` as one who goes.
    """
    if not moves:
        return
    _merge_values(session, moves, now=now)
    _move_identities(session, moves)
    folded = _move_contacts(session, moves, now=now)
    pairs = [{"loser": loser, "winner": winner} for loser, winner in moves.items()]
    _move_requests(session, pairs)
    for model in (Suppression, CommDelivery, Note, ScheduledActivity):
        reference = col(model.person_id)
        named = update(model).where(reference == bindparam("loser")).values({reference: bindparam("winner")})
        _execute(session, named, pairs)
    _move_mentions(session, moves)
    append_events(
        session,
        [
            {
                "type": EventType.PERSON_MERGED, "time": now, "actor": actor, "person_id": winner,
                "data": {"merged_person_id": loser, "folded_contact_ids": folded.get(loser, [])},
            }
            for loser, winner in moves.items()
        ],
    )  # fmt: skip
    session.execute(insert(PersonSearchQueue), [{"person_id": one} for one in sorted({*moves, *moves.values()})])


def _execute(session: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """One statement for many rows, past the session's own bookkeeping."""
    if rows:
        session.connection().execute(statement, rows)


def _merge_values(session: Session, moves: Mapping[int, int], *, now: datetime) -> None:
    table = Person.__table__  # type: ignore[attr-defined]
    found: dict[int, Any] = {}
    for ids in slices(sorted({*moves, *moves.values()})):
        found.update({row.id: dict(row._mapping) for row in session.execute(select(table).where(table.c.id.in_(ids)))})
    for loser, winner in sorted(moves.items()):
        mine, theirs = found[winner], found[loser]
        for name in _FILLED:
            mine[name] = mine[name] if mine[name] is not None else theirs[name]
        mine["attributes"] = {**theirs["attributes"], **mine["attributes"]}
        mine["consents"] = _merge_consents(mine["consents"], theirs["consents"])
        mine["labels"] = list(dict.fromkeys([*mine["labels"], *theirs["labels"]]))
    names = (*_FILLED, "attributes", "consents", "labels")
    winners = sorted(set(moves.values()))
    _execute(
        session,
        update(table)
        .where(table.c.id == bindparam("winner"))
        .values({**{name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}, "updated_at": now}),
        [{"winner": one, **{f"new_{name}": found[one][name] for name in names}} for one in winners],
    )
    _execute(
        session,
        update(table).where(table.c.id == bindparam("loser")).values(merged_into=bindparam("winner"), updated_at=now),
        [{"loser": loser, "winner": winner} for loser, winner in moves.items()],
    )


def _merge_consents(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Per channel the later answer; of two without an order, the no."""
    merged = dict(mine)
    for channel, answer in theirs.items():
        kept = merged.get(channel)
        if kept is None:
            merged[channel] = answer
            continue
        later = str(answer.get("at", "")), not answer.get("granted")
        if later > (str(kept.get("at", "")), not kept.get("granted")):
            merged[channel] = answer
    return merged


def _move_identities(session: Session, moves: Mapping[int, int]) -> None:
    table = Identity.__table__  # type: ignore[attr-defined]
    found: list[Any] = []
    for ids in slices(sorted({*moves, *moves.values()})):
        found += session.execute(
            select(table.c.id, table.c.person_id, table.c.kind, table.c.is_primary).where(table.c.person_id.in_(ids))
        ).all()
    primary: set[tuple[int, str]] = set()
    moved = []
    for row in sorted(found, key=lambda row: (row.person_id in moves, row.id)):  # who stays keeps the say
        owner = (moves.get(row.person_id, row.person_id), row.kind)
        is_primary = row.is_primary and owner not in primary
        if is_primary:
            primary.add(owner)
        if row.person_id in moves:
            moved.append({"at": row.id, "winner": owner[0], "first": is_primary})
    _execute(
        session,
        update(table)
        .where(table.c.id == bindparam("at"))
        .values(person_id=bindparam("winner"), is_primary=bindparam("first")),
        moved,
    )


def _move_contacts(session: Session, moves: Mapping[int, int], *, now: datetime) -> dict[int, list[int]]:
    """Each loser's contacts go to the winner, or fold where both are in the campaign; the folded ones by loser."""
    table = CampaignContact.__table__  # type: ignore[attr-defined]
    places: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for ids in slices(sorted({*moves, *moves.values()})):
        for row in session.execute(select(table).where(table.c.person_id.in_(ids))):
            places[row.campaign_id, moves.get(row.person_id, row.person_id)].append(row)
    kept_of: list[dict[str, int]] = []
    moved: list[dict[str, int]] = []
    folded: dict[int, list[int]] = defaultdict(list)
    deltas: dict[int, Counter[str]] = defaultdict(Counter)
    sources: Counter[int] = Counter()
    stop: list[int] = []
    for (campaign_id, winner), rows in places.items():
        kept, *others = sorted(rows, key=lambda row: (_STAYS.index(row.status), row.person_id in moves, row.id))
        if kept.person_id != winner:
            moved.append({"at": kept.id, "winner": winner})
        for row in others:
            folded[row.person_id if row.person_id in moves else kept.person_id].append(row.id)
            kept_of.append({"gone": row.id, "kept": kept.id})
            deltas[campaign_id].update({"planned": -1, column_of(row.status, row.hold_reason): -1})
            sources[row.source_id] -= 1
            if kept.status in _CONTACTED and row.status in _CONTACTED:
                stop.append(row.id)
    _stop_deliveries(session, stop, now=now)
    for model in (CommRequest, CommDelivery):
        _execute(
            session,
            update(model).where(col(model.contact_id) == bindparam("gone")).values(contact_id=bindparam("kept")),
            kept_of,
        )
    for gone in slices([pair["gone"] for pair in kept_of]):
        session.execute(delete(table).where(table.c.id.in_(gone)))
    # only now: a person has one place in a campaign
    _execute(session, update(table).where(table.c.id == bindparam("at")).values(person_id=bindparam("winner")), moved)
    for campaign_id, delta in deltas.items():
        move_contacts(session, campaign_id, delta)
    table_of_sources = ContactSource.__table__  # type: ignore[attr-defined]
    _execute(
        session,
        update(table_of_sources)
        .where(table_of_sources.c.id == bindparam("at"))
        .values(contacts=table_of_sources.c.contacts + bindparam("delta")),
        [{"at": source_id, "delta": delta} for source_id, delta in sources.items()],
    )
    return folded


def _move_requests(session: Session, pairs: Sequence[Mapping[str, int]]) -> None:
    """Requests follow their contacts, which have moved, and their deliveries, which have not yet; both are indexed."""
    contacts = select(col(CampaignContact.id)).where(col(CampaignContact.person_id) == bindparam("winner"))
    deliveries = select(col(CommDelivery.request_id)).where(col(CommDelivery.person_id) == bindparam("loser"))
    for theirs in (col(CommRequest.contact_id).in_(contacts), col(CommRequest.id).in_(deliveries)):
        named = update(CommRequest).where(theirs, col(CommRequest.person_id) == bindparam("loser"))
        _execute(session, named.values(person_id=bindparam("winner")), pairs)


def _stop_deliveries(session: Session, contact_ids: Sequence[int], *, now: datetime) -> None:
    """What has not left for a contact that folds does not leave: the one that stays has its own."""
    waiting = (DeliveryState.AWAITING_MERGE, DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.RETRY)
    for ids in slices(list(contact_ids)):
        stopped = list(
            session.scalars(
                select(CommDelivery.request_id).where(  # type: ignore[call-overload]
                    col(CommDelivery.contact_id).in_(ids), col(CommDelivery.state).in_(waiting)
                )
            )
        )
        session.execute(
            update(CommDelivery)
            .where(col(CommDelivery.contact_id).in_(ids), col(CommDelivery.state).in_(waiting))
            .values(state=DeliveryState.CANCELLED, reason=_MERGED)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(CommRequest)
            .where(col(CommRequest.id).in_(stopped))
            .values(state=RequestState.CANCELLED, reason=_MERGED, updated_at=now)
            .execution_options(synchronize_session=False)
        )


def _move_mentions(session: Session, moves: Mapping[int, int]) -> None:
    table = SourceMention.__table__  # type: ignore[attr-defined]
    found: set[tuple[int, int]] = set()
    for ids in slices(sorted({*moves, *moves.values()})):
        these = select(table.c.source_id, table.c.person_id).where(table.c.person_id.in_(ids))
        found |= set(session.execute(these).all())
    wanted = {(source_id, moves.get(person_id, person_id)) for source_id, person_id in found}
    lost = [{"of_source": source_id, "of_person": person_id} for source_id, person_id in found - wanted]
    this_row = (table.c.source_id == bindparam("of_source"), table.c.person_id == bindparam("of_person"))
    _execute(session, delete(table).where(*this_row), lost)
    new = [{"source_id": source_id, "person_id": person_id} for source_id, person_id in wanted - found]
    _execute(session, insert(table), new)
