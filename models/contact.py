"""A person's place in a campaign, and where contacts came from."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Index, text
from sqlmodel import Field

from models.base import BIG, Table, at_field, code_field, id_field, json_field, ref_field


class ContactStatus(StrEnum):
    """Each contact is in exactly one of these."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    HELD = "held"


class HoldReason(StrEnum):
    """Why a contact is held. The first two come back to pending, the last is final."""

    UNPUBLISHED = "campaign-unpublished"
    EXPIRED = "validity-period-expired"
    ENDED = "campaign-ended"


_S = ContactStatus
CONTACT_MOVES: dict[ContactStatus, frozenset[ContactStatus]] = {
    _S.PENDING: frozenset({_S.IN_PROGRESS, _S.HELD, _S.SUPPRESSED, _S.FAILED, _S.COMPLETED}),
    # back to pending: the campaign stopped before the first message left, its request was cancelled
    _S.IN_PROGRESS: frozenset({_S.COMPLETED, _S.FAILED, _S.SUPPRESSED, _S.PENDING, _S.HELD}),
    _S.HELD: frozenset({_S.PENDING, _S.SUPPRESSED}),  # not from campaign-ended; suppressed: the person was erased
    _S.FAILED: frozenset({_S.PENDING}),  # a person retries
    _S.SUPPRESSED: frozenset({_S.PENDING}),  # a person retries
    _S.COMPLETED: frozenset(),
}


