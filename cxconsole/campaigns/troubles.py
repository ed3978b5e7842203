"""The messages that failed in the last hour, by campaign, with why and who; and how many are tried again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from cxconsole.campaigns.behind import Figure, minute_of
from cxconsole.campaigns.contact_filter import FilterOp, filter_address
from models.campaign import Campaign, TrafficMinute, campaign_code
from models.comm import CommDelivery, CommRequest, DeliveryState

MOST_GROUPS = 10
_SAMPLE = 1_000
"""So many failures of a campaign are asked for their reason: a page that moves cannot read all of a large one."""


@dataclass(frozen=True, kw_only=True)
class ErrorGroup:
    """Messages of one campaign and channel that failed in the last hour. `link` opens the people behind them."""

    reason: str
    """The most frequent one, in the words of the other side; empty when they were all tried again since."""
    campaign: str
    channel: str
    count: int
    link: str


def find_errors(session: Session, *, now: datetime) -> tuple[ErrorGroup, ...]:
    """Groups whose counts add up to the errors of the last hour; what is beyond the largest ten is one group more."""
    minute, campaign, channel = TrafficMinute.minute, col(TrafficMinute.campaign_id), col(TrafficMinute.channel)
    count = func.sum(col(TrafficMinute.failed))
    last = minute_of(now)
    rows = session.execute(
        select(campaign, channel, count)
        .where(col(minute) > last - 60, col(minute) <= last, col(TrafficMinute.failed) > 0)
        .group_by(campaign, channel)
        .order_by(count.desc(), campaign, channel)
    ).all()
    names = _names(session, (row[0] for row in rows[:MOST_GROUPS]))
    since = now - timedelta(hours=1)
    found = [
        ErrorGroup(
            reason=_reason(session, campaign_id, channel, since=since), campaign=names.get(campaign_id, ""),
            channel=channel, count=int(number), link=_people_link(campaign_id, channel, since) if campaign_id else "",
        )
        for campaign_id, channel, number in rows[:MOST_GROUPS]
    ]  # fmt: skip
    if rest := sum(int(row[2]) for row in rows[MOST_GROUPS:]):
        link = f"/campaigns?behind={Figure.ERRORS}"
        found.append(ErrorGroup(reason="", campaign="Other campaigns", channel="", count=rest, link=link))
    return tuple(found)


def count_retries(session: Session) -> int:
    """Messages that were refused for now and wait for another try."""
    # the first condition, word for word as in its index, lets the small index of what is to be sent answer
    waits = text("comm_delivery.state IN ('D','R','sending')")
    return session.execute(
        select(func.count()).where(waits, col(CommDelivery.state) == DeliveryState.RETRY.value)
    ).scalar_one()


def _names(session: Session, campaign_ids: Iterable[int]) -> dict[int, str]:
    named = select(col(Campaign.id), col(Campaign.name)).where(col(Campaign.id).in_(campaign_ids))
    return {0: "Single messages"} | {row[0]: row[1] for row in session.execute(named)}


def _reason(session: Session, campaign_id: int, channel: str, *, since: datetime) -> str:
    delivery, count = CommDelivery, func.count()
    newest = (
        select(col(delivery.reason), col(delivery.request_id))
        .where(
            col(delivery.campaign_id) == campaign_id if campaign_id else col(delivery.campaign_id).is_(None),
            col(delivery.channel) == channel,
            col(delivery.state) == DeliveryState.ERROR.value,
        )
        .order_by(col(delivery.contact_id).desc())  # as the index has them, and nearly as they were sent
        .limit(_SAMPLE)
        .subquery()
    )
    found = session.execute(
        select(newest.c.reason)
        .join(CommRequest, col(CommRequest.id) == newest.c.request_id)
        .where(col(CommRequest.updated_at) >= since)  # it failed then
        .group_by(newest.c.reason)
        .order_by(count.desc(), newest.c.reason)
        .limit(1)
    ).scalar()
    return found or ""


def _people_link(campaign_id: int, channel: str, since: datetime) -> str:
    moved = filter_address(("last_activity_at", FilterOp.GT, since.isoformat(timespec="seconds")))
    return f"/campaigns/{campaign_code(campaign_id)}/contacts?delivery={channel}:failed&{moved}"
