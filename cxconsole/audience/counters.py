"""The numbers of a campaign, moved in the transaction that moves the contacts."""

from collections.abc import Mapping

from sqlalchemy import insert
from sqlmodel import Session

from cxconsole.driver import Driver
from models.campaign import CampaignProgress
from models.contact import ContactStatus, HoldReason

_COLUMN_OF_HOLD = {
    HoldReason.UNPUBLISHED: "held_unpublished",
    HoldReason.EXPIRED: "held_expired",
    HoldReason.ENDED: "held_ended",
}

_COLUMNS = frozenset(CampaignProgress.model_fields) - {"campaign_id"}


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
    if unknown := moves.keys() - _COLUMNS:
        raise ValueError(f"campaign_progress has no {', '.join(sorted(unknown))}")
    session.flush()
    driver = Driver(session)
    sums = ", ".join(f"{name} = {name} + ?" for name in moves)
    changed = driver.run(
        f"UPDATE campaign_progress SET {sums} WHERE campaign_id = ?",  # noqa: S608
        *moves.values(), campaign_id,
    )  # fmt: skip
    if changed.rowcount == 0:
        none = dict.fromkeys(sorted(_COLUMNS), 0)
        session.execute(insert(CampaignProgress).values({**none, "campaign_id": campaign_id, **moves}))
