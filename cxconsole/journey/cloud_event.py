"""An event of others as it comes in: a CloudEvent about a person, checked and ready to be stored.

This is the hot path of the ingest, so the checks are plain code: each costs a fraction of a microsecond, and
what is rare (deep nesting, NUL) is looked for closely only when a cheap look cannot rule it out.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, NamedTuple, NoReturn

from pydantic_core import from_json, to_json

from cxconsole.errors import FieldProblem

MAX_ID = 200
MAX_SOURCE = 300
MAX_TYPE = 120
MAX_NAME = 320
MAX_DATA = 256 * 1024
MAX_DEPTH = 20
MAX_EXTENSIONS = 20
MAX_EXTENSION = 1_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)

OWN_SOURCE = "cxconsole"
_ATTRIBUTES = frozenset(
    {
        "specVersion", "specversion", "id", "source", "type", "person", "previously", "time",
        "dataContentType", "datacontenttype", "data",
    }
)  # fmt: skip


class GivenEvent(NamedTuple):
    """An event that may be stored."""

    event_id: str
    source: str
    type: str
    person: str
    previously: str | None
    time: datetime
    data: Mapping[str, Any]
    text: str
    """`data` as JSON."""
    extensions: Mapping[str, Any] | None
    """CloudEvents attributes that are not ours."""


class BadEvent(Exception):
    """An event that cannot be stored: which field, and what to do."""

    def __init__(self, loc: str, msg: str) -> None:
        super().__init__(f"{loc}: {msg}" if loc else msg)
        self.problem = FieldProblem(loc=loc, msg=msg)


def read_event(document: Any, *, now: datetime) -> GivenEvent:
    """The event of this document. Raises BadEvent."""
    if type(document) is not dict:
        raise BadEvent("", "An event is a JSON object.")
    version = document.get("specVersion") or document.get("specversion")
    if version is not None and version != "1.0":
        raise BadEvent("specVersion", "Only version 1.0 of CloudEvents is read.")
    source = _read_text(document, "source", MAX_SOURCE)
    if source == OWN_SOURCE:
        raise BadEvent("source", f"{OWN_SOURCE!r} is the console itself. Name the system that the event comes from.")
    previously = None
    if document.get("previously") is not None:
        previously = _read_text(document, "previously", MAX_NAME)
    data, text = _read_data(document)
    return GivenEvent(
        _read_text(document, "id", MAX_ID),
        source,
        _read_text(document, "type", MAX_TYPE),
        _read_text(document, "person", MAX_NAME),
        previously,
        now if document.get("time") is None else _read_time(document["time"], now),
        data,
        text,
        None if document.keys() <= _ATTRIBUTES else _read_extensions(document),
    )


def _read_text(document: dict[str, Any], name: str, most: int) -> str:
    value = document.get(name)
    if type(value) is not str:
        raise BadEvent(name, "This field is needed." if value is None else "This is not a text.")
    value = value.strip()
    if not value or len(value) > most or not value.isprintable():
        raise BadEvent(name, f"This needs 1 to {most} printable characters.")
    return value


def _read_time(given: Any, now: datetime) -> datetime:
    try:
        time = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        _refuse_time()
    if time.tzinfo is None or len(given) < 19:
        _refuse_time()
    if time > now + AHEAD:
        raise BadEvent("time", "This is more than a day in the future.")
    if time < EARLIEST:
        raise BadEvent("time", "This is before the year 2000.")
    return time.astimezone(UTC)


def _refuse_time() -> NoReturn:
    raise BadEvent("time", "Write a date and time with its offset, such as 2026-05-19T09:00:00Z.")


def _read_data(document: dict[str, Any]) -> tuple[Mapping[str, Any], str]:
    given = document.get("data")
    if given is None:
        return {}, "{}"
    if type(given) is str:
        given = _read_inner(given, document.get("dataContentType") or document.get("datacontenttype") or "")
    if type(given) is not dict:
        raise BadEvent("data", "This is an object, or a text that holds one as JSON.")
    try:
        text = to_json(given, inf_nan_mode="null").decode()
    except ValueError as error:
        raise BadEvent("data", "This holds text that cannot be stored.") from error
    if len(text) > MAX_DATA:
        raise BadEvent("data", f"This is more than {MAX_DATA // 1024} kB.")
    if text.count("{") + text.count("[") > MAX_DEPTH or "\\u0000" in text:
        _look_closely(given)
    return given, text


def _read_inner(text: str, content_type: Any) -> Any:
    """The document inside a text; a text that is none stands for itself, unless it claims to be JSON."""
    if len(text) > MAX_DATA:
        raise BadEvent("data", f"This is more than {MAX_DATA // 1024} kB.")
    try:
        inner = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        if "json" in str(content_type).lower():
            raise BadEvent("data", "This text is not JSON, although dataContentType says so.") from error
        return {"value": text}
    return inner if isinstance(inner, dict) else {"value": inner}


def _look_closely(data: dict[str, Any]) -> None:
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for one in level:
            parts = [*one.keys(), *one.values()] if isinstance(one, dict) else one
            if any(isinstance(part, str) and "\x00" in part for part in parts):
                raise BadEvent("data", "This holds the character NUL, which cannot be stored.")
            below += [part for part in parts if isinstance(part, dict | list)]
        if not below:
            return
        level = below
    raise BadEvent("data", f"This is nested more than {MAX_DEPTH} levels deep.")


def _read_extensions(document: dict[str, Any]) -> dict[str, Any]:
    extensions = {name: value for name, value in document.items() if name not in _ATTRIBUTES}
    if len(extensions) > MAX_EXTENSIONS:
        raise BadEvent("", f"An event has at most {MAX_EXTENSIONS} attributes besides its own.")
    for name, value in extensions.items():
        if not isinstance(value, str | int | float | bool | None) or not name.isprintable() or len(name) > MAX_NAME:
            raise BadEvent(name[:MAX_NAME], "An attribute of our own making is a text, number or boolean.")
        if isinstance(value, float) and not isfinite(value):
            raise BadEvent(name, "This number is too large.")
        if isinstance(value, str) and (len(value) > MAX_EXTENSION or "\x00" in value):
            raise BadEvent(name, f"This is longer than {MAX_EXTENSION:,} characters, or holds the character NUL.")
    return extensions


__all__ = ["OWN_SOURCE", "BadEvent", "GivenEvent", "read_event"]
