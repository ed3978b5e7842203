"""The one table of what events are called."""

import pytest

from cxconsole.journey.event_words import ICONS, LOOKS, brief, look_of, tell
from models.event import EventType

ABOUT_A_PERSON = ("person.", "conflict.", "contact.", "comm.", "suppression.", "note.", "activity.")


@pytest.mark.parametrize("kind", [one for one in EventType if one.startswith(ABOUT_A_PERSON)])
def test_every_event_about_a_person_has_words_and_an_icon_of_its_own(kind):
    look = LOOKS[kind]
    assert tell(look.title, {}).strip()
    assert look.icon in ICONS or (look.icon == "" and kind == EventType.COMM_SENT)  # a message has its channel's


@pytest.mark.parametrize(
    ("kind", "icon"),
    [
        ("cart.added", "shopping-cart"), ("Add To Cart", "shopping-cart"), ("AddToCart", "shopping-cart"),
        ("order.placed", "package"),
        ("shop/order.paid", "package"), ("call_ended", "phone"), ("page.viewed", ""), ("cartoon.seen", ""),
    ],
)  # fmt: skip
def test_a_type_of_others_has_an_icon_by_its_words(kind, icon):
    assert look_of(kind, "shop").icon == icon
    assert icon in {*ICONS, ""}


@pytest.mark.parametrize("kind", ["campaign.published", "Visited {page}", "{", "", "a.b_c-d", "x" * 500])
def test_any_other_type_is_told_by_its_own_name(kind):
    assert tell(look_of(kind, "shop").title, {"page": "!"})
    assert look_of(kind, "shop").icon == ""  # the one of its channel
    assert look_of(kind, "cxconsole").icon in ICONS


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, ""),
        ({"a": 1, "b": "x", "c": 2.5, "d": "left out"}, "a: 1, b: x, c: 2.5"),
        ({"a": None, "b": [1], "c": {"d": 1}, "e": True, "f": ""}, ""),
        ({"long": "x" * 500}, "long: " + "x" * 80),
    ],
)
def test_data_is_told_by_its_first_plain_values(data, words):
    assert brief(data) == words
