"""Contacts of a campaign that may not go on: held with the reason, and let go when it no longer holds.

Convergent: what should be held follows from the campaign's row alone, and each run moves a bounded
number of contacts towards it, counters and rows in one transaction. Running it twice, or late, or
from two processes, does no harm.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, and_, or_, true, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from cxconsole.audience.counters import column_of, move_contacts
from cxconsole.journey.tape import append_events
from models.campaign import Campaign, CampaignProgress, CampaignState
from models.contact import CampaignContact, ContactStatus, HoldReason
from models.event import EventType

CHUNK = 10_000
"""How many contacts one transaction moves at most: under a second on either database."""


def desired_hold(campaign: Campaign, now: datetime) -> HoldReason | None:
    """Why contacts of this campaign that wait must be held now; None when they may go on."""
    if campaign.state == CampaignState.ENDED:
        return HoldReason.ENDED
    if campaign.state == CampaignState.UNPUBLISHED:
        return HoldReason.UNPUBLISHED if campaign.first_published_at is not None else None
    if campaign.ends_at is not None and now > campaign.ends_at:
        return HoldReason.EXPIRED
    return None


def settle_holds(session: Session, *, now: datetime, limit: int = CHUNK) -> int:
    """The job: up to `limit` contacts, over all campaigns, moved to where they should be; the count moved."""
    moved = 0
    for campaign in session.exec(_unsettled(now)).all():
        if moved >= limit:
            break
        moved += settle_campaign(session, campaign, now=now, limit=limit - moved)
    return moved


def has_unsettled(session: Session, now: datetime) -> bool:
    """Whether `settle_holds` would find anything."""
    return session.exec(_unsettled(now).limit(1)).first() is not None


def settle_campaign(session: Session, campaign: Campaign, *, now: datetime, limit: int = CHUNK) -> int:
    """One chunk of one campaign, which the caller may have just changed; the count moved."""
    assert campaign.id is not None
    session.flush()
    wanted = desired_hold(campaign, now)
    there = _Place(held=wanted)
    moved = 0
    for reason in (None, HoldReason.UNPUBLISHED, HoldReason.EXPIRED):
        if reason != wanted:
            moved += _move(session, campaign.id, _Place(held=reason), there, limit=limit - moved)
    if wanted is HoldReason.ENDED:
        moved += _complete_waiting(session, campaign.id, now=now, limit=limit - moved)
    return moved


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Pending, or held for a reason: the status of a contact and the column that counts it."""

    held: HoldReason | None

    @property
    def status(self) -> ContactStatus:
        return ContactStatus.PENDING if self.held is None else ContactStatus.HELD

    @property
    def column(self) -> str:
        return column_of(self.status, self.held)


def _unsettled(now: datetime) -> SelectOfScalar[Campaign]:
    """Campaigns whose counters say that contacts are where they should not be: a glance at one small table."""
    progress, published = CampaignProgress, col(Campaign.state) == CampaignState.PUBLISHED
    held = col(progress.held_unpublished) + col(progress.held_expired)
    expired = col(Campaign.ends_at) < now
    return (
        select(Campaign)
        .join(progress, col(progress.campaign_id) == col(Campaign.id))
        .where(
            or_(
                and_(
                    col(Campaign.state) == CampaignState.ENDED,
                    col(progress.pending) + held + col(progress.in_progress) > 0,
                ),
                and_(
                    col(Campaign.state) == CampaignState.UNPUBLISHED,
                    col(Campaign.first_published_at).is_not(None),
                    col(progress.pending) + col(progress.held_expired) > 0,
                ),
                and_(published, expired, col(progress.pending) + col(progress.held_unpublished) > 0),
                and_(published, or_(col(Campaign.ends_at).is_(None), col(Campaign.ends_at) >= now), held > 0),
            )
        )
        .order_by(col(Campaign.id))
    )


def _count_of(session: Session, campaign_id: int, column: str) -> int:
    counted = select(getattr(CampaignProgress, column)).where(col(CampaignProgress.campaign_id) == campaign_id)
    return session.scalar(counted) or 0


def _move(session: Session, campaign_id: int, before: _Place, after: _Place, *, limit: int) -> int:
    """Move contacts with their count. The counter tells whether there are any: a settled campaign costs nothing."""
    if limit <= 0 or _count_of(session, campaign_id, before.column) <= 0:
        return 0
    chosen = (
        select(col(CampaignContact.id))
        .where(
            col(CampaignContact.campaign_id) == campaign_id,
            col(CampaignContact.status) == before.status,
            true() if before.held is None else col(CampaignContact.hold_reason) == before.held,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)  # a contact that someone is working on comes with the next run
        .cte("chosen", nesting=True)  # at the front it would hide the count from SQLite's driver
    )
    statement = (
        update(CampaignContact)
        .where(col(CampaignContact.id).in_(select(chosen.c.id)))
        .values(status=after.status, hold_reason=after.held)
        .execution_options(synchronize_session=False)
    )
    count = cast("CursorResult[tuple[()]]", session.execute(statement)).rowcount
    if count:
        # after the rows: everyone locks contacts before counters, so nobody waits in a circle
        move_contacts(session, campaign_id, {before.column: -count, after.column: count})
    return count


def _complete_waiting(session: Session, campaign_id: int, *, now: datetime, limit: int) -> int:
    """Contacts of an ended campaign that only wait for a further step: they were contacted, so they are complete."""
    if limit <= 0 or _count_of(session, campaign_id, "in_progress") <= 0:
        return 0
    waiting = (
        select(col(CampaignContact.id), col(CampaignContact.person_id))
        .where(
            col(CampaignContact.campaign_id) == campaign_id,
            col(CampaignContact.status) == ContactStatus.IN_PROGRESS,
            col(CampaignContact.due_at).is_not(None),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(waiting).all()
    if not rows:
        return 0
    session.execute(
        update(CampaignContact)
        .where(col(CampaignContact.id).in_([row[0] for row in rows]))
        .values(status=ContactStatus.COMPLETED, due_at=None, last_activity_at=now)
        .execution_options(synchronize_session=False)
    )
    events = [
        {
            "type": EventType.CONTACT_COMPLETED, "time": now, "campaign_id": campaign_id, "contact_id": contact_id,
            "person_id": person_id, "data": {"reason": HoldReason.ENDED},
        }
        for contact_id, person_id in rows
    ]  # fmt: skip
    append_events(session, events)
    move_contacts(session, campaign_id, {"in_progress": -len(rows), "completed": len(rows)})
    return len(rows)
