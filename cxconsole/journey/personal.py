"""Personal fields of events: sealed under the key of the person when they are stored, opened when they are read.

A sealed value is a text that names whose key opens it: `cxs1:<person>:<nonce and ciphertext>`. Who was erased has no
key any more, and what was sealed reads ERASED from then on. The Tape itself never changes.
"""

import base64
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from pydantic_core import from_json, to_json
from sqlmodel import Session

from cxconsole.accounts.vault import Vault
from cxconsole.database import Database
from cxconsole.journey.cloud_event import GivenEvent
from cxconsole.journey.person_keys import PersonKeys
from cxconsole.journey.personal_fields import PersonalFields

ERASED = "erased"
"""What stands where a value of an erased person was."""
SEALED = "cxs1:"
_TOKEN = re.compile(rf"{SEALED}([0-9]{{1,18}}):([A-Za-z0-9_-]+={{0,2}})", re.ASCII)
_NONCE = 12
_INFO = "personal"


@dataclass(frozen=True)
class _Personal:
    """What one process needs to seal and to open."""

    keys: PersonKeys
    fields: PersonalFields


def know_personal(database: Database, vault: Vault) -> None:
    """Let the sessions of this database seal and open personal fields."""
    database.info[_INFO] = _Personal(PersonKeys(vault), PersonalFields())


def seal_events(
    session: Session, events: Sequence[GivenEvent], person_ids: Iterable[int], *, now: datetime
) -> Sequence[GivenEvent]:
    """The events with their personal fields sealed, each under the key of its person."""
    personal: _Personal = session.info[_INFO]
    owners = list(person_ids)
    marked = personal.fields.find(session, events, now=now)
    events = _seal(session, personal, events, owners, marked, _seal_data, now)
    late = personal.fields.find_late(session, events, marked, now=now)
    events = _seal(session, personal, events, owners, late, _seal_data, now)
    outside = personal.fields.find_outside(events)
    return _seal(session, personal, events, owners, outside, _seal_extensions, now)


_Seal = Callable[[Any], str]


def _seal(
    session: Session,
    personal: _Personal,
    events: Sequence[GivenEvent],
    owners: Sequence[int],
    marked: Mapping[int, Sequence[str]],
    change: Callable[[GivenEvent, Sequence[str], _Seal], GivenEvent],
    now: datetime,
) -> Sequence[GivenEvent]:
    """The events with what is named of them, by their places, sealed under the keys of their owners."""
    if not marked:
        return events
    keys = personal.keys.find_or_make(session, (owners[at] for at in marked), now=now)
    sealed = list(events)
    for at, names in marked.items():
        owner = owners[at]
        key = keys[owner]

        def seal(value: Any, owner: int = owner, key: Any = key) -> str:
            nonce = os.urandom(_NONCE)
            hidden = nonce + key.encrypt(nonce, to_json(value, inf_nan_mode="null"), None)
            return f"{SEALED}{owner}:{base64.urlsafe_b64encode(hidden).decode()}"

        sealed[at] = change(events[at], names, seal)
    return sealed


def _seal_data(event: GivenEvent, paths: Sequence[str], seal: _Seal) -> GivenEvent:
    data: Any = event.data
    for path in paths:
        data = change_at(data, path, seal)
    return event._replace(data=data, text=to_json(data, inf_nan_mode="null").decode())


def _seal_extensions(event: GivenEvent, names: Sequence[str], seal: _Seal) -> GivenEvent:
    given = event.extensions or {}
    return event._replace(
        extensions={**given, **{name: seal(given[name]) for name in names if given[name] is not None}}
    )


def open_documents(session: Session, documents: Sequence[Any]) -> Sequence[Any]:
    """Data of events, or parts of it, as it came. What cannot be read any more is ERASED."""
    found: set[str] = set()
    for one in documents:
        _collect(one, found)
    if not found:
        return documents
    opened = _open(session, found)
    return [_swap(one, opened) for one in documents]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of the Tape with its data as it came, or as much of it as somebody may see."""

    row: Any
    data: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


def open_rows(session: Session, rows: Sequence[Any]) -> Sequence[Any]:
    """Rows that have `data`, with their personal fields opened."""
    sealed = [row.data for row in rows]
    opened = open_documents(session, sealed)
    if opened is sealed:
        return rows
    return [ShownRow(row, data) for row, data in zip(rows, opened, strict=True)]


def change_at(value: Any, path: str, change: Callable[[Any], Any]) -> Any:
    """The value with what is at a path of `registry.describe_fields` changed; null stays null."""
    if not path:
        return value if value is None else change(value)
    if isinstance(value, list) and path.startswith("[]"):
        rest = path[2:].removeprefix(".")
        return [change_at(one, rest, change) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: change_at(one, path[len(name) :].removeprefix("."), change)
        if path == name or path.startswith((f"{name}.", f"{name}[]"))
        else one
        for name, one in value.items()
    }


def _open(session: Session, sealed: Iterable[str]) -> dict[str, Any]:
    """What each of these texts holds; one that is none of ours stands for itself."""
    owners = {text: int(match[1]) for text in sealed if (match := _TOKEN.fullmatch(text))}
    known = session.info[_INFO].keys.find(session, owners.values())
    opened: dict[str, Any] = {}
    for text, owner in owners.items():
        if owner in known.gone:
            opened[text] = ERASED
        elif owner in known.keys:
            try:
                hidden = base64.urlsafe_b64decode(text.rsplit(":", 1)[1])
                opened[text] = from_json(known.keys[owner].decrypt(hidden[:_NONCE], hidden[_NONCE:], None))
            except (InvalidTag, ValueError):  # a text of others that only looks like ours
                opened[text] = text
    return opened


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, str):
        if value.startswith(SEALED):
            found.add(value)
    elif isinstance(value, dict):
        for one in value.values():
            _collect(one, found)
    elif isinstance(value, list):
        for one in value:
            _collect(one, found)


def _swap(value: Any, opened: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return opened.get(value, value) if value.startswith(SEALED) else value
    if isinstance(value, dict):
        return {name: _swap(one, opened) for name, one in value.items()}
    return [_swap(one, opened) for one in value] if isinstance(value, list) else value


__all__ = [
    "ERASED", "SEALED", "ShownRow", "change_at", "know_personal", "open_documents", "open_rows", "seal_events",
]  # fmt: skip
