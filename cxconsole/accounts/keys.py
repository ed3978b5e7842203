"""API keys: how other systems prove who they are, and what each of them may do.

A key is 256 random bits, so its SHA-256 is kept and not a slow password hash: there is no short or
human-made text to guess from the hash, and every request has to be checked.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Invalid, NotFound
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.system import ApiKey

RIGHTS: dict[str, dict[str, str]] = {
    "campaigns": {
        "read": "See campaigns and their numbers",
        "edit": "Make, change, copy and delete campaigns",
        "publish": "Publish, pause and end campaigns, pause all sending",
    },
    "contacts": {
        "read": "See contacts, their trails and imports",
        "edit": "Add contacts to campaigns, change and remove them",
        "export": "Download contacts and rejected rows",
    },
    "templates": {"read": "See templates and previews", "edit": "Write templates and send tests"},
    "gateways": {"read": "See gateways and the sandbox inbox", "edit": "Set up, test and switch off gateways"},
    "suppressions": {"read": "See who must not be contacted", "edit": "Suppress addresses and release them"},
    "persons": {
        "read": "Find people and see their addresses",
        "edit": "Change people",
        "export": "Take out all about a person",
        "erase": "Erase people for good",
    },
    "comms": {
        "read": "See messages and their states",
        "edit": "Send single messages, retry and cancel messages, report on them",
    },
    "events": {
        "read": "See the events of every person",
        "write": "Send events",
        "edit": "Change what sources may send, and release what was set aside",
    },
    "profiles": {"read": "See what profile views say of a person", "edit": "Make, change and delete profile views"},
    "jobs": {"read": "See the background work", "edit": "Run, pause and resume background work"},
    "keys": {"edit": "Make and revoke keys"},
}
"""What can be allowed, by area, and in plain words; `campaigns.read` is a right, `campaigns.*` all of its area."""

_COMPARTMENT = re.compile(r"profile\.(?:\*|[a-z0-9][a-z0-9_-]{0,39})", re.ASCII)
"""Attributes of profile views that are kept to some, such as `profile.billing`: views name the compartments."""
EVERYTHING = "*"
MAX_NAME = 120
PREFIX = "cxk_"
_SHOWN = len(PREFIX) + 6
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class KeyView:
    """A key as people see it: everything but the key."""

    id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


def parse_scopes(scopes: Sequence[str]) -> list[str]:
    """The rights that these scopes name, without repeats; `all` is everything. Raises Invalid."""
    known = {EVERYTHING, *(f"{area}.*" for area in RIGHTS)}
    known |= {f"{area}.{verb}" for area, verbs in RIGHTS.items() for verb in verbs}
    rights = dict.fromkeys(EVERYTHING if scope.strip() == "all" else scope.strip() for scope in scopes)
    unknown = [right for right in rights if right not in known and not _COMPARTMENT.fullmatch(right)]
    if unknown or not rights:
        raise Invalid.field("scopes", f"Unknown: {', '.join(unknown) or 'none given'}. Use all, or {_choices()}.")
    return [EVERYTHING] if EVERYTHING in rights else list(rights)


def describe_right(right: str) -> str:
    """What it allows, in plain words; also of a whole area (`contacts.*`) and of everything (`*`)."""
    if right == EVERYTHING:
        return "Everything, also what comes later"
    area, _, verb = right.partition(".")
    if area == "profile":
        return "See all of a profile" if verb == "*" else f"See what profile views keep to {verb}"
    words = RIGHTS.get(area, {})
    return ". ".join(words.values()) if verb == "*" else words.get(verb, right)


def create_key(
    session: Session,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    *,
    actor: Actor,
    now: datetime,
) -> tuple[ApiKey, str]:
    """A new key and its plain text, which is told this once and kept nowhere. Raises Invalid."""
    actor.require("keys.edit")
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid.field(
            "name", f"Give the key a name of 1 to {MAX_NAME} characters, such as the system's that uses it."
        )
    if expires_at is not None and expires_at <= now:
        raise Invalid.field("expires_at", "The key would have expired already.")
    plaintext = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        name=name,
        prefix=plaintext[:_SHOWN],
        key_hash=_hash(plaintext),
        scopes=parse_scopes(scopes),
        expires_at=expires_at,
        created_at=now,
    )
    session.add(row)
    session.flush()
    data = {"key_id": row.id, "scopes": row.scopes}
    append_event(session, EventType.KEY_CREATED, now=now, actor=actor.name, data=data)
    return row, plaintext


def find_key(session: Session, plaintext: str, *, now: datetime) -> Actor | None:
    """Who holds this key; None when it is unknown, revoked or expired."""
    row = _find_row(session, plaintext)
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return Actor(kind="key", name=f"key:{row.id}", rights=frozenset(row.scopes))


def is_use_unnoted(session: Session, plaintext: str, *, now: datetime) -> bool:
    """Whether the last noted use of the key is more than a minute ago."""
    row = _find_row(session, plaintext)
    return row is not None and (row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY)


def note_use(session: Session, plaintext: str, *, now: datetime) -> None:
    """Note that the key was used just now."""
    row = _find_row(session, plaintext)
    if row is not None:
        row.last_used_at = now
        session.add(row)


def list_keys(session: Session, *, actor: Actor) -> list[KeyView]:
    """All keys, newest first."""
    actor.require("keys.edit")
    return [_view(row) for row in session.exec(select(ApiKey).order_by(col(ApiKey.id).desc())).all()]


def revoke_key(session: Session, key_id: int, *, actor: Actor, now: datetime) -> None:
    """End a key at once; doing it twice changes nothing. Raises NotFound."""
    actor.require("keys.edit")
    row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFound(f"There is no key {key_id}.")
    if row.revoked_at is None:
        row.revoked_at = now
        session.add(row)
        append_event(session, EventType.KEY_REVOKED, now=now, actor=actor.name, data={"key_id": key_id})


def _hash(plaintext: str) -> str:
    return hashlib.sha256(plaintext.encode()).hexdigest()


def _find_row(session: Session, plaintext: str) -> ApiKey | None:
    return session.exec(select(ApiKey).where(ApiKey.key_hash == _hash(plaintext))).first()


def _view(row: ApiKey) -> KeyView:
    return KeyView(
        id=row.id or 0,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        created_at=row.created_at,
    )


def _choices() -> str:
    areas = [f"{area}.{'|'.join(verbs)}" for area, verbs in RIGHTS.items()]
    return ", ".join([*areas, "profile.<compartment>"])
