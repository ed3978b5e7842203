"""`/v1/journey/identities`: by which names a person is known."""

import asyncio
from typing import Any

from starlette.responses import Response

from cxconsole.api.journey.wire import WireCall, wire_route
from cxconsole.audience.aliases import MOST, AliasesView, get_aliases, list_aliases
from cxconsole.errors import Invalid

_DEFAULT = 50
_MAX_KEY = 2**63 - 1


@wire_route("/v1/journey/identities", "GET", "idmt", "r")
async def list_all(call: WireCall) -> Response:
    """Persons with all their names, by id."""
    after = _read_number(call, "after", 0, _MAX_KEY)
    limit = _read_number(call, "limit", _DEFAULT, MOST)

    def read() -> list[dict[str, Any]]:
        with call.application.database.read() as session:
            found = list_aliases(session, after_id=after, limit=limit, actor=call.holder.actor)
            return [_identity(one) for one in found]

    return call.answer(await asyncio.to_thread(read))


@wire_route("/v1/journey/identities/{identity:path}", "GET", "idmt", "r")
async def get_one(call: WireCall) -> Response:
    """One person, by any name."""

    def read() -> dict[str, Any]:
        with call.application.database.read() as session:
            return _identity(get_aliases(session, call.request.path_params["identity"], actor=call.holder.actor))

    return call.answer(await asyncio.to_thread(read))


def _identity(one: AliasesView) -> dict[str, Any]:
    return {
        "id": str(one.person_id),
        "person": one.name,
        "aliases": list(one.aliases),
        "lastSeen": None if one.last_seen_at is None else one.last_seen_at.isoformat(timespec="milliseconds"),
    }


def _read_number(call: WireCall, name: str, default: int, most: int) -> int:
    given = call.request.query_params.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdecimal() and len(given) < 20 and int(given) <= most):
        raise Invalid.field(name, f"Use a whole number up to {most:,}.")
    return int(given)


ROUTES = [list_all, get_one]
