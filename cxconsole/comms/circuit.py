"""A gateway's health: how it slows down when asked to, stops after repeated failure, and comes back.

Pure decisions over the columns of its row; the row is the truth, so several senders agree and a
person who mends the gateway gives it a new start by resetting the row.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cxconsole.gateways.port import FAILURES_TO_OPEN
from models.event import EventType
from models.gateway import GatewayHealth

FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=10)
_SAME_BREATH = timedelta(seconds=10)  # several messages are told to slow down at once: that is one request
_PACE_STEP = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """The health columns of a gateway's row."""

    state: str = GatewayHealth.OK
    error: str | None = None
    since: datetime | None = None
    retry_at: datetime | None = None
    slowed_to: int | None = None
    pace_before: int | None = None
    paced_at: datetime | None = None
    failures: int = 0

    def may_send(self, now: datetime) -> bool:
        """Whether messages may leave; an open circuit lets a probe through when its pause is over."""
        return self.state != GatewayHealth.OPEN or self.retry_at is None or self.retry_at <= now


@dataclass(kw_only=True, slots=True)
class News:
    """What happened at a gateway since its health was last judged."""

    failures: int = 0  # whole-gateway failures since the last success
    succeeded: bool = False
    slow_downs: int = 0
    error: str | None = None
    retry_after: timedelta = field(default_factory=timedelta)
    per_minute: int = 0  # the pace just measured


def judge_health(health: Health, news: News, *, now: datetime) -> tuple[Health, EventType | None]:
    """The health after the news, and the event to write if it changed for people."""
    if news.failures:
        return _count_failures(health, news, now=now)
    event = None
    if news.succeeded and (health.failures or health.state == GatewayHealth.OPEN):
        if health.state == GatewayHealth.OPEN:
            event = EventType.GATEWAY_RECOVERED
        state = GatewayHealth.DEGRADED if health.slowed_to else GatewayHealth.OK
        health = replace(health, state=state, error=None, since=now, retry_at=None, failures=0)
    if news.slow_downs:
        if health.paced_at is not None and now - health.paced_at < _SAME_BREATH:
            return health, event
        return _slow_down(health, news, now=now), EventType.GATEWAY_SLOWED
    if health.slowed_to and health.paced_at and now - health.paced_at >= _PACE_STEP:
        return _speed_up(health, now=now, event=event)
    return health, event


def _count_failures(health: Health, news: News, *, now: datetime) -> tuple[Health, EventType | None]:
    was_open = health.state == GatewayHealth.OPEN
    if was_open and health.retry_at is not None and now < health.retry_at:
        return health, None  # a straggler that was on its way when the circuit opened
    # while closed, many messages fail together: they are not so many reasons for a longer pause
    failures = health.failures + 1 if was_open else min(FAILURES_TO_OPEN, health.failures + news.failures)
    if news.succeeded and not was_open:
        failures = min(FAILURES_TO_OPEN, news.failures)
    health = replace(health, failures=failures, error=news.error)
    if failures < FAILURES_TO_OPEN:
        return health, None
    doublings = min(failures - FAILURES_TO_OPEN, 10)
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**doublings)
    health = replace(
        health,
        state=GatewayHealth.OPEN,
        since=health.since if was_open else now,
        retry_at=now + max(pause, min(news.retry_after, LONGEST_PAUSE)),
    )
    return health, None if was_open else EventType.GATEWAY_STOPPED


def _slow_down(health: Health, news: News, *, now: datetime) -> Health:
    pace = health.slowed_to or max(news.per_minute, 2)
    return replace(
        health,
        state=GatewayHealth.DEGRADED,
        error=news.error,
        since=health.since if health.slowed_to else now,
        slowed_to=max(1, pace // 2),
        pace_before=max(health.pace_before or 0, pace),
        paced_at=now,
    )


def _speed_up(health: Health, *, now: datetime, event: EventType | None) -> tuple[Health, EventType | None]:
    faster = -(-(health.slowed_to or 1) * 11 // 10)
    if faster < (health.pace_before or 0):
        return replace(health, slowed_to=faster, paced_at=now), event
    well = replace(health, slowed_to=None, pace_before=None, paced_at=None)
    if health.state == GatewayHealth.DEGRADED:
        well = replace(well, state=GatewayHealth.OK, error=None, since=now)
    return well, EventType.GATEWAY_RECOVERED


__all__ = ["FAILURES_TO_OPEN", "FIRST_PAUSE", "LONGEST_PAUSE", "Health", "News", "judge_health"]
