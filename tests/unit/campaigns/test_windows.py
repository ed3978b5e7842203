"""The window against a reference that walks the wall clock minute by minute."""

from bisect import bisect_left
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxconsole.campaigns.windows import Window, find_zone, parse_clock, window_problems
from models.campaign import WEEKDAYS

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")
# the weeks in which clocks change somewhere, and a quiet one
STARTS = tuple(
    datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 4), (3, 25), (4, 1), (7, 1), (9, 2), (10, 21))
)
DAYS = 12


@cache
def walk(zone, start):
    """The wall clock at each minute from two days before `start`."""
    tz = ZoneInfo(zone)
    first = start - timedelta(days=2)
    return [(first + timedelta(minutes=n)).astimezone(tz).replace(tzinfo=None) for n in range((DAYS + 5) * 1440)]


def reference(window, zone, start):
    """Open or not, for each minute from `start`: from the first minute at or after the start of a chosen day's window,
    to the first minute at or after its end."""
    clock = walk(zone, start)
    highest = []  # never goes back, so that it can be searched: clocks that are put back repeat what was
    for at in clock:
        highest.append(max(at, highest[-1]) if highest else at)
    is_open = [False] * len(clock)
    day = clock[0].date()
    while day <= clock[-1].date():
        if WEEKDAYS[day.weekday()] in window.days:
            opens = datetime.combine(day, time()) + timedelta(minutes=parse_clock(window.start))
            closes = datetime.combine(day, time()) + timedelta(minutes=parse_clock(window.end, is_end=True))
            if closes <= opens:
                closes += timedelta(days=1)
            for minute in range(bisect_left(highest, opens), bisect_left(highest, closes)):
                is_open[minute] = True
        day += timedelta(days=1)
    return is_open[2 * 1440 : (2 + DAYS) * 1440]


CLOCKS = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))


@st.composite
def windows(draw):
    zone = draw(st.sampled_from(ZONES))
    start = draw(CLOCKS)
    end = draw((CLOCKS | st.just("24:00")).filter(lambda text: text != start))
    days = tuple(draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1)))
    return Window(start=start, end=end, days=days, zone=ZoneInfo(zone)), zone, draw(st.sampled_from(STARTS))


@given(windows(), st.integers(0, (DAYS - 10) * 1440))
@settings(max_examples=150, deadline=None)
def test_a_window_agrees_with_the_wall_clock(case, offset):
    window, zone, start = case
    expected = reference(window, zone, start)
    at = start + timedelta(minutes=offset)
    assert window.is_open(at) is expected[offset]
    # the moment it opens next, and all around each change of the first two days
    assert window.next_open(at) == start + timedelta(minutes=expected.index(True, offset))
    for minute in range(1, 2880):
        if expected[minute] != expected[minute - 1]:
            assert window.is_open(start + timedelta(minutes=minute)) is expected[minute]
            assert window.is_open(start + timedelta(minutes=minute - 1)) is expected[minute - 1]


@given(windows(), st.integers(0, 2880), st.integers(0, 6 * 1440))
@settings(max_examples=150, deadline=None)
def test_open_time_adds_up(case, offset, length):
    window, zone, start = case
    expected = reference(window, zone, start)
    begin, end = start + timedelta(minutes=offset), start + timedelta(minutes=offset + length)
    seconds = window.open_seconds_between(begin, end)
    assert seconds == 60 * sum(expected[offset : offset + length])
    if seconds:
        reached = window.add_open_seconds(begin, seconds)
        assert reached is not None and reached <= end
        assert window.open_seconds_between(begin, reached) == seconds


@given(windows(), st.integers(0, 2880))
@settings(max_examples=100, deadline=None)
def test_the_next_close_is_where_the_wall_clock_says(case, offset):
    window, zone, start = case
    expected = reference(window, zone, start)
    at = start + timedelta(minutes=offset)
    opens = expected.index(True, offset)
    closes = window.next_close(at)
    if False in expected[opens:]:
        assert closes == start + timedelta(minutes=expected.index(False, opens))


def test_a_window_over_midnight_belongs_to_the_day_it_starts_on():
    window = Window(start="22:00", end="06:00", days=("fri",), zone=ZoneInfo("Europe/Berlin"))
    saturday = datetime(2026, 5, 23, 3, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert window.is_open(saturday)
    assert not window.is_open(saturday - timedelta(days=1))
    assert not window.is_open(saturday + timedelta(days=1))


def test_a_start_that_the_clock_skips_opens_when_the_skipped_hour_is_over():
    window = Window(start="02:30", end="05:00", days=WEEKDAYS, zone=ZoneInfo("Europe/Berlin"))
    night = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # 01:00 in Berlin; at 01:00 UTC it becomes 03:00 there
    assert window.next_open(night) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_the_whole_day_every_day_never_closes(now):
    window = Window(start="00:00", end="24:00", days=WEEKDAYS, zone=ZoneInfo("UTC"))
    assert window.is_always and window.is_open(now) and window.next_open(now) == now and window.next_close(now) is None
    assert window.open_seconds_between(now, now + timedelta(days=3)) == 3 * 86_400
    assert window.add_open_seconds(now, 60) == now + timedelta(minutes=1)


def test_more_open_time_than_a_year_has_is_not_promised(now):
    window = Window(start="09:00", end="10:00", days=("mon",), zone=ZoneInfo("UTC"))
    assert window.add_open_seconds(now, 60 * 3600) is None


@pytest.mark.parametrize(
    ("start", "end", "days", "locs"),
    [
        ("09:00", "17:30", ["mon"], []),
        ("22:00", "06:00", ["mon"], []),
        ("00:00", "24:00", ["sun"], []),
        ("09:00", "09:00", ["mon"], ["end"]),
        ("24:00", "09:00", ["mon"], ["start"]),
        ("9:00", "25:00", ["mon"], ["start", "end"]),
        ("09:60", "", ["mon"], ["start", "end"]),
        ("09:00", "17:00", [], ["days"]),
        ("09:00", "17:00", ["Mon"], ["days"]),
    ],
)
def test_problems_are_named_as_typed(start, end, days, locs):
    assert [one.loc.removeprefix("execution_window.") for one in window_problems(start, end, days)] == locs


def test_only_zones_that_exist_are_found():
    assert find_zone("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert find_zone("Europe/../Berlin") is None and find_zone("nowhere") is None
