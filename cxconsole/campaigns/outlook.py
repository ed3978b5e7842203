"""The slower half of a campaign's progress: why, how fast, and what comes next."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from cxconsole.campaigns.flow import Step, load_graph, steps_of
from cxconsole.campaigns.windows import Window, find_zone, window_problems
from models.campaign import Campaign, CampaignProgress, CampaignState, TrafficMinute
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactStatus
from models.gateway import Gateway

MOST_REASONS = 50
MOST_WAITING = 10_000
MOST_HOURS = 4
PACE_POINTS = 60
_HORIZON_HOURS = 48
_LOOKED_AT = 20_000


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


def get_outlook(
    session: Session,
    campaign: Campaign,
    numbers: CampaignProgress,
    *,
    rate: int,
    finishes_at: datetime | None,
    now: datetime,
) -> Outlook:
    """Reasons, what waits, the pace against the plan, and the next hours."""
    steps = steps_of(load_graph(session, campaign))
    window = campaign_window(campaign)
    next_due_at = _next_due(session, campaign, window, now=now)
    return Outlook(
        reasons=_count_reasons(session, numbers.campaign_id),
        waiting=_count_waiting(session, campaign, numbers, steps, window, now=now),
        pace=_trace_pace(session, campaign, numbers, window, finishes_at=finishes_at, now=now),
        next_hours=_plan_hours(session, campaign, numbers, steps, window, rate=rate, now=now),
        next_due_at=next_due_at,
    )


def campaign_window(campaign: Campaign) -> Window | None:
    """The execution window in the campaign's zone; None when it cannot be read."""
    zone = find_zone(campaign.time_zone)
    if zone is None or window_problems(campaign.window_start, campaign.window_end, campaign.window_days):
        return None
    return Window(start=campaign.window_start, end=campaign.window_end, days=tuple(campaign.window_days), zone=zone)


def send_capacity(session: Session, campaign: Campaign) -> int | None:
    """Messages a minute that the campaign's own limit and those of its gateways allow; None without a limit."""
    ids = {step.gateway_id for step in steps_of(load_graph(session, campaign)) if step.gateway_id}
    rows = session.execute(
        select(func.coalesce(col(Gateway.slowed_to_per_minute), col(Gateway.per_minute))).where(
            col(Gateway.id).in_(ids)
        )
    ).scalars()
    limits = [one for one in (campaign.per_minute, *rows) if one]
    return min(limits, default=None)


def _count_reasons(session: Session, campaign_id: int) -> tuple[ReasonCount, ...]:
    contact, count = CampaignContact, func.count()
    rows = session.execute(
        select(col(contact.status), col(contact.reason), count)
        .where(col(contact.campaign_id) == campaign_id, col(contact.reason).is_not(None))
        .group_by(col(contact.status), col(contact.reason))
        .order_by(count.desc(), col(contact.reason))
        .limit(MOST_REASONS)
    ).all()
    return tuple(ReasonCount(status=status, reason=reason, count=number) for status, reason, number in rows)


def _count_waiting(
    session: Session,
    campaign: Campaign,
    numbers: CampaignProgress,
    steps: list[Step],
    window: Window | None,
    *,
    now: datetime,
) -> tuple[WaitingCount, ...]:
    found: dict[str, tuple[int, datetime | None]] = {}

    def add(cause: str, count: int, until: datetime | None) -> None:
        before, at = found.get(cause, (0, None))
        found[cause] = (before + count, min([one for one in (at, until) if one], default=None))

    delivery = CommDelivery
    rows = session.execute(
        select(col(delivery.state), col(delivery.checks), col(delivery.not_before))
        .where(
            col(delivery.campaign_id) == campaign.id,
            col(delivery.channel).in_({step.channel for step in steps}),
            col(delivery.state).in_([DeliveryState.AWAITING_DISTRIBUTION.value, DeliveryState.RETRY.value]),
            col(delivery.not_before) > now,
        )
        .limit(MOST_WAITING)
    ).all()
    for state, checks, not_before in rows:
        waits = next((name for name, verdict in (checks or {}).items() if verdict == "wait"), None)
        if waits or state == DeliveryState.RETRY:
            add(waits or "retry", 1, not_before)
    if campaign.state == CampaignState.PUBLISHED and numbers.pending and window and not window.is_open(now):
        if campaign.window_in_zone_of == "campaign":
            add("quiet_hours", numbers.pending, window.next_open(now))
    elif campaign.window_in_zone_of == "person":
        add_later = _count_put_off(session, campaign.id or 0, now=now)
        if add_later[0]:
            add("quiet_hours", *add_later)
    return tuple(WaitingCount(cause=cause, count=count, until=until) for cause, (count, until) in sorted(found.items()))


def _count_put_off(session: Session, campaign_id: int, *, now: datetime) -> tuple[int, datetime | None]:
    """Contacts put off because it is night where they live; counted up to a limit."""
    later = (
        select(col(CampaignContact.due_at).label("due_at"))
        .where(
            col(CampaignContact.campaign_id) == campaign_id,
            col(CampaignContact.status) == ContactStatus.PENDING.value,
            col(CampaignContact.due_at) > now,
        )
        .order_by(col(CampaignContact.due_at))
        .limit(_LOOKED_AT)
        .subquery()
    )
    count, first = session.execute(select(func.count(), func.min(later.c.due_at))).one()
    return count, first


