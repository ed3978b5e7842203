"""One block of an import: read and checked, then stored in one transaction together with the progress.

`bytes_done` moves in the transaction that stores the rows before it, so a crash resumes at the last block
that was stored, and of two workers that take the same import for theirs one finds the byte moved and stops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from cxconsole import clock
from cxconsole.audience.csv_reader import CsvReader
from cxconsole.audience.grouping import Batch, group_rows
from cxconsole.audience.identities import Ahead, Verdict, store_rows
from cxconsole.audience.identity_lock import share_identities
from cxconsole.audience.rows import BadCell, ParsedRow, RowPlan, is_blank
from cxconsole.audience.sources import count_rows
from cxconsole.audience.staging import Origin
from models.campaign import Campaign, CampaignState
from models.contact import ContactImport, ImportState, RejectedRow

LEASE = timedelta(seconds=60)
_PIECE = 256 * 1024


class Moved(Exception):
    """The import is not where this worker left it: cancelled, taken over, or gone with its campaign."""


class Stopped(Exception):
    """The import cannot go on; the message is for people."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A block of the file that has been read and checked, on its way into the database."""

    start: int
    end: int
    """The byte after its last record."""
    number: int
    """The row number of its first record."""
    records: int
    batch: Batch
    refused: list[dict[str, Any]]
    rejected: int
    left_out: int


def read_chunk(reader: CsvReader, start: int, size: int, number: int, plan: RowPlan) -> Chunk:
    """Read about `size` bytes and normalise the rows; the database is not asked. At the end, `end` is `start`."""
    rows: list[ParsedRow] = []
    refused: list[dict[str, Any]] = []
    rejected = left_out = records = 0
    end, goal = start, start + size
    while end < goal:  # a piece at a time, because its text and cells take several times the room of the rows
        block = reader.read_block(end, min(_PIECE, goal - end), first_number=number + records)
        if block.end == end:
            break
        refused += [_refusal(bad.number, bad.problem, bad.raw, is_stored=False) for bad in block.bad]
        rejected += len(block.bad)
        for at, cells in zip(block.numbers, block.cells, strict=True):
            outcome = plan.parse(cells)
            if isinstance(outcome, BadCell):
                if not is_blank(cells):
                    refused.append(_refusal(at, outcome, cells, is_stored=False))
                    rejected += 1
                continue
            rows.append(outcome)
            if outcome.left_out:
                left_out += len(outcome.left_out)
                refused += [_refusal(at, bad, cells, is_stored=True) for bad in outcome.left_out]
        end, records = block.end, records + block.records
    refused.sort(key=lambda row: row["row_number"])
    return Chunk(
        start=start, end=end, number=number, records=records, batch=group_rows(rows), refused=refused,
        rejected=rejected, left_out=left_out,
    )  # fmt: skip


def _refusal(number: int, problem: BadCell, cells: list[str], *, is_stored: bool) -> dict[str, Any]:
    return {
        "row_number": number, "column": problem.column, "value": problem.value[:500], "reason": problem.reason,
        "remedy": problem.remedy, "raw": [cell[:2000] for cell in cells[:1000]], "is_stored": is_stored,
    }  # fmt: skip


def store_chunk(
    session: Session,
    work: ContactImport,
    chunk: Chunk,
    *,
    records_done: int,
    ahead: Ahead | None,
    meanwhile: Callable[[], None],
) -> None:
    """Store the rows and move the import on. Raises Moved or Stopped, and whatever befell the chunk `ahead`."""
    share_identities(session)
    if ahead is None:
        _check_place(session, work, chunk)
    now = clock.now()
    origin = Origin(campaign_id=work.campaign_id, source_id=work.source_id, actor=work.actor, now=now)
    counts = store_rows(session, chunk.batch, origin, ahead=ahead, meanwhile=meanwhile).counts
    if ahead is not None:
        _check_place(session, work, chunk)
    counts[Verdict.REJECTED] += chunk.rejected
    if chunk.refused:
        rejected = RejectedRow.__table__  # type: ignore[attr-defined]
        rows = [{"source_id": work.source_id, **row} for row in chunk.refused]
        session.connection().execute(insert(rejected), rows)
    count_rows(session, work.source_id, counts, left_out=chunk.left_out, now=now)
    table = ContactImport.__table__  # type: ignore[attr-defined]
    session.execute(
        update(table)
        .where(table.c.id == work.id)
        .values(bytes_done=chunk.end, records_done=records_done, lease_until=now + LEASE, attempts=0)
    )


def _check_place(session: Session, work: ContactImport, chunk: Chunk) -> None:
    table = ContactImport.__table__  # type: ignore[attr-defined]
    place = select(table.c.state, table.c.bytes_done).where(table.c.id == work.id).with_for_update()
    if session.execute(place).first() != (ImportState.RUNNING, chunk.start):
        raise Moved
    campaign_state = session.scalar(select(Campaign.state).where(col(Campaign.id) == work.campaign_id))  # type: ignore[call-overload]
    if campaign_state == CampaignState.ENDED:
        raise Stopped("The campaign has ended meanwhile, and an ended campaign takes no contacts.")
