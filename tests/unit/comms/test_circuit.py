from dataclasses import replace
from datetime import timedelta

import pytest

from cxconsole.comms.circuit import FAILURES_TO_OPEN, FIRST_PAUSE, LONGEST_PAUSE, Health, News, judge_health
from models.event import EventType
from models.gateway import GatewayHealth


@pytest.fixture
def opened(now):
    """A circuit that has just opened."""
    return judge_health(Health(), News(failures=FAILURES_TO_OPEN, error="refused"), now=now)[0]


def test_one_failure_is_remembered_but_stops_nothing(now):
    health, event = judge_health(Health(), News(failures=1, error="refused"), now=now)
    assert (health.state, health.failures, health.error, event) == (GatewayHealth.OK, 1, "refused", None)
    assert health.may_send(now)


def test_failures_in_a_row_open_the_circuit_and_say_why(now):
    health = Health()
    for _ in range(FAILURES_TO_OPEN):
        health, event = judge_health(health, News(failures=1, error="refused"), now=now)
    assert (health.state, health.error, event) == (GatewayHealth.OPEN, "refused", EventType.GATEWAY_STOPPED)
    assert not health.may_send(now)
    assert health.may_send(now + FIRST_PAUSE)


def test_a_success_in_between_starts_the_count_anew(now):
    health, _ = judge_health(Health(failures=FAILURES_TO_OPEN - 1), News(succeeded=True), now=now)
    assert health.failures == 0
    health, _ = judge_health(Health(failures=4), News(succeeded=True, failures=1, error="x"), now=now)
    assert (health.failures, health.state) == (1, GatewayHealth.OK)


def test_messages_that_fail_together_do_not_lengthen_the_pause(now):
    health, _ = judge_health(Health(), News(failures=500, error="refused"), now=now)
    assert health.retry_at == now + FIRST_PAUSE


def test_a_straggler_from_before_it_opened_is_no_failed_probe(opened, now):
    assert judge_health(opened, News(failures=3, error="refused"), now=now + FIRST_PAUSE / 2) == (opened, None)


def test_each_failed_probe_doubles_the_pause_up_to_a_limit(opened, now):
    health, pauses = opened, []
    for _ in range(12):
        now = health.retry_at
        health, event = judge_health(health, News(failures=1, error="refused"), now=now)
        pauses.append(health.retry_at - now)
        assert event is None
    assert pauses[:2] == [FIRST_PAUSE * 2, FIRST_PAUSE * 4]
    assert pauses[-1] == LONGEST_PAUSE


def test_a_probe_that_works_closes_the_circuit(opened, now):
    health, event = judge_health(opened, News(succeeded=True), now=now)
    assert (health.state, health.failures, health.error, event) == (
        GatewayHealth.OK, 0, None, EventType.GATEWAY_RECOVERED,
    )  # fmt: skip


def test_being_asked_to_slow_down_halves_the_pace_once_in_a_breath(now):
    health, event = judge_health(Health(), News(slow_downs=9, error="421", per_minute=600), now=now)
    assert (health.state, health.slowed_to, event) == (GatewayHealth.DEGRADED, 300, EventType.GATEWAY_SLOWED)
    again, event = judge_health(health, News(slow_downs=1, per_minute=600), now=now + timedelta(seconds=5))
    assert (again.slowed_to, event) == (300, None)
    later, event = judge_health(health, News(slow_downs=1, per_minute=600), now=now + timedelta(seconds=11))
    assert (later.slowed_to, event) == (150, EventType.GATEWAY_SLOWED)


def test_the_pace_grows_by_a_tenth_each_minute_until_it_is_what_it_was(now):
    health, _ = judge_health(Health(), News(slow_downs=1, error="421", per_minute=600), now=now)
    paces, event = [], None
    while event is None:
        now += timedelta(minutes=1)
        health, event = judge_health(health, News(succeeded=True), now=now)
        paces.append(health.slowed_to)
    assert paces[:3] == [330, 363, 400]
    assert (paces[-1], health.state, event) == (None, GatewayHealth.OK, EventType.GATEWAY_RECOVERED)


def test_the_pace_never_falls_to_nothing(now):
    health = Health(state=GatewayHealth.DEGRADED, slowed_to=1, pace_before=10, paced_at=now - timedelta(minutes=1))
    assert judge_health(health, News(slow_downs=1), now=now)[0].slowed_to == 1


def test_nothing_new_changes_nothing(opened, now):
    for health in (Health(), opened, replace(opened, state=GatewayHealth.DEGRADED, slowed_to=5, paced_at=now)):
        assert judge_health(health, News(), now=now) == (health, None)
