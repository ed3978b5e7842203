"""What is marked as personal by itself, and how a path of the registry finds its value again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxconsole.journey.personal import change_at
from cxconsole.journey.personal_fields import looks_personal
from cxconsole.journey.registry import walk_fields


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("email", "see below"), ("customer.e-mail", "?"), ("contacts[].workEmail", "x"), ("mobile_phone", 46701234567),
        ("billing.address", "Main street 1"), ("note", "ada@mail.example"), ("items[]", " ada@mail.example "),
        ("caller", "+46 70 144 21 08"), ("caller", "+46701442108"),
    ],
)  # fmt: skip
def test_an_address_or_number_is_personal_by_its_name_or_its_looks(path, value):
    assert looks_personal(path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("email", True), ("phone", None), ("email", ""), ("address", "/checkout/step/3"), ("address", "https://a.example"),
        ("note", "write to ada@mail.example"), ("order", "A-17"), ("total", 46701234567), ("sku", "+1 rope"),
        ("email.opened", 3),
    ],
)  # fmt: skip
def test_what_only_sounds_like_it_is_not(path, value):
    assert not looks_personal(path, value)


NAMES = st.text(alphabet="ab.[]", min_size=1, max_size=4)
DATA = st.dictionaries(
    NAMES,
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(DATA)
def test_every_field_that_is_described_can_be_changed_by_its_path(data):
    for path, value in walk_fields(data):
        changed = change_at(data, path, lambda _: "SEALED")
        assert value is None or "SEALED" in str(changed)
        assert value is not None or changed == data or "SEALED" in str(changed)  # two fields may have one path


def test_only_what_the_path_means_is_changed():
    data = {"a": {"b": [{"c": 1}, {"c": None}, {"d": 2}]}, "a.b": 3, "ab": {"c": 4}}
    assert change_at(data, "a.b[].c", str) == {**data, "a": {"b": [{"c": "1"}, {"c": None}, {"d": 2}]}}
    assert change_at(data, "a.b", lambda _: "x") == {"a": {"b": "x"}, "a.b": "x", "ab": {"c": 4}}
