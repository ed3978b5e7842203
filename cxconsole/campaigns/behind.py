"""The campaigns behind a number of the first page, and how much of it each of them has."""

from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import Subquery, func, select
from sqlmodel import col

from cxconsole.errors import Invalid
from models.campaign import Campaign, CampaignChannel, CampaignProgress, CampaignState, TrafficMinute


class Figure(StrEnum):
    """A number of the first page. Those of the funnel, and the queue, count what is published."""

    SENDING = "sending"
    SENT_TODAY = "sent-today"
    ERRORS = "errors"
    QUEUE = "queue"
    HELD = "held"
    PLANNED = "planned"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"


def minute_of(at: datetime) -> int:
    """Epoch seconds / 60, as `traffic_minute` counts."""
    return int(at.timestamp()) // 60


def midnight(now: datetime, zone: tzinfo) -> datetime:
    """When the reader's day began."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def find_shares(figure: str, *, now: datetime, zone: tzinfo = UTC) -> Subquery:
    """`campaign_id` and `share` of the campaigns that have any of it. Raises Invalid for what is no number."""
    if figure not in list(Figure):
        raise Invalid.field("behind", f"Campaigns stand behind {', '.join(Figure)}.")
    return _shares(Figure(figure), now, zone).subquery("behind")


def _shares(figure: Figure, now: datetime, zone: tzinfo) -> Any:
    if figure is Figure.SENDING:
        return _of_traffic(col(TrafficMinute.sent), minute_of(now) - 1)
    if figure is Figure.SENT_TODAY:
        return _of_traffic(col(TrafficMinute.sent), minute_of(midnight(now, zone)))
    if figure is Figure.ERRORS:
        return _of_traffic(col(TrafficMinute.failed), minute_of(now) - 59)
    numbers = CampaignProgress
    if figure is Figure.HELD:
        return _of_progress(col(numbers.held_unpublished) + col(numbers.held_expired))
    if figure is Figure.QUEUE:
        return _published(_of_progress(col(numbers.pending) + col(numbers.in_progress)), numbers.campaign_id)
    if figure is Figure.PLANNED:
        return _published(_of_progress(col(numbers.planned)), numbers.campaign_id)
    channel = CampaignChannel
    total = func.sum(col(getattr(channel, figure.value)))
    found = select(col(channel.campaign_id), total.label("share")).group_by(col(channel.campaign_id)).having(total > 0)
    return _published(found, channel.campaign_id)


def _of_traffic(column: Any, since: int) -> Any:
    campaign_id, total = col(TrafficMinute.campaign_id), func.sum(column)
    found = select(campaign_id, total.label("share")).where(col(TrafficMinute.minute) >= since)
    return found.group_by(campaign_id).having(total > 0)


def _of_progress(number: Any) -> Any:
    return select(col(CampaignProgress.campaign_id), number.label("share")).where(number > 0)


def _published(found: Any, campaign_id: Any) -> Any:
    return found.join(Campaign, col(Campaign.id) == col(campaign_id)).where(
        col(Campaign.state) == CampaignState.PUBLISHED.value
    )