def _next_due(session: Session, campaign: Campaign, window: Window | None, *, now: datetime) -> datetime | None:
    due = session.execute(
        select(col(CampaignContact.due_at))
        .where(
            col(CampaignContact.campaign_id) == campaign.id,
            col(CampaignContact.status) == ContactStatus.PENDING.value,
            col(CampaignContact.due_at).is_not(None),
        )
        .order_by(col(CampaignContact.due_at))
        .limit(1)
    ).scalar_one_or_none()
    if due is None or campaign.state != CampaignState.PUBLISHED:
        return None
    earliest = max(one for one in (due, now, campaign.starts_at) if one)
    return window.next_open(earliest) if window else earliest


def _trace_pace(
    session: Session,
    campaign: Campaign,
    numbers: CampaignProgress,
    window: Window | None,
    *,
    finishes_at: datetime | None,
    now: datetime,
) -> tuple[PacePoint, ...]:
    begin = campaign.first_published_at
    if begin is None:
        return ()
    if campaign.starts_at is not None:
        begin = max(begin, campaign.starts_at)
    end = max(one for one in (campaign.ends_at or finishes_at, begin, campaign.ended_at or now) if one)
    first = int(begin.timestamp()) // 60
    size = max(1, -(-(int(end.timestamp()) // 60 + 1 - first) // PACE_POINTS))
    bucket = ((col(TrafficMinute.minute) - first) // size).label("bucket")
    rows = session.execute(
        select(bucket, func.sum(col(TrafficMinute.sent) + col(TrafficMinute.failed)))
        .where(col(TrafficMinute.campaign_id) == campaign.id)
        .group_by(bucket)
    ).all()
    sent: dict[int, int] = defaultdict(int)
    for number, count in rows:
        sent[max(0, int(number))] += int(count)
    whole = window.open_seconds_between(begin, campaign.ends_at) if window and campaign.ends_at else 0.0
    points, total = [], 0
    for number in range(-1, PACE_POINTS):
        at = datetime.fromtimestamp((first + (number + 1) * size) * 60, UTC)
        total += sent[number]
        plan = None
        if whole and window and campaign.ends_at:
            plan = round(numbers.planned * window.open_seconds_between(begin, min(at, campaign.ends_at)) / whole)
        began = datetime.fromtimestamp((first + number * size) * 60, UTC)
        points.append(
            PacePoint(at=min(at, now) if began < now < at else at, done=total if began < now else None, plan=plan)
        )
        if at >= end:
            break
    return tuple(points)


def _plan_hours(
    session: Session,
    campaign: Campaign,
    numbers: CampaignProgress,
    steps: list[Step],
    window: Window | None,
    *,
    rate: int,
    now: datetime,
) -> tuple[PlannedHour, ...]:
    if campaign.state != CampaignState.PUBLISHED or not steps or window is None:
        return ()
    pace = rate or send_capacity(session, campaign)
    later = _later_steps(session, campaign.id or 0, steps, now=now)
    left = numbers.pending
    hours: list[PlannedHour] = []
    for offset in range(_HORIZON_HOURS):
        begin = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=offset)
        opens = max(one for one in (begin, now, campaign.starts_at) if one)
        closes = min(one for one in (begin + timedelta(hours=1), campaign.ends_at) if one)
        seconds = window.open_seconds_between(opens, closes)
        count = min(left, round(pace * seconds / 60)) if pace else left if seconds else 0
        left -= count
        if count:
            hours.append(PlannedHour(at=begin, count=count, channel=steps[0].channel, step=1))
        hours.extend(
            PlannedHour(at=begin, count=number, channel=steps[step - 1].channel, step=step)
            for step, number in sorted(later.get(begin, {}).items())
        )
        if len(hours) >= MOST_HOURS:
            break
    return tuple(hours[:MOST_HOURS])


def _later_steps(
    session: Session, campaign_id: int, steps: list[Step], *, now: datetime
) -> dict[datetime, dict[int, int]]:
    """How many contacts come to each further step in each hour, among the next that are due."""
    number_of: dict[Any, int] = {step.id: number for number, step in enumerate(steps, 2) if number <= len(steps)}
    rows = session.execute(
        select(col(CampaignContact.due_at), col(CampaignContact.node))
        .where(
            col(CampaignContact.campaign_id) == campaign_id,
            col(CampaignContact.status) == ContactStatus.IN_PROGRESS.value,
            col(CampaignContact.due_at) > now,
            col(CampaignContact.due_at) < now + timedelta(hours=_HORIZON_HOURS),
        )
        .order_by(col(CampaignContact.due_at))
        .limit(_LOOKED_AT)
    ).all() if number_of else []  # fmt: skip
    found: dict[datetime, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for due_at, node in rows:
        if due_at is not None and node in number_of:
            found[due_at.replace(minute=0, second=0, microsecond=0)][number_of[node]] += 1
    return found
