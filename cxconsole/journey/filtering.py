"""The filter language of the Tape: a small part of OData, read into a tree and said again as SQL with parameters.

    person eq 'ada@mail.example' and (type eq 'order.placed' or data/cart/total ge 100) and not source eq 'shop.test'

Fields: `person`, `type`, `source`, `id`, `time`, and `data/...` for a path into the event's data. Comparisons: eq, ne,
gt, ge, lt, le. Values: 'text' (a quote is doubled), numbers, true, false, null, and times as 2026-05-19T09:00:00Z.
A value only equals, precedes or follows one of its own kind; `ne` is the opposite of `eq`, so it also holds where
the field is missing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cxconsole.driver import Driver
from cxconsole.errors import Invalid

MAX_LENGTH = 2_000
MAX_CONDITIONS = 50
MAX_DEPTH = 20
_FIELDS = ("person", "type", "source", "id", "time")
_OPERATORS = {"eq": "=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])"
    r"|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<number>-?\d{1,18}(?:\.\d{1,15})?(?![\w.]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)*))",
    re.ASCII,
)


@dataclass(frozen=True)
class Compare:
    """A field against a value. `path` is the way into the data, empty for a field of the event itself."""

    field: str
    path: tuple[str, ...]
    operator: str
    value: Any


@dataclass(frozen=True)
class Both:
    """`and` and `or`."""

    word: str
    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: "Filter"


Filter = Compare | Both | Not


def parse_filter(text: str) -> Filter:
    """The tree of a filter. Raises Invalid with the place at which it cannot be read."""
    if len(text) > MAX_LENGTH:
        raise _wrong(f"This is longer than {MAX_LENGTH:,} characters.")
    reader = _Reader(text)
    tree = reader.read_or(0)
    reader.expect_end()
    return tree


def names_in(tree: Filter) -> set[str]:
    """The persons whom a filter names."""
    if isinstance(tree, Compare):
        return {tree.value} if tree.field == "person" and isinstance(tree.value, str) else set()
    return set().union(*(names_in(part) for part in (tree.parts if isinstance(tree, Both) else (tree.part,))))


def find_person(tree: Filter) -> str | None:
    """The one person about whom every event is that the filter lets through, if there is one."""
    return find_exact(tree, "person")


def find_exact(tree: Filter, field: str) -> str | None:
    """The one value of `person`, `type` or `source` that every event has which the filter lets through, if any."""
    if isinstance(tree, Compare) and tree.field == field and tree.operator == "eq" and tree.value is not None:
        return tree.value
    if isinstance(tree, Both) and tree.word == "and":
        return next((name for part in tree.parts if (name := find_exact(part, field)) is not None), None)
    return None


def paths_in(tree: Filter) -> list[tuple[str, ...]]:
    """The ways into the data that a filter looks at."""
    if isinstance(tree, Compare):
        return [tree.path] if tree.path else []
    parts = (tree.part,) if isinstance(tree, Not) else tree.parts
    return [path for part in parts for path in paths_in(part)]


def say_sql(tree: Filter, people: Mapping[str, Sequence[int]], driver: Driver) -> tuple[str, list[Any]]:
    """A condition on `event` and its parameters. `people` are the ids under which each named person has events."""
    if isinstance(tree, Not):
        inner, values = say_sql(tree.part, people, driver)
        return f"NOT {inner}", values
    if isinstance(tree, Both):
        said = [say_sql(part, people, driver) for part in tree.parts]
        return f"({f' {tree.word.upper()} '.join(sql for sql, _ in said)})", [one for _, some in said for one in some]
    if tree.operator == "ne":
        equal, values = say_sql(Compare(tree.field, tree.path, "eq", tree.value), people, driver)
        return f"NOT {equal}", values
    # never NULL, so that NOT means what people think
    condition, values = _say_compare(tree, people, driver)
    return f"COALESCE(({condition}), {'0' if driver.sqlite else 'false'})", values


def _say_compare(one: Compare, people: Mapping[str, Sequence[int]], driver: Driver) -> tuple[str, list[Any]]:
    sign = _OPERATORS[one.operator]
    if one.field == "person":
        if one.value is None:
            return "person_id IS NULL", []
        return f"person_id {driver.among_ids}", [list(people.get(one.value, ()))]
    if one.field == "time":
        return f"time {sign} ?", [one.value]
    if one.field in ("type", "source", "id"):
        column = "event_id" if one.field == "id" else one.field
        if one.value is None:
            return f"{column} IS NULL", []
        return f"{column}{_exact(driver)} {sign} ?", [one.value]
    return _say_sqlite_path(one, sign) if driver.sqlite else _say_postgresql_path(one, sign)


def _exact(driver: Driver) -> str:
    """Text is compared by its code points, on every database."""
    return "" if driver.sqlite else ' COLLATE "C"'


def _say_sqlite_path(one: Compare, sign: str) -> tuple[str, list[Any]]:
    path = "$" + "".join(f'."{name}"' for name in one.path)
    if one.value is None:
        return "COALESCE(json_type(data, ?), 'null') = 'null'", [path]
    if isinstance(one.value, bool):
        return "json_type(data, ?) = ?", [path, "true" if one.value else "false"]
    kinds = "('text')" if isinstance(one.value, str) else "('integer', 'real')"
    return f"json_type(data, ?) IN {kinds} AND json_extract(data, ?) {sign} ?", [path, path, one.value]


def _say_postgresql_path(one: Compare, sign: str) -> tuple[str, list[Any]]:
    path = list(one.path)
    if one.value is None:
        return "COALESCE(jsonb_typeof(data #> ?::text[]), 'null') = 'null'", [path]
    if isinstance(one.value, bool):
        return "(data #> ?::text[]) = ?::jsonb", [path, "true" if one.value else "false"]
    if isinstance(one.value, str):
        return (
            f"jsonb_typeof(data #> ?::text[]) = 'string' AND (data #>> ?::text[]) COLLATE \"C\" {sign} ?",
            [path, path, one.value],
        )
    # CASE, because the order of AND is the planner's own, and a text is no number
    return (
        f"CASE jsonb_typeof(data #> ?::text[]) WHEN 'number' THEN (data #>> ?::text[])::float8 {sign} ?::float8 END",
        [path, path, one.value],
    )


class _Reader:
    """Goes over the text once, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._conditions = 0
        self._kind, self._value = "", ""
        self._next()

    def read_or(self, depth: int) -> Filter:
        return self._read_chain("or", self._read_and, depth)

    def expect_end(self) -> None:
        if self._kind:
            raise self._wrong("Here `and`, `or` or the end was expected.")

    def _read_and(self, depth: int) -> Filter:
        return self._read_chain("and", self._read_one, depth)

    def _read_chain(self, word: str, read: Callable[[int], Filter], depth: int) -> Filter:
        parts = [read(depth)]
        while self._is_word(word):
            self._next()
            parts.append(read(depth))
        return parts[0] if len(parts) == 1 else Both(word, tuple(parts))

    def _read_one(self, depth: int) -> Filter:
        if depth >= MAX_DEPTH:
            raise self._wrong(f"This is nested more than {MAX_DEPTH} levels deep.")
        if self._is_word("not"):
            self._next()
            return Not(self._read_one(depth + 1))
        if (self._kind, self._value) == ("mark", "("):
            self._next()
            inner = self.read_or(depth + 1)
            if (self._kind, self._value) != ("mark", ")"):
                raise self._wrong("Here a closing bracket was expected.")
            self._next()
            return inner
        return self._read_compare()

    def _read_compare(self) -> Compare:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise self._wrong(f"There are more than {MAX_CONDITIONS} conditions.")
        field, *path = self._value.split("/") if self._kind == "word" else [""]
        if not (field in _FIELDS and not path) and not (field == "data" and path):
            raise self._wrong(f"Here a field was expected: {', '.join(_FIELDS)} or data/...")
        self._next()
        operator = self._value
        if self._kind != "word" or operator not in (*_OPERATORS, "ne"):
            raise self._wrong("Here eq, ne, gt, ge, lt or le was expected.")
        self._next()
        value = self._read_value()
        self._check(field, operator, value)
        self._next()
        return Compare(field, tuple(path), operator, value)

    def _read_value(self) -> Any:
        match self._kind, self._value:
            case "text", text:
                return text.replace("''", "'")
            case "number", number:
                return float(number) if "." in number else int(number)
            case "time", time:
                try:
                    return datetime.fromisoformat(time).astimezone(UTC)
                except (ValueError, OverflowError):
                    raise self._wrong("There is no such time.") from None
            case "word", "true" | "false" | "null":
                return {"true": True, "false": False, "null": None}[self._value]
        raise self._wrong("Here a value was expected: 'text', a number, a time, true, false or null.")

    def _check(self, field: str, operator: str, value: Any) -> None:
        if field == "time" and not isinstance(value, datetime):
            raise self._wrong("`time` is compared with a time, such as 2026-05-19T09:00:00Z.")
        if field in ("person", "type", "source", "id") and not isinstance(value, str | None):
            raise self._wrong(f"`{field}` is compared with a 'text'.")
        if field == "data" and isinstance(value, datetime):
            raise self._wrong("In the data a time is a text: put it between quotes.")
        ordered = isinstance(value, str | int | float | datetime) and not isinstance(value, bool)
        if operator not in ("eq", "ne") and (not ordered or field == "person"):
            raise self._wrong(f"`{operator}` needs a text, number or time that can be ordered.")

    def _is_word(self, word: str) -> bool:
        return self._kind == "word" and self._value == word

    def _next(self) -> None:
        if not self._text[self._at :].strip():
            self._at = len(self._text)
            self._kind = self._value = ""
            return
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            self._kind = "?"
            raise self._wrong("This cannot be read.")
        self._at = found.end()
        self._kind = found.lastgroup or ""
        self._value = found[self._kind]
        if "\x00" in self._value:
            raise self._wrong("This holds the character NUL.")

    def _wrong(self, message: str) -> Invalid:
        return _wrong(f"At character {self._at}: {message}")


def _wrong(message: str) -> Invalid:
    return Invalid.field("$filter", message)


__all__ = [
    "Both", "Compare", "Filter", "Not", "find_exact", "find_person", "names_in", "parse_filter", "paths_in", "say_sql",
]  # fmt: skip
