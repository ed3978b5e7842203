"""Profiles as the desk, the customer page and the builder show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cxconsole.journey.attributes import LISTS, Attribute, Lookback
from cxconsole.journey.profiles import AttributeResult, Profile
from state import format as show

MOST_SHOWN = 5
LONGEST = 200


@dataclass(frozen=True)
class ProfileLine:
    """One attribute: its name, what it came to, and how far back was looked."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class ProfileCard:
    """A view of a person."""

    name: str
    lines: list[ProfileLine]


def profile_cards(profiles: Iterable[Profile], view: show.Viewer) -> tuple[ProfileCard, ...]:
    """The cards of a person; a view in which there is nothing to see is left out."""
    return tuple(
        ProfileCard(one.name, [profile_line(result, view) for result in one.results]) for one in profiles if one.results
    )


def profile_line(one: AttributeResult, view: show.Viewer) -> ProfileLine:
    """An attribute in words."""
    said = [_say(value, view) for value in one.values[:MOST_SHOWN]]
    more = len(one.values) - len(said)
    text = ", ".join([*said, *([f"{show.number(more)} more"] if more else [])])
    return ProfileLine(one.attribute.name, text[:LONGEST] or _nothing(one.attribute), lookback_words(one.attribute))


def lookback_words(one: Attribute) -> str:
    """ "7 days"; empty for all the way back."""
    if one.lookback is Lookback.NONE:
        return ""
    unit = one.lookback.value.removesuffix("s")
    return f"1 {unit}" if one.period == 1 else f"{show.number(one.period)} {one.lookback.value}"


def _nothing(one: Attribute) -> str:
    return "never" if one.mode in LISTS else "not measured"


def _say(value: Any, view: show.Viewer) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return view.clock(value)
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.2f}"
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)
