"""Keeps the imports running: takes up what waits, each in a child process, and passes on that it moved."""

import asyncio
import logging
import os
import subprocess
import sys

from sqlalchemy import update

from cxconsole import clock
from cxconsole.audience.import_chunk import LEASE
from cxconsole.audience.imports import claim_import, find_waiting
from cxconsole.database import Database
from cxconsole.signals import Signals, topics
from models.contact import ContactImport

log = logging.getLogger("cxconsole.imports")

_AT_ONCE = 2
_LOOK_SECONDS = 2.0
_STOP_SECONDS = 10.0


class ImportRunner:
    """Supervises the child processes that read files. Several runners on one database do not disturb each other."""

    def __init__(self, database_url: str, signals: Signals, *, at_once: int = _AT_ONCE) -> None:
        self._database = Database(database_url)
        self._signals = signals
        self._at_once = at_once
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Future[tuple[int, int] | None] | None = None

    async def run(self) -> None:
        """Run until cancelled; children then stop after the block at hand."""
        with self._signals.subscribe(topics.IMPORTS) as signal:
            try:
                while True:
                    await self._take_up()
                    await signal.wait(_LOOK_SECONDS)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                if self._looking is not None:
                    await asyncio.wait([self._looking])  # its thread still uses the database
                self._database.dispose()

    async def _take_up(self) -> None:
        while len(self._tasks) < self._at_once:
            try:
                self._looking = asyncio.ensure_future(asyncio.to_thread(self._claim))
                claimed = await asyncio.shield(self._looking)
            except Exception:
                log.exception("action=import_claim_failed")
                return
            if claimed is None:
                return
            task = asyncio.create_task(self._supervise(*claimed))
            self._tasks.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("action=import_supervision_failed", exc_info=task.exception())
        self._signals.publish(topics.IMPORTS)

    def _claim(self) -> tuple[int, int] | None:
        now = clock.now()
        with self._database.read() as session:
            if find_waiting(session, now=now) is None:
                return None
        with self._database.write() as session:
            import_id = claim_import(session, now=now, lease=LEASE)
            if import_id is None:
                return None
            return import_id, session.get_one(ContactImport, import_id).campaign_id

    async def _supervise(self, import_id: int, campaign_id: int) -> None:
        child = await asyncio.to_thread(self._start, import_id)
        assert child.stdout is not None
        told = (topics.IMPORTS, topics.campaign(campaign_id), topics.CAMPAIGNS, topics.WORK)
        try:
            while await asyncio.to_thread(child.stdout.readline):
                self._signals.publish(*told)
            code = await asyncio.to_thread(child.wait)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(_stop, child))
            raise
        finally:
            child.stdout.close()
        if code != 0:
            log.warning("action=import_child_died import_id=%s code=%s", import_id, code)
            await asyncio.sleep(1)
            await asyncio.to_thread(self._release, import_id)
        self._signals.publish(*told)

    def _start(self, import_id: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "cxconsole.audience.import_child", str(import_id)],
            env={**os.environ, "CXCONSOLE_DATABASE_URL": self._database.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )

    def _release(self, import_id: int) -> None:
        """Let the import of a child that died be taken up again at once; its attempts are counted."""
        table = ContactImport.__table__  # type: ignore[attr-defined]
        with self._database.write() as session:
            session.execute(update(table).where(table.c.id == import_id).values(lease_until=None))


def _stop(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
