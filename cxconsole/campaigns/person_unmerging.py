"""A merge is undone for the campaigns too: who comes back goes on behind the message that ended meanwhile."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.people import PersonView
from cxconsole.audience.unmerging import undo_merge
from cxconsole.campaigns.advance import FlowHooks
from cxconsole.comms.hooks import StepEnd, StepOutcome
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactStatus
from models.person import PersonMerge

_OPEN = (
    DeliveryState.AWAITING_MERGE, DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.SENDING, DeliveryState.RETRY,
)  # fmt: skip


def unmerge_person(session: Session, merge_id: int, *, actor: Actor, now: datetime) -> PersonView:
    """Undo a merge; the person who lives again. The caller publishes WORK, CAMPAIGNS and TAPE.

    Raises NotFound, and Conflict for a merge that cannot be undone, now or any more.
    """
    back = undo_merge(session, merge_id, actor=actor, now=now)
    merge = session.get_one(PersonMerge, merge_id)
    _end_steps(session, (merge.person_id, merge.merged_person_id), now=now)
    return back


def _end_steps(session: Session, person_ids: Sequence[int], *, now: datetime) -> None:
    """Tell contacts what came of their message: when it was written, they were not there to be told."""
    contact, delivery = CampaignContact, CommDelivery
    rows = session.execute(
        select(
            col(contact.id), col(contact.campaign_id), col(contact.person_id), col(delivery.node),
            col(delivery.state), col(delivery.sent_at), col(delivery.reason),
        )
        .join(delivery, col(delivery.contact_id) == col(contact.id))
        .where(
            col(contact.person_id).in_(person_ids), col(contact.status) == ContactStatus.IN_PROGRESS,
            col(contact.due_at).is_(None),
        )
        .order_by(col(delivery.id))
    ).all()  # fmt: skip
    waiting = {row.id for row in rows if row.state in _OPEN}
    last = {row.id: row for row in rows if row.id not in waiting}
    outcomes = [
        StepOutcome(
            campaign_id=row.campaign_id, contact_id=row.id, person_id=row.person_id, node=row.node,
            end=_end_of(row.state, row.sent_at), reason=None if row.sent_at else row.reason,
        )
        for row in last.values()
    ]  # fmt: skip
    FlowHooks().end_steps(session, outcomes, now=now)


def _end_of(state: str, sent_at: datetime | None) -> StepEnd:
    if sent_at is not None:
        return StepEnd.SENT
    return StepEnd.FAILED if state == DeliveryState.ERROR else StepEnd.SUPPRESSED


__all__ = ["unmerge_person"]
