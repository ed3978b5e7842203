"""The engine: all jobs and the sender, on a thread and an event loop of their own.

The pages' event loop never waits for it. The same engine runs inside the console's process, as its
child, or on other machines (`python -m cxconsole worker`); it does not know which.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import uvloop

from cxconsole.audience.import_runner import ImportRunner
from cxconsole.bootstrap import Application, build_jobs, build_sender
from cxconsole.jobs import JobRunner

log = logging.getLogger("cxconsole.engine")

_THREADS = 32
_SWITCH_SECONDS = 0.001
"""Threads that wait for each other change places so often: statements are short, and each waits for its turn twice."""


async def run_engine(application: Application) -> None:
    """Run until cancelled."""
    gc.freeze()  # what was loaded at the start stays: no collection looks through it again
    # jobs that wait for the database must not keep the sender from its turn
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="engine"))
    async with asyncio.TaskGroup() as group:
        runner = JobRunner(build_jobs(application), database=application.database, signals=application.signals)
        group.create_task(runner.run())
        group.create_task(build_sender(application).run())
        group.create_task(ImportRunner(application.settings.resolved_database_url, application.signals).run())


def run_worker(application: Application, *, parent: int | None = None) -> None:
    """The engine alone in this process, until SIGTERM or Ctrl-C; what is on the wire is finished first.

    With the process id of its parent it also ends when that one is gone, however it died.
    """

    async def main() -> None:
        task = asyncio.ensure_future(run_engine(application))
        watch = asyncio.ensure_future(_outlive_nobody(task, parent)) if parent else None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task
        if watch is not None:
            watch.cancel()
        log.info("action=engine_stopped")

    sys.setswitchinterval(_SWITCH_SECONDS)
    uvloop.run(main())


async def _outlive_nobody(task: asyncio.Future[None], parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells when a parent is gone
        await asyncio.sleep(0.5)
    task.cancel()


class EngineThread:
    """The engine beside the pages, in the same process."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread; from now on threads change places often, so that pages stay quick."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._thread.start()

    def stop(self, timeout_seconds: float = 15) -> bool:
        """Let what is on the wire finish, then end. False when that took too long."""
        self._started.wait(timeout_seconds)
        if self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._started.set()
        try:
            await run_engine(self._application)
        except asyncio.CancelledError:
            log.info("action=engine_stopped")
