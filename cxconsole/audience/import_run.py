"""The work of one import: block after block of the file, each stored in one transaction with its progress.

`bytes_done` moves in the transaction that stores the rows before it, so a crash resumes at the last block
that was stored, and of two workers that take the same import for theirs one finds the byte moved and stops.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from cxconsole import clock
from cxconsole.audience.csv_format import CsvFormat
from cxconsole.audience.csv_reader import Block, CsvReader, rewrite_plain
from cxconsole.audience.identities import Verdict, store_rows
from cxconsole.audience.import_pace import LogKeeper, Pace
from cxconsole.audience.inspect import make_plan
from cxconsole.audience.rows import BadCell, ParsedRow, RowPlan, is_blank
from cxconsole.audience.sources import count_rows
from cxconsole.audience.staging import Origin
from cxconsole.database import Database
from cxconsole.journey.tape import append_event
from models.campaign import Campaign, CampaignState
from models.contact import ContactImport, ImportState, RejectedRow
from models.event import EventType

log = logging.getLogger("cxconsole.imports")

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 5


@dataclass(kw_only=True)
class _Chunk:
    """A block that has been read and checked, on its way into the database."""

    start: int
    number: int
    """The row number of its first record."""
    block: Block
    rows: list[ParsedRow] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    rejected: int = 0
    left_out: int = 0


class _Moved(Exception):
    """The import is not where this worker left it: cancelled, taken over, or gone with its campaign."""


class _Stopped(Exception):
    """The import cannot go on; the message is for people."""


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
            raise _Stopped(
                f"The import stopped {MOST_ATTEMPTS} times at the same place (near row {work.records_done + 1:,}). "
                "What was stored before is there; split the file to find the rows that stop it."
            )
        _run(database, work, tell, should_stop)
    except _Moved:
        _finish_cancelled(database, work)
    except _Stopped as stopped:
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

    def prepare(at: int, number: int) -> _Chunk:
        return check_block(reader.read_block(at, pace.size, first_number=number), at, number, plan)

    # While the database is busy with one block, the next is read and checked on a thread.
    with LogKeeper(database) as keeper, ThreadPoolExecutor(1, thread_name_prefix="reader") as pool:
        chunk = prepare(work.bytes_done, work.records_done + found.first_row)
        while chunk.block.end > chunk.start:
            following: list[Future[_Chunk]] = []

            def read_on(chunk: _Chunk = chunk, following: list[Future[_Chunk]] = following) -> None:
                if not following:
                    following.append(pool.submit(prepare, chunk.block.end, chunk.number + chunk.block.records))

            begun = time.monotonic()
            with database.write() as session:
                pace.begin_step(session)
                begun = time.monotonic()
                done = chunk.number + chunk.block.records - found.first_row
                _store(session, work, chunk, records_done=done, meanwhile=read_on)
            pace.end_step(rows=chunk.block.records, seconds=time.monotonic() - begun)
            keeper.after_commit()
            tell()
            if should_stop():
                with database.write() as session:
                    _update(session, work.id, lease_until=None)
                return
            read_on()
            chunk = following[0].result()
    _finish(database, work.id or 0, ImportState.DONE)


def _prepare_file(work: ContactImport, found: CsvFormat) -> Path:
    path = Path(work.path)
    if not found.needs_rewriting:
        return path
    plain = path.with_name(path.name + ".plain")
    rewrite_plain(path, plain, found)
    return plain


def check_block(block: Block, start: int, number: int, plan: RowPlan) -> _Chunk:
    """Normalise the rows of a block; the database is not asked."""
    chunk = _Chunk(start=start, number=number, block=block)
    for bad in block.bad:
        chunk.refused.append(_refusal(bad.number, bad.problem, bad.raw, is_stored=False))
    parse, keep = plan.parse, chunk.rows.append
    for number, cells in zip(block.numbers, block.cells, strict=True):
        outcome = parse(cells)
        if isinstance(outcome, BadCell):
            if is_blank(cells):
                continue
            chunk.refused.append(_refusal(number, outcome, cells, is_stored=False))
            continue
        keep(outcome)
        if outcome.left_out:
            chunk.left_out += len(outcome.left_out)
            chunk.refused += [_refusal(number, bad, cells, is_stored=True) for bad in outcome.left_out]
    chunk.rejected = sum(not row["is_stored"] for row in chunk.refused)
    chunk.refused.sort(key=lambda row: row["row_number"])
    return chunk


def _refusal(number: int, problem: BadCell, cells: list[str], *, is_stored: bool) -> dict[str, Any]:
    return {
        "row_number": number, "column": problem.column, "value": problem.value[:500], "reason": problem.reason,
        "remedy": problem.remedy, "raw": [cell[:2000] for cell in cells[:1000]], "is_stored": is_stored,
    }  # fmt: skip


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
            raise _Moved


def _store(
    session: Session, work: ContactImport, chunk: _Chunk, *, records_done: int, meanwhile: Callable[[], None]
) -> None:
    now = clock.now()
    table = ContactImport.__table__  # type: ignore[attr-defined]
    state, done = _read_place(session, work)
    if state != ImportState.RUNNING or done != chunk.start:
        raise _Moved
    campaign_state = session.scalar(select(Campaign.state).where(col(Campaign.id) == work.campaign_id))  # type: ignore[call-overload]
    if campaign_state == CampaignState.ENDED:
        raise _Stopped("The campaign has ended meanwhile, and an ended campaign takes no contacts.")
    origin = Origin(campaign_id=work.campaign_id, source_id=work.source_id, actor=work.actor, now=now)
    counts: Counter[Verdict] = Counter()
    if chunk.rows:
        counts = store_rows(session, chunk.rows, origin, meanwhile=meanwhile).counts
    counts[Verdict.REJECTED] += chunk.rejected
    if chunk.refused:
        rejected = RejectedRow.__table__  # type: ignore[attr-defined]
        rows = [{"source_id": work.source_id, **row} for row in chunk.refused]
        session.connection().execute(insert(rejected), rows)
    count_rows(session, work.source_id, counts, left_out=chunk.left_out, now=now)
    session.execute(
        update(table)
        .where(table.c.id == work.id)
        .values(bytes_done=chunk.block.end, records_done=records_done, lease_until=now + LEASE, attempts=0)
    )


def _read_place(session: Session, work: ContactImport) -> tuple[str | None, int]:
    table = ContactImport.__table__  # type: ignore[attr-defined]
    place = select(table.c.state, table.c.bytes_done).where(table.c.id == work.id).with_for_update()
    found = session.execute(place).first()
    return (found[0], found[1]) if found is not None else (None, 0)


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
