"""The attributes of a profile view: what of a person's events is asked for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import isfinite
from typing import Any

from cxconsole.journey.rules import Rule, Rules, say_rules

DEFAULT_LIMIT = 100
_NOT_WORD = re.compile(r"\W+")


class Mode(StrEnum):
    """What is made of the values that were taken."""

    VALUE = "Value"  # the values themselves, newest first
    COUNT = "Count"  # how many events
    SUM = "Sum"
    MAX = "Max"
    MIN = "Min"
    AVERAGE = "Average"
    DISTINCT = "Distinct"  # the different values, newest first


class Kind(StrEnum):
    """What kind of value is looked for; others do not match."""

    STRING = "string"
    INTEGER = "integer"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    DATETIME = "datetime"


class Lookback(StrEnum):
    """The unit of how far back is looked; `none` is all the way."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    NONE = "none"


NUMBERS = frozenset({Kind.INTEGER, Kind.DOUBLE})
LISTS = frozenset({Mode.VALUE, Mode.DISTINCT})


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One line of a profile. `path` leads into the data, the items of a list are `[]`; empty only for Count."""

    name: str
    event: str
    mode: Mode
    path: str = ""
    kind: Kind = Kind.STRING
    limit: int = DEFAULT_LIMIT
    lookback: Lookback = Lookback.NONE
    period: int = 0
    verbose: bool = False
    rules: Rules | None = None
    compartment: str = ""  # who may see it has the right profile.<compartment>; empty: everybody who sees the view
    version: str = "0.1"
    widget: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """By what a message names it: "Items in cart" is `profile.items_in_cart`."""
        return make_key(self.name)

    @property
    def steps(self) -> tuple[str, ...]:
        """The way into the data."""
        return tuple(self.path.split(".")) if self.path else ()

    @property
    def result_kind(self) -> Kind:
        """What kind of value comes out."""
        if self.mode is Mode.COUNT:
            return Kind.INTEGER
        return Kind.DOUBLE if self.mode is Mode.AVERAGE else self.kind

    def since(self, now: datetime) -> datetime | None:
        """Events before that are not looked at; None: all are."""
        if self.lookback is Lookback.NONE:
            return None
        return now - timedelta(**{self.lookback.value: self.period})

    def is_named_by(self, rule: Rule) -> bool:
        """Whether a rule means this attribute."""
        return (self.event, self.path, self.mode.lower()) == (rule.event, rule.path, rule.mode.lower())


def fits(pattern: str, event_type: str) -> bool:
    """Whether an attribute's `event` means events of this type: `*` all, `Name/*` Name and what goes on after it."""
    if pattern == "*":
        return True
    if pattern.endswith("/*"):
        stem = pattern[:-2]
        return event_type == stem or event_type.startswith((f"{stem}/", f"{stem}.", f"{stem}:"))
    return pattern == event_type


def make_key(name: str) -> str:
    """A name as a word of a template."""
    return _NOT_WORD.sub("_", name.lower()).strip("_")


def say_attribute(one: Attribute) -> dict[str, Any]:
    """The document of the contract; ours is `compartment`."""
    document: dict[str, Any] = {
        "version": one.version, "event": one.event, "metadata": one.path, "metadataType": one.kind.value,
        "limit": one.limit, "displayName": one.name, "lookbackDurationType": one.lookback.value,
        "lookbackPeriod": one.period, "aggregationMode": one.mode.value, "verbose": one.verbose,
        "rules": say_rules(one.rules), "widgetAttributes": one.widget,
    }  # fmt: skip
    return {**document, "compartment": one.compartment} if one.compartment else document


def find_named(attributes: Sequence[Attribute], rule: Rule, owner: Attribute) -> Attribute | None:
    """The attribute that a rule of `owner` means: itself when it is named, else the first that is."""
    return next((one for one in (owner, *attributes) if one.is_named_by(rule)), None)


def convert(value: Any, kind: Kind) -> Any:
    """A value of the data as this kind; None when it is none of that kind."""
    if value is None or isinstance(value, list | dict):
        return None
    if kind is Kind.STRING:
        return value if isinstance(value, str) else _write_plain(value)
    if kind is Kind.BOOLEAN:
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).strip().lower())
    if isinstance(value, bool):
        return None
    try:
        if kind is Kind.DATETIME:
            return _read_time(value)
        return _read_integer(value) if kind is Kind.INTEGER else _read_double(value)
    except (ValueError, OverflowError):
        return None


def _write_plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_integer(value: Any) -> int | None:
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return int(value) if isinstance(value, int) else int(_short(value))


def _read_double(value: Any) -> float | int | None:
    number = value if isinstance(value, int) else float(_short(value))
    return number if isfinite(number) else None


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 100:
        raise ValueError("too long for a number")
    return value


def _read_time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    time = datetime.fromisoformat(value.strip())
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


__all__ = [
    "DEFAULT_LIMIT", "LISTS", "NUMBERS", "Attribute", "Kind", "Lookback", "Mode", "convert", "find_named", "fits",
    "make_key", "say_attribute",
]  # fmt: skip
