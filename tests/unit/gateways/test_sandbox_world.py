from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from cxconsole.gateways.sandbox.settings import SandboxSettings
from cxconsole.gateways.sandbox.world import foresee

AT = datetime(2026, 5, 19, 10, 0, tzinfo=UTC)


def fate(number=1, target="ann@example.com", channel="email", **settings):
    return foresee(SandboxSettings(**settings), delivery_id=number, channel=channel, target=target, sent_at=AT)


def test_the_world_behaves_like_a_fair_list():
    counts = Counter(one.status for number in range(20_000) for one in fate(number))
    delivered = counts["delivered"]
    assert counts["bounced"] + delivered == 20_000
    assert counts["bounced"] / 20_000 == pytest.approx(0.02, abs=0.005)
    assert counts["opened"] / delivered == pytest.approx(0.40, abs=0.02)
    assert counts["clicked"] / delivered == pytest.approx(0.09, abs=0.01)
    assert 0 < counts["complained"] < counts["unsubscribed"] < counts["replied"] < counts["clicked"]


def test_the_same_delivery_meets_the_same_fate_and_another_seed_is_another_world():
    def worlds(seed):
        return [fate(number, seed=seed) for number in range(200)]

    assert worlds(1) == worlds(1)
    assert worlds(1) != worlds(2)


def test_things_happen_in_an_order_that_can_be():
    for number in range(3000):
        answers = fate(number)
        statuses = [one.status for one in answers]
        assert len(set(statuses)) == len(statuses)
        assert answers[0].due_at == min(one.due_at for one in answers)
        if "bounced" in statuses:
            assert statuses == ["bounced"]
        if "clicked" in statuses:
            assert answers[statuses.index("opened")].due_at <= answers[statuses.index("clicked")].due_at


@pytest.mark.parametrize(
    ("mark", "status"),
    [
        ("+bounce", "bounced"), ("+open", "opened"), ("+click", "clicked"), ("+reply", "replied"),
        ("+unsubscribe", "unsubscribed"), ("+complain", "complained"),
    ],
)  # fmt: skip
def test_an_address_can_ask_for_its_fate(mark, status):
    assert status in {one.status for one in fate(target=f"ann{mark}@example.com", bounced=0)}


def test_a_text_is_not_opened():
    assert not any(one.status == "opened" for number in range(500) for one in fate(number, channel="sms"))


def test_pace_makes_the_world_faster():
    slow, fast = fate(pace=1, target="a+click@b.example"), fate(pace=0.01, target="a+click@b.example")
    assert (fast[-1].due_at - AT) * 99 < (slow[-1].due_at - AT) < (fast[-1].due_at - AT) * 101
    assert fate(pace=0)[-1].due_at == AT
    assert slow[0].due_at - AT >= timedelta(seconds=1)
