from datetime import timedelta

import pytest

from cxconsole.comms.retry import FIRST_DELAY, LONGEST_DELAY, MOST_ATTEMPTS, decide_retry
from cxconsole.gateways.port import GatewayError


def error(**verdict):
    return GatewayError("no", **{"permanent": False, **verdict})


@pytest.mark.parametrize(
    ("attempts", "delay"),
    [(1, FIRST_DELAY), (2, timedelta(minutes=2)), (3, timedelta(minutes=8)), (4, timedelta(minutes=32))],
)
def test_each_failure_waits_longer_than_the_one_before(now, attempts, delay):
    decision = decide_retry(error(), attempts=attempts, now=now)
    assert (decision.not_before, decision.counts) == (now + delay, True)


def test_after_the_last_attempt_it_has_failed(now):
    assert decide_retry(error(), attempts=MOST_ATTEMPTS, now=now).not_before is None


def test_a_permanent_no_is_not_tried_again(now):
    assert decide_retry(error(permanent=True), attempts=1, now=now).not_before is None


@pytest.mark.parametrize("verdict", [{"slow_down": True}, {"whole_gateway": True}])
def test_slow_down_and_gateway_trouble_use_up_no_attempt(now, verdict):
    decision = decide_retry(error(**verdict), attempts=MOST_ATTEMPTS, now=now)
    assert decision.not_before is not None
    assert not decision.counts


def test_the_other_side_may_ask_for_a_longer_pause_but_not_for_ever(now):
    assert decide_retry(error(retry_after_seconds=900), attempts=1, now=now).not_before == now + timedelta(seconds=900)
    assert decide_retry(error(slow_down=True, retry_after_seconds=10**7), attempts=1, now=now).not_before == (
        now + LONGEST_DELAY
    )


def test_doubt_is_carried_on_and_uses_up_an_attempt(now):
    decision = decide_retry(error(in_doubt=True, whole_gateway=True), attempts=1, now=now)
    assert (decision.possible_duplicate, decision.counts) == (True, True)
