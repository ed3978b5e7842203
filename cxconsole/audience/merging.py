"""Two persons turn out to be one: one of them takes everything, the other becomes history.

What came along is kept in a `PersonMerge`, so that it can go back (`unmerging.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import Session, col

from cxconsole.audience.bulk import execute_many, slices
from cxconsole.audience.identity_conflicts import close_merged
from cxconsole.audience.merge_contacts import move_contacts_of
from cxconsole.audience.merge_records import FILLED, MOVED, Moved, Taken, read_moved
from cxconsole.audience.search import queue_persons
from cxconsole.errors import Conflict
from cxconsole.journey.tape import append_events
from models.comm import CommDelivery, CommRequest
from models.contact import CampaignContact, SourceMention
from models.event import EventType
from models.person import Identity, Person, PersonMerge


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

    A person who stays is never in `moves` as one who goes, and nobody in it was merged before, so that no circle
    can come to be. Raises Conflict otherwise. Before, lock the identities.
    """
    if not moves:
        return
    if moves.keys() & set(moves.values()):
        raise Conflict("A person cannot stay and go in one merge.")
    taken = _merge_values(session, moves, now=now)
    moved = read_moved(session, list(moves))
    identities = _move_identities(session, moves)
    contacts = move_contacts_of(session, moves, now=now)
    pairs = [{"loser": loser, "winner": winner} for loser, winner in moves.items()]
    _move_requests(session, pairs)
    for model in (*MOVED.values(), CommDelivery):
        reference = col(model.person_id)
        named = update(model).where(reference == bindparam("loser")).values({reference: bindparam("winner")})
        execute_many(session, named, pairs)
    mentions = _move_mentions(session, moves)
    records = {
        loser: Moved(
            taken=taken[loser], identities=identities.get(loser, []), contacts=contacts[loser].ids,
            folded=contacts[loser].folded, mentions=mentions.get(loser, []), **moved[loser],
        )
        for loser in moves
    }  # fmt: skip
    session.execute(
        insert(PersonMerge),
        [
            {
                "person_id": winner, "merged_person_id": loser, "moved": records[loser].to_json(), "actor": actor,
                "merged_at": now,
            }
            for loser, winner in moves.items()
        ],
    )  # fmt: skip
    folded = {loser: [one.row["id"] for one in came.folded] for loser, came in contacts.items()}
    append_events(
        session,
        [
            {
                "type": EventType.PERSON_MERGED, "time": now, "actor": actor, "person_id": winner,
                "data": {"merged_person_id": loser, "folded_contact_ids": folded[loser]},
            }
            for loser, winner in moves.items()
        ],
    )  # fmt: skip
    close_merged(session, sorted(set(moves.values())), actor=actor, now=now)
    queue_persons(session, sorted({*moves, *moves.values()}))


def _merge_values(session: Session, moves: Mapping[int, int], *, now: datetime) -> dict[int, Taken]:
    """Fill what the winners lack; what each took from whom, by loser."""
    table = Person.__table__  # type: ignore[attr-defined]
    found: dict[int, Any] = {}
    for ids in slices(sorted({*moves, *moves.values()})):
        found.update({row.id: dict(row._mapping) for row in session.execute(select(table).where(table.c.id.in_(ids)))})
    for one in found.values():
        if one["merged_into"] is not None:
            raise Conflict(f"Person {one['id']} was merged into {one['merged_into']} already.")
    taken = {loser: _take_values(found[winner], found[loser]) for loser, winner in sorted(moves.items())}
    names = (*FILLED, "attributes", "consents", "labels")
    winners = sorted(set(moves.values()))
    execute_many(
        session,
        update(table)
        .where(table.c.id == bindparam("winner"))
        .values({**{name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}, "updated_at": now}),
        [{"winner": one, **{f"new_{name}": found[one][name] for name in names}} for one in winners],
    )
    execute_many(
        session,
        update(table).where(table.c.id == bindparam("loser")).values(merged_into=bindparam("winner"), updated_at=now),
        [{"loser": loser, "winner": winner} for loser, winner in moves.items()],
    )
    return taken


