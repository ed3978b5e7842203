"""How a campaign gets on: its numbers, its rate, and when it will be through.

Nothing here counts contacts: the numbers are kept beside the rows and only read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.outlook import Outlook, campaign_window, get_outlook, send_capacity
from cxconsole.errors import NotFound
from models.campaign import (
    Campaign,
    CampaignChannel,
    CampaignProgress,
    CampaignState,
    TrafficMinute,
    campaign_code,
)  # fmt: skip
from models.contact import HoldReason


@dataclass(frozen=True, kw_only=True)
class ChannelNumbers:
    """What came of a campaign's deliveries on one channel."""

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    failed: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    unsubscribed: int = 0
    complained: int = 0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A campaign's numbers at one instant: planned is always the sum of the six that follow.

    `rate_per_minute` is what left in the last minute; `finishes_at` None when that cannot be said.
    `outlook` is None unless it was asked for.
    """

    campaign_id: int
    planned: int
    pending: int
    in_progress: int
    completed: int
    failed: int
    suppressed: int
    held: int
    held_by_reason: dict[str, int]
    channels: dict[str, ChannelNumbers]
    rate_per_minute: int
    finishes_at: datetime | None
    outlook: Outlook | None = None

    @property
    def done(self) -> int:
        """Contacts nothing more is to be done for."""
        return self.completed + self.failed + self.suppressed


def get_progress(session: Session, campaign_id: int, *, actor: Actor, now: datetime, outlook: bool = True) -> Progress:
    """The campaign's numbers. Without the outlook it costs a few key look-ups, so a live page may ask often."""
    actor.require("campaigns.read")
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(f"There is no campaign {campaign_code(campaign_id)}.")
    numbers = session.get(CampaignProgress, campaign_id) or CampaignProgress(campaign_id=campaign_id)
    rate = rates_per_minute(session, [campaign_id], now=now).get(campaign_id, 0)
    finishes_at = estimate_finish(session, campaign, numbers, rate, now=now)
    return Progress(
        campaign_id=campaign_id,
        planned=numbers.planned,
        pending=numbers.pending,
        in_progress=numbers.in_progress,
        completed=numbers.completed,
        failed=numbers.failed,
        suppressed=numbers.suppressed,
        held=numbers.held_unpublished + numbers.held_expired + numbers.held_ended,
        held_by_reason={
            HoldReason.UNPUBLISHED.value: numbers.held_unpublished,
            HoldReason.EXPIRED.value: numbers.held_expired,
            HoldReason.ENDED.value: numbers.held_ended,
        },
        channels=read_channels(session, campaign_id),
        rate_per_minute=rate,
        finishes_at=finishes_at,
        outlook=get_outlook(session, campaign, numbers, rate=rate, finishes_at=finishes_at, now=now)
        if outlook
        else None,
    )


def read_channels(session: Session, campaign_id: int) -> dict[str, ChannelNumbers]:
    """The numbers of each channel on which the campaign has sent."""
    rows = session.execute(
        select(CampaignChannel)
        .where(col(CampaignChannel.campaign_id) == campaign_id)
        .order_by(col(CampaignChannel.channel))
    ).scalars()
    names = ChannelNumbers.__dataclass_fields__
    return {row.channel: ChannelNumbers(**{name: getattr(row, name) for name in names}) for row in rows}


def rates_per_minute(session: Session, campaign_ids: Sequence[int], *, now: datetime) -> dict[int, int]:
    """What each campaign sent in the 60 seconds before `now`; of the minute before, the part that counts."""
    minute, second = divmod(now.timestamp(), 60)
    traffic = TrafficMinute
    rows = session.execute(
        select(col(traffic.campaign_id), col(traffic.minute), func.sum(col(traffic.sent)))
        .where(col(traffic.campaign_id).in_(campaign_ids), col(traffic.minute) >= int(minute) - 1)
        .group_by(col(traffic.campaign_id), col(traffic.minute))
    ).all()
    rates: dict[int, float] = {}
    for campaign_id, at, sent in rows:
        share = 1.0 if at >= int(minute) else (60 - second) / 60
        rates[campaign_id] = rates.get(campaign_id, 0.0) + int(sent) * share
    return {campaign_id: round(rate) for campaign_id, rate in rates.items()}


def estimate_finish(
    session: Session, campaign: Campaign, numbers: CampaignProgress, rate: int, *, now: datetime
) -> datetime | None:
    """When nobody will be left at this rate (or, before it has one, at its limits), counting open hours only."""
    left = numbers.pending + numbers.in_progress
    if not left or campaign.state != CampaignState.PUBLISHED:
        return None
    pace = rate or send_capacity(session, campaign)
    window = campaign_window(campaign)
    if not pace or window is None:
        return None
    begin = max(now, campaign.starts_at) if campaign.starts_at else now
    return window.add_open_seconds(begin, left / pace * 60)
