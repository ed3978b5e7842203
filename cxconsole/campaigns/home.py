"""What is running now: the numbers of the first page."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from sqlalchemy import func, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.behind import midnight, minute_of
from cxconsole.campaigns.directory import CampaignSummary, list_campaigns
from cxconsole.campaigns.outlook import campaign_window
from cxconsole.campaigns.progress import estimate_finish, rates_per_minute
from cxconsole.campaigns.troubles import ErrorGroup, count_retries, find_errors
from cxconsole.comms.pause import is_sending_paused
from cxconsole.errors import Invalid
from cxconsole.gateways.registry import find_kind
from cxconsole.gateways.words import ILL, badge_of, trouble_of
from models.campaign import Campaign, CampaignChannel, CampaignProgress, CampaignState, TrafficMinute
from models.contact import HoldReason
from models.gateway import Gateway


class HomeRange(StrEnum):
    """How far back the chart looks."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


RUNNING_SHOWN = 8
SERIES_MINUTES = 12
_BUCKET_MINUTES = {HomeRange.DAY: 15, HomeRange.WEEK: 120, HomeRange.MONTH: 480}
_BUCKETS = {HomeRange.DAY: 96, HomeRange.WEEK: 84, HomeRange.MONTH: 90}


@dataclass(frozen=True, kw_only=True)
class RunningCampaign:
    """A published campaign with its rate; `finishes_at` None when it cannot be said."""

    campaign: CampaignSummary
    rate_per_minute: int
    finishes_at: datetime | None
    pace: float | None
    """How far ahead of plan, as a share of the plan (0.08: 8 % ahead); None without an end to plan for."""


@dataclass(frozen=True, kw_only=True)
class GatewayLine:
    """A gateway as the first page shows it."""

    id: int
    name: str
    channel: str
    badge: str  # see gateways/words.py
    trouble: str
    rate_per_minute: int


@dataclass(frozen=True, kw_only=True)
class ChartPoint:
    """Messages a minute, by channel, on average over the bucket that begins at `at`."""

    at: datetime
    per_minute: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class FunnelNumbers:
    """The funnel of the campaigns that are published."""

    planned: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0


@dataclass(frozen=True, kw_only=True)
class HomeView:
    """What the first page shows. `queue_seconds`: when the queue is empty at this rate; None when it is not moving."""

    running: tuple[RunningCampaign, ...]
    published_count: int
    rate_per_minute: int
    rate_series: tuple[int, ...]
    queue_depth: int
    queue_seconds: int | None
    sent_today: int
    failed_today: int
    funnel: FunnelNumbers
    held: int
    held_by_reason: dict[str, int]
    errors_last_hour: int
    errors_hour_before: int
    errors: tuple[ErrorGroup, ...]
    retries: int
    gateways: tuple[GatewayLine, ...]
    chart: tuple[ChartPoint, ...]
    chart_channels: tuple[str, ...]
    sending_paused: bool
    attention: int
    """How many things need somebody: gateways that are not well, and errors by campaign."""


def get_home(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    range: HomeRange | str = HomeRange.DAY,
    zone: tzinfo = UTC,
) -> HomeView:
    """The first page's numbers at one instant. `zone` is where the viewer's day begins."""
    actor.require("campaigns.read")
    if range not in list(HomeRange):
        raise Invalid.field("range", f"The chart looks back {', '.join(HomeRange)}.")
    running = _list_running(session, actor=actor, now=now)
    totals = _sum_progress(session)
    minutes = _minutes_of_day(session, now=now, zone=zone)
    hour = _failed_by_hour(session, now=now)
    errors = find_errors(session, now=now)
    gateways = _gateways(session, now=now)
    rate = sum(one.rate_per_minute for one in gateways)
    queue = totals["pending"] + totals["in_progress"]
    chart = _draw_chart(session, HomeRange(range), now=now)
    return HomeView(
        running=running,
        published_count=totals["campaigns"],
        rate_per_minute=rate,
        rate_series=_recent_minutes(session, now=now),
        queue_depth=queue,
        queue_seconds=round(queue / rate * 60) if rate and queue else None,
        sent_today=minutes[0],
        failed_today=minutes[1],
        funnel=_sum_funnel(session, totals["planned"]),
        held=sum(totals[reason] for reason in HoldReason),
        held_by_reason={reason.value: totals[reason] for reason in HoldReason},
        errors_last_hour=hour[0],
        errors_hour_before=hour[1],
        errors=errors,
        retries=count_retries(session),
        gateways=gateways,
        chart=chart,
        chart_channels=tuple(sorted({channel for point in chart for channel in point.per_minute})),
        sending_paused=is_sending_paused(session),
        attention=sum(1 for one in gateways if one.badge in ILL) + len(errors),
    )


