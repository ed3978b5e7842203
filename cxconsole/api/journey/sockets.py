"""`/v1/journey/streams` over WebSocket: the same streams at the same addresses, for who asks to upgrade.

A message is `{"id": ..., "event": {...}}`. Without an event it says that the stream lives. Behind its id a reader goes
on later, with `lastEventId=`.
"""

from collections.abc import AsyncGenerator

from starlette.websockets import WebSocket

from cxconsole.api.journey.following import (
    Part,
    body_of,
    find_followed,
    follow_tape,
    in_time,
    seconds_left,
    write_until_left,
)
from cxconsole.api.journey.wire import Caller, wire_socket
from cxconsole.journey.live import Moment

TOKEN_ENDED = (4403, "The token has ended.")
"""With which code and reason a stream is closed; 4000 to 4999 are for applications (RFC 6455, 7.4.2)."""
COME_BACK = (1012, "Come back: the console stops, or who may read, or who this person is, has changed.")


@wire_socket("/v1/journey/streams", "stream", "r")
async def follow_all(call: Caller[WebSocket]) -> None:
    """Everything, from now on or from behind lastEventId."""
    call.holder.require_person(None)
    await _serve(call, *await follow_tape(call, None))


@wire_socket("/v1/journey/streams/{identity:path}", "stream", "r")
async def follow_person(call: Caller[WebSocket]) -> None:
    """One person, by any identity or alias."""
    await _serve(call, *await follow_tape(call, await find_followed(call)))


async def _serve(call: Caller[WebSocket], begin: int, parts: AsyncGenerator[Part]) -> None:
    socket = call.request
    try:
        await socket.accept()
        if await write_until_left(_write(socket, begin, parts), _wait_for_leave(socket)):
            # not before nobody listens any more: the server keeps a close back as long as somebody does
            await in_time(socket.close(*(COME_BACK if seconds_left(call) > 0 else TOKEN_ENDED)))
    finally:
        await parts.aclose()


async def _write(socket: WebSocket, begin: int, parts: AsyncGenerator[Part]) -> None:
    await _ping(socket, begin)
    async for place, found in parts:
        for one in found:
            await in_time(socket.send_text(one.message or _message(one)))
        if not found:
            await _ping(socket, place)


async def _ping(socket: WebSocket, place: int) -> None:
    await in_time(socket.send_text(f'{{"id":{place},"event":null}}'))


async def _wait_for_leave(socket: WebSocket) -> None:
    """What a reader says is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _message(moment: Moment) -> str:
    """An event with its id, written once for all who follow."""
    moment.message = f'{{"id":{moment.event.id},"event":{body_of(moment).decode()}}}'
    return moment.message


SOCKETS = [follow_all, follow_person]
