"""Places in campaigns of persons who prove to be one: they move, or fold where both have one."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlmodel import Session, col

from cxconsole.audience.bulk import execute_many, slices
from cxconsole.audience.counters import column_of, move_contacts
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactSource, ContactStatus

# Of two places in one campaign the one that stays: who was contacted must not be contacted again, and who
# still waits comes before who was given up, because the address that was missing may now be there.
_STAYS = [
    ContactStatus.IN_PROGRESS, ContactStatus.COMPLETED, ContactStatus.PENDING, ContactStatus.HELD,
    ContactStatus.FAILED, ContactStatus.SUPPRESSED,
]  # fmt: skip
_CONTACTED = (ContactStatus.IN_PROGRESS, ContactStatus.COMPLETED)
_MERGED = "merged with another contact of this campaign"


@dataclass(frozen=True, kw_only=True)
class FoldedContact:
    """A contact that gave way to another one of the same campaign, with the keys of its messages.

    is_stopped: a message of it had not left yet, and was cancelled.
    """

    row: dict[str, Any]
    requests: list[int]
    deliveries: list[int]
    is_stopped: bool


@dataclass(frozen=True, kw_only=True)
class MovedContacts:
    """What became of the places of one person who was merged: those that moved, and those that folded."""

    ids: list[int]
    folded: list[FoldedContact]


def move_contacts_of(session: Session, moves: Mapping[int, int], *, now: datetime) -> dict[int, MovedContacts]:
    """Each loser's contacts go to the winner, or fold where both are in the campaign; what was done, by loser."""
    table = CampaignContact.__table__  # type: ignore[attr-defined]
    places: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for ids in slices(sorted({*moves, *moves.values()})):
        for row in session.execute(select(table).where(table.c.person_id.in_(ids))):
            places[row.campaign_id, moves.get(row.person_id, row.person_id)].append(row)
    kept_of: list[dict[str, int]] = []
    moved: list[dict[str, int]] = []
    folded: dict[int, list[Any]] = defaultdict(list)
    came: dict[int, list[int]] = defaultdict(list)
    deltas: dict[int, Counter[str]] = defaultdict(Counter)
    sources: Counter[int] = Counter()
    stop: list[int] = []
    for (campaign_id, winner), rows in places.items():
        kept, *others = sorted(rows, key=lambda row: (_STAYS.index(row.status), row.person_id in moves, row.id))
        if kept.person_id != winner:
            moved.append({"at": kept.id, "winner": winner})
            came[kept.person_id].append(kept.id)
        for row in others:
            folded[row.person_id if row.person_id in moves else kept.person_id].append(row)
            kept_of.append({"gone": row.id, "kept": kept.id})
            deltas[campaign_id].update({"planned": -1, column_of(row.status, row.hold_reason): -1})
            sources[row.source_id] -= 1
            if kept.status in _CONTACTED and row.status in _CONTACTED:
                stop.append(row.id)
    stopped = _stop_deliveries(session, stop, now=now)
    messages = _read_messages(session, [pair["gone"] for pair in kept_of])
    for model in (CommRequest, CommDelivery):
        execute_many(
            session,
            update(model).where(col(model.contact_id) == bindparam("gone")).values(contact_id=bindparam("kept")),
            kept_of,
        )
    for gone in slices([pair["gone"] for pair in kept_of]):
        session.execute(delete(table).where(table.c.id.in_(gone)))
    # only now: a person has one place in a campaign
    execute_many(
        session, update(table).where(table.c.id == bindparam("at")).values(person_id=bindparam("winner")), moved
    )
    for campaign_id, delta in deltas.items():
        move_contacts(session, campaign_id, delta)
    table_of_sources = ContactSource.__table__  # type: ignore[attr-defined]
    execute_many(
        session,
        update(table_of_sources)
        .where(table_of_sources.c.id == bindparam("at"))
        .values(contacts=table_of_sources.c.contacts + bindparam("delta")),
        [{"at": source_id, "delta": delta} for source_id, delta in sources.items()],
    )
    return {
        loser: MovedContacts(
            ids=came[loser],
            folded=[
                FoldedContact(
                    row=dict(row._mapping), requests=messages[CommRequest][row.id],
                    deliveries=messages[CommDelivery][row.id], is_stopped=row.id in stopped,
                )
                for row in folded[loser]
            ],
        )
        for loser in moves
    }  # fmt: skip


def _read_messages(session: Session, contact_ids: Sequence[int]) -> dict[Any, dict[int, list[int]]]:
    """The keys of the requests and of the deliveries of these contacts."""
    found: dict[Any, dict[int, list[int]]] = {CommRequest: defaultdict(list), CommDelivery: defaultdict(list)}
    for model, of_contact in found.items():
        for ids in slices(contact_ids):
            these = select(model.contact_id, model.id).where(col(model.contact_id).in_(ids)).order_by(model.id)
            for contact_id, key in session.execute(these):
                of_contact[contact_id].append(key)
    return found


def _stop_deliveries(session: Session, contact_ids: Sequence[int], *, now: datetime) -> set[int]:
    """What has not left for a contact that folds does not leave: the one that stays has its own. Whose that was."""
    touched: set[int] = set()
    waiting = (DeliveryState.AWAITING_MERGE, DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.RETRY)
    for ids in slices(list(contact_ids)):
        found = session.execute(
            select(col(CommDelivery.request_id), col(CommDelivery.contact_id)).where(
                col(CommDelivery.contact_id).in_(ids), col(CommDelivery.state).in_(waiting)
            )
        ).all()
        stopped = [request_id for request_id, _ in found]
        touched |= {contact_id for _, contact_id in found if contact_id is not None}
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
    return touched
