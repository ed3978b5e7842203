import pytest

from cxconsole.campaigns.contact_filter import AllOf, AnyOf, Condition, FilterOp, Selection, parse_filter
from cxconsole.errors import Invalid


def problems(raw):
    with pytest.raises(Invalid) as caught:
        parse_filter(raw)
    return [problem.loc for problem in caught.value.errors]


def test_conditions_are_joined_by_and_and_or():
    raw = {
        "and": [
            {"field": "language", "op": "eq", "value": "de"},
            {
                "or": [
                    {"field": "attributes.plan", "op": "filled"},
                    {"field": "due_at", "op": "gt", "value": "2026-05-19"},
                ]
            },
        ]
    }
    tree = parse_filter(raw)
    assert isinstance(tree, AllOf)
    first, second = tree.parts
    assert first == Condition(field="language", op=FilterOp.EQ, value="de")
    assert isinstance(second, AnyOf)
    assert [part.field for part in second.parts] == ["attributes.plan", "due_at"]
    assert second.parts[1].value.isoformat() == "2026-05-19T00:00:00+00:00"


def test_numbers_and_truth_values_are_read_as_text():
    assert parse_filter({"field": "attributes.n", "op": "gt", "value": 5}).value == "5"
    assert parse_filter({"field": "attributes.vip", "op": "eq", "value": True}).value == "true"


@pytest.mark.parametrize(
    ("raw", "locs"),
    [
        ("language = de", ["filter"]),
        ({}, ["filter.field", "filter.op"]),
        ({"and": []}, ["filter.and"]),
        ({"and": {}}, ["filter.and"]),
        ({"and": [{"field": "language", "op": "filled"}], "or": []}, ["filter"]),
        ({"field": "colour", "op": "eq", "value": "x"}, ["filter.field"]),
        ({"field": "language", "op": "like", "value": "x"}, ["filter.op"]),
        ({"field": "language", "op": "eq"}, ["filter.value"]),
        ({"field": "language", "op": "eq", "value": ""}, ["filter.value"]),
        ({"field": "language", "op": "eq", "value": "x\x00"}, ["filter.value"]),
        ({"field": "language", "op": "eq", "value": ["x"]}, ["filter.value"]),
        ({"field": "language", "op": "eq", "value": "x" * 501}, ["filter.value"]),
        ({"field": "language", "op": "filled", "colour": 1}, ["filter"]),
        ({"field": "due_at", "op": "eq", "value": "2026-05-19"}, ["filter.op"]),
        ({"field": "due_at", "op": "gt", "value": "tomorrow"}, ["filter.value"]),
        ({"field": "attributes.", "op": "filled"}, ["filter.field"]),
        ({"field": 'attributes.a"b', "op": "filled"}, ["filter.field"]),
        ({"or": [{"field": "x", "op": "eq"}, {"field": "language", "op": "y"}]},
         ["filter.or[0].field", "filter.or[1].op"]),
        ({"and": [{"field": "language", "op": "filled"}] * 51}, ["filter"]),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_at_its_place(raw, locs):
    assert problems(raw) == locs


def test_a_filter_cannot_be_nested_without_end():
    raw = {"field": "language", "op": "filled"}
    for _ in range(5):
        raw = {"and": [raw]}
    assert parse_filter(raw)
    assert problems({"or": [raw]}) == ["filter.or[0].and[0].and[0].and[0].and[0]"]


def test_a_selection_is_either_keys_or_a_query():
    with pytest.raises(Invalid):
        Selection()
