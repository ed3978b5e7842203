"""At what moments a demo campaign sent, given its pace and its window."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cxconsole.demo.world import DemoCampaign


def send_times(plan: DemoCampaign, *, start: datetime) -> Iterator[datetime]:
    """Moments from `start` on, evenly at the plan's pace, inside its window, without end."""
    step = timedelta(minutes=1 / plan.per_minute)
    at = start + timedelta(seconds=1)
    while True:
        at = _open(plan, at)
        yield at
        at += step


def _open(plan: DemoCampaign, at: datetime) -> datetime:
    """`at`, or the next opening of the window after it."""
    start, end = plan.window
    if (start, end) == ("00:00", "24:00"):
        return at
    local = at.astimezone(ZoneInfo(plan.time_zone))
    clock = local.strftime("%H:%M")
    if start <= clock < end:
        return at
    day = local.date() + timedelta(days=1 if clock >= end else 0)
    hour, minute = map(int, start.split(":"))
    opening = datetime(day.year, day.month, day.day, hour, minute, tzinfo=local.tzinfo)
    return opening.astimezone(at.tzinfo)
