"""The work of one import: block after block of the file, each stored in one transaction with its progress.

On PostgreSQL two blocks are stored side by side, because there one connection keeps one processor busy. The later one
begins with what the earlier one does not touch (see `store_rows`), and ends when the earlier one is committed. So the
import moves on in the order of the file, and nothing waits in the database for a block that waits here.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import Session

from cxconsole import clock
from cxconsole.audience.csv_format import CsvFormat
from cxconsole.audience.csv_reader import CsvReader, rewrite_plain
from cxconsole.audience.identities import Ahead
from cxconsole.audience.identity_lock import ImportTurn
from cxconsole.audience.import_chunk import Chunk, Moved, Stopped, read_chunk, store_chunk
from cxconsole.audience.import_pace import MANY_ROWS, LogKeeper, Pace, describe_tables
from cxconsole.audience.inspect import make_plan
from cxconsole.database import Database
from cxconsole.journey.tape import append_event
from models.contact import ContactImport, ImportState
from models.event import EventType

log = logging.getLogger("cxconsole.imports")

MOST_ATTEMPTS = 5
_LANES = 2


def run_import(
    database: Database, import_id: int, *, tell: Callable[[], None], should_stop: Callable[[], bool]
) -> None:
    """Work on a claimed import until it ends. `tell` is called after each stored block."""
    with database.read() as session:
        work = session.get(ContactImport, import_id)
    if work is None:
        return
    try:
        if work.attempts > MOST_ATTEMPTS:
            raise Stopped(
                f"The import stopped {MOST_ATTEMPTS} times at the same place (near row {work.records_done + 1:,}). "
                "What was stored before is there; split the file to find the rows that stop it."
            )
        _run(database, work, tell, should_stop)
    except Moved:
        _finish_cancelled(database, work)
    except Stopped as stopped:
        _finish(database, import_id, ImportState.FAILED, error=str(stopped))
    except FileNotFoundError:
        _finish(database, import_id, ImportState.FAILED, error="The uploaded file is gone. Upload it again.")
    tell()


def _run(database: Database, work: ContactImport, tell: Callable[[], None], should_stop: Callable[[], bool]) -> None:
    found = CsvFormat.from_json(work.options["format"])
    plan = make_plan(found, [work.mapping[name] for name in found.headers], work.options["default_region"])
    reader = CsvReader(_prepare_file(work, found), found)
    _begin(database, work, total=reader.size)
    pace = Pace()
    lanes = 1 if database.is_sqlite else _LANES
    underway: deque[Ahead] = deque()
    with ImportTurn(database) as turn, LogKeeper(database) as keeper, ThreadPoolExecutor(lanes) as pool:
        chunk = read_chunk(reader, work.bytes_done, pace.size, work.records_done + found.first_row, plan)
        while chunk.end > chunk.start:
            turn.take()
            following = chunk.number + chunk.records
            free = threading.Event()
            stored = pool.submit(
                _store, database, work, chunk, records_done=following - found.first_row, pace=pace,
                ahead=underway[-1] if underway else None, meanwhile=free.set,
            )  # fmt: skip
            stored.add_done_callback(lambda _future, free=free: free.set())
            underway.append(Ahead(keys=chunk.batch.first_row_of, wait=stored.result))
            free.wait()  # while the database is busy with this block, the next is read
            chunk = read_chunk(reader, chunk.end, pace.size, following, plan)
            is_stopping = should_stop()
            most = 0 if is_stopping or turn.is_wanted() or chunk.end == chunk.start else lanes - 1
            while len(underway) > most:
                underway.popleft().wait()
                keeper.after_commit()
                tell()
            if is_stopping:
                with database.write() as session:
                    _update(session, work.id, lease_until=None)
                return
            if not underway:
                turn.hand_on()
    if chunk.number >= MANY_ROWS:
        describe_tables(database)
    _finish(database, work.id or 0, ImportState.DONE)


def _store(
    database: Database,
    work: ContactImport,
    chunk: Chunk,
    *,
    records_done: int,
    pace: Pace,
    ahead: Ahead | None,
    meanwhile: Callable[[], None],
) -> None:
    with database.write() as session:
        pace.begin_step(session)
        begun = time.monotonic()
        store_chunk(session, work, chunk, records_done=records_done, ahead=ahead, meanwhile=meanwhile)
    pace.end_step(size=chunk.end - chunk.start, rows=chunk.records, seconds=time.monotonic() - begun)


def _prepare_file(work: ContactImport, found: CsvFormat) -> Path:
    path = Path(work.path)
    if not found.needs_rewriting:
        return path
    plain = path.with_name(path.name + ".plain")
    rewrite_plain(path, plain, found)
    return plain


def _begin(database: Database, work: ContactImport, *, total: int) -> None:
    with database.write() as session:
        table = ContactImport.__table__  # type: ignore[attr-defined]
        now = clock.now()
        begun = session.execute(
            update(table)
            .where(table.c.id == work.id, table.c.state.in_([ImportState.QUEUED, ImportState.RUNNING]))
            .values(state=ImportState.RUNNING, started_at=work.started_at or now, bytes_total=total)
        )
        if begun.rowcount == 0:  # type: ignore[attr-defined]
            raise Moved


def _update(session: Session, import_id: int | None, **values: Any) -> None:
    table = ContactImport.__table__  # type: ignore[attr-defined]
    session.execute(update(table).where(table.c.id == import_id).values(**values))


def _finish(database: Database, import_id: int, state: ImportState, *, error: str | None = None) -> None:
    """End an import that is running; one that was cancelled meanwhile keeps what was asked for."""
    with database.write() as session:
        work = session.get(ContactImport, import_id, with_for_update=True)
        if work is None or work.state not in (ImportState.QUEUED, ImportState.RUNNING, ImportState.CANCELLING):
            return
        _end(session, work, state, error, clock.now())
    _remove_files(work)


def _finish_cancelled(database: Database, begun: ContactImport) -> None:
    with database.write() as session:
        work = session.get(ContactImport, begun.id, with_for_update=True)
        if work is not None:
            if work.state != ImportState.CANCELLING:
                return  # somebody else is at it
            _end(session, work, ImportState.CANCELLED, None, clock.now())
    _remove_files(begun)


def _end(session: Session, work: ContactImport, state: ImportState, error: str | None, now: datetime) -> None:
    work.state, work.error, work.finished_at, work.lease_until = state, error, now, None
    session.add(work)
    append_event(
        session, EventType.IMPORT_FINISHED, now=now, actor=work.actor, campaign_id=work.campaign_id,
        data={"import_id": work.id, "source_id": work.source_id, "state": state.value},
    )  # fmt: skip
    log.info("action=import_finished import_id=%s state=%s", work.id, state)


def _remove_files(work: ContactImport) -> None:
    path = Path(work.path)
    for gone in (path, path.with_name(path.name + ".plain")):
        gone.unlink(missing_ok=True)
