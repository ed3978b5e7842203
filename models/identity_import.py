"""Files of identities: which names belong to one person."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Table, at_field, code_field, count_field, id_field, json_field


class IdentityImportState(StrEnum):
    """The life of a file of identities: first it is only looked at."""

    CHECKING = "checking"
    CHECKED = "checked"  # a person has seen what it would do, and starts it
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_I = IdentityImportState
IDENTITY_IMPORT_MOVES: dict[IdentityImportState, frozenset[IdentityImportState]] = {
    _I.CHECKING: frozenset({_I.CHECKED, _I.FAILED, _I.CANCELLED}),
    _I.CHECKED: frozenset({_I.RUNNING, _I.CANCELLED}),
    _I.RUNNING: frozenset({_I.DONE, _I.FAILED, _I.CANCELLED}),
    _I.DONE: frozenset(),
    _I.FAILED: frozenset(),
    _I.CANCELLED: frozenset(),
}


class IdentityImport(Table, table=True):
    """The work on one file. The counts are of the check until it runs, then of what was done."""

    __tablename__ = "identity_import"

    id: int | None = Field(default=None, primary_key=True)
    state: str = code_field(IdentityImportState.CHECKING, index=True)
    file_name: str  # as the person called it; never used as a path
    path: str  # our own name, in the import folder; empty when the file is gone
    columns: dict[str, Any] = json_field()  # where identity, alias and kind are
    format: dict[str, Any] = json_field()
    bytes_done: int = count_field()
    bytes_total: int = count_field()
    records_done: int = 0  # rows passed, with blank ones: the row numbers people see
    rows_read: int = 0  # = added + merged + known + rejected
    added: int = 0
    merged: int = 0
    known: int = 0
    rejected: int = 0
    actor: str
    error: str | None = None
    created_at: datetime = at_field()
    changed_at: datetime = at_field()


class RejectedIdentity(Table, table=True):
    """A row of a file of identities that was not taken, with why and how to mend it."""

    __tablename__ = "rejected_identity"
    __table_args__ = (Index("ix_rejected_identity_import", "import_id", "id"),)

    id: int | None = id_field()
    import_id: int = Field(foreign_key="identity_import.id", ondelete="CASCADE")
    row_number: int  # as a spreadsheet counts, the header being row 1
    reason: str
    remedy: str
    raw: list[str] = json_field(list)  # identity, alias and kind as they were, each cut to 500 characters


__all__ = ["IDENTITY_IMPORT_MOVES", "IdentityImport", "IdentityImportState", "RejectedIdentity"]
