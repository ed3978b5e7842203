from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxconsole.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT0S", 0), ("P7D", 604_800), ("PT2H30M", 9_000), ("P1W", 604_800), ("P1DT1S", 86_401), ("PT90M", 5_400)],
)
def test_a_duration_is_read(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1DT", "7D", "P1M", "P1Y", "-P1D", "P1.5D", "p1d", "P1W2D", "PT1D", None, 7]
)
def test_what_is_not_a_fixed_length_is_refused(text):
    with pytest.raises(ValueError, match="Write a duration"):
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=99_999)))
def test_what_is_written_is_read_again(length):
    assert parse_duration(format_duration(length)) == timedelta(seconds=int(length.total_seconds()))