def _list_running(session: Session, *, actor: Actor, now: datetime) -> tuple[RunningCampaign, ...]:
    page = list_campaigns(
        session, actor=actor, now=now, state=CampaignState.PUBLISHED, sort="-last_activity_at", limit=RUNNING_SHOWN
    )
    ids = [one.id for one in page.items]
    rates = rates_per_minute(session, ids, now=now)
    rows = session.execute(
        select(Campaign, CampaignProgress)
        .join(CampaignProgress, col(CampaignProgress.campaign_id) == col(Campaign.id))
        .where(col(Campaign.id).in_(ids))
    ).all()
    known = {campaign.id: (campaign, numbers) for campaign, numbers in rows}
    found = []
    for one in page.items:
        campaign, numbers = known.get(one.id, (None, None))
        rate = rates.get(one.id, 0)
        finishes_at = estimate_finish(session, campaign, numbers, rate, now=now) if campaign and numbers else None
        pace = _pace(campaign, one, now=now) if campaign else None
        found.append(RunningCampaign(campaign=one, rate_per_minute=rate, finishes_at=finishes_at, pace=pace))
    return tuple(found)


def _pace(campaign: Campaign, summary: CampaignSummary, *, now: datetime) -> float | None:
    """How far the share that is done is ahead of the share of open time that has passed."""
    window = campaign_window(campaign)
    begin = campaign.first_published_at
    if window is None or begin is None or campaign.ends_at is None or not summary.contacts:
        return None
    begin = max(begin, campaign.starts_at) if campaign.starts_at else begin
    whole = window.open_seconds_between(begin, campaign.ends_at)
    planned = window.open_seconds_between(begin, min(now, campaign.ends_at)) / whole if whole else 0.0
    return summary.progress / planned - 1 if planned else None


def _sum_progress(session: Session) -> dict[str, int]:
    """The numbers of all published campaigns together, and what is held anywhere but for good in ended ones."""
    numbers = CampaignProgress
    published = col(Campaign.state) == CampaignState.PUBLISHED.value
    names = ("planned", "pending", "in_progress")
    row = session.execute(
        select(func.count(), *(func.coalesce(func.sum(col(getattr(numbers, name))), 0) for name in names))
        .join(Campaign, col(Campaign.id) == col(numbers.campaign_id))
        .where(published)
    ).one()
    held = session.execute(
        select(
            func.coalesce(func.sum(col(numbers.held_unpublished)), 0),
            func.coalesce(func.sum(col(numbers.held_expired)), 0),
        )
    ).one()
    return {
        "campaigns": row[0],
        **{name: int(value) for name, value in zip(names, row[1:], strict=True)},
        HoldReason.UNPUBLISHED: int(held[0]),
        HoldReason.EXPIRED: int(held[1]),
        HoldReason.ENDED: 0,  # final: nobody waits for these any more
    }


def _sum_funnel(session: Session, planned: int) -> FunnelNumbers:
    names = ("sent", "delivered", "opened", "clicked")
    row = session.execute(
        select(*(func.coalesce(func.sum(col(getattr(CampaignChannel, name))), 0) for name in names))
        .join(Campaign, col(Campaign.id) == col(CampaignChannel.campaign_id))
        .where(col(Campaign.state) == CampaignState.PUBLISHED.value)
    ).one()
    return FunnelNumbers(planned=planned, **{name: int(value) for name, value in zip(names, row, strict=True)})


