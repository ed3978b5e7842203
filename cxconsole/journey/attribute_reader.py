"""Reads the attributes of a profile view and says what is wrong with them.

The shape is the journey contract's; names of fields are taken in any writing (`metadata`, `Metadata`, `metaData`),
because its SDKs differ in that. What is wrong is told by attribute and field, so that a form can say it where it is.
"""

import re
from collections.abc import Sequence
from typing import Any

from cxconsole.errors import FieldProblem, Invalid
from cxconsole.journey.attributes import DEFAULT_LIMIT, NUMBERS, Attribute, Kind, Lookback, Mode, convert, find_named
from cxconsole.journey.rules import BadRules, Rule, Rules, read_rules

MAX_ATTRIBUTES = 50
MAX_LIMIT = 10_000
MAX_NAME = 120
MAX_PATH = 200
_MAX_DAYS = 36_500
_COMPARTMENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_FITS: dict[Mode, frozenset[Kind]] = {
    Mode.SUM: NUMBERS, Mode.AVERAGE: NUMBERS, Mode.MAX: NUMBERS | {Kind.DATETIME}, Mode.MIN: NUMBERS | {Kind.DATETIME},
}  # fmt: skip
_ORDERED = ("EQ", "NEQ", "GTE", "GT", "LTE", "LT")
_OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.STRING: ("EQ", "NEQ", "HAS"), Kind.BOOLEAN: ("EQ", "NEQ"), Kind.INTEGER: _ORDERED, Kind.DOUBLE: _ORDERED,
    Kind.DATETIME: _ORDERED,
}  # fmt: skip


def read_attributes(given: Any) -> tuple[Attribute, ...]:
    """The attributes of a document. Raises Invalid with all that is wrong, each named by attribute and field."""
    if not isinstance(given, list) or not 0 < len(given) <= MAX_ATTRIBUTES:
        raise Invalid.field("attributes", f"A view has 1 to {MAX_ATTRIBUTES} attributes, as a list.")
    problems: list[FieldProblem] = []
    read = []
    for place, document in enumerate(given):
        reader = _Reader(document, place)
        read.append(reader.read())
        problems += reader.problems
    problems += _check_together(read)
    if problems:
        raise Invalid(" ".join(one.msg for one in problems[:3]), errors=problems)
    return tuple(one for one in read if one is not None)


