"""How a campaign gets on: its numbers, its rate, and when it will be through.

Nothing here counts contacts: the numbers are kept beside the rows and only read.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.errors import NotFound
from models.campaign import Campaign, CampaignChannel, CampaignProgress, TrafficMinute, campaign_code
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
class ReasonCount:
    """How many contacts ended in `status` for the same reason, in words."""

    status: str
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class WaitingCount:
    """Messages that wait for `quiet_hours`, `frequency_cap` or `retry`; the first of them is free at `until`."""

    cause: str
    count: int
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class PacePoint:
    """Messages handed over (or failed) up to `at`; `done` is None for the future, `plan` when there is no plan."""

    at: datetime
    done: int | None
    plan: int | None


@dataclass(frozen=True, kw_only=True)
class PlannedHour:
    """What is expected to leave within the hour that begins at `at`. `step` counts from 1."""

    at: datetime
    count: int
    channel: str
    step: int


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The slower half of a campaign's progress, for pages that show it in full."""

    reasons: tuple[ReasonCount, ...] = ()
    waiting: tuple[WaitingCount, ...] = ()
    pace: tuple[PacePoint, ...] = ()
    next_hours: tuple[PlannedHour, ...] = ()
    next_due_at: datetime | None = None


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
    """The campaign's numbers. Without the outlook it costs three key look-ups, so a live page may ask often."""
    actor.require("campaigns.read")
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(f"There is no campaign {campaign_code(campaign_id)}.")
    numbers = session.get(CampaignProgress, campaign_id) or CampaignProgress(campaign_id=campaign_id)
    channels = session.execute(
        select(CampaignChannel)
        .where(col(CampaignChannel.campaign_id) == campaign_id)
        .order_by(col(CampaignChannel.channel))
    ).scalars()
    rate = rate_per_minute(session, campaign_id, now=now)
    left = numbers.pending + numbers.in_progress
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
        channels={
            row.channel: ChannelNumbers(**{name: getattr(row, name) for name in ChannelNumbers.__dataclass_fields__})
            for row in channels
        },
        rate_per_minute=rate,
        finishes_at=now + timedelta(minutes=left / rate) if rate and left else None,
        outlook=Outlook() if outlook else None,
    )


def rate_per_minute(session: Session, campaign_id: int, *, now: datetime) -> int:
    """What the campaign sent in the 60 seconds before `now`; the older part of them is taken in proportion."""
    minute, second = divmod(now.timestamp(), 60)
    rows = session.execute(
        select(col(TrafficMinute.minute), func.sum(col(TrafficMinute.sent)))
        .where(col(TrafficMinute.campaign_id) == campaign_id, col(TrafficMinute.minute) >= int(minute) - 1)
        .group_by(col(TrafficMinute.minute))
    ).all()
    sent = {row[0]: int(row[1]) for row in rows}
    return round(sent.get(int(minute), 0) + sent.get(int(minute) - 1, 0) * (60 - second) / 60)
