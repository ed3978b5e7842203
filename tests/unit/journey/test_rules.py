"""Rules: read and said again in both forms, and true when plain Python says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxconsole.journey.attribute_reader import read_attributes
from cxconsole.journey.attributes import convert, find_named
from cxconsole.journey.rules import (
    BadRules,
    Rule,
    Rules,
    compare,
    holds,
    parse_rule,
    parse_rules,
    read_rules,
    say_rules,
    write_rules,
)
from tests.unit.journey.profile_reference import rules_hold

NUMBERS = st.sampled_from(["1", "2", "3.5", "-1"])
TEXTS = st.sampled_from(["a", "b", "ab", "it's", "(x)", "AND"])


@st.composite
def rule(draw):
    if draw(st.booleans()):
        operator = draw(st.sampled_from(["EQ", "NEQ", "GTE", "GT", "LTE", "LT"]))
        return Rule("cart", "price", "Value", operator, draw(NUMBERS))
    return Rule("cart", "name", "Value", draw(st.sampled_from(["EQ", "NEQ", "HAS"])), draw(TEXTS))


RULES = st.recursive(
    rule().map(lambda one: Rules("AND", (one,))),
    lambda inner: st.builds(
        Rules, st.sampled_from(["AND", "OR"]), st.lists(st.one_of(rule(), inner), min_size=2, max_size=3).map(tuple)
    ),
    max_leaves=8,
)


@given(rules=RULES, prices=st.lists(st.sampled_from([1.0, 2.0, 3.5, -1.0, 7.0])), names=st.lists(TEXTS))
def test_rules_hold_when_plain_python_says_so_in_every_form(rules, prices, names):
    common = {"event": "cart", "aggregationMode": "Value"}
    [price, name] = read_attributes([
        {"displayName": "Price", "metadata": "price", "metadataType": "double", **common},
        {"displayName": "Name", "metadata": "name", **common},
    ])  # fmt: skip
    results = {"price": prices, "name": names}

    def ask(one):
        named = find_named([price, name], one, name)
        return compare(one.operator, results[named.path], convert(one.value, named.result_kind))

    wanted = rules_hold(rules, results)
    for form in (rules, read_rules(say_rules(rules)), parse_rules(write_rules(rules))):
        assert holds(form, ask) is wanted


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("'Quote','ltv','Value' GT 5000", Rule("Quote", "ltv", "Value", "GT", "5000")),
        ("'Quote','firstName','Value' EQ XYZ", Rule("Quote", "firstName", "Value", "EQ", "XYZ")),
        (" 'a b' , '' , 'Count'  gte '3' ", Rule("a b", "", "Count", "GTE", "3")),
        ("'it''s','x','Value' HAS 'it''s it'", Rule("it's", "x", "Value", "HAS", "it's it")),
        ("'a','x','Value' EQ two words", Rule("a", "x", "Value", "EQ", "two words")),
    ],
)
def test_a_rule_is_read_as_the_contract_writes_it(text, read):
    assert parse_rule(text) == read


def test_brackets_bind_and_and_binds_before_or():
    one, two, three = (f"'e','{name}','Count' GT 1" for name in "abc")
    said = say_rules(parse_rules(f"{one} or {two} AND {three}"))
    assert said["logic"] == "OR" and said["args"][1]["logic"] == "AND"
    said = say_rules(parse_rules(f"({one} OR {two}) AND {three}"))
    assert said["logic"] == "AND" and said["args"][0]["logic"] == "OR"
    assert say_rules(parse_rules(one))["logic"] == "SINGLE"
    assert parse_rules("  ") is None and read_rules(None) is None


@pytest.mark.parametrize(
    "document",
    [
        "no rule", 7, [], {"logic": "XOR", "args": ["'a','b','Count' GT 1"]}, {"logic": "AND", "args": []},
        {"logic": "SINGLE", "args": ["'a','b','Count' GT 1"] * 2}, {"logic": "AND", "args": [7]},
        {"logic": "AND", "args": ["'a','b','Count' LIKE 1"]}, {"logic": "AND", "args": ["'a','b','Count' GT 1"] * 51},
    ],
)  # fmt: skip
def test_what_are_no_rules_is_told(document):
    with pytest.raises(BadRules):
        read_rules(document)


@pytest.mark.parametrize(
    "text",
    ["'a','b' GT 1", "'a','b','Count' GT 1 AND", "('a','b','Count' GT 1", "'a','b','Count' GT 1)", "AND",
     "'a','b','Count' GT 1 'a','b','Count' GT 1", "(" * 30, "x" * 6_000],
)  # fmt: skip
def test_a_text_that_is_no_rule_is_told(text):
    with pytest.raises(BadRules):
        parse_rules(text)


def test_deep_nesting_is_refused():
    document = {"logic": "AND", "args": ["'a','b','Count' GT 1"]}
    for _ in range(20):
        document = {"logic": "AND", "args": [document]}
    with pytest.raises(BadRules):
        read_rules(document)
    with pytest.raises(BadRules):
        parse_rules("(" * 20 + "'a','b','Count' GT 1" + ")" * 20)