class _Reader:
    """Reads one attribute and remembers what was wrong."""

    def __init__(self, document: Any, place: int) -> None:
        self._place = place
        self._given = (
            {str(name).lower(): value for name, value in document.items()} if isinstance(document, dict) else None
        )
        name = (self._given or {}).get("displayname")
        self._called = f"“{name[:60]}”" if isinstance(name, str) and name.strip() else f"Attribute {place + 1}"
        self.problems: list[FieldProblem] = []

    def read(self) -> Attribute | None:
        """The attribute; None when something was wrong."""
        if self._given is None:
            self._wrong("", "An attribute is an object.")
            return None
        mode = self._choose("aggregationMode", Mode, None)
        kind = self._choose("metadataType", Kind, Kind.STRING)
        lookback = self._choose("lookbackDurationType", Lookback, Lookback.NONE)
        path = self._read_path(mode)
        if mode and kind and kind not in _FITS.get(mode, (kind,)):
            fitting = ", ".join(sorted(_FITS[mode]))
            self._wrong("aggregationMode", f"{mode.value} is made of {fitting}, not of a {kind.value}.")
        made = {
            "name": self._text("displayName", MAX_NAME), "event": self._read_event(), "path": path,
            "limit": self._whole("limit", DEFAULT_LIMIT, 1, MAX_LIMIT), "period": self._read_period(lookback),
            "verbose": self._flag("verbose"), "rules": self._read_rules(), "compartment": self._read_compartment(),
            "version": str(self._given.get("version") or "0.1")[:20], "widget": self._read_widget(),
        }  # fmt: skip
        if self.problems or mode is None or kind is None or lookback is None:
            return None
        return Attribute(mode=mode, kind=kind, lookback=lookback, **made)  # type: ignore[arg-type]

    def _wrong(self, field: str, msg: str) -> None:
        loc = f"attributes[{self._place}]" + (f".{field}" if field else "")
        self.problems.append(FieldProblem(loc=loc, msg=f"{self._called}: {msg}"))

    def _get(self, field: str) -> Any:
        return (self._given or {}).get(field.lower())

    def _text(self, field: str, most: int) -> str:
        value = self._get(field)
        value = value.strip() if isinstance(value, str) else ""
        if not value or len(value) > most or not value.isprintable():
            self._wrong(field, f"{field} needs 1 to {most} printable characters.")
        return value

    def _choose(self, field: str, choices: Any, default: Any) -> Any:
        value = self._get(field)
        if value is None or value == "":
            if default is None:
                self._wrong(field, f"{field} is needed: {', '.join(choices)}.")
            return default
        found = next((one for one in choices if one.lower() == str(value).strip().lower()), None)
        if found is None:
            self._wrong(field, f"{field} is one of {', '.join(choices)}; not {str(value)[:40]!r}.")
        return found

    def _whole(self, field: str, default: int, least: int, most: int) -> int:
        value = self._get(field)
        if value is None or value == "":
            return default
        number = convert(value, Kind.INTEGER)
        if number is None or not least <= number <= most:
            self._wrong(field, f"{field} is a whole number from {least} to {most:,}.")
            return default
        return number

    def _read_event(self) -> str:
        event = self._text("event", MAX_NAME)
        if "*" in event and event != "*" and ("*" in event[:-2] or event[-2:] != "/*" or len(event) < 3):
            self._wrong("event", "event is a type, a type with /* after it, or * for all.")
        return event

    def _read_path(self, mode: Mode | None) -> str:
        value = self._get("metadata")
        path = value.strip() if isinstance(value, str) else ""
        if not path:
            if mode is not Mode.COUNT:
                self._wrong("metadata", "metadata is the field to read, such as cart.total; only Count goes without.")
            return ""
        steps = path.split(".")
        if len(path) > MAX_PATH or not path.isprintable() or '"' in path or "\\" in path:
            self._wrong("metadata", f'metadata is a path of at most {MAX_PATH} characters, without " and \\.')
        elif not all(step.removesuffix("[]") and "[" not in step.removesuffix("[]") for step in steps):
            self._wrong("metadata", "metadata is names with dots between, [] after that of a list: items[].sku")
        return path

    def _read_period(self, lookback: Lookback | None) -> int:
        if lookback in (None, Lookback.NONE):
            return 0
        day = {Lookback.MINUTES: 1440, Lookback.HOURS: 24, Lookback.DAYS: 1}[lookback]
        if self._get("lookbackPeriod") in (None, ""):
            self._wrong("lookbackPeriod", f"lookbackPeriod says how many {lookback.value} back.")
            return 0
        return self._whole("lookbackPeriod", 0, 1, _MAX_DAYS * day)

    def _flag(self, field: str) -> bool:
        value = self._get(field)
        if value not in (None, True, False):
            self._wrong(field, f"{field} is true or false.")
        return value is True

    def _read_rules(self) -> Rules | None:
        try:
            return read_rules(self._get("rules"))
        except BadRules as error:
            self._wrong("rules", str(error))
            return None

    def _read_compartment(self) -> str:
        value = self._get("compartment")
        if value is None or value == "":
            return ""
        if not isinstance(value, str) or not _COMPARTMENT.fullmatch(value):
            self._wrong("compartment", "compartment is one word of small letters, digits, - and _, such as billing.")
            return ""
        return value

    def _read_widget(self) -> Any:
        value = self._get("widgetAttributes")
        if value is not None and (not isinstance(value, dict) or len(str(value)) > 2_000):
            self._wrong("widgetAttributes", "widgetAttributes is an object of at most 2,000 characters.")
        return value


def _check_together(read: Sequence[Attribute | None]) -> list[FieldProblem]:
    """What is wrong between attributes: two of one name, rules that name none."""
    problems = []
    keys: set[str] = set()
    known = [one for one in read if one is not None]
    for place, one in enumerate(read):
        if one is None:
            continue
        if not one.key or one.key in keys:
            msg = "needs a letter or digit" if not one.key else "is taken: each attribute has a name of its own"
            problems.append(FieldProblem(loc=f"attributes[{place}].displayName", msg=f"“{one.name}”: this name {msg}."))
        keys.add(one.key)
        for rule in one.rules or ():
            wrong = _check_rule(rule, find_named(known, rule, one))
            # an attribute that could not be read may be the one that is named
            if wrong and (len(known) == len(read) or find_named(known, rule, one)):
                problems.append(FieldProblem(loc=f"attributes[{place}].rules", msg=f"“{one.name}”: {wrong}"))
    return problems


def _check_rule(rule: Rule, named: Attribute | None) -> str:
    if named is None:
        return f"the rule {rule} names no attribute of this view by its event, metadata and aggregation."
    kind = named.result_kind
    if rule.operator not in _OPERATORS[kind]:
        return f"the rule {rule} compares a {kind.value}, which takes {', '.join(_OPERATORS[kind])}."
    if convert(rule.value, kind) is None:
        return f"the rule {rule} compares with {rule.value[:40]!r}, which is no {kind.value}."
    return ""


__all__ = ["MAX_ATTRIBUTES", "MAX_LIMIT", "read_attributes"]
