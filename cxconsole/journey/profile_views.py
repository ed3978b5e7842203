"""Profile views as they are kept: made, changed, listed, taken away."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from cxconsole.journey.attribute_reader import read_attributes
from cxconsole.journey.attributes import Attribute, say_attribute
from cxconsole.journey.profile_rights import Guard, make_guard, may_see_view
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.profile import ProfileView

MAX_KEY = 200
MAX_NAME = 120
MAX_VIEWS = 200
_ROLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_MAX_POINTS = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class View:
    """A profile view. `key` is its id in the contract."""

    key: str
    name: str
    attributes: tuple[Attribute, ...]
    roles: tuple[str, ...] = ()
    datapoint_count: int = 0
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


def read_view(document: Any) -> View:
    """The view of a document: `{id?, name?, attributes, roles?, datapointCount?}`. Raises Invalid with all problems."""
    if not isinstance(document, dict):
        raise Invalid.field("body", "Send a view as an object with id, name and attributes.")
    given = {str(name).lower(): value for name, value in document.items()}
    problems: list[FieldProblem] = []
    attributes: tuple[Attribute, ...] = ()
    try:
        attributes = read_attributes(given.get("attributes"))
    except Invalid as error:
        problems += error.errors
    key = _read_text(given.get("id"), "id", MAX_KEY, problems)
    name = _read_text(given.get("name"), "name", MAX_NAME, problems) or key[:MAX_NAME]
    roles = given.get("roles") or []
    if not isinstance(roles, list) or not all(isinstance(one, str) and _ROLE.fullmatch(one) for one in roles):
        problems.append(FieldProblem(loc="roles", msg="roles are words of small letters and digits, such as billing."))
        roles = []
    points = given.get("datapointcount") or len(attributes)
    if not isinstance(points, int) or not 0 <= points <= _MAX_POINTS:
        problems.append(FieldProblem(loc="datapointCount", msg="datapointCount is a whole number."))
    if problems:
        raise Invalid(" ".join(one.msg for one in problems[:3]), errors=problems)
    return View(key=key, name=name, attributes=attributes, roles=tuple(dict.fromkeys(roles)), datapoint_count=points)


def say_view(view: View) -> dict[str, Any]:
    """The document of the contract; ours are `roles`, `version` and the times."""
    return {
        "id": view.key, "name": view.name, "datapointCount": view.datapoint_count,
        "attributes": [say_attribute(one) for one in view.attributes], "roles": list(view.roles),
        "version": view.version, "createdAt": view.created_at, "updatedAt": view.updated_at,
    }  # fmt: skip


def save_view(session: Session, document: Any, *, actor: Actor, now: datetime, version: int | None = None) -> View:
    """Make the view, or replace the one with its id; the caller then publishes topics.TAPE.

    With `version`, only if it still is at that. Raises Invalid, Conflict, and Forbidden for what the actor may not see.
    """
    actor.require("profiles.edit")
    given = read_view(document)
    rows = _read_rows(session)
    guard = guard_of(rows, actor)
    row = next((one for one in rows if one.key == given.key), None) if given.key else None
    _check_sight(guard, [*(read_attributes(row.attributes) if row else ()), *given.attributes])
    if version is not None and (row is None or row.version != version):
        raise Conflict("This view was changed or taken away after you read it. Load it again and repeat your change.")
    if row is None:
        if len(rows) >= MAX_VIEWS:
            raise Conflict(f"There are {MAX_VIEWS} views; take one away first.")
        key = given.key or _make_key(given.name, {one.key for one in rows})
        row = ProfileView(key=key, name=given.name or key, version=0, created_at=now, updated_at=now)
    row.name, row.is_demo = given.name or row.name, False  # what somebody has changed is theirs
    row.attributes = [say_attribute(one) for one in given.attributes]
    row.roles, row.datapoint_count = list(given.roles), given.datapoint_count
    row.version, row.updated_at = row.version + 1, now
    session.add(row)
    session.flush()
    data = {"view": row.key, "change": "created" if row.version == 1 else "changed"}
    append_event(session, EventType.PROFILE_CHANGED, now=now, actor=actor.name, data=data)
    return view_of(row)


def delete_view(session: Session, key: str, *, actor: Actor, now: datetime) -> None:
    """Take a view away. Raises NotFound, and Forbidden for one with what the actor may not see."""
    actor.require("profiles.edit")
    rows = _read_rows(session)
    row = next((one for one in rows if one.key == key), None)
    if row is None:
        raise NotFound(f"There is no view {key[:80]!r}.")
    _check_sight(guard_of(rows, actor), read_attributes(row.attributes))
    session.delete(row)
    data = {"view": key, "change": "deleted"}
    append_event(session, EventType.PROFILE_CHANGED, now=now, actor=actor.name, data=data)


def list_views(session: Session, *, actor: Actor) -> list[View]:
    """The views that are for this actor, in the order in which they were made, without what the actor may not see."""
    actor.require("profiles.read")
    rows = _read_rows(session)
    guard = guard_of(rows, actor)
    views = [view_of(row) for row in rows if may_see_view(actor, row.roles)]
    return [_without_hidden(view, guard) for view in views]


def get_view(session: Session, key: str, *, actor: Actor) -> View:
    """One view, as `list_views` has it. Raises NotFound."""
    found = next((one for one in list_views(session, actor=actor) if one.key == key), None)
    if found is None:
        raise NotFound(f"There is no view {key[:80]!r}.")
    return found


def load_views(session: Session) -> list[View]:
    """All views, whole: for who then sees to the rights."""
    return [view_of(row) for row in _read_rows(session)]


def read_guard(session: Session, *, actor: Actor) -> Guard:
    """What all the views keep from the actor, now."""
    return make_guard(actor, () if actor.may_all else load_compartments(session))


def load_compartments(session: Session) -> tuple[Attribute, ...]:
    """All attributes that some view keeps to a compartment."""
    return tuple(one for row in _read_rows(session) for one in read_attributes(row.attributes) if one.compartment)


def guard_of(rows: Sequence[ProfileView], actor: Actor) -> Guard:
    """What all the views keep from the actor."""
    return make_guard(actor, [one for row in rows for one in read_attributes(row.attributes)])


def view_of(row: ProfileView) -> View:
    """A row as a view."""
    return View(
        key=row.key, name=row.name, attributes=read_attributes(row.attributes), roles=tuple(row.roles),
        datapoint_count=row.datapoint_count, version=row.version, created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def _read_rows(session: Session) -> list[ProfileView]:
    return list(session.exec(select(ProfileView).order_by(col(ProfileView.id))))


def _without_hidden(view: View, guard: Guard) -> View:
    seen = tuple(one for one in view.attributes if not guard.hides(one))
    return replace(view, attributes=seen)


def _check_sight(guard: Guard, attributes: Sequence[Attribute]) -> None:
    hidden = [one.name for one in attributes if guard.hides(one)]
    if hidden:
        raise Forbidden(f"{guard.actor.name} may not see {', '.join(hidden[:5])}: others must change this view.")


def _read_text(value: Any, field: str, most: int, problems: list[FieldProblem]) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if value is not None and (not isinstance(value, str) or len(text) > most or not text.isprintable()):
        problems.append(FieldProblem(loc=field, msg=f"{field} is a text of at most {most} printable characters."))
        return ""
    return text


def _make_key(name: str, taken: set[str]) -> str:
    key = re.sub(r"\W+", "-", name.lower()).strip("-")[:MAX_NAME]
    return key if key and key not in taken else f"{key or 'view'}-{uuid.uuid4().hex[:8]}"


__all__ = [
    "View", "delete_view", "get_view", "guard_of", "list_views", "load_compartments", "load_views", "read_guard",
    "read_view", "save_view", "say_view", "view_of",
]  # fmt: skip
