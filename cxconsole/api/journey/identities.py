"""`/v1/journey/identities`: by which names a person is known, and giving or taking away some."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from cxconsole import clock
from cxconsole.api.journey.wire import WireCall, bad_fields, say_time, wire_route
from cxconsole.audience.aliases import (
    MOST,
    AliasesView,
    add_aliases,
    forget_names,
    get_aliases,
    list_aliases,
    remove_aliases,
)
from cxconsole.errors import FieldProblem, Invalid
from cxconsole.signals import topics

_PATH = "/v1/journey/identities"
_DEFAULT = 50
_MAX_KEY = 2**63 - 1


@wire_route(_PATH, "GET", "idmt", "r")
async def list_all(call: WireCall) -> Response:
    """Persons with all their names, by id."""
    after = _read_number(call, "after", 0, _MAX_KEY)
    limit = _read_number(call, "limit", _DEFAULT, MOST)

    def read() -> list[dict[str, Any]]:
        with call.application.database.read() as session:
            found = list_aliases(session, after_id=after, limit=limit, actor=call.holder.actor)
            return [_identity(one) for one in found]

    return call.answer(await asyncio.to_thread(read))


@wire_route(_PATH + "/{identity:path}", "GET", "idmt", "r")
async def get_one(call: WireCall) -> Response:
    """One person, by any name."""

    def read() -> dict[str, Any]:
        with call.application.database.read() as session:
            return _identity(get_aliases(session, call.request.path_params["identity"], actor=call.holder.actor))

    return call.answer(await asyncio.to_thread(read))


@wire_route(_PATH + "/{identity:path}/aliases", "POST", "idmt", "w")
async def add(call: WireCall) -> Response:
    """Further names: `{aliases: [...]}`."""
    return call.answer(_identity(await _change(call, add_aliases, await _read_aliases(call))))


@wire_route(_PATH + "/{identity:path}/aliases", "DELETE", "idmt", "w")
async def remove(call: WireCall) -> Response:
    """Names that go: `{aliases: [...]}`."""
    return call.answer(_identity(await _change(call, remove_aliases, await _read_aliases(call))))


@wire_route(_PATH + "/{identity:path}", "DELETE", "idmt", "w")
async def forget(call: WireCall) -> Response:
    """All names of a person go."""
    count = await _change(call, forget_names)
    return call.answer({"message": f"{count} names are gone; what happened stays on the Tape."})


async def _change(call: WireCall, service: Callable[..., Any], *args: Any) -> Any:
    """What a service answers that changes the person of this address."""

    def run() -> Any:
        name = call.request.path_params["identity"]
        with call.application.database.write() as session:
            return service(session, name, *args, actor=call.holder.actor, now=clock.now())

    changed = await asyncio.to_thread(run)
    call.application.signals.publish(topics.TAPE, topics.WORK, topics.CAMPAIGNS)
    return changed


async def _read_aliases(call: WireCall) -> list[str]:
    body = await call.read_json()
    given = body.get("aliases") if isinstance(body, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given) or set(body) != {"aliases"}:
        raise bad_fields([FieldProblem(loc="aliases", msg="Send a list of names, and nothing else.")], "aliases")
    return given


def _identity(one: AliasesView) -> dict[str, Any]:
    return {
        "id": str(one.person_id),
        "person": one.name,
        "aliases": list(one.aliases),
        "lastSeen": None if one.last_seen_at is None else say_time(one.last_seen_at),
    }


def _read_number(call: WireCall, name: str, default: int, most: int) -> int:
    given = call.request.query_params.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdecimal() and len(given) < 20 and int(given) <= most):
        raise Invalid.field(name, f"Use a whole number up to {most:,}.")
    return int(given)


ROUTES = [list_all, get_one, add, remove, forget]  # aliases before what would take them for a part of a name
