"""The one pass over a person's events comes to what plain Python comes to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxconsole.journey.aggregation import Block, Pass, root_of
from cxconsole.journey.attributes import NUMBERS, Attribute, Kind, Lookback, Mode
from tests.unit.journey.profile_reference import PATHS, PATTERNS, TYPES, nearly, profile_of

NOW = datetime(2026, 5, 19, 10, tzinfo=UTC)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-50, 50), st.sampled_from([0.5, 2.0, -3.25, "7", "2.5", "x", "", "true"]),
    st.sampled_from(["2026-05-19T09:00:00Z", "2026-05-18T09:00:00+02:00", "2026-05-18"]),
)  # fmt: skip
VALUES = st.one_of(PLAIN, st.lists(PLAIN, max_size=3), st.dictionaries(st.just("value"), PLAIN))
DATA = st.fixed_dictionaries(
    {},
    optional={
        "value": VALUES, "deep": st.one_of(PLAIN, st.fixed_dictionaries({"value": VALUES})), "list": VALUES,
        "items": st.one_of(PLAIN, st.lists(st.one_of(PLAIN, st.fixed_dictionaries({"value": VALUES})), max_size=3)),
    },
)  # fmt: skip
EVENTS = st.lists(st.tuples(st.integers(0, 300), st.sampled_from(TYPES), DATA), max_size=30)
FITTING = {
    Mode.SUM: NUMBERS, Mode.AVERAGE: NUMBERS, Mode.MAX: NUMBERS | {Kind.DATETIME}, Mode.MIN: NUMBERS | {Kind.DATETIME},
}  # fmt: skip


@st.composite
def attributes(draw):
    mode = draw(st.sampled_from(Mode))
    return Attribute(
        name="A", event=draw(st.sampled_from(PATTERNS)), mode=mode,
        path=draw(st.sampled_from([*PATHS, *([""] if mode is Mode.COUNT else [])])),
        kind=draw(st.sampled_from(sorted(FITTING.get(mode, frozenset(Kind))))), limit=draw(st.integers(1, 12)),
        lookback=draw(st.sampled_from([Lookback.NONE, Lookback.MINUTES, Lookback.HOURS])),
        period=draw(st.integers(1, 200)), verbose=draw(st.booleans()),
    )  # fmt: skip


def blocks(events, wanted, sizes):
    """The events as a database hands them over: columns of what is at a path up to its first list."""
    ordered = sorted(events, key=lambda one: one[:2], reverse=True)
    while ordered:
        some, ordered = ordered[: sizes[0]], ordered[sizes[0] :]
        sizes = sizes[1:] or sizes
        roots = {root_of(one) for one in wanted}
        moments = {since for one in wanted if (since := one.since(NOW))}
        yield Block(
            ids=[one[1] for one in some],
            types=[one[2] for one in some],
            columns={root: [dig(one[3], root) for one in some] for root in roots},
            cuts={moment: sum(one[0] >= moment for one in some) for moment in moments},
        )


def dig(data, root):
    for name in root:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def number(events):
    return [(NOW - timedelta(minutes=age), key, kind, data) for key, (age, kind, data) in enumerate(events)]


SEVERAL = st.lists(attributes(), min_size=1, max_size=5)


@given(events=EVENTS, wanted=SEVERAL, sizes=st.lists(st.integers(1, 9), min_size=1))
def test_all_attributes_come_to_what_plain_python_comes_to(events, wanted, sizes):
    numbered = number(events)
    work = Pass(wanted, NOW)
    for block in blocks(numbered, wanted, sizes):
        work.take(block)
    for attribute, outcome in zip(wanted, work.outcomes(), strict=True):
        assert list(outcome.values) == nearly(profile_of(attribute, numbered, NOW)), attribute


@given(events=EVENTS, wanted=attributes())
def test_the_events_that_were_taken_alone_come_to_the_same(events, wanted):
    numbered = number(events)
    work = Pass([Attribute(**{**vars(wanted), "verbose": True})], NOW)
    for block in blocks(numbered, [wanted], [7]):
        work.take(block)
    [outcome] = work.outcomes()
    again = [one for one in numbered if one[1] in outcome.event_ids]
    assert len(outcome.event_ids) <= wanted.limit
    assert list(outcome.values) == nearly(profile_of(wanted, again, NOW))


def test_nothing_more_is_read_once_every_attribute_has_what_it_wants():
    wanted = [Attribute(name="Last", event="cart", mode=Mode.VALUE, path="value", limit=2)]
    work = Pass(wanted, NOW)
    [first, _] = blocks(number([(n, "cart", {"value": "x"}) for n in range(6)]), wanted, [3])
    work.take(first)
    assert work.wanted == []


@pytest.mark.parametrize("values", [[1e308, 1e308], [10**400, 1], [10**400, 0.5]])
def test_a_sum_beyond_all_numbers_is_no_value(values):
    for mode in (Mode.SUM, Mode.AVERAGE):
        wanted = [Attribute(name="Sum", event="*", mode=mode, path="value", kind=Kind.DOUBLE)]
        work = Pass(wanted, NOW)
        for block in blocks(number([(1, "cart", {"value": value}) for value in values]), wanted, [5]):
            work.take(block)
        assert work.outcomes()[0].values == ()
