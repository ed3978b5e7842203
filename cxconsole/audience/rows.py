"""From the cells of a row to values that can be stored: what a CSV file and the REST API have in common."""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from json.encoder import encode_basestring_ascii  # type: ignore[attr-defined]
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from cxconsole.audience.emails import normalise_email
from cxconsole.audience.phones import normalise_phone
from cxconsole.audience.problems import Problem
from models.person import Channel, IdentityKind

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
        self._region = default_region
        self._emails = [at for at, target in enumerate(targets) if target == "email"]
        self._phones = [at for at, target in enumerate(targets) if target == "phone"]
        self._customer_ids = [at for at, target in enumerate(targets) if target == "customer_id"]
        self._person = [
            (at, PERSON_COLUMNS.index(target), _READERS[target])
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
        return bool(self._emails or self._phones or self._customer_ids)

    def parse(self, cells: Sequence[Any]) -> ParsedRow | BadCell:
        """The row as it is stored, or why it is rejected. There are as many cells as columns."""
        bad: list[BadCell] = []
        emails = self._read_identities(self._emails, cells, bad, normalise_email)
        phones = self._read_identities(self._phones, cells, bad, self._normalise_phone)
        ids = self._read_identities(self._customer_ids, cells, bad, _read_name)
        if not (emails or phones or ids):
            if bad:
                return bad[0]
            at = (self._emails + self._phones + self._customer_ids)[:1]
            column = self._columns[at[0]] if at else ""
            return BadCell(column, "", "No e-mail, phone or customer id", "Fill at least one of them")
        person: list[str | None] = [None] * len(PERSON_COLUMNS)
        for at, slot, read in self._person:
            if raw := str(cells[at]).strip():
                value = read(raw)
                if isinstance(value, str):
                    person[slot] = value
                else:
                    bad.append(BadCell(self._columns[at], raw, *value))
        more: tuple[tuple[str, str], ...] = ()
        if len(emails) > 1 or len(phones) > 1 or len(ids) > 1:
            more = (
                *((IdentityKind.EMAIL.value, value) for value in emails[1:]),
                *((IdentityKind.PHONE.value, value) for value in phones[1:]),
                *((IdentityKind.CUSTOMER_ID.value, value) for value in ids[1:]),
            )
        attributes = self._read_attributes(cells, bad) if self._attributes else "{}"
        first = (emails[0] if emails else None, phones[0] if phones else None, ids[0] if ids else None)
        return ParsedRow(*first, *person, attributes, more, tuple(bad))  # type: ignore[call-arg]

    def _normalise_phone(self, raw: str) -> str | Problem:
        return normalise_phone(raw, self._region)

    def _read_identities(
        self, places: list[int], cells: Sequence[Any], bad: list[BadCell], read: Callable[[str], str | Problem]
    ) -> list[str]:
        found: list[str] = []
        for at in places:
            raw = str(cells[at]).strip()
            if not raw:
                continue
            value = read(raw)
            if not isinstance(value, str):
                bad.append(BadCell(self._columns[at], raw, *value))
            elif value not in found:
                found.append(value)
        return found

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
