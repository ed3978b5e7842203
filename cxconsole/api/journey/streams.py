"""`GET /v1/journey/streams`: the Tape as it grows, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from cxconsole import clock
from cxconsole.api.journey.tape import wire_event
from cxconsole.api.journey.wire import WireCall, wire_route
from cxconsole.audience.recognition import find_people
from cxconsole.errors import Invalid, NotFound, TooMany
from cxconsole.journey.live import Moment
from cxconsole.journey.reading import EventView, list_person_events

MOST_STREAMS = 2_000
KEEP_ALIVE_SECONDS = 15.0
SLOW_SECONDS = 10.0
"""A reader that takes nothing for so long is dropped; it comes back with the id of the last event it has."""
_RECENT = 100
_GATHER_SECONDS = 0.02
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class EventStream(Response):
    """Chunks of a stream until the reader goes, or stops reading."""

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it; each chunk must be taken within ten seconds, so what waits for a reader is one chunk."""
        writing = asyncio.ensure_future(self._write(send))
        leaving = asyncio.ensure_future(_wait_for_leave(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, leaving):
                task.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await task
            await self._chunks.aclose()  # its follower is let go now, not when it is collected

    async def _write(self, send: Send) -> None:
        try:
            await _send(send, {"type": "http.response.start", "status": 200, "headers": _HEADERS})
            async for chunk in self._chunks:
                await _send(send, {"type": "http.response.body", "body": chunk, "more_body": True})
            await _send(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return  # too slow: it is let go


async def _send(send: Send, message: Message) -> None:
    async with asyncio.timeout(SLOW_SECONDS):
        await send(message)


async def _wait_for_leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@wire_route("/v1/journey/streams", "GET", "stream", "r")
async def stream_all(call: WireCall) -> Response:
    """Everything, from now on or from behind Last-Event-ID."""
    return EventStream(_follow(call, None))


@wire_route("/v1/journey/streams/historic/{identity:path}", "GET", "stream", "r")
async def stream_past(call: WireCall) -> Response:
    """The latest 100 events of a person, oldest first; then the stream ends."""

    def read() -> Sequence[EventView]:
        with call.application.database.read() as session:
            name = call.request.path_params["identity"]
            ids = find_people(session, [name]).get(name, [])
            return list_person_events(session, ids, limit=_RECENT, actor=call.holder.actor)

    found = await asyncio.to_thread(read)

    async def chunks() -> AsyncGenerator[bytes]:
        yield b"".join(_frame(Moment(one)) for one in reversed(found)) or b": nothing yet\n\n"

    return EventStream(chunks())


@wire_route("/v1/journey/streams/{identity:path}", "GET", "stream", "r")
async def stream_person(call: WireCall) -> Response:
    """One person, by any identity or alias. 404 for somebody who was never seen."""
    name = call.request.path_params["identity"]

    def find() -> Sequence[int] | None:
        with call.application.database.read() as session:
            return find_people(session, [name]).get(name)

    ids = await asyncio.to_thread(find)
    if ids is None:
        raise NotFound(f"Nobody is known as {name[:100]!r} yet.")
    return EventStream(_follow(call, ids[0]))


def _follow(call: WireCall, person_id: int | None) -> AsyncGenerator[bytes]:
    """The chunks of a live stream; what is wrong with the call is raised at once."""
    live = call.application.live_tape
    after, wishes = _read_place(call), _read_wishes(call)
    if live.followers >= MOST_STREAMS:
        raise TooMany("Too many streams are open.", retry_after_seconds=30)

    async def chunks() -> AsyncGenerator[bytes]:
        yield b": connected\nretry: 2000\n\n"
        async with live.follow(after=after, person_id=person_id, wishes=wishes) as follower:
            while not _has_expired(call):
                found = await live.take(follower, KEEP_ALIVE_SECONDS)
                yield b"".join(one.frame or _frame(one) for one in found) or b": still here\n\n"
                if person_id is None:
                    await asyncio.sleep(_GATHER_SECONDS)  # under load a chunk carries many events

    return chunks()


def _frame(moment: Moment) -> bytes:
    """An event as it goes over the wire, written once for all who follow."""
    body = to_json(wire_event(moment.event))
    moment.frame = b"id: %d\ndata: %s\n\n" % (moment.event.id, body)
    return moment.frame


def _read_place(call: WireCall) -> int | None:
    request = call.request
    given = request.headers.get("last-event-id") or request.query_params.get("lastEventId")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise Invalid.field("Last-Event-ID", "Use the id of an event of this stream, as it was given.")
    return int(given)


def _read_wishes(call: WireCall) -> Callable[[EventView], bool] | None:
    """The filters of the query: `type` and `source`, each once or several times."""
    types = frozenset(call.request.query_params.getlist("type"))
    sources = frozenset(call.request.query_params.getlist("source"))
    if not types and not sources:
        return None
    return lambda event: (not types or event.type in types) and (not sources or event.source in sources)


def _has_expired(call: WireCall) -> bool:
    return call.holder.expires_at is not None and call.holder.expires_at <= clock.now()


ROUTES = [stream_all, stream_past, stream_person]
