"""The work on files of identities: block after block, each in one transaction with the byte up to which it has come.

A check and the import itself decide in the same way who is who (`Joining`); only the import writes it. So a check
knows of each row what is known of its names now and earlier in its block, and is exact but for rows far apart.
"""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, or_, select
from sqlmodel import Session, col

from cxconsole.audience.csv_format import CsvFormat
from cxconsole.audience.csv_reader import Block, CsvReader
from cxconsole.audience.identity_imports import tell_end
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.identity_rows import Pair, Places, read_pair
from cxconsole.audience.problems import Problem
from cxconsole.audience.recognition import Joined, Joining, Link, find_identities
from cxconsole.driver import Driver
from cxconsole.journey.tape import append_rows
from models.event import EventType
from models.identity_import import IDENTITY_IMPORT_MOVES, IdentityImport, IdentityImportState, RejectedIdentity
from models.transitions import check_move

KEPT_FOR = timedelta(days=1)
"""So long a file that was checked waits for a person to start it."""
_BLOCK_BYTES = 32 * 1024
_LONGEST_CELL = 500
_WORKING = (IdentityImportState.CHECKING, IdentityImportState.RUNNING)
_OVER = (IdentityImportState.DONE, IdentityImportState.FAILED, IdentityImportState.CANCELLED)
_CONFLICT = Problem(
    "The two belong to different customers, who are both known by name", "Decide on the page Identity conflicts"
)


def has_identity_imports(session: Session, now: datetime) -> bool:
    """Whether any file is to be worked on, or away with."""
    return session.execute(select(col(IdentityImport.id)).where(_is_due(now)).limit(1)).first() is not None


def drain_identity_imports(session: Session, *, now: datetime, limit: int) -> int:
    """The job: the next block of each of up to `limit` files; how many there were."""
    rows = session.execute(
        select(IdentityImport)
        .where(_is_due(now))
        .order_by(col(IdentityImport.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).scalars().all()  # fmt: skip
    for row in rows:
        if row.state in _WORKING:
            was_running = row.state == IdentityImportState.RUNNING
            _work(session, row, now)
            if was_running and row.state in _OVER:
                tell_end(session, row, actor=row.actor, now=now)
        else:
            _clear(row, now)
    return len(rows)


def _is_due(now: datetime):
    is_stale = (col(IdentityImport.state) == IdentityImportState.CHECKED) & (
        col(IdentityImport.changed_at) < now - KEPT_FOR
    )
    return or_(
        col(IdentityImport.state).in_(_WORKING),
        col(IdentityImport.state).in_(_OVER) & (col(IdentityImport.path) != ""),
        is_stale,
    )


def _work(session: Session, row: IdentityImport, now: datetime) -> None:
    found = CsvFormat.from_json(row.format)
    try:
        block = CsvReader(Path(row.path), found).read_block(
            row.bytes_done, _BLOCK_BYTES, first_number=found.first_row + row.records_done
        )
    except FileNotFoundError:
        _move(row, IdentityImportState.FAILED, now)
        row.error = "The uploaded file is gone. Upload it again."
        return
    if block.end == row.bytes_done:
        checking = row.state == IdentityImportState.CHECKING
        _move(row, IdentityImportState.CHECKED if checking else IdentityImportState.DONE, now)
        return
    _store(session, row, block, now)
    row.bytes_done, row.records_done = block.end, row.records_done + block.records


def _store(session: Session, row: IdentityImport, block: Block, now: datetime) -> None:
    places = Places(**row.columns)
    rejects = [(bad.number, bad.raw[:3], Problem(bad.problem.reason, bad.problem.remedy)) for bad in block.bad]
    pairs: list[tuple[int, list[str], Pair]] = []
    for number, record in zip(block.numbers, block.cells, strict=True):
        cells = places.cells(record)
        if not any(cells):
            continue
        pair = read_pair(cells)
        if isinstance(pair, Problem):
            rejects.append((number, cells, pair))
        else:
            pairs.append((number, cells, pair))
    verdicts = _join(session, row, [pair for _, _, pair in pairs], now)
    rejects += [
        (number, cells, _CONFLICT)
        for (number, cells, _), verdict in zip(pairs, verdicts, strict=True)
        if verdict == Joined.CONFLICT
    ]
    counts = Counter(verdicts)
    row.rows_read += len(pairs) + len(rejects) - counts[Joined.CONFLICT]
    row.added += counts[Joined.ADDED]
    row.merged += counts[Joined.MERGED]
    row.known += counts[Joined.KNOWN]
    row.rejected += len(rejects)
    if rejects:
        session.execute(
            insert(RejectedIdentity),
            [
                {
                    "import_id": row.id, "row_number": number, "reason": problem.reason, "remedy": problem.remedy,
                    "raw": [cell[:_LONGEST_CELL] for cell in cells],
                }
                for number, cells, problem in sorted(rejects, key=lambda one: one[0])
            ],
        )  # fmt: skip


def _join(session: Session, row: IdentityImport, pairs: list[Pair], now: datetime) -> list[Joined]:
    """What becomes of each pair; written when the file is imported, not when it is only checked."""
    is_import = row.state == IdentityImportState.RUNNING
    if is_import:
        lock_identities(session)
    driver = Driver(session)
    names = dict.fromkeys(name for pair in pairs for name in pair)
    joining = Joining(driver, find_identities(driver, names))
    verdicts = joining.decide(names, [Link(pair.identity, pair.alias, row.file_name) for pair in pairs])
    if is_import:
        grown = joining.write(session, actor=row.actor, now=now)
        told = [
            (EventType.PERSON_CHANGED, person_id, None, None, None, {"fields": sorted(set(kinds))})
            for person_id, kinds in grown.items()
        ]
        append_rows(session, told, now=now, actor=row.actor)
    return verdicts


def _clear(row: IdentityImport, now: datetime) -> None:
    """Away with the file of what has ended, and with a check that nobody acted on."""
    if row.state == IdentityImportState.CHECKED:
        _move(row, IdentityImportState.CANCELLED, now)
    Path(row.path).unlink(missing_ok=True)
    row.path = ""


def _move(row: IdentityImport, state: IdentityImportState, now: datetime) -> None:
    row.state, row.changed_at = check_move(IDENTITY_IMPORT_MOVES, IdentityImportState(row.state), state), now


__all__ = ["drain_identity_imports", "has_identity_imports"]