class CampaignContact(Table, table=True):
    """A person in a campaign. High volume: no foreign keys, made to be partitioned."""

    __tablename__ = "campaign_contact"
    __table_args__ = (
        Index("uq_contact_person_campaign", "person_id", "campaign_id", unique=True),
        Index("ix_contact_due", "campaign_id", "status", "due_at", "id"),
        # who is held and why: lets a change of reason find its rows among a million that have it already
        Index(
            "ix_contact_held", "campaign_id", "hold_reason", "id",
            sqlite_where=text("status = 'held'"), postgresql_where=text("status = 'held'"),
        ),
        Index("ix_contact_list", "campaign_id", "id"),
        Index("ix_contact_source", "source_id", "id"),
        Index(
            "ix_contact_reason", "campaign_id", "reason", "status", "last_activity_at",
            sqlite_where=text("reason IS NOT NULL"), postgresql_where=text("reason IS NOT NULL"),
        ),
        Index(
            "ix_contact_activity", "campaign_id", "last_activity_at", "id",
            sqlite_where=text("last_activity_at IS NOT NULL"), postgresql_where=text("last_activity_at IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},  # the Tape names contacts by id, so an id is never given again
    )  # fmt: skip

    id: int | None = id_field()
    campaign_id: int
    person_id: int = ref_field()
    source_id: int
    status: str = code_field(ContactStatus.PENDING)
    hold_reason: str | None = code_field(None, nullable=True)
    reason: str | None = None  # why failed, suppressed or skipped, in words
    node: str | None = code_field(None, nullable=True)  # the flow node it stands at; null before the first
    due_at: datetime | None = at_field(nullable=True)  # when its node may run; null when nothing is to come
    last_activity_at: datetime | None = at_field(nullable=True)
    created_at: datetime = at_field()


class SourceKind(StrEnum):
    """Where contacts came from."""

    FILE = "file"
    REST = "rest"
    MANUAL = "manual"
    DEMO = "demo"


class ImportState(StrEnum):
    """The life of a file import."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


_I = ImportState
IMPORT_MOVES: dict[ImportState, frozenset[ImportState]] = {
    _I.QUEUED: frozenset({_I.RUNNING, _I.CANCELLED, _I.FAILED}),
    _I.RUNNING: frozenset({_I.CANCELLING, _I.FAILED, _I.DONE, _I.CANCELLED}),
    _I.CANCELLING: frozenset({_I.CANCELLED, _I.FAILED, _I.DONE}),
    _I.CANCELLED: frozenset({_I.UNDOING}),
    _I.FAILED: frozenset({_I.UNDOING}),
    _I.DONE: frozenset({_I.UNDOING}),
    _I.UNDOING: frozenset({_I.UNDONE}),
    _I.UNDONE: frozenset(),
}


class ContactSource(Table, table=True):
    """One source of a campaign's contacts, with its counts. Files also have a ContactImport."""

    __tablename__ = "contact_source"
    __table_args__ = (Index("ix_source_campaign", "campaign_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", ondelete="CASCADE")
    kind: str = code_field()
    name: str
    rows_read: int = 0  # = created + merged + duplicates + rejected
    created: int = 0  # new in the campaign
    merged: int = 0  # already in the campaign, updated
    duplicates: int = 0  # the same person again within this source
    rejected: int = 0
    left_out: int = 0  # values that could not be used, in rows that were stored without them
    contacts: int = 0  # contacts of the campaign that this source brought and that are still there
    created_at: datetime = at_field()
    last_row_at: datetime | None = at_field(nullable=True)


class ContactImport(Table, table=True):
    """The work on one uploaded file. Counts are in its source; here is how far it got."""

    __tablename__ = "contact_import"

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="contact_source.id", ondelete="CASCADE", unique=True)
    campaign_id: int = Field(foreign_key="campaign.id", ondelete="CASCADE")
    state: str = code_field(ImportState.QUEUED, index=True)
    file_name: str  # as the person called it; never used as a path
    path: str  # our own name, in the import folder
    mapping: dict[str, Any] = json_field()
    options: dict[str, Any] = json_field()
    bytes_done: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    bytes_total: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    rows_total: int | None = None  # known after the check, otherwise estimated from bytes
    records_done: int = 0  # rows passed, with the header and blank ones: the row numbers people see
    attempts: int = 0  # times it was taken up since the last chunk that was stored
    actor: str = "operator"
    undo_actor: str | None = None
    lease_until: datetime | None = at_field(nullable=True)
    started_at: datetime | None = at_field(nullable=True)
    finished_at: datetime | None = at_field(nullable=True)
    created_at: datetime = at_field()
    error: str | None = None


class ImportCheck(Table, table=True):
    """What an import of a file would have done, for systems that ask first; kept for a day, the file is not."""

    __tablename__ = "import_check"

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", ondelete="CASCADE")
    file_name: str
    bytes_done: int = Field(sa_column=Column(BigInteger, nullable=False))
    bytes_total: int = Field(sa_column=Column(BigInteger, nullable=False))
    rows_read: int
    created: int
    merged: int
    duplicates: int
    rejected: int
    started_at: datetime = at_field()
    finished_at: datetime = at_field(index=True)


class RejectedRow(Table, table=True):
    """A row of a file that was not stored, or a value that was left out, with why and how to mend it."""

    __tablename__ = "rejected_row"
    __table_args__ = (Index("ix_rejected_source", "source_id", "id"),)

    id: int | None = id_field()
    source_id: int = Field(foreign_key="contact_source.id", ondelete="CASCADE")
    row_number: int  # as a spreadsheet counts, the header being row 1
    column: str = ""
    value: str = ""  # cut to 500 characters
    reason: str = ""
    remedy: str = ""
    raw: list[str] = json_field(list)  # the row as it was, each cell cut to 2,000 characters
    is_stored: bool = False  # true when the row was stored without this value


class SourceMention(Table, table=True):
    """A person who was in the campaign already when this source named them.

    Tells a second mention in the same file from the first, and lets the undo of another source leave
    the contact to this one.
    """

    __tablename__ = "source_mention"
    __table_args__ = {"sqlite_with_rowid": False}

    person_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    source_id: int = Field(primary_key=True, foreign_key="contact_source.id", ondelete="CASCADE", index=True)


__all__ = [
    "CONTACT_MOVES", "IMPORT_MOVES", "CampaignContact", "ContactImport", "ContactSource", "ContactStatus",
    "HoldReason", "ImportCheck", "ImportState", "RejectedRow", "SourceKind", "SourceMention",
]  # fmt: skip
