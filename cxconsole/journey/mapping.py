"""From any JSON to an event: for each attribute a path into the payload, an expression, or a plain text.

$.customer.email          what stands there; `$` is the whole payload, `$.items[0]` the first of a list
shop.{{ action|lower }}   Jinja2 in its sandbox; the payload's own fields are its names, `payload` is all of it
order.placed              itself
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from jinja2 import TemplateError

from cxconsole.errors import FieldProblem, Invalid
from cxconsole.journey.cloud_event import BadEvent, GivenEvent, read_event
from cxconsole.template_guard import (
    BUDGET,
    MAX_LOOP_TURNS,
    MissingValue,
    TooMuch,
    build_environment,
    parse_guarded,
)

ATTRIBUTES = ("type", "person", "previously", "time", "id", "data")
NEEDED = ("type", "person")
MAX_RULE = 4_000
_MOST_PARTS = 100
_MAX_DEPTH = 6
_MAX_TEXT = 2_000
_PATH = re.compile(r"\$(?:\.[^.\[\]\s{}]+|\[\d{1,6}\]|\['[^']{1,120}'\])*")
_STEP = re.compile(r"\.([^.\[\]\s{}]+)|\[(\d{1,6})\]|\['([^']{1,120})'\]")
_MILLISECONDS = 100_000_000_000
"""A time that is a number above this counts milliseconds: in seconds it would be after the year 5000."""
_ENVIRONMENT = build_environment(autoescape=False)

Rule = Callable[[Any], Any]
"""From the payload to a value; None when there is none."""


class BadPayload(Exception):
    """A payload that makes no event: which attribute, and why."""

    def __init__(self, loc: str, msg: str) -> None:
        super().__init__(f"{loc}: {msg}" if loc else msg)
        self.problem = FieldProblem(loc=loc, msg=msg)


@dataclass(frozen=True, kw_only=True)
class CompiledMapping:
    """A mapping, ready to be used."""

    source: str
    rules: Mapping[str, Rule]
    written: Mapping[str, str]

    def make_event(self, payload: Any, body: bytes, *, now: datetime) -> GivenEvent:
        """The event of this payload. Without an id of its own the body counts once. Raises BadPayload."""
        found = {name: self._find(name, payload) for name in self.rules}
        for name in NEEDED:
            if found.get(name) in (None, ""):
                raise BadPayload(name, f"There is nothing at {self.written[name]} in this payload.")
        data = found.get("data")
        document = {
            "id": _text(found.get("id")) or hashlib.sha256(body).hexdigest(),
            "source": self.source,
            "type": _text(found["type"]),
            "person": _text(found["person"]),
            "time": _time(found.get("time")),
            "data": data if isinstance(data, dict) else {} if data is None else {"value": data},
        }
        if before := _text(found.get("previously")):
            document["previously"] = before
        try:
            return read_event(document, now=now)
        except BadEvent as bad:
            raise BadPayload(bad.problem.loc, bad.problem.msg) from bad

    def _find(self, name: str, payload: Any) -> Any:
        try:
            return self.rules[name](payload)
        except MissingValue as missing:
            raise BadPayload(name, f"The field {missing.name} is not in this payload.") from None
        except (TooMuch, TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError,
                RecursionError) as error:  # fmt: skip
            raise BadPayload(name, f"The expression fails on this payload: {str(error)[:200]}.") from None


def compile_mapping(source: str, mapping: Mapping[str, str]) -> CompiledMapping:
    """The mapping, checked. Raises Invalid, which names each attribute that cannot be used."""
    return _compile(source, tuple(sorted((str(name), str(rule)) for name, rule in mapping.items())))


@lru_cache(maxsize=256)
def _compile(source: str, mapping: tuple[tuple[str, str], ...]) -> CompiledMapping:
    rules: dict[str, Rule] = {}
    problems: list[FieldProblem] = []
    given = {name: rule.strip() for name, rule in mapping if rule.strip()}
    for name, rule in given.items():
        try:
            if name not in ATTRIBUTES:
                raise ValueError("This attribute is not known")
            rules[name] = _compile_data(rule) if name == "data" else _compile_rule(rule)
        except (ValueError, TemplateError, RecursionError, SyntaxError) as error:
            problems.append(FieldProblem(loc=name, msg=f"{str(error)[:300].rstrip('.')}."))
    problems += [
        FieldProblem(loc=name, msg="Say where it stands, such as $.customer.email.")
        for name in NEEDED
        if name not in given
    ]
    if problems:
        raise Invalid(f"{problems[0].loc}: {problems[0].msg}", errors=problems)
    return CompiledMapping(source=source, rules=rules, written=given)


def _compile_rule(rule: str) -> Rule:
    if len(rule) > MAX_RULE:
        raise ValueError(f"This is longer than {MAX_RULE:,} characters")
    if "{{" in rule or "{%" in rule:
        return _compile_expression(rule)
    if rule.startswith("$"):
        if not _PATH.fullmatch(rule):
            raise ValueError("This is no path. Write $.customer.email, $.items[0].sku or $['odd name']")
        return _compile_path(rule)
    return lambda _payload: rule


def _compile_path(rule: str) -> Rule:
    steps = [int(index) if index else name or odd for name, index, odd in _STEP.findall(rule)]

    def find(payload: Any) -> Any:
        for step in steps:
            if isinstance(step, int):
                payload = payload[step] if isinstance(payload, list) and step < len(payload) else None
            else:
                payload = payload.get(step) if isinstance(payload, dict) else None
        return payload

    return find


def _compile_expression(rule: str) -> Rule:
    code = _ENVIRONMENT.compile(parse_guarded(_ENVIRONMENT, rule))
    template = _ENVIRONMENT.template_class.from_code(_ENVIRONMENT, code, {})

    def write(payload: Any) -> str:
        fields = payload if isinstance(payload, dict) else {}
        known = {name: value for name, value in fields.items() if value is not None and not name.startswith("_")}
        values = {**_ENVIRONMENT.globals, **known, "payload": payload, BUDGET: [MAX_LOOP_TURNS]}
        pieces = template.root_render_func(template.new_context(values, shared=True))
        text = "".join(islice(pieces, MAX_LOOP_TURNS)).strip()
        if len(text) > _MAX_TEXT:
            raise TooMuch(f"a text of more than {_MAX_TEXT:,} characters")
        return text

    return write


def _compile_data(rule: str) -> Rule:
    """A path, or an object whose texts are rules of their own."""
    if not rule.startswith("{") or rule.startswith(("{{", "{%")):
        return _compile_rule(rule)
    if len(rule) > MAX_RULE:
        raise ValueError(f"This is longer than {MAX_RULE:,} characters")
    try:
        document = json.loads(rule)
    except ValueError as error:
        raise ValueError(f"This is no JSON: {error}") from None
    return _compile_part(document, [_MOST_PARTS], _MAX_DEPTH)


def _compile_part(part: Any, left: list[int], depth: int) -> Rule:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise ValueError(f"Use at most {_MOST_PARTS} fields, nested {_MAX_DEPTH} levels deep")
    if isinstance(part, str):
        return _compile_rule(part)
    if isinstance(part, dict):
        inner = {name: _compile_part(value, left, depth - 1) for name, value in part.items()}
        return lambda payload: {name: value for name, find in inner.items() if (value := find(payload)) is not None}
    if isinstance(part, list):
        finders = [_compile_part(value, left, depth - 1) for value in part]
        return lambda payload: [find(payload) for find in finders]
    return lambda _payload: part


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        if value is None:
            return ""
        raise BadPayload("", f"A text or number is needed, and this is {json.dumps(value)[:100]}.")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _time(value: Any) -> str | None:
    """A text is taken as it is; a number counts seconds or milliseconds since 1970."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"\d{9,13}(\.\d+)?", value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if abs(value) > _MILLISECONDS else value
        try:
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            raise BadPayload("time", "This number is no time.") from None
    return str(value)


__all__ = ["ATTRIBUTES", "NEEDED", "BadPayload", "CompiledMapping", "compile_mapping"]