def _take_values(mine: dict[str, Any], theirs: Mapping[str, Any]) -> Taken:
    """Fill what `mine` lacks from `theirs`; which values those were."""
    consents = _merge_consents(mine["consents"], theirs["consents"])
    taken = Taken(
        fields=[name for name in FILLED if mine[name] is None and theirs[name] is not None],
        attributes=[name for name in theirs["attributes"] if name not in mine["attributes"]],
        consents={
            channel: mine["consents"].get(channel)
            for channel, answer in consents.items()
            if answer != mine["consents"].get(channel)
        },
        labels=[label for label in theirs["labels"] if label not in mine["labels"]],
    )
    mine.update({name: theirs[name] for name in taken.fields})
    mine["attributes"] = {**theirs["attributes"], **mine["attributes"]}
    mine["consents"] = consents
    mine["labels"] = list(dict.fromkeys([*mine["labels"], *theirs["labels"]]))
    return taken


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


def _move_identities(session: Session, moves: Mapping[int, int]) -> dict[int, list[tuple[int, bool]]]:
    """The losers' identities go to the winners; their keys and whether each was used for sending, by loser."""
    table = Identity.__table__  # type: ignore[attr-defined]
    found: list[Any] = []
    for ids in slices(sorted({*moves, *moves.values()})):
        found += session.execute(
            select(table.c.id, table.c.person_id, table.c.kind, table.c.is_primary).where(table.c.person_id.in_(ids))
        ).all()
    primary: set[tuple[int, str]] = set()
    came: dict[int, list[tuple[int, bool]]] = {}
    moved = []
    for row in sorted(found, key=lambda row: (row.person_id in moves, row.id)):  # who stays keeps the say
        owner = (moves.get(row.person_id, row.person_id), row.kind)
        is_primary = row.is_primary and owner not in primary
        if is_primary:
            primary.add(owner)
        if row.person_id in moves:
            moved.append({"at": row.id, "winner": owner[0], "first": is_primary})
            came.setdefault(row.person_id, []).append((row.id, row.is_primary))
    execute_many(
        session,
        update(table)
        .where(table.c.id == bindparam("at"))
        .values(person_id=bindparam("winner"), is_primary=bindparam("first")),
        moved,
    )
    return came


def _move_requests(session: Session, pairs: Sequence[Mapping[str, int]]) -> None:
    """Requests follow their contacts, which have moved, and their deliveries, which have not yet; both are indexed."""
    contacts = select(col(CampaignContact.id)).where(col(CampaignContact.person_id) == bindparam("winner"))
    deliveries = select(col(CommDelivery.request_id)).where(col(CommDelivery.person_id) == bindparam("loser"))
    for theirs in (col(CommRequest.contact_id).in_(contacts), col(CommRequest.id).in_(deliveries)):
        named = update(CommRequest).where(theirs, col(CommRequest.person_id) == bindparam("loser"))
        execute_many(session, named.values(person_id=bindparam("winner")), pairs)


def _move_mentions(session: Session, moves: Mapping[int, int]) -> dict[int, list[tuple[int, bool]]]:
    """The losers' mentions go to the winners; the source of each and whether it was news to the winner, by loser."""
    table = SourceMention.__table__  # type: ignore[attr-defined]
    found: set[tuple[int, int]] = set()
    for ids in slices(sorted({*moves, *moves.values()})):
        these = select(table.c.source_id, table.c.person_id).where(table.c.person_id.in_(ids))
        found |= set(session.execute(these).all())
    wanted = {(source_id, moves.get(person_id, person_id)) for source_id, person_id in found}
    lost = [{"of_source": source_id, "of_person": person_id} for source_id, person_id in found - wanted]
    this_row = (table.c.source_id == bindparam("of_source"), table.c.person_id == bindparam("of_person"))
    execute_many(session, delete(table).where(*this_row), lost)
    new = [{"source_id": source_id, "person_id": person_id} for source_id, person_id in wanted - found]
    execute_many(session, insert(table), new)
    came: dict[int, list[tuple[int, bool]]] = {}
    for source_id, person_id in sorted(found - wanted):
        came.setdefault(person_id, []).append((source_id, (source_id, moves[person_id]) not in found))
    return came
