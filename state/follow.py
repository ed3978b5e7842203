"""Live pages: read again when something moved, at most some times a second, once for all who look."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Any

import reflex as rx

from cxconsole.accounts.actor import Actor
from cxconsole.bootstrap import get_application
from state.session import current_actor, read_as

PAUSE_SECONDS = 0.4
SLOW_PAUSE_SECONDS = 1.0
"""A page of a list costs more to read and to paint than a few numbers, and moves under the reader's eyes."""
SAFETY_SECONDS = 2.0
"""When no signal comes we look all the same: another process may have written."""


async def follow(
    *names: str, pause_seconds: float = PAUSE_SECONDS, safety_seconds: float = SAFETY_SECONDS
) -> AsyncIterator[None]:
    """Yield whenever one of the topics was announced, and each `safety_seconds` without one.

    Use it in a background handler started from `on_load`: `async for _ in follow(topics.CAMPAIGNS): ...`.
    It ends when the handler is cancelled, which Reflex does when the page goes.
    """
    with get_application().signals.subscribe(*names) as signal:
        while True:
            await signal.wait(safety_seconds)
            yield
            await asyncio.sleep(pause_seconds)


async def follow_read(
    state: rx.State,
    service: Callable[..., Any],
    *args: Hashable,
    names: tuple[str, ...],
    pause_seconds: float = PAUSE_SECONDS,
    safety_seconds: float = SAFETY_SECONDS,
    **kwargs: Hashable,
) -> AsyncIterator[Any]:
    """Yield what a service answers: first as it is, then whenever the answer has changed.

    All pages that follow the same question share one read of it, however many are open. Answers are
    compared with ==, so a service that is followed returns values (frozen dataclasses), and in them nothing
    that only says what time it is. Raises what the service raises, and ends.
    """
    actor = current_actor(state)
    key = (asyncio.get_running_loop(), service, args, tuple(sorted(kwargs.items())), actor, names, pause_seconds)
    feed = _feeds.get(key)
    if feed is None:
        feed = _feeds[key] = _Feed(actor, service, args, kwargs)
        feed.start(names, pause_seconds, safety_seconds)
    feed.listeners += 1
    seen = 0
    try:
        while True:
            seen = await feed.wait_for_news(seen)
            yield feed.answer
    finally:
        feed.listeners -= 1
        if not feed.listeners or feed.error is not None:
            feed.stop()
            if _feeds.get(key) is feed:
                del _feeds[key]


class _Feed:
    """One question, asked again when its topics move, for all who listen on this loop."""

    def __init__(self, actor: Actor, service: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]):
        self.listeners = 0
        self.answer: Any = None
        self.error: Exception | None = None
        self._ask = lambda: read_as(actor, service, *args, **kwargs)
        self._version = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, names: tuple[str, ...], pause_seconds: float, safety_seconds: float) -> None:
        self._task = asyncio.create_task(self._run(names, pause_seconds, safety_seconds))

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def wait_for_news(self, seen: int) -> int:
        """The number of the newest answer, as soon as it is another than `seen`."""
        while self._version == seen:
            if self.error is not None:
                raise self.error
            await self._news.wait()
        return self._version

    async def _run(self, names: tuple[str, ...], pause_seconds: float, safety_seconds: float) -> None:
        try:
            # subscribed before the first read: what is written during it is not missed
            with get_application().signals.subscribe(*names) as signal:
                while True:
                    answer = await self._ask()
                    if not self._version or answer != self.answer:
                        self.answer, self._version = answer, self._version + 1
                        self._tell()
                    await asyncio.sleep(pause_seconds)
                    await signal.wait(safety_seconds)
        except Exception as error:  # told to each listener, where it is handled or logged
            self.error = error
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


_feeds: dict[Hashable, _Feed] = {}
