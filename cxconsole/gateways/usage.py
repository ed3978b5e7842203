"""How much each gateway sends."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.campaign import TrafficMinute
from models.comm import RateUsage


def used_per_minute(session: Session, gateway_ids: Sequence[int], *, now: datetime) -> dict[int, int]:
    """Messages of the last 60 seconds, by gateway.

    From the seconds kept for limits; a gateway without any there is estimated from this minute and the last one.
    """
    second = int(now.timestamp())
    scopes = {f"gateway:{one}": one for one in gateway_ids}
    seconds = session.exec(
        select(RateUsage.scope, func.sum(RateUsage.used))
        .where(col(RateUsage.scope).in_(scopes), col(RateUsage.second) > second - 60, col(RateUsage.second) <= second)
        .group_by(RateUsage.scope)
    )
    used = {scopes[scope]: int(count) for scope, count in seconds}
    minute, into = divmod(second, 60)
    sums = session.exec(
        select(TrafficMinute.gateway_id, TrafficMinute.minute, func.sum(TrafficMinute.sent))
        .where(col(TrafficMinute.minute).in_((minute - 1, minute)), col(TrafficMinute.gateway_id).in_(gateway_ids))
        .group_by(col(TrafficMinute.gateway_id), col(TrafficMinute.minute))
    )
    estimates: dict[int, float] = {}
    for gateway_id, at, count in sums:
        share = 1.0 if at == minute else (60 - into) / 60
        estimates[gateway_id] = estimates.get(gateway_id, 0) + int(count) * share
    return {one: used.get(one) or round(estimates.get(one, 0)) for one in gateway_ids}


def sent_by_minute(
    session: Session, gateway_id: int, *, now: datetime, minutes: int = 60
) -> tuple[tuple[int, int], ...]:
    """(minute as epoch seconds, messages sent) for each of the last minutes, the oldest first; empty ones are 0."""
    last = int(now.timestamp()) // 60
    rows = session.exec(
        select(TrafficMinute.minute, func.sum(TrafficMinute.sent))
        .where(
            col(TrafficMinute.minute) > last - minutes,
            col(TrafficMinute.minute) <= last,
            TrafficMinute.gateway_id == gateway_id,
        )
        .group_by(col(TrafficMinute.minute))
    )
    sent = {minute: int(count) for minute, count in rows}
    return tuple((minute * 60, sent.get(minute, 0)) for minute in range(last - minutes + 1, last + 1))
