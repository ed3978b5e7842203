"""`GET /v1/journey/events`: the Tape, filtered, or of one person."""

import asyncio
from typing import Any

from starlette.responses import Response

from cxconsole.api.journey.wire import WireCall, respond, say_time, wire_route
from cxconsole.audience.recognition import find_people
from cxconsole.errors import Invalid
from cxconsole.journey.filtering import find_person, names_in, parse_filter
from cxconsole.journey.reading import MOST, EventView, list_person_events, search_events

_DEFAULT = 100
_PARAMETERS = {"$filter", "$top", "filter", "top"}


@wire_route("/v1/journey/events", "GET", "tape", "r")
async def list_events(call: WireCall) -> Response:
    """Events that a filter lets through, newest first."""
    return await asyncio.to_thread(_answer, call, None)


@wire_route("/v1/journey/events/{identity:path}", "GET", "tape", "r")
async def list_events_of(call: WireCall) -> Response:
    """Events of one person, by any identity or alias."""
    return await asyncio.to_thread(_answer, call, call.request.path_params["identity"])


def _answer(call: WireCall, name: str | None) -> Response:
    call.holder.require_person(name)
    given = call.request.query_params
    if unknown := sorted(set(given) - _PARAMETERS):
        raise Invalid.field(unknown[0][:100], "This parameter is not known. Use $filter and $top.")
    text = given.get("$filter") or given.get("filter") or ""
    tree = parse_filter(text) if text.strip() else None
    limit = _read_top(given.get("$top") or given.get("top"))
    about = name if name is not None else (find_person(tree) if tree is not None else None)
    with call.application.database.read() as session:
        people = find_people(session, (names_in(tree) if tree is not None else set()) | ({about} if about else set()))
        actor = call.holder.actor
        if about is None:
            found = search_events(session, filter=tree, people=people, limit=limit, actor=actor)
        else:
            ids = people.get(about, [])
            found = list_person_events(session, ids, filter=tree, people=people, limit=limit, actor=actor)
    return respond({"meta": call.meta, "events": [wire_event(one) for one in found]})


def wire_event(event: EventView) -> dict[str, Any]:
    """An event as the contract writes it: what it came with, `data` as an object."""
    return {
        **event.extensions,
        "specVersion": "1.0",
        "id": event.event_id,
        "source": event.source,
        "type": event.type,
        "person": event.person,
        "time": say_time(event.time),
        "dataContentType": "application/json",
        "data": event.data,
    }


def _read_top(given: str | None) -> int:
    if given is None:
        return _DEFAULT
    if not (given.isascii() and given.isdecimal() and len(given) < 10 and 1 <= int(given) <= MOST):
        raise Invalid.field("$top", f"Use a whole number from 1 to {MOST:,}.")
    return int(given)


ROUTES = [list_events, list_events_of]
__all__ = ["ROUTES", "wire_event"]
