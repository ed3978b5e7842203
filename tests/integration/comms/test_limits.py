"""Rolling limits over simulated minutes: exact, even, and no slower than they say."""

from datetime import timedelta

import pytest

from cxconsole.comms.limits import BURST_SECONDS, RollingLimits

MINUTES = 4


def send_for(database, now, limit, *, wanted, senders=1):
    """What left in each second, when `wanted(second)` messages are there to be sent."""
    sent = []
    for second in range(MINUTES * 60):
        at = now + timedelta(seconds=second, milliseconds=300)
        left = 0
        for _ in range(senders):
            with database.write() as session:
                limits = RollingLimits(session, now=at)
                limits.load({"gateway:7": limit})
                count = min(limits.free("gateway:7"), wanted(second) - left)
                limits.take("gateway:7", count)
                limits.store()
                left += count
        sent.append(left)
    return sent


def most_in_a_window(sent):
    return max(sum(sent[start : start + 61]) for start in range(len(sent)))  # a second may be cut by both ends


@pytest.mark.parametrize("limit", [1, 7, 60, 100, 240])
def test_never_more_than_the_limit_in_a_minute_and_never_much_less(database, now, limit):
    sent = send_for(database, now, limit, wanted=lambda _: 10_000)
    assert most_in_a_window(sent) == limit
    assert sum(sent) >= (MINUTES * 60 * limit) // 61


def test_what_leaves_is_spread_over_the_minute(database, now):
    sent = send_for(database, now, 240, wanted=lambda _: 10_000)
    assert sent[:3] == [20, 4, 4]
    assert max(sent) == 240 * BURST_SECONDS // 60
    assert sum(1 for one in sent if one) > 0.85 * len(sent)


def test_two_senders_share_one_limit_and_one_pace(database, now):
    sent = send_for(database, now, 60, wanted=lambda _: 10_000, senders=2)
    assert (sent[0], most_in_a_window(sent)) == (5, 60)


def test_what_comes_slower_than_the_limit_never_waits(database, now):
    assert send_for(database, now, 240, wanted=lambda _: 3) == [3] * (MINUTES * 60)


def test_who_waits_is_told_when_and_then_goes(database, now):
    with database.write() as session:
        limits = RollingLimits(session, now=now)
        limits.load({"campaign:1": 60})
        limits.take("campaign:1", limits.free("campaign:1"))
        told = [limits.next_free("campaign:1") - now for _ in range(56)]
        limits.store()
    assert [one.total_seconds() for one in told[:3]] == [1, 2, 3]
    assert told[55] == timedelta(seconds=61)  # the limit is used up by then: it waits for the first to leave the window
    with database.write() as session:
        limits = RollingLimits(session, now=now + told[0])
        limits.load({"campaign:1": 60})
        assert limits.free("campaign:1") == 1
