"""How a gateway fares: slowed when the other side asks for it, stopped when it keeps failing, and back again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlmodel import Session, col, select

from cxconsole.gateways.words import ERRORS_TO_OPEN, RETRY_AFTER_SECONDS
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.gateway import Gateway, GatewayHealth

_LONGEST_PAUSE = timedelta(minutes=15)
_EASE_AFTER = timedelta(seconds=RETRY_AFTER_SECONDS)
_FULL_PACE = 6000
"""A slowed gateway without a limit of its own is free again at this many a minute."""


@dataclass(frozen=True, kw_only=True)
class HealthOutcome:
    """What a stretch of sending told about a gateway, in the order it happened.

    `ok`: messages taken since the last failure of the whole gateway. `failures`: failures of the
    whole gateway since the last message taken. `slow_down`: the server's words when it asked for less,
    else empty. `sent_per_minute`: the pace at which it asked.
    """

    ok: int = 0
    failures: int = 0
    words: str = ""
    slow_down: str = ""
    sent_per_minute: int = 0
    retry_after_seconds: float | None = None


def record_health(session: Session, gateway_id: int, outcome: HealthOutcome, *, now: datetime) -> Gateway | None:
    """Write an outcome down; the changed row, or None when the gateway is gone.

    Slowed: the pace is halved, at most once in 10 seconds however many connections are told.
    Stopped: after 20 failures in a row nothing is sent until `health_retry_at`; one more failure then
    doubles the pause, up to 15 minutes.
    """
    row = session.get(Gateway, gateway_id, with_for_update=True)
    if row is None:
        return None
    if outcome.ok:
        row.failures_in_a_row = 0
        if row.health == GatewayHealth.OPEN:
            _recover(session, row, now=now)
    if outcome.slow_down:
        _slow(session, row, outcome, now=now)
    if outcome.failures:
        row.failures_in_a_row += outcome.failures
        row.health_error = outcome.words or row.health_error
        if row.failures_in_a_row >= ERRORS_TO_OPEN:
            _stop(session, row, now=now)
    session.add(row)
    return row


def ease_gateways(session: Session, *, now: datetime, limit: int) -> int:
    """Let slowed gateways send a tenth more each minute, until they are at their own limit again. A job."""
    rows = session.exec(
        select(Gateway)
        .where(Gateway.health == GatewayHealth.DEGRADED, col(Gateway.health_retry_at) <= now)
        .order_by(col(Gateway.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        pace = ceil((row.slowed_to_per_minute or 1) * 1.1)
        if pace >= (row.per_minute or _FULL_PACE):
            _recover(session, row, now=now)
        else:
            row.slowed_to_per_minute, row.health_retry_at = pace, now + _EASE_AFTER
        session.add(row)
    return len(rows)


def _slow(session: Session, row: Gateway, outcome: HealthOutcome, *, now: datetime) -> None:
    pause = max(_EASE_AFTER, timedelta(seconds=min(outcome.retry_after_seconds or 0, 3600)))
    told_lately = row.health_retry_at is not None and row.health_retry_at > now + _EASE_AFTER - timedelta(seconds=10)
    if row.health != GatewayHealth.DEGRADED or not told_lately:
        # the pace that was too much: what went out, within what was allowed
        pace = min(filter(None, (row.slowed_to_per_minute, row.per_minute, outcome.sent_per_minute)), default=60)
        row.slowed_to_per_minute = max(1, pace // 2)
        if row.health != GatewayHealth.DEGRADED:
            row.health_since = now
        if row.health != GatewayHealth.OPEN:
            row.health = GatewayHealth.DEGRADED
        data = {"gateway_id": row.id, "slowed_to_per_minute": row.slowed_to_per_minute}
        append_event(session, EventType.GATEWAY_SLOWED, now=now, data=data)
    row.health_error = outcome.slow_down
    if row.health == GatewayHealth.DEGRADED:
        row.health_retry_at = now + pause


def _stop(session: Session, row: Gateway, *, now: datetime) -> None:
    if row.health == GatewayHealth.OPEN and row.health_retry_at is not None and row.health_retry_at > now:
        return  # what was still on its way when it stopped
    since = row.health_since if row.health == GatewayHealth.OPEN and row.health_since else now
    pause = max(timedelta(seconds=RETRY_AFTER_SECONDS), min(now - since, _LONGEST_PAUSE))
    if row.health != GatewayHealth.OPEN:
        data = {"gateway_id": row.id, "failures_in_a_row": row.failures_in_a_row}
        append_event(session, EventType.GATEWAY_STOPPED, now=now, data=data)
        row.health, row.health_since = GatewayHealth.OPEN, now
    row.health_retry_at = now + pause


def _recover(session: Session, row: Gateway, *, now: datetime) -> None:
    row.health, row.health_error, row.health_since, row.health_retry_at = GatewayHealth.OK, None, now, None
    row.slowed_to_per_minute = None
    append_event(session, EventType.GATEWAY_RECOVERED, now=now, data={"gateway_id": row.id})
