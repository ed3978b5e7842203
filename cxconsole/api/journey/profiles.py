"""`/v1/journey/views` and `/v1/journey/profileview`: profile views, and what they come to for a person.

A view is built while the caller waits, which takes some milliseconds, so nobody is ever told to come back. The answers
have what the contract names, and the same under `data`, because its SDKs look in either place.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json
from sqlmodel import Session
from starlette.responses import Response

from cxconsole import clock
from cxconsole.api.journey.tape import wire_event
from cxconsole.api.journey.wire import WireCall, respond, wire_route
from cxconsole.audience.recognition import find_people
from cxconsole.errors import FieldProblem, Forbidden, Invalid
from cxconsole.journey.attributes import say_attribute
from cxconsole.journey.filtering import names_in, parse_filter
from cxconsole.journey.profile_cache import MAX_AGE
from cxconsole.journey.profile_views import View, delete_view, list_views, save_view, say_view
from cxconsole.journey.profiles import (
    MOST_TAKEN,
    AttributeResult,
    Profile,
    Search,
    plain,
    preview_profile,
    read_profile,
    read_taken_events,
)
from cxconsole.journey.reading import EventView
from cxconsole.signals import topics

_TEMPLATES = "/v1/journey/views/templates"
_VIEWS = "/v1/journey/views"
_HOUR, _MINUTE = "X-CACHE-MAXAGE-HOUR", "X-CACHE-MAXAGE-MIN"
_MOST_AGE = 100_000
_BUILT_NOW = timedelta(0)


@wire_route(_TEMPLATES, "POST", "profile", "w")
async def save(call: WireCall) -> Response:
    """Make a view, or replace the one with this id."""
    document = await call.read_json()
    actor, now = call.holder.actor, clock.now()
    view = await asyncio.to_thread(_write, call, lambda session: save_view(session, document, actor=actor, now=now))
    return call.answer({"message": f"The view {view.key!r} is saved.", **_view(view)}, status=201)


@wire_route(_TEMPLATES, "GET", "profile", "r")
async def list_all(call: WireCall) -> Response:
    """All views, or the one with the id asked for."""
    call.holder.require_person(None)
    key = _parameters(call, {"id"}).get("id")

    def read() -> list[dict[str, Any]]:
        with call.application.database.read() as session:
            views = list_views(session, actor=call.holder.actor)
            return [_view(one) for one in views if key is None or one.key == key]

    return call.answer(await asyncio.to_thread(read))


@wire_route(_TEMPLATES, "DELETE", "profile", "w")
async def delete(call: WireCall) -> Response:
    """Take a view away."""
    key = _need(_parameters(call, {"id"}), "id", "Id")
    actor, now = call.holder.actor, clock.now()
    await asyncio.to_thread(_write, call, lambda session: delete_view(session, key, actor=actor, now=now))
    return call.answer({"message": f"The view {key!r} is gone."})


@wire_route(_VIEWS, "POST", "profile", "rw")
async def build(call: WireCall) -> Response:
    """Build a view of a person, unless one is there that is young enough; says where it can be read."""
    asked = _parameters(call, {"viewid", "personid", "searchfilter", "skipcache", "templateid"})
    key, person = _need_view(asked), _need(asked, "personid", "PersonId")
    search = asked.get("searchfilter", "")
    age = _read_age(call, asked)
    await asyncio.to_thread(_read_view, call, key, person, search, age)
    instance = clock.now().strftime("%Y%m%d%H%M%S%f")
    query = {"ViewId": key, "PersonId": person, "instanceId": instance, **({"SearchFilter": search} if search else {})}
    told = {"id": instance, "getUriStatusQuery": f"{call.application.settings.base_url}{_VIEWS}?{urlencode(query)}"}
    return respond({"meta": call.meta, **told, "data": told})


@wire_route(_VIEWS, "GET", "profile", "r")
async def get(call: WireCall) -> Response:
    """A view of a person."""
    asked = _parameters(call, {"viewid", "personid", "searchfilter", "skipcache", "templateid", "instanceid"})
    key, person = _need_view(asked), _need(asked, "personid", "PersonId")
    call.holder.require_person(person)
    call.holder.require_view(key)
    if call.holder.person is not None and asked.get("searchfilter"):
        raise Forbidden("This token reads views as they are, without a SearchFilter.")
    age = _read_age(call, asked)
    view = await asyncio.to_thread(_read_view, call, key, person, asked.get("searchfilter", ""), age)
    status = {"runtimeStatus": "Completed", "instanceId": asked.get("instanceid")}
    return respond({"meta": call.meta, **status, **view, "data": {**status, "output": view}})


@wire_route("/v1/journey/profileview", "POST", "profile", "rw")
async def build_given(call: WireCall) -> Response:
    """What the view in the body comes to; it is not kept."""
    person = _need(_parameters(call, {"personid"}), "personid", "PersonId")
    document = await call.read_json()

    def read() -> dict[str, Any]:
        actor, now = call.holder.actor, clock.now()
        with call.application.database.read() as session:
            family = find_people(session, {person}).get(person, [])
            profile = preview_profile(session, document, family, actor=actor, now=now)
            return _profile(profile, person, read_taken_events(session, profile, actor=actor))

    return respond({"meta": call.meta, **await asyncio.to_thread(read)})


def _read_view(call: WireCall, key: str, person: str, search: str, age: timedelta) -> dict[str, Any]:
    tree = parse_filter(search) if search.strip() else None
    with call.application.database.read() as session:
        people = find_people(session, {person} | (names_in(tree) if tree is not None else set()))
        profile = read_profile(
            session, people.get(person, []), key, profiles=call.application.profiles, max_age=age,
            search=None if tree is None else Search(text=search, tree=tree, people=people),
            actor=call.holder.actor, now=clock.now(),
        )  # fmt: skip
        return _profile(profile, person, read_taken_events(session, profile, actor=call.holder.actor))


def _profile(profile: Profile, person: str, events: dict[int, EventView]) -> dict[str, Any]:
    return {
        "name": profile.name,
        "customerId": person,
        "personId": person,
        "generatedAt": _time(profile.built_at),
        "attributeView": [_result(one, events) for one in profile.results],
    }


def _result(one: AttributeResult, events: dict[int, EventView]) -> dict[str, Any]:
    # each is a text that holds the event: the contract's clients parse them one by one
    taken = [to_json(wire_event(events[key])).decode() for key in one.event_ids[:MOST_TAKEN] if key in events]
    return {
        "queryTemplate": say_attribute(one.attribute),
        "result": ",".join(_text(value) for value in one.values),
        "journeyEvents": taken if one.attribute.verbose else None,
    }


def _text(value: Any) -> str:
    """A value as the contract writes it: a text."""
    given = plain(value)
    return str(given).lower() if isinstance(given, bool) else str(given)


def _view(view: View) -> dict[str, Any]:
    return {**say_view(view), "createdAt": _time(view.created_at), "updatedAt": _time(view.updated_at)}


def _time(at: datetime | None) -> Any:
    return None if at is None else plain(at)


def _write(call: WireCall, work: Callable[[Session], Any]) -> Any:
    with call.application.database.write() as session:
        done = work(session)
    call.application.signals.publish(topics.TAPE)
    return done


def _parameters(call: WireCall, known: set[str]) -> dict[str, str]:
    """The parameters of the query by their names in small letters: the SDKs differ in how they write them."""
    given = {name.lower(): value for name, value in call.request.query_params.items()}
    problems = [FieldProblem(loc=name[:100], msg="This parameter is not known.") for name in given if name not in known]
    problems += [FieldProblem(loc=name, msg="This is no text.") for name in known if "\x00" in given.get(name, "")]
    if problems:
        raise Invalid("The query has parameters that cannot be used.", errors=problems)
    return given


def _need(asked: dict[str, str], name: str, written: str) -> str:
    value = asked.get(name, "").strip()
    if not value:
        raise Invalid.field(written, "This parameter is needed.")
    return value


def _need_view(asked: dict[str, str]) -> str:
    return asked.get("templateid", "").strip() or _need(asked, "viewid", "ViewId")


def _read_age(call: WireCall, asked: dict[str, str]) -> timedelta:
    """How old a kept view may be."""
    if asked.get("skipcache", "").lower() in ("true", "1"):
        return _BUILT_NOW
    hours, minutes = (_read_header(call, name) for name in (_HOUR, _MINUTE))
    return MAX_AGE if hours is None and minutes is None else timedelta(hours=hours or 0, minutes=minutes or 0)


def _read_header(call: WireCall, name: str) -> int | None:
    given = call.request.headers.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10 and int(given) <= _MOST_AGE):
        raise Invalid.field(name, f"Use a whole number up to {_MOST_AGE:,}.")
    return int(given)


ROUTES = [save, list_all, delete, build, get, build_given]
