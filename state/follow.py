"""Live pages: read again when something moved, at most four times a second."""

import asyncio
from collections.abc import AsyncIterator

from cxconsole.bootstrap import get_application

PAUSE_SECONDS = 0.25
SAFETY_SECONDS = 2.0
"""When no signal comes we look all the same: another process may have written."""


async def follow(*names: str, safety_seconds: float = SAFETY_SECONDS) -> AsyncIterator[None]:
    """Yield whenever one of the topics was announced, and each `safety_seconds` without one.

    Use it in a background handler started from `on_load`: `async for _ in follow(topics.CAMPAIGNS): ...`.
    It ends when the handler is cancelled, which Reflex does when the page goes.
    """
    with get_application().signals.subscribe(*names) as signal:
        while True:
            await signal.wait(safety_seconds)
            yield
            await asyncio.sleep(PAUSE_SECONDS)
