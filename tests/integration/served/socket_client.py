"""A WebSocket client that reads only when it is asked to, so that a test can be a slow reader."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

TIMEOUT_SECONDS = 20


class Refused(Exception):
    """The upgrade was refused."""

    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


class Closed(Exception):
    """The server closed, with a code and a reason; without either, the line just ended."""

    def __init__(self, code=None, reason=None):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Socket:
    """One connection. `place` is the id of the last message; `signs_of_life` counts those without an event."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._events = self._protocol.events()
        self.place = None
        self.signs_of_life = 0

    async def upgrade(self, host, target, headers):
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._writer.write(self._protocol.send(Request(host=host, target=target, extra_headers=given)))
        status, body = None, b""
        while True:
            one = await self._take()
            if isinstance(one, AcceptConnection):
                return
            if isinstance(one, RejectConnection):
                status = one.status_code
                if not one.has_body:
                    raise Refused(status, body)
            if isinstance(one, RejectData):
                body += bytes(one.data)
                if one.body_finished:
                    raise Refused(status, body)

    async def send(self, said):
        message = TextMessage(data=said) if isinstance(said, str) else BytesMessage(data=said)
        self._writer.write(self._protocol.send(message))
        await self._writer.drain()

    async def read(self):
        """The next message."""
        text = ""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                one = await self._take()
                if isinstance(one, CloseConnection):
                    raise Closed(one.code, one.reason)
                if isinstance(one, TextMessage):
                    text += one.data
                    if one.message_finished:
                        message = json.loads(text)
                        self.place = message["id"]
                        return message

    async def next(self):
        """(id, event) of the next event."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while (message := await self.read())["event"] is None:
                self.signs_of_life += 1
        return message["id"], message["event"]

    async def types(self, count):
        return [(await self.next())[1]["type"] for _ in range(count)]

    async def _take(self):
        """The next thing of the protocol."""
        while True:
            for one in self._events:
                return one
            found = await self._reader.read(65536)
            if not found:
                raise Closed
            self._protocol.receive_data(found)
            self._events = self._protocol.events()


@asynccontextmanager
async def connected(console, path, headers=None, *, buffer=None, **query):
    """A connection that is upgraded, and of which nothing was read yet."""
    place = urlsplit(console)
    line = socket.socket()
    if buffer:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, (place.hostname, place.port))
    reader, writer = await asyncio.open_connection(sock=line, limit=4096 if buffer else 2**20)
    try:
        client = Socket(reader, writer)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await client.upgrade(place.netloc, f"{path}?{urlencode(query, doseq=True)}", headers or {})
        yield client
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(console, path, headers=None, **query):
    """A connection that follows: nothing is missed from here on."""
    async with connected(console, path, headers, **query) as client:
        assert (await client.read())["event"] is None
        yield client
