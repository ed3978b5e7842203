"""The kept connections of one gateway."""

import asyncio
from collections.abc import Awaitable, Callable

from cxconsole.gateways.port import GatewayError
from cxconsole.gateways.smtp.sign_in import SignedIn

IDLE_SECONDS = 60.0
"""A connection that was not used for so long is closed; servers drop idle ones after one to five minutes."""

PROBE_AFTER_SECONDS = 10.0
"""After such a pause a connection is asked whether it still lives, before a message is risked on it."""

CROWDED_SECONDS = 60.0
"""How long one connection fewer is used after the server said 421 to a further one."""


class Pool:
    """Lends connections, the last used first, so that those too many grow idle and are closed."""

    def __init__(self, connect: Callable[[], Awaitable[SignedIn]], *, size: int, recycle_after: int) -> None:
        self._connect = connect
        self._recycle_after = recycle_after
        self._places = asyncio.Semaphore(size)
        self._idle: list[SignedIn] = []
        self._lent = 0
        self._timers: set[asyncio.TimerHandle] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False
        self._watched = False

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        return len(self._idle) + self._lent

    async def take(self, *, fresh: bool = False) -> SignedIn:
        """A connection for one message, to be given back or thrown away. Raises GatewayError."""
        await self._places.acquire()
        try:
            while self._idle and not fresh:
                connection = self._idle.pop()
                if await self._still_good(connection):
                    self._lent += 1
                    return connection
            connection = await self._connect()
        except GatewayError as error:
            if error.code.startswith("421") and self.open_connections:
                self._later(CROWDED_SECONDS, self._places.release)
            else:
                self._places.release()
            raise
        except BaseException:
            self._places.release()
            raise
        self._lent += 1
        return connection

    def give_back(self, connection: SignedIn) -> None:
        """A connection whose dialogue is at its beginning again."""
        self._lent -= 1
        dialogue = connection.dialogue
        if self._closed or not dialogue.usable or dialogue.delivered >= self._recycle_after:
            self._say_goodbye(connection)
        else:
            dialogue.idle_since = asyncio.get_running_loop().time()
            if not self._watched:  # one timer for all: at full speed one for each message would be a great many
                self._watched = True
                self._later(IDLE_SECONDS, self._close_idle)
            self._idle.append(connection)
        self._places.release()

    def throw_away(self, connection: SignedIn) -> None:
        """A connection in an unknown state."""
        self._lent -= 1
        connection.dialogue.abort()
        self._say_goodbye(connection)
        self._places.release()

    async def close(self) -> None:
        """Say goodbye on all idle connections; lent ones follow when they come back."""
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        while self._idle:
            self._say_goodbye(self._idle.pop())
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _still_good(self, connection: SignedIn) -> bool:
        dialogue = connection.dialogue
        pause = asyncio.get_running_loop().time() - dialogue.idle_since
        if dialogue.usable and pause < IDLE_SECONDS and (pause < PROBE_AFTER_SECONDS or await dialogue.alive()):
            return True
        self._say_goodbye(connection)
        return False

    def _close_idle(self) -> None:
        self._watched = False
        now = asyncio.get_running_loop().time()
        while self._idle and now - self._idle[0].dialogue.idle_since >= IDLE_SECONDS:
            self._say_goodbye(self._idle.pop(0))  # the first has waited longest
        if self._idle:
            self._watched = True
            self._later(self._idle[0].dialogue.idle_since + IDLE_SECONDS - now, self._close_idle)

    def _say_goodbye(self, connection: SignedIn) -> None:
        task = asyncio.get_running_loop().create_task(connection.dialogue.leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        timers = self._timers

        def run() -> None:
            timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        timers.add(timer)
