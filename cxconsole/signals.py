"""Who wants to know what, inside one process.

A signal says "look again", never what has changed: the database row is the truth, so a lost or
doubled signal costs a moment and never a fact. Topics are plain strings, listed in `topics`.
Safe to call from any thread.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class topics:
    """The names of signals, in one place."""

    WORK = "work"  # something may be due: wakes the engine
    DELIVERIES = "deliveries"  # deliveries were made: wakes the senders
    ROOM = "room"  # the senders' backlog runs low: wakes who makes deliveries
    IMPORTS = "imports"  # an import is queued, moved or ended
    CAMPAIGNS = "campaigns"  # any campaign's state or numbers moved
    GATEWAYS = "gateways"  # a gateway was changed, tested, slowed or stopped
    SANDBOX = "sandbox"  # the sandbox inbox has news
    SUPPRESSIONS = "suppressions"  # someone must not be contacted any more
    HOOKS = "hooks"  # another system has sent something to a webhook
    TAPE = "tape"  # something was written about a person that no other topic tells

    @staticmethod
    def campaign(campaign_id: int) -> str:
        """The numbers of one campaign."""
        return f"campaign:{campaign_id}"


class Subscription:
    """One listener on one event loop. Signals that arrive while it is busy become one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake the listener; may be called from any thread, also after its loop has closed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait for a signal. True if one came, False when the time ran out."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Signals:
    """The switchboard of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Subscription]] = defaultdict(set)

    def publish(self, *names: str) -> None:
        """Wake all who listen to any of these topics. Call it after the commit."""
        with self._lock:
            listeners = {one for name in names for one in self._listeners.get(name, ())}
        for listener in listeners:
            listener.notify()

    @contextmanager
    def subscribe(self, *names: str) -> Iterator[Subscription]:
        """Listen to these topics on the running event loop, until the block ends."""
        listener = Subscription(asyncio.get_running_loop())
        with self._lock:
            for name in names:
                self._listeners[name].add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                for name in names:
                    self._listeners[name].discard(listener)
