"""`GET /v1/journey/streams`: the Tape as it grows, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cxconsole.api.journey.following import body_of, find_followed, follow_tape, in_time, write_until_left
from cxconsole.api.journey.tape import wire_event
from cxconsole.api.journey.wire import WireCall, respond, wire_route
from cxconsole.audience.recognition import find_people
from cxconsole.journey.live import Moment
from cxconsole.journey.reading import EventView, list_person_events

_RECENT = 100
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class EventStream(Response):
    """Chunks of a stream until the reader goes, or stops reading; then `source`, which they are made of, is closed."""

    def __init__(self, chunks: AsyncGenerator[bytes], source: AsyncGenerator[Any] | None = None) -> None:
        super().__init__()
        self._chunks = chunks
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it."""
        try:
            await write_until_left(self._write(send), _wait_for_leave(receive))
        finally:
            await self._chunks.aclose()
            if self._source is not None:
                await self._source.aclose()  # its follower is let go now, not when it is collected

    async def _write(self, send: Send) -> None:
        is_open = False
        async for chunk in self._chunks:
            if not is_open:  # not before it follows: who sees that it is open misses nothing from then on
                await in_time(send({"type": "http.response.start", "status": 200, "headers": _HEADERS}))
                is_open = True
            await in_time(send({"type": "http.response.body", "body": chunk, "more_body": True}))
        await in_time(send({"type": "http.response.body", "body": b"", "more_body": False}))


async def _wait_for_leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@wire_route("/v1/journey/streams", "GET", "stream", "r")
async def stream_all(call: WireCall) -> Response:
    """Everything, from now on or from behind Last-Event-ID."""
    call.holder.require_person(None)
    return await _follow(call, None)


@wire_route("/v1/journey/streams/historic/{identity:path}", "GET", "stream", "r", also="tape")
async def stream_past(call: WireCall) -> Response:
    """The latest 100 events of a person: oldest first as a stream that ends, newest first for who wants JSON."""
    call.holder.require_person(call.request.path_params["identity"])

    def read() -> Sequence[EventView]:
        with call.application.database.read() as session:
            name = call.request.path_params["identity"]
            ids = find_people(session, [name]).get(name, [])
            return list_person_events(session, ids, limit=_RECENT, actor=call.holder.actor)

    found = await asyncio.to_thread(read)
    wanted = call.request.headers.get("accept", "")
    if "application/json" in wanted and "text/event-stream" not in wanted:
        return respond({"meta": call.meta, "events": [wire_event(one) for one in found]})

    async def chunks() -> AsyncGenerator[bytes]:
        yield b"".join(_frame(Moment(one)) for one in reversed(found)) or b": nothing yet\n\n"

    return EventStream(chunks())


@wire_route("/v1/journey/streams/{identity:path}", "GET", "stream", "r")
async def stream_person(call: WireCall) -> Response:
    """One person, by any identity or alias. 404 for somebody who was never seen."""
    return await _follow(call, await find_followed(call))


async def _follow(call: WireCall, person_id: int | None) -> EventStream:
    begin, parts = await follow_tape(call, person_id)

    async def chunks() -> AsyncGenerator[bytes]:
        yield b": connected\nid: %d\nretry: 2000\n\n" % begin  # an id alone is no event, but a place to go on from
        async for place, found in parts:
            yield b"".join(one.frame or _frame(one) for one in found) or b": still here\nid: %d\n\n" % place

    return EventStream(chunks(), parts)


def _frame(moment: Moment) -> bytes:
    """An event with its id, written once for all who follow."""
    moment.frame = b"id: %d\ndata: %s\n\n" % (moment.event.id, body_of(moment))
    return moment.frame


ROUTES = [stream_all, stream_past, stream_person]
