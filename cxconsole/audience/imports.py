"""Imports of files as people see and steer them; the work itself is in `import_run.py`."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.csv_format import CsvFormat, detect_format
from cxconsole.audience.inspect import REJECTED_HEADERS, ImportOptions, choose_targets, make_plan
from cxconsole.audience.sources import SourceView, check_takes_contacts, list_sources
from cxconsole.csv_guard import write_csv
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.journey.tape import append_event
from cxconsole.paging import Page, check_range, make_page
from models.contact import IMPORT_MOVES, ContactImport, ContactSource, ImportState, RejectedRow, SourceKind
from models.event import EventType
from models.transitions import IllegalMove, check_move

RUNNING_STATES = (ImportState.RUNNING, ImportState.CANCELLING, ImportState.UNDOING)


@dataclass(frozen=True, kw_only=True)
class ImportView:
    """One import as people see it. The counts are those of its source and add up to `rows_read`."""

    id: int
    source_id: int
    campaign_id: int
    state: str
    file_name: str
    bytes_done: int
    bytes_total: int
    rows_read: int
    rows_total: int | None
    """Estimated from the bytes while it runs, exact when it is done."""
    created: int
    merged: int
    duplicates: int
    rejected: int
    left_out: int
    contacts: int
    mapping: Mapping[str, str | None]
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    error: str | None
    rows_per_second: float | None
    seconds_left: float | None

    @property
    def share_done(self) -> float:
        """Between 0 and 1."""
        return self.bytes_done / self.bytes_total if self.bytes_total else 0.0


@dataclass(frozen=True, kw_only=True)
class RejectedView:
    """One rejected row, or one value that was left out of a stored row."""

    id: int
    row_number: int
    column: str
    value: str
    reason: str
    remedy: str
    raw: tuple[str, ...]


def start_import(
    session: Session,
    campaign_id: int,
    *,
    path: Path,
    file_name: str,
    mapping: Mapping[str, str | None] | None,
    options: ImportOptions | None = None,
    actor: Actor,
    now: datetime,
) -> ContactImport:
    """Queue the import of an uploaded file and take the file over: it is removed when the work is done.

    Raises Invalid or Unsupported when the file holds no table, or no column tells who a row is about.
    """
    actor.require("contacts.edit")
    check_takes_contacts(session, campaign_id)
    options = options or ImportOptions()
    head = detect_format(path, encoding=options.encoding, delimiter=options.delimiter, has_header=options.has_header)
    if not head.records:
        raise Invalid("The file has a header and no rows. Add rows below it and upload it again.")
    targets = choose_targets(head, mapping)
    make_plan(head.format, targets, options.default_region)
    shown = Path(file_name.replace("\\", "/").replace("\0", "")).name[:200] or "contacts.csv"
    source_id = session.execute(
        insert(ContactSource)
        .values(campaign_id=campaign_id, kind=SourceKind.FILE, name=shown, created_at=now)
        .returning(col(ContactSource.id))
    ).scalar_one()
    work = ContactImport(
        source_id=source_id, campaign_id=campaign_id, file_name=shown, path=str(path.absolute()),
        mapping=dict(zip(head.format.headers, targets, strict=True)),
        options=asdict(options) | {"format": head.format.to_json()},
        bytes_done=head.format.data_at, bytes_total=path.stat().st_size, actor=actor.name, created_at=now,
    )  # fmt: skip
    session.add(work)
    session.flush()
    _tell(session, EventType.IMPORT_STARTED, work, actor.name, now)
    return work


def _tell(session: Session, event_type: EventType, work: ContactImport, actor: str, now: datetime) -> None:
    data = {"import_id": work.id, "source_id": work.source_id}
    append_event(session, event_type, now=now, actor=actor, campaign_id=work.campaign_id, data=data)


def _get(session: Session, import_id: int, *, lock: bool = False) -> ContactImport:
    work = session.get(ContactImport, import_id, with_for_update=lock or None)
    if work is None:
        raise NotFound(f"There is no import {import_id}.")
    return work


def get_import(session: Session, import_id: int, *, actor: Actor, now: datetime) -> ImportView:
    """One import with its pace."""
    actor.require("contacts.read")
    work = _get(session, import_id)
    return _view(work, session.get_one(ContactSource, work.source_id), now)


def list_imports(session: Session, campaign_id: int, *, actor: Actor, now: datetime) -> list[ImportView]:
    """All imports of a campaign, newest first."""
    actor.require("contacts.read")
    rows = session.execute(
        select(ContactImport, ContactSource)  # type: ignore[call-overload]
        .join(ContactSource, col(ContactSource.id) == col(ContactImport.source_id))
        .where(col(ContactImport.campaign_id) == campaign_id)
        .order_by(col(ContactImport.id).desc())
    )
    return [_view(work, source, now) for work, source in rows]


def _view(work: ContactImport, source: ContactSource, now: datetime) -> ImportView:
    found = CsvFormat.from_json(work.options["format"])
    done = work.bytes_done - found.data_at
    total = work.bytes_total - found.data_at
    rate = left = None
    rows_total = source.rows_read if work.state == ImportState.DONE else work.rows_total
    if work.started_at is not None and done > 0:
        seconds = max(0.001, ((work.finished_at or now) - work.started_at).total_seconds())
        rate = source.rows_read / seconds
        if work.state in (ImportState.RUNNING, ImportState.CANCELLING):
            left = seconds * (total - done) / done
        rows_total = rows_total or round(source.rows_read * total / done)
    return ImportView(
        id=work.id or 0, source_id=work.source_id, campaign_id=work.campaign_id, state=work.state,
        file_name=work.file_name, bytes_done=work.bytes_done, bytes_total=work.bytes_total,
        rows_read=source.rows_read, rows_total=rows_total, created=source.created, merged=source.merged,
        duplicates=source.duplicates, rejected=source.rejected, left_out=source.left_out, contacts=source.contacts,
        mapping=work.mapping, started_at=work.started_at, finished_at=work.finished_at, created_at=work.created_at,
        error=work.error, rows_per_second=rate, seconds_left=left,
    )  # fmt: skip


def cancel_import(session: Session, import_id: int, *, actor: Actor, now: datetime) -> ContactImport:
    """Stop an import. What it stored stays, and can be undone; a running one stops after its chunk."""
    actor.require("contacts.edit")
    work = _get(session, import_id, lock=True)
    if work.state == ImportState.CANCELLING:
        return work
    if work.state == ImportState.QUEUED:
        _move(work, ImportState.CANCELLED, "This import has ended already.")
        work.finished_at = now
        _tell(session, EventType.IMPORT_FINISHED, work, actor.name, now)
    else:
        _move(work, ImportState.CANCELLING, "This import has ended already.")
    session.add(work)
    return work


def undo_import(session: Session, import_id: int, *, actor: Actor, now: datetime) -> ContactImport:
    """Take back what an import added: its contacts that were not contacted yet, and persons only it brought.

    The work is done in the background; the state goes from `undoing` to `undone`.
    """
    actor.require("contacts.edit")
    work = _get(session, import_id, lock=True)
    _move(work, ImportState.UNDOING, "Only an import that has ended can be undone, and only once.")
    work.undo_actor, work.lease_until, work.attempts = actor.name, None, 0
    work.finished_at = work.finished_at or now
    session.add(work)
    return work


def _move(work: ContactImport, state: ImportState, refusal: str) -> None:
    try:
        work.state = check_move(IMPORT_MOVES, ImportState(work.state), state)
    except IllegalMove as error:
        raise Conflict(refusal) from error


def list_rejected(
    session: Session, import_id: int, *, actor: Actor, limit: int = 50, offset: int = 0, left_out: bool = False
) -> Page[RejectedView]:
    """The rows that were not stored; or, with `left_out`, the values that stored rows were stored without."""
    actor.require("contacts.read")
    check_range(limit, offset)
    work = _get(session, import_id)
    source = session.get_one(ContactSource, work.source_id)
    rows = session.scalars(
        select(RejectedRow)
        .where(col(RejectedRow.source_id) == work.source_id, col(RejectedRow.is_stored) == left_out)
        .order_by(col(RejectedRow.id))
        .limit(limit)
        .offset(offset)
    )
    items = [_view_rejected(row) for row in rows]
    return make_page(items, total=source.left_out if left_out else source.rejected, limit=limit, offset=offset)


def _view_rejected(row: Any) -> RejectedView:
    return RejectedView(
        id=row.id, row_number=row.row_number, column=row.column, value=row.value, reason=row.reason,
        remedy=row.remedy, raw=tuple(row.raw),
    )  # fmt: skip


def rejection_reasons(session: Session, import_id: int, *, actor: Actor) -> list[tuple[str, int]]:
    """Why rows were rejected, the most frequent first."""
    actor.require("contacts.read")
    work = _get(session, import_id)
    count = func.count()
    rows = session.execute(
        select(col(RejectedRow.reason), count)
        .where(col(RejectedRow.source_id) == work.source_id, col(RejectedRow.is_stored).is_(False))
        .group_by(col(RejectedRow.reason))
        .order_by(count.desc(), col(RejectedRow.reason))
    )
    return [(reason, number) for reason, number in rows]


def rejected_csv(session: Session, import_id: int, *, actor: Actor) -> Iterator[str]:
    """The rejected rows as CSV, guarded against formulas: why and how to mend, then the row as it was.

    Mended and uploaded again, the first columns are left out by themselves.
    """
    actor.require("contacts.export")
    work = _get(session, import_id)
    headers = CsvFormat.from_json(work.options["format"]).headers
    return write_csv([*REJECTED_HEADERS, *headers], _read_rejected(session, work.source_id, len(headers)))


def _read_rejected(session: Session, source_id: int, width: int) -> Iterator[list[object]]:
    after = 0
    while True:
        rows = list(
            session.scalars(
                select(RejectedRow)
                .where(
                    col(RejectedRow.source_id) == source_id, col(RejectedRow.id) > after,
                    col(RejectedRow.is_stored).is_(False),
                )
                .order_by(col(RejectedRow.id))
                .limit(1_000)
            )
        )  # fmt: skip
        for row in rows:
            cells = [*row.raw, *[""] * (width - len(row.raw))]
            yield [row.row_number, row.column, row.value, row.reason, row.remedy, *cells]
        if not rows:
            return
        after = rows[-1].id or 0
        session.expunge_all()


def find_waiting(session: Session, *, now: datetime) -> int | None:
    """The oldest import that waits or whose worker went away."""
    table = ContactImport.__table__  # type: ignore[attr-defined]
    waiting = select(table.c.id).where(
        table.c.state.in_([ImportState.QUEUED, *RUNNING_STATES]),
        table.c.lease_until.is_(None) | (table.c.lease_until < now),
    )
    return session.execute(waiting.order_by(table.c.id).limit(1).with_for_update(skip_locked=True)).scalar()


def claim_import(session: Session, *, now: datetime, lease: timedelta) -> int | None:
    """Take the import that `find_waiting` finds, for as long as the lease lasts."""
    table = ContactImport.__table__  # type: ignore[attr-defined]
    found = find_waiting(session, now=now)
    if found is not None:
        session.execute(
            table.update().where(table.c.id == found).values(lease_until=now + lease, attempts=table.c.attempts + 1)
        )
    return found


__all__ = [
    "ImportOptions", "ImportView", "RejectedView", "SourceView", "cancel_import", "claim_import", "find_waiting",
    "get_import", "list_imports", "list_rejected", "list_sources", "rejected_csv", "rejection_reasons",
    "start_import", "undo_import",
]  # fmt: skip
