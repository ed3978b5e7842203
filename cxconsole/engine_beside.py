"""The engine beside the pages: in this process, as its child, or not at all, as CXCONSOLE_ENGINE says."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from cxconsole.bootstrap import Application
from cxconsole.engine import EngineThread
from cxconsole.settings import EngineMode

log = logging.getLogger("cxconsole.engine")

_AGAIN_AFTER_SECONDS = 1.0
_END_SECONDS = 20.0


@asynccontextmanager
async def engine_beside(application: Application) -> AsyncIterator[None]:
    """The engine runs as long as the block; at its end, what is on the wire is finished first."""
    mode = application.settings.engine
    if mode is EngineMode.HERE:
        thread = EngineThread(application)
        thread.start()
        try:
            yield
        finally:
            await asyncio.to_thread(thread.stop)
    elif mode is EngineMode.WORKER:
        keeper = asyncio.create_task(_keep_child())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
    else:
        yield


async def _keep_child() -> None:
    """Keep one worker running: start it again when it dies, end it in order when cancelled."""
    while True:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cxconsole", "worker", "--parent", str(os.getpid())
        )
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            child.terminate()
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await child.wait()
            except TimeoutError:
                child.kill()
            raise
        log.warning("action=worker_restarted code=%s The engine's process has ended and is started again.", code)
        await asyncio.sleep(_AGAIN_AFTER_SECONDS)
