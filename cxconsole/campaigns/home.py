"""What is running now: the numbers of the first page."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.directory import CampaignSummary, list_campaigns
from models.campaign import CampaignState


class HomeRange(StrEnum):
    """How far back the chart looks."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


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
    kind: str
    channel: str
    active: bool
    health: str
    health_error: str | None
    rate_per_minute: int


@dataclass(frozen=True, kw_only=True)
class ErrorGroup:
    """Failures of the last hour with one reason. `link` opens the people, or the place to mend it."""

    reason: str
    detail: str
    count: int
    remedy: str
    link: str


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
    gateways: tuple[GatewayLine, ...]
    chart: tuple[ChartPoint, ...]
    chart_channels: tuple[str, ...]
    sending_paused: bool
    attention: int
    """How many things need somebody: gateways that are not well, and groups of errors."""


def get_home(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    range: HomeRange | str = HomeRange.DAY,
) -> HomeView:
    """The first page's numbers at one instant."""
    running = list_campaigns(session, actor=actor, now=now, state=CampaignState.PUBLISHED, limit=8)
    return HomeView(
        running=tuple(
            RunningCampaign(campaign=one, rate_per_minute=0, finishes_at=None, pace=None) for one in running.items
        ),
        published_count=running.total, rate_per_minute=0, rate_series=(), queue_depth=0, queue_seconds=None,
        sent_today=0, failed_today=0, funnel=FunnelNumbers(), held=0, held_by_reason={}, errors_last_hour=0,
        errors_hour_before=0, errors=(), gateways=(), chart=(), chart_channels=(), sending_paused=False, attention=0,
    )  # fmt: skip
