"""The attributes of a view: what is taken, and what is refused by name."""

import pytest

from cxconsole.errors import Invalid
from cxconsole.journey.attribute_reader import read_attributes
from cxconsole.journey.attributes import Kind, Lookback, Mode, fits, make_key, say_attribute

COUNT = {"displayName": "Visits", "event": "page.viewed", "aggregationMode": "Count"}
SUM = {
    "version": "0.1", "event": "cart", "metadata": "cost", "metadataType": "double", "limit": 20,
    "displayName": "Cart", "lookbackDurationType": "days", "lookbackPeriod": 10, "aggregationMode": "Sum",
    "verbose": False,
}  # fmt: skip


def read(**changes):
    [one] = read_attributes([{**SUM, **changes}])
    return one


def problems(*documents):
    with pytest.raises(Invalid) as told:
        read_attributes(list(documents))
    return {one.loc: one.msg for one in told.value.errors}


def test_an_attribute_is_read_and_said_again():
    one = read(rules={"logic": "SINGLE", "args": ["'cart','cost','Sum' GTE 100"]}, widgetAttributes={"type": "table"})
    assert (one.mode, one.kind, one.lookback, one.period, one.limit) == (Mode.SUM, Kind.DOUBLE, Lookback.DAYS, 10, 20)
    assert read_attributes([say_attribute(one)]) == (one,)


def test_names_and_choices_are_taken_in_any_writing():
    one = read_attributes(
        [{"DisplayName": "A", "Event": "Quote", "metaData": "zip", "AggregationMode": "value", "Limit": "3"}]
    )
    assert (one[0].path, one[0].mode, one[0].limit, one[0].kind) == ("zip", Mode.VALUE, 3, Kind.STRING)


def test_only_count_goes_without_a_field():
    [one] = read_attributes([COUNT])
    assert one.path == "" and one.limit == 100 and one.lookback is Lookback.NONE
    assert "attributes[0].metadata" in problems({**COUNT, "aggregationMode": "Value"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("displayName", ""), ("displayName", "x" * 200), ("displayName", "--"), ("event", None), ("event", "a*"),
        ("event", "*/*"), ("metadata", "a..b"), ("metadata", 'a"b'), ("metadata", "a[0]"), ("metadata", "[]"),
        ("metadataType", "text"), ("limit", 0), ("limit", 10_001), ("limit", "many"), ("lookbackPeriod", None),
        ("lookbackPeriod", 0), ("lookbackPeriod", 10**9), ("lookbackDurationType", "years"), ("aggregationMode", None),
        ("aggregationMode", "Median"), ("verbose", "yes"), ("rules", "GT 5"), ("compartment", "Big Boss"),
        ("widgetAttributes", 7), ("metadataType", "string"), ("metadataType", "datetime"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_attribute_and_field(field, value):
    told = problems(COUNT, {**SUM, field: value})
    place = "aggregationMode" if field == "metadataType" and value != "text" else field
    assert list(told) == [f"attributes[1].{place}"]
    assert "Attribute 2" in told[f"attributes[1].{place}"] or "“" in told[f"attributes[1].{place}"]


@pytest.mark.parametrize("document", [None, {}, [], "x", [7], [COUNT] * 51])
def test_a_view_is_a_list_of_attributes(document):
    with pytest.raises(Invalid):
        read_attributes(document)


def test_two_attributes_cannot_be_named_alike():
    assert list(problems(COUNT, {**COUNT, "displayName": "visits "})) == ["attributes[1].displayName"]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("'cart','other','Sum' GT 1", "names no attribute"),
        ("'cart','cost','Count' GT 1", "names no attribute"),
        ("'cart','cost','Sum' HAS 1", "compares a double"),
        ("'cart','cost','Sum' GT much", "is no double"),
    ],
)
def test_a_rule_names_an_attribute_and_fits_it(rule, why):
    told = problems(COUNT, {**SUM, "rules": {"logic": "SINGLE", "args": [rule]}})
    assert why in told["attributes[1].rules"] and "“Cart”" in told["attributes[1].rules"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", ["EQ", "NEQ", "HAS"], ["GT", "LTE"]), ("boolean", ["EQ", "NEQ"], ["HAS", "LT"]),
        ("integer", ["EQ", "NEQ", "GT", "GTE", "LT", "LTE"], ["HAS"]), ("datetime", ["GTE", "LT"], ["HAS"]),
    ],
)  # fmt: skip
def test_each_kind_has_its_comparisons(kind, good, bad):
    value = {"string": "x", "boolean": "true", "integer": "1", "datetime": "2026-05-19"}[kind]

    def attribute(operator):
        rule = f"'cart','cost','Value' {operator} {value}"
        return {**SUM, "aggregationMode": "Value", "metadataType": kind, "rules": {"logic": "SINGLE", "args": [rule]}}

    for operator in good:
        assert read_attributes([attribute(operator)])
    for operator in bad:
        assert "attributes[0].rules" in problems(attribute(operator))


@pytest.mark.parametrize(
    ("pattern", "event_type", "fitting"),
    [
        ("*", "anything", True), ("cart", "cart", True), ("cart", "cart/add", False), ("cart/*", "cart", True),
        ("cart/*", "cart/add", True), ("comm/*", "comm.sent", True), ("sfmc/*", "sfmc:opened", True),
        ("cart/*", "cartoon", False),
    ],
)  # fmt: skip
def test_an_event_is_meant_by_name_or_by_what_it_begins_with(pattern, event_type, fitting):
    assert fits(pattern, event_type) is fitting


def test_a_message_names_an_attribute_by_its_words():
    assert [make_key(name) for name in ("Items in cart", "7 days: visits", "Öppnade")] == [
        "items_in_cart", "7_days_visits", "öppnade",
    ]  # fmt: skip