def _sum_traffic(session: Session, begin: int, end: int) -> tuple[int, int]:
    """Sent and failed in the minutes from `begin` to before `end`."""
    row = session.execute(
        select(func.sum(col(TrafficMinute.sent)), func.sum(col(TrafficMinute.failed))).where(
            col(TrafficMinute.minute) >= begin, col(TrafficMinute.minute) < end
        )
    ).one()
    return int(row[0] or 0), int(row[1] or 0)


def _minutes_of_day(session: Session, *, now: datetime, zone: tzinfo) -> tuple[int, int]:
    return _sum_traffic(session, minute_of(midnight(now, zone)), minute_of(now) + 1)


def _failed_by_hour(session: Session, *, now: datetime) -> tuple[int, int]:
    end = minute_of(now) + 1
    return _sum_traffic(session, end - 60, end)[1], _sum_traffic(session, end - 120, end - 60)[1]


def _recent_minutes(session: Session, *, now: datetime) -> tuple[int, ...]:
    """What left in each of the last full minutes, the oldest first."""
    end = minute_of(now)
    rows = session.execute(
        select(col(TrafficMinute.minute), func.sum(col(TrafficMinute.sent)))
        .where(col(TrafficMinute.minute) >= end - SERIES_MINUTES, col(TrafficMinute.minute) < end)
        .group_by(col(TrafficMinute.minute))
    ).all()
    sent = {minute: int(count) for minute, count in rows}
    return tuple(sent.get(end - SERIES_MINUTES + number, 0) for number in _count_to(SERIES_MINUTES))


_count_to = range  # `range` is the word of the page for how far back it looks


def _gateways(session: Session, *, now: datetime) -> tuple[GatewayLine, ...]:
    minute, second = divmod(now.timestamp(), 60)
    rows = session.execute(
        select(col(TrafficMinute.gateway_id), col(TrafficMinute.minute), func.sum(col(TrafficMinute.sent)))
        .where(col(TrafficMinute.minute) >= int(minute) - 1)
        .group_by(col(TrafficMinute.gateway_id), col(TrafficMinute.minute))
    ).all()
    rates: dict[int, float] = defaultdict(float)
    for gateway_id, at, sent in rows:
        rates[gateway_id] += int(sent) * (1.0 if at >= int(minute) else (60 - second) / 60)
    found = session.execute(select(Gateway).order_by(col(Gateway.name), col(Gateway.id))).scalars()
    return tuple(
        GatewayLine(
            id=one.id or 0, name=one.name, channel=one.channel, rate_per_minute=round(rates[one.id or 0]),
            badge=badge_of(one, sandbox=find_kind(one.kind).sandbox), trouble=trouble_of(one),
        )
        for one in found
    )  # fmt: skip


def _draw_chart(session: Session, span: HomeRange, *, now: datetime) -> tuple[ChartPoint, ...]:
    size, count = _BUCKET_MINUTES[span], _BUCKETS[span]
    last = minute_of(now) // size
    first = last - count + 1
    bucket = (col(TrafficMinute.minute) // size).label("bucket")
    rows = session.execute(
        select(bucket, col(TrafficMinute.channel), func.sum(col(TrafficMinute.sent)))
        .where(col(TrafficMinute.minute) >= first * size)
        .group_by(bucket, col(TrafficMinute.channel))
    ).all()
    channels = {channel for _, channel, _ in rows}
    sent: dict[tuple[int, str], int] = {(int(number), channel): int(total) for number, channel, total in rows}
    begun = max(1.0, (now.timestamp() - last * size * 60) / 60)
    return tuple(
        ChartPoint(
            at=datetime.fromtimestamp(number * size * 60, UTC),
            per_minute={
                channel: round(sent.get((number, channel), 0) / (begun if number == last else size), 1)
                for channel in sorted(channels)
            },
        )
        for number in _count_to(first, last + 1)
    )
