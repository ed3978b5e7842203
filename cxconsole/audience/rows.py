"""From the cells of a row to values that can be stored: what a CSV file and the REST API have in common."""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from json.encoder import encode_basestring_ascii  # type: ignore[attr-defined]
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from cxconsole.audience.emails import normalise_email
from cxconsole.audience.phones import normalise_phone
from cxconsole.audience.problems import Problem
from models.person import Channel

IDENTITY_COLUMNS = ("email", "phone", "customer_id")
PERSON_COLUMNS = ("first_name", "last_name", "language", "time_zone", "preferred_channel", "external_ref")
KNOWN_COLUMNS = IDENTITY_COLUMNS + PERSON_COLUMNS
LONGEST_CELL = 10_000
LONGEST_NAME = 255


class ParsedRow(NamedTuple):
    """A row whose values are normalised; at least one of its identities is set."""

    email: str | None
    phone: str | None
    customer_id: str | None
    first_name: str | None
    last_name: str | None
    language: str | None
    time_zone: str | None
    preferred_channel: str | None
    external_ref: str | None
    attributes: str  # a JSON object
    more_identities: tuple[tuple[str, str], ...] = ()  # (kind, value): further ones of a kind
    left_out: tuple["BadCell", ...] = ()


class BadCell(NamedTuple):
    """A cell that could not be used. As the outcome of a row: why the whole row was rejected."""

    column: str
    value: str
    reason: str
    remedy: str


def is_blank(cells: Sequence[str]) -> bool:
    """Whether there is nothing in a row, as in those that spreadsheets leave at the end."""
    return not any(cell.strip() for cell in cells)


_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _read_name(raw: str) -> str | Problem:
    return raw if len(raw) <= LONGEST_NAME else Problem(f"Longer than {LONGEST_NAME} characters", "Shorten it")


def _read_language(raw: str) -> str | Problem:
    head, dash, tail = raw.replace("_", "-").partition("-")
    code = head.lower() + dash + tail
    return code if _LANGUAGE.fullmatch(code) else Problem("Unknown language", "Use a code such as en, sv or pt-BR")


def _read_zone(raw: str) -> str | Problem:
    return raw if raw in _zones() else Problem("Unknown time zone", "Use a name such as Europe/Stockholm")


def _read_channel(raw: str) -> str | Problem:
    code = raw.lower()
    return code if code in set(Channel) else Problem("Unknown channel", f"Use one of {', '.join(Channel)}")


_READERS: dict[str, Callable[[str], str | Problem]] = {
    "first_name": _read_name,
    "last_name": _read_name,
    "language": _read_language,
    "time_zone": _read_zone,
    "preferred_channel": _read_channel,
    "external_ref": _read_name,
}


def read_value(column: str, raw: str, *, region: str) -> str | Problem:
    """The value of a known column as it is stored, or what is wrong with it."""
    if column == "email":
        return normalise_email(raw)
    if column == "phone":
        return normalise_phone(raw, region)
    return _READERS.get(column, _read_name)(raw)


class RowPlan:
    """How the cells of a row become a person.

    `columns` are the names that people see, `targets` what each becomes: a known column, an attribute's
    name, or None to leave it out. Several columns may become the same identity kind.
    """

    def __init__(self, columns: Sequence[str], targets: Sequence[str | None], *, default_region: str) -> None:
        self._columns = columns
        readers = {
            "email": normalise_email,
            "phone": partial(normalise_phone, region=default_region),
            "customer_id": _read_name,
        }
        self._identities = [
            (at, slot, readers[kind])
            for slot, kind in enumerate(IDENTITY_COLUMNS)
            for at, target in enumerate(targets)
            if target == kind
        ]
        self._person = [
            (at, len(IDENTITY_COLUMNS) + PERSON_COLUMNS.index(target), _READERS[target])
            for at, target in enumerate(targets)
            if target in PERSON_COLUMNS
        ]
        self._attributes = [
            (at, encode_basestring_ascii(target) + ": ")
            for at, target in enumerate(targets)
            if target is not None and target not in KNOWN_COLUMNS
        ]

    @property
    def has_identity(self) -> bool:
        """Whether any column can tell who a row is about."""
        return bool(self._identities)

    def parse(self, cells: Sequence[Any]) -> ParsedRow | BadCell:
        """The row as it is stored, or why it is rejected. There are as many cells as columns."""
        bad: list[BadCell] = []
        values: list[str | None] = [None] * len(KNOWN_COLUMNS)
        more: tuple[tuple[str, str], ...] = ()
        for at, slot, read in self._identities:
            if raw := str(cells[at]).strip():
                value = read(raw)
                if not isinstance(value, str):
                    bad.append(BadCell(self._columns[at], raw, *value))
                elif values[slot] is None:
                    values[slot] = value
                elif value != values[slot] and (further := (KNOWN_COLUMNS[slot], value)) not in more:
                    more += (further,)
        if values[0] is None and values[1] is None and values[2] is None:
            return bad[0] if bad else self._miss_identity()
        for at, slot, read in self._person:
            if raw := str(cells[at]).strip():
                value = read(raw)
                if isinstance(value, str):
                    values[slot] = value
                else:
                    bad.append(BadCell(self._columns[at], raw, *value))
        attributes = self._read_attributes(cells, bad) if self._attributes else "{}"
        return ParsedRow(*values, attributes, more, tuple(bad))  # type: ignore[arg-type]

    def _miss_identity(self) -> BadCell:
        column = self._columns[self._identities[0][0]] if self._identities else ""
        return BadCell(column, "", "No e-mail, phone or customer id", "Fill at least one of them")

    def _read_attributes(self, cells: Sequence[Any], bad: list[BadCell]) -> str:
        parts: list[str] = []
        for at, name in self._attributes:
            value = cells[at]
            if isinstance(value, str):
                value = value.strip()
                if not value:
                    continue
                if len(value) > LONGEST_CELL:
                    remedy = "Shorten it, or leave this column out"
                    bad.append(BadCell(self._columns[at], value, f"Longer than {LONGEST_CELL:,} characters", remedy))
                    continue
                parts.append(name + encode_basestring_ascii(value))
            elif value is not None:
                parts.append(name + json.dumps(value))
        return "{" + ", ".join(parts) + "}"


__all__ = [
    "IDENTITY_COLUMNS", "KNOWN_COLUMNS", "PERSON_COLUMNS", "BadCell", "ParsedRow", "RowPlan", "is_blank", "read_value",
]  # fmt: skip
