"""What the live streams share, whatever carries them: where a reader begins, what it wants, and when it must go."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from pydantic_core import to_json

from cxconsole import clock
from cxconsole.api.journey.tape import wire_event
from cxconsole.api.journey.wire import Caller, is_still_admitted
from cxconsole.audience.recognition import find_people
from cxconsole.errors import Invalid, NotFound
from cxconsole.journey.live import Moment
from cxconsole.journey.reading import EventView

KEEP_ALIVE_SECONDS = 15.0
SLOW_SECONDS = 10.0
"""A reader that takes nothing for so long is dropped; it comes back with the id of the last event it has."""
_GATHER_SECONDS = 0.02

Part = tuple[int, Sequence[Moment]]
"""The id behind which a reader goes on, and what is new for it; nothing new is a sign that the stream lives."""


async def find_followed(call: Caller[Any]) -> int:
    """The person named in the path, by any identity or alias. Raises Forbidden; NotFound for one never seen."""
    name = call.request.path_params["identity"]
    call.holder.require_person(name)

    def find() -> Sequence[int] | None:
        with call.application.database.read() as session:
            return find_people(session, [name]).get(name)

    ids = await asyncio.to_thread(find)
    if ids is None:
        raise NotFound(f"Nobody is known as {name[:100]!r} yet.")
    return ids[0]


async def follow_tape(call: Caller[Any], person_id: int | None) -> tuple[int, AsyncGenerator[Part]]:
    """A live stream, of one person or of everybody, that follows already: the id behind which it begins, and its parts.

    What is wrong with the call is raised here, while it can still be answered. Close the parts.
    """
    live = call.application.live_tape
    after, wishes = _read_place(call), _read_wishes(call)

    async def follow() -> AsyncGenerator[Part]:
        asked_at = monotonic()
        async with live.follow(after=after, person_id=person_id, wishes=wishes, actor=call.holder.actor) as follower:
            yield follower.place or 0, ()
            while not follower.is_over and (left := seconds_left(call)) > 0:
                found = await live.take(follower, min(KEEP_ALIVE_SECONDS, left))
                if monotonic() - asked_at >= KEEP_ALIVE_SECONDS:
                    asked_at = monotonic()
                    if not await is_still_admitted(call, "stream"):
                        return
                yield follower.place or 0, found
                if person_id is None:
                    await asyncio.sleep(_GATHER_SECONDS)  # under load a part carries many events

    parts = follow()
    try:
        place, _ = await anext(parts)
    except BaseException:
        await parts.aclose()
        raise
    return place, parts


async def write_until_left(writing: Coroutine[Any, Any, None], leaving: Coroutine[Any, Any, None]) -> bool:
    """Write until all is said, which is true, or until the reader is too slow, or has left."""
    tasks = [asyncio.ensure_future(writing), asyncio.ensure_future(leaving)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].done() and tasks[0].exception() is None
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):  # of which being too slow is one
                await task


async def in_time(sending: Awaitable[None]) -> None:
    """Send one piece. Raises TimeoutError when it is not taken, so what waits for a reader is one piece."""
    async with asyncio.timeout(SLOW_SECONDS):
        await sending


def seconds_left(call: Caller[Any]) -> float:
    """How long the token still holds."""
    ends_at = call.holder.expires_at
    return KEEP_ALIVE_SECONDS if ends_at is None else (ends_at - clock.now()).total_seconds()


def body_of(moment: Moment) -> bytes:
    """An event as it goes over the wire."""
    return to_json(wire_event(moment.event))


def _read_place(call: Caller[Any]) -> int | None:
    request = call.request
    given = request.headers.get("last-event-id") or request.query_params.get("lastEventId")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise Invalid.field("Last-Event-ID", "Use the id of an event of this stream, as it was given.")
    return int(given)


def _read_wishes(call: Caller[Any]) -> Callable[[EventView], bool] | None:
    """The filters of the query: `type` and `source`, each once or several times."""
    types = frozenset(call.request.query_params.getlist("type"))
    sources = frozenset(call.request.query_params.getlist("source"))
    if not types and not sources:
        return None
    return lambda event: (not types or event.type in types) and (not sources or event.source in sources)
