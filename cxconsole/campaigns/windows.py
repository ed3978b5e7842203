"""When a campaign may contact people: from-to in the 24 h clock on chosen weekdays, in one zone.

A window over midnight belongs to the day it starts on: 22:00-06:00 on Fridays runs into Saturday
morning. Clock times are those of the zone's own clock, so a day on which the clocks change is
shorter or longer; a start that falls into the skipped hour opens when the skipped hour is over.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cxconsole.errors import FieldProblem
from models.campaign import WEEKDAYS

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DAY_MINUTES = 24 * 60
HORIZON_DAYS = 9
"""A weekly window has opened again within 8 days, whatever the clocks do."""


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """The zone of this IANA name, None when there is no such zone."""
    return ZoneInfo(name) if name in _zone_names() else None


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_clock(text: str, *, is_end: bool = False) -> int:
    """Minutes since midnight of `HH:MM`; `24:00` is an end only. Raises ValueError."""
    if is_end and text == "24:00":
        return _DAY_MINUTES
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("Write a time of the 24 h clock, such as 09:00.")
    return int(match[1]) * 60 + int(match[2])


def window_problems(start: str, end: str, days: Sequence[str]) -> list[FieldProblem]:
    """What is wrong with a window as typed; empty when nothing is."""
    problems: list[FieldProblem] = []
    minutes: list[int] = []
    for loc, text, is_end in (("start", start, False), ("end", end, True)):
        try:
            minutes.append(parse_clock(text, is_end=is_end))
        except ValueError as error:
            problems.append(FieldProblem(loc=f"execution_window.{loc}", msg=str(error)))
    if len(minutes) == 2 and minutes[0] == minutes[1]:
        msg = "Start and end are the same. For the whole day, write 00:00 to 24:00."
        problems.append(FieldProblem(loc="execution_window.end", msg=msg))
    unknown = [str(day) for day in days if day not in WEEKDAYS]
    if unknown:
        msg = f"Unknown weekday: {', '.join(unknown)}. Use {', '.join(WEEKDAYS)}."
        problems.append(FieldProblem(loc="execution_window.days", msg=msg))
    elif not days:
        problems.append(FieldProblem(loc="execution_window.days", msg="Choose at least one weekday."))
    return problems


@dataclass(frozen=True, kw_only=True)
class Window:
    """A valid execution window. All moments in and out are aware; answers are in UTC."""

    start: str
    end: str
    days: tuple[str, ...]
    zone: ZoneInfo

    @property
    def is_always(self) -> bool:
        """Whether it never closes."""
        return self.start == "00:00" and self.end == "24:00" and set(self.days) == set(WEEKDAYS)

    def is_open(self, at: datetime) -> bool:
        """Whether people may be contacted at this moment. The start is inside, the end is not."""
        if self.is_always:
            return True
        return any(opens <= at < closes for opens, closes in self._spans(at, days=1))

    def next_open(self, at: datetime) -> datetime:
        """`at` itself when it is open, else the moment it opens next."""
        if self.is_always:
            return at
        for opens, closes in self._spans(at, days=HORIZON_DAYS):
            if closes > at:
                return max(opens, at)
        raise ValueError("a window without a weekday never opens")

    def next_close(self, at: datetime) -> datetime | None:
        """When it closes next; None for a window that never does. Adjoining days count as one."""
        if self.is_always:
            return None
        end: datetime | None = None
        for opens, closes in self._spans(at, days=HORIZON_DAYS):
            if closes <= at:
                continue
            if end is not None and opens > end:
                break
            end = closes if end is None else max(end, closes)
        return end

    def open_seconds_between(self, begin: datetime, end: datetime) -> float:
        """How long it is open between two moments, for estimates."""
        if end <= begin:
            return 0.0
        if self.is_always:
            return (end - begin).total_seconds()
        total, covered = 0.0, begin
        for opens, closes in self._spans(begin, days=(end - begin).days + 2):
            opens, closes = max(opens, covered), min(closes, end)
            if closes > opens:
                total += (closes - opens).total_seconds()
                covered = closes
        return total

    def add_open_seconds(self, begin: datetime, seconds: float, *, limit_days: int = 366) -> datetime | None:
        """When that much open time will have passed since `begin`; None when it takes longer than the limit."""
        if self.is_always:
            length = timedelta(seconds=seconds)
            return begin + length if length <= timedelta(days=limit_days) else None
        covered, left = begin, seconds
        for opens, closes in self._spans(begin, days=limit_days):
            opens = max(opens, covered)
            if closes <= opens:
                continue
            if (closes - opens).total_seconds() >= left:
                return opens + timedelta(seconds=left)
            left -= (closes - opens).total_seconds()
            covered = closes
        return None

    def _spans(self, at: datetime, *, days: int) -> Iterator[tuple[datetime, datetime]]:
        """The (opens, closes) in UTC of each chosen day, from the day before `at` on, in order of opening."""
        first, last = parse_clock(self.start), parse_clock(self.end, is_end=True)
        over_midnight = last <= first
        local = at.astimezone(self.zone).date()
        for offset in range(-1, days + 1):
            day = local + timedelta(days=offset)
            if WEEKDAYS[day.weekday()] in self.days:
                opens = self._moment(day, first)
                closes = self._moment(day + timedelta(days=1) if over_midnight else day, last)
                if closes > opens:
                    yield opens, closes

    def _moment(self, day: date, minutes: int) -> datetime:
        if minutes == _DAY_MINUTES:
            day, minutes = day + timedelta(days=1), 0
        local = datetime.combine(day, time(minutes // 60, minutes % 60), self.zone)
        moment = local.astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return moment
        # Skipped by the clock. fold=1 reads the time with the offset after the jump and so lies before it;
        # the jump is somewhere in between.
        before, after = int(local.replace(fold=1).timestamp()), int(moment.timestamp())
        offset = moment.astimezone(self.zone).utcoffset()
        while after - before > 1:
            middle = (before + after) // 2
            if datetime.fromtimestamp(middle, self.zone).utcoffset() == offset:
                after = middle
            else:
                before = middle
        return datetime.fromtimestamp(after, UTC)
