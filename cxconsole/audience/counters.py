"""The numbers of a campaign, moved in the transaction that moves the contacts."""

from collections.abc import Mapping

from sqlalchemy import insert, update
from sqlmodel import Session

from models.campaign import CampaignProgress
from models.contact import ContactStatus, HoldReason

_COLUMN_OF_HOLD = {
    HoldReason.UNPUBLISHED: "held_unpublished",
    HoldReason.EXPIRED: "held_expired",
    HoldReason.ENDED: "held_ended",
}


def column_of(status: str, hold_reason: str | None) -> str:
    """The column of CampaignProgress that counts a contact in this status."""
    if status == ContactStatus.HELD:
        return _COLUMN_OF_HOLD[HoldReason(hold_reason or HoldReason.UNPUBLISHED)]
    return ContactStatus(status).value


def move_contacts(session: Session, campaign_id: int, deltas: Mapping[str, int]) -> None:
    """Add to the columns of CampaignProgress: `{"pending": -5, "in_progress": 5}`.

    The caller sees to it that the deltas of the statuses add up to that of `planned`.
    """
    moves = {name: delta for name, delta in deltas.items() if delta}
    if not moves:
        return
    columns = CampaignProgress.__table__.c  # type: ignore[attr-defined]
    changed = session.execute(
        update(CampaignProgress)
        .where(columns.campaign_id == campaign_id)
        .values({name: columns[name] + delta for name, delta in moves.items()})
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        none = dict.fromkeys((column.name for column in columns), 0)
        session.execute(insert(CampaignProgress).values({**none, "campaign_id": campaign_id, **moves}))
