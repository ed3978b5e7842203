"""Files of identities as people see and steer them; the work itself is in `identity_import_run.py`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.csv_format import Head, detect_format
from cxconsole.audience.csv_reader import rewrite_plain
from cxconsole.audience.identity_rows import COLUMNS, find_places
from cxconsole.csv_guard import write_csv
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.identity_import import IDENTITY_IMPORT_MOVES, IdentityImport, IdentityImportState, RejectedIdentity
from models.transitions import IllegalMove, check_move

MOST = 20
"""So many imports are listed."""
SHOWN = 20
"""So many rejected rows are shown; the file has them all."""
_BATCH = 1_000


@dataclass(frozen=True, kw_only=True)
class RejectedPair:
    """A row that was not taken: identity, alias and kind as they were, with why and how to mend it."""

    row_number: int
    identity: str
    alias: str
    kind: str
    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class IdentityImportView:
    """A file of identities. rows_read = added + merged + known + rejected; until it runs they say what it would do.

    added: names that are new. merged: anonymous pasts that join. known: pairs that were one already.
    """

    id: int
    state: str
    file_name: str
    bytes_done: int
    bytes_total: int
    rows_read: int
    added: int
    merged: int
    known: int
    rejected: int
    actor: str
    error: str | None
    created_at: datetime
    changed_at: datetime


def read_head(path: Path, *, actor: Actor) -> Head:
    """The head of an uploaded file of identities, which is rewritten if it must be.

    A large one takes seconds, so this is no part of a transaction. Raises Invalid or Unsupported for what is no table
    of identities.
    """
    actor.require("persons.edit")
    head = detect_format(path, has_header=True)
    if not head.records:
        raise Invalid("The file has a header and no rows. Add rows below it and upload it again.")
    find_places(head)
    if head.format.needs_rewriting:
        plain = path.with_name(path.name + ".plain")
        rewrite_plain(path, plain, head.format)
        plain.replace(path)
    return head


def start_identity_import(
    session: Session, *, path: Path, head: Head, file_name: str, actor: Actor, now: datetime
) -> IdentityImportView:
    """Queue the check of an uploaded file, and take the file over: it is removed when all is done.

    The caller publishes topics.IMPORTS.
    """
    actor.require("persons.edit")
    row = IdentityImport(
        file_name=Path(file_name.replace("\\", "/").replace("\0", "")).name[:200] or "identities.csv",
        path=str(path.absolute()), columns=asdict(find_places(head)), format=head.format.to_json(),
        bytes_done=head.format.data_at, bytes_total=path.stat().st_size, actor=actor.name, created_at=now,
        changed_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _view(row)


def confirm_identity_import(session: Session, import_id: int, *, actor: Actor, now: datetime) -> IdentityImportView:
    """Do what the check has shown. The caller publishes topics.IMPORTS. Raises NotFound, Conflict."""
    actor.require("persons.edit")
    row = _get(session, import_id, lock=True)
    _move(row, IdentityImportState.RUNNING, "Only a file that was checked can be imported, and only once.", now)
    session.execute(delete(RejectedIdentity).where(col(RejectedIdentity.import_id) == import_id))
    row.bytes_done, row.records_done = row.format["data_at"], 0
    row.rows_read = row.added = row.merged = row.known = row.rejected = 0
    row.actor = actor.name
    session.flush()
    append_event(session, EventType.IMPORT_STARTED, now=now, actor=actor.name, data={"identity_import_id": import_id})
    return _view(row)


def cancel_identity_import(session: Session, import_id: int, *, actor: Actor, now: datetime) -> IdentityImportView:
    """Stop it; what was done stays. Raises NotFound, Conflict."""
    actor.require("persons.edit")
    row = _get(session, import_id, lock=True)
    was_running = row.state == IdentityImportState.RUNNING
    _move(row, IdentityImportState.CANCELLED, "This import has ended already.", now)
    session.flush()
    if was_running:
        tell_end(session, row, actor=actor.name, now=now)
    return _view(row)


def tell_end(session: Session, row: IdentityImport, *, actor: str, now: datetime) -> None:
    """Put the end of an import onto the Tape; a check changes nothing and has no event."""
    data = {
        "identity_import_id": row.id, "state": row.state, "rows": row.rows_read, "added": row.added,
        "merged": row.merged, "known": row.known, "rejected": row.rejected,
    }  # fmt: skip
    append_event(session, EventType.IMPORT_FINISHED, now=now, actor=actor, data=data)


def get_identity_import(session: Session, import_id: int, *, actor: Actor) -> IdentityImportView:
    """One file. Raises NotFound."""
    actor.require("persons.read")
    return _view(_get(session, import_id))


def list_identity_imports(session: Session, *, actor: Actor) -> tuple[IdentityImportView, ...]:
    """The latest files, the newest first."""
    actor.require("persons.read")
    rows = session.execute(select(IdentityImport).order_by(col(IdentityImport.id).desc()).limit(MOST)).scalars()
    return tuple(_view(one) for one in rows)


def list_rejected_pairs(session: Session, import_id: int, *, actor: Actor) -> tuple[RejectedPair, ...]:
    """The first rows that were not taken. Raises NotFound."""
    actor.require("persons.read")
    _get(session, import_id)
    return tuple(_view_rejected(one) for one in _read_rejected(session, import_id, after=0, limit=SHOWN))


def rejected_identities_csv(session: Session, import_id: int, *, actor: Actor) -> Iterator[str]:
    """The rows that were not taken as CSV, guarded against formulas; mended, the file can be uploaded as it is."""
    actor.require("persons.read")
    _get(session, import_id)

    def rows() -> Iterator[tuple[object, ...]]:
        after = 0
        while some := _read_rejected(session, import_id, after=after, limit=_BATCH):
            for one in map(_view_rejected, some):
                yield (one.identity, one.alias, one.kind, one.row_number, one.reason, one.remedy)
            after = some[-1].id or 0
            session.expunge_all()  # a long export must not keep every row

    return write_csv((*COLUMNS, "row", "reason", "how to mend"), rows())


def _get(session: Session, import_id: int, *, lock: bool = False) -> IdentityImport:
    row = session.get(IdentityImport, import_id, with_for_update=lock or None)
    if row is None:
        raise NotFound(f"There is no import of identities {import_id}.")
    return row


def _move(row: IdentityImport, state: IdentityImportState, refusal: str, now: datetime) -> None:
    try:
        row.state = check_move(IDENTITY_IMPORT_MOVES, IdentityImportState(row.state), state)
    except IllegalMove as error:
        raise Conflict(refusal) from error
    row.changed_at = now


def _read_rejected(session: Session, import_id: int, *, after: int, limit: int) -> list[RejectedIdentity]:
    return list(
        session.execute(
            select(RejectedIdentity)
            .where(col(RejectedIdentity.import_id) == import_id, col(RejectedIdentity.id) > after)
            .order_by(col(RejectedIdentity.id))
            .limit(limit)
        ).scalars()
    )


def _view_rejected(one: RejectedIdentity) -> RejectedPair:
    identity, alias, kind = [*one.raw, "", "", ""][:3]
    return RejectedPair(
        row_number=one.row_number, identity=identity, alias=alias, kind=kind, reason=one.reason, remedy=one.remedy
    )


def _view(one: IdentityImport) -> IdentityImportView:
    return IdentityImportView(**{name: getattr(one, name) for name in IdentityImportView.__dataclass_fields__})


__all__ = [
    "IdentityImportView", "RejectedPair", "cancel_identity_import", "confirm_identity_import", "get_identity_import",
    "list_identity_imports", "list_rejected_pairs", "read_head", "rejected_identities_csv", "start_identity_import",
    "tell_end",
]  # fmt: skip
