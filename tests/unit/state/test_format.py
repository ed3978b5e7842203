from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from state import format as show

NOW = datetime(2026, 5, 19, 13, 4, tzinfo=UTC)
STOCKHOLM = show.Viewer(zone=ZoneInfo("Europe/Stockholm"), now=NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8, "8 s"), (52 * 60, "52 min"), (6600, "1 h 50 min"), (3600, "1 h"), (3 * 86400, "3 days"), (86400, "1 day")],
)
def test_a_duration_has_two_units_at_most(seconds, text):
    assert show.duration(seconds) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=1), "now"),
        (timedelta(seconds=12), "12 s ago"),
        (timedelta(minutes=35), "35 min ago"),
        (timedelta(hours=30), "yesterday"),
        (timedelta(days=10), "9 May"),
        (timedelta(days=400), "14 Apr 2025"),
        (-timedelta(minutes=5), "in 5 min"),
    ],
)
def test_times_are_relative_up_to_a_day(ago, text):
    assert STOCKHOLM.relative(NOW - ago) == text


def test_the_exact_time_names_its_zone():
    assert STOCKHOLM.exact(NOW) == "Tue 19 May 2026, 15:04:00 Europe/Stockholm"
    assert STOCKHOLM.clock(NOW) == "15:04"


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("+46701442108", "+46 70 144 21 08"),
        ("+12125550123", "+1 212-555-0123"),
        ("+999", "+999"),
        ("amira@posteo.se", "amira@posteo.se"),
        ("", ""),
    ],
)
def test_phone_numbers_are_grouped_and_other_addresses_stay(stored, text):
    assert show.address(stored) == text


@pytest.mark.parametrize(("share", "text"), [(0.978, "97.8%"), (0.0001, "0.01%"), (0, "0%"), (1, "100%")])
def test_a_percentage_has_one_decimal_and_two_below_a_tenth(share, text):
    assert show.percent(share) == text


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("cx_zone=Europe%2FBerlin", "Europe/Berlin"),
        ("", "UTC"),
        ("cx_zone=No/Where", "UTC"),
        ("cx_zone=../../etc", "UTC"),
    ],
)
def test_the_zone_comes_from_the_browser_and_nonsense_means_utc(cookie, zone):
    assert show._zone_of(cookie).key == zone
