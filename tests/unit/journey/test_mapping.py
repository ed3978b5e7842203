"""From any JSON to an event: paths, expressions, plain texts; and payloads that fit none of it."""

from datetime import UTC, datetime

import pytest

from cxconsole.errors import Invalid
from cxconsole.journey.kept_payloads import MAX_CHARACTERS, shorten, shorten_text
from cxconsole.journey.mapping import BadPayload, compile_mapping

NOW = datetime(2026, 5, 19, 10, 0, tzinfo=UTC)
PAYLOAD = {
    "action": "Created", "customer": {"email": "ada@mail.example", "id": 17, "odd name": "x"}, "at": 1_779_000_000,
    "items": [{"sku": "A-1", "price": 12.5}, {"sku": "A-2", "price": 3}], "total": 15.5, "none": None,
}  # fmt: skip


def make(body=b"{}", payload=PAYLOAD, **mapping):
    rules = {"type": "order.placed", "person": "$.customer.email", **mapping}
    return compile_mapping("shop", rules).make_event(payload, body, now=NOW)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("$.customer.id", "17"),
        ("$['customer']['odd name']", "x"),
        ("$.items[1].sku", "A-2"),
        ("C-{{ customer.id }}", "C-17"),
        ("{{ payload['customer']['email']|upper }}", "ADA@MAIL.EXAMPLE"),
        ("{% if total > 10 %}large{% else %}small{% endif %}", "large"),
        ("{{ missing|default('nobody') }}", "nobody"),
    ],
)
def test_a_rule_is_a_path_an_expression_or_itself(rule, value):
    assert make(person=rule).person == value


def test_data_is_the_payload_a_part_of_it_or_an_object_of_rules():
    assert make(data="$").data == PAYLOAD
    assert make(data="$.items").data == {"value": PAYLOAD["items"]}
    assert make().data == {}
    rule = '{"order": {"total": "$.total", "first": "$.items[0].sku", "gone": "$.no"}, "list": ["$.action", 1]}'
    assert make(data=rule).data == {
        "order": {"total": 15.5, "first": "A-1"}, "list": ["Created", 1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "time"),
    [
        (1_779_000_000, datetime(2026, 5, 17, 6, 40, tzinfo=UTC)),
        (1_779_000_000_000, datetime(2026, 5, 17, 6, 40, tzinfo=UTC)),
        ("1779000000", datetime(2026, 5, 17, 6, 40, tzinfo=UTC)),
        ("2026-05-17T08:40:00+02:00", datetime(2026, 5, 17, 6, 40, tzinfo=UTC)),
        (None, NOW),
    ],
)
def test_a_time_is_text_with_its_offset_or_counts_since_1970(given, time):
    assert make(payload={**PAYLOAD, "at": given}, time="$.at").time == time


def test_an_id_is_the_one_of_the_mapping_or_of_the_body():
    assert make(id="$.customer.id").event_id == "17"
    assert make(b"a").event_id == make(b"a").event_id != make(b"b").event_id
    assert make(id="$.none").event_id == make().event_id


@pytest.mark.parametrize(
    ("payload", "rules", "loc"),
    [
        ({}, {}, "person"),
        ([], {}, "person"),
        ("text", {}, "person"),
        (None, {}, "person"),
        ({"customer": []}, {}, "person"),
        ({"customer": {"email": ""}}, {}, "person"),
        ({"customer": {"email": {"a": 1}}}, {}, ""),
        ({"customer": {"email": True}}, {}, ""),
        ({"customer": {"email": "x" * 400}}, {}, "person"),
        (PAYLOAD, {"person": "{{ nobody }}"}, "person"),
        (PAYLOAD, {"person": "{{ customer }}"}, "person"),
        (PAYLOAD, {"person": "{{ 1 / 0 }}"}, "person"),
        (PAYLOAD, {"type": "{% for n in range(5000) %}xxxxxxxxxx{% endfor %}"}, "type"),
        (PAYLOAD, {"time": "$.action"}, "time"),
        ({**PAYLOAD, "at": 10**40}, {"time": "$.at"}, "time"),
        ({**PAYLOAD, "at": "2099-01-01T00:00:00Z"}, {"time": "$.at"}, "time"),
        ({**PAYLOAD, "deep": eval("[" * 60 + "]" * 60)}, {"data": "$"}, "data"),
        ({**PAYLOAD, "large": "x" * 300_000}, {"data": "$"}, "data"),
    ],
)
def test_a_payload_that_makes_no_event_says_which_attribute(payload, rules, loc):
    with pytest.raises(BadPayload) as told:
        make(payload=payload, **rules)
    assert told.value.problem.loc == loc


@pytest.mark.parametrize(
    "mapping",
    [
        {"person": ""},
        {"type": " "},
        {"more": "x"},
        {"person": "$..email"},
        {"person": "$.a b"},
        {"person": "$[x]"},
        {"person": "{{ a"},
        {"person": "{{ ''.__class__.__mro__ }}{% include 'x' %}"},
        {"person": "{% macro x() %}{% endmacro %}"},
        {"data": "{not json"},
        {"data": '{"a": "$.b c"}'},
        {"data": "{" + ",".join(f'"k{n}": 1' for n in range(120)) + "}"},
        {"data": '{"a":' * 9 + "1" + "}" * 9},
        {"person": "x" * 4_001},
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(mapping):
    with pytest.raises(Invalid):
        compile_mapping("shop", {"type": "a", "person": "$.b", **mapping})


def test_an_expression_reaches_nothing_but_the_payload():
    for rule in ("{{ payload.__class__ }}", "{{ action.__class__.__mro__ }}", "{{ action.format(1) }}", "{{ self.x }}"):
        with pytest.raises((BadPayload, Invalid)):
            make(person=rule)


def test_what_is_kept_is_short_and_holds_no_secret():
    kept = shorten({
        "password": "x", "api_key": "x", "nested": {"accessToken": "x", "Authorization": "x"}, "name": "Ada\x00",
        "long": "x" * 9_000, "list": list(range(1000)), "deep": eval("[" * 60 + "]" * 60),
    })["json"]  # fmt: skip
    assert (kept["password"], kept["api_key"]) == ("(hidden)", "(hidden)")
    assert set(kept["nested"].values()) == {"(hidden)"}
    assert (kept["name"], len(kept["long"]), len(kept["list"])) == ("Ada", 501, 10)
    wide = shorten({f"k{n}": {f"j{m}": "x" * 400 for m in range(80)} for n in range(80)})
    assert len(str(wide)) < MAX_CHARACTERS
    assert shorten_text(b"\xff\x00<b>" + b"y" * 9_000)["text"].startswith("��<b>")
