"""What is known of where events come from: sources, types seen, what was set aside, who claims whom."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from models.base import Table, at_field, code_field, count_field, id_field, json_field, ref_field


class SourceState(StrEnum):
    """What becomes of the events of a source."""

    OPEN = "open"  # they are stored
    QUARANTINED = "quarantined"  # they are set aside until a person has looked
    BLOCKED = "blocked"  # they are refused


class Excess(StrEnum):
    """What becomes of an event that its source's rules do not let through."""

    REFUSE = "refuse"
    QUARANTINE = "quarantine"


class EventSource(Table, table=True):
    """Where events come from. A row is made when a source is first seen; its rules are the operator's."""

    __tablename__ = "event_source"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, index=True)  # the CloudEvents `source`
    state: str = code_field(SourceState.OPEN)
    allowed_types: list[str] | None = json_field(nullable=True)  # null: all
    per_second: int | None = None  # null: no limit
    sample_percent: int = 100  # so many of 100 are stored, chosen by id
    excess: str = code_field(Excess.REFUSE)
    first_seen_at: datetime = at_field()
    updated_at: datetime = at_field()


class EventTypeSeen(Table, table=True):
    """One kind of event of one source, as it was really seen. Counts may be a second late."""

    __tablename__ = "event_type_seen"
    __table_args__ = (Index("uq_event_type_seen", "type", "source", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    type: str
    fields: dict[str, Any] = json_field()  # path into the data -> kinds of value, such as {"cart.total": ["number"]}
    count: int = count_field()
    minute_at: datetime = at_field()  # the minute that `minute_count` counts
    minute_count: int = 0
    last_minute_count: int = 0
    first_seen_at: datetime = at_field()
    last_seen_at: datetime = at_field()


class PersonalField(Table, table=True):
    """Whether a field of one kind of event is personal. A row is made when one looks so, or when a person says."""

    __tablename__ = "personal_field"
    __table_args__ = (Index("uq_personal_field", "type", "source", "path", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    type: str
    path: str  # into the data, such as `customer.emails[]`
    is_personal: bool
    actor: str
    updated_at: datetime = at_field()


class QuarantinedEvent(Table, table=True):
    """An event that was set aside, as it came; replaying stores it. Not on the Tape, so it can be deleted."""

    __tablename__ = "quarantined_event"
    __table_args__ = (Index("ix_quarantined_source", "source", "id"),)

    id: int | None = id_field()
    source: str
    type: str
    reason: str = code_field()
    document: dict[str, Any] = json_field()
    received_at: datetime = at_field()


class Decision(StrEnum):
    """What became of an identity conflict."""

    MERGED = "merged"  # they are one
    KEPT = "kept"  # they are two; not asked again
    MOVED = "moved"  # the identity belongs to the other one


class IdentityConflict(Table, table=True):
    """Two known persons of whom an event said that they are one; a person decides."""

    __tablename__ = "identity_conflict"
    __table_args__ = (
        Index(
            "uq_identity_conflict", "person_id", "other_person_id", unique=True,
            sqlite_where=text("decided_at IS NULL"), postgresql_where=text("decided_at IS NULL"),
        ),
        Index("ix_identity_conflict_other", "other_person_id"),
        Index("ix_identity_conflict_decided", "decided_at", "id"),
    )  # fmt: skip

    id: int | None = id_field()
    person_id: int = ref_field()  # whom the event is about
    other_person_id: int = ref_field()  # whom `previously` belongs to
    identity_id: int = ref_field()
    source: str
    seen_at: datetime = at_field()
    decided_at: datetime | None = at_field(nullable=True)
    decision: str | None = code_field(None, nullable=True)
    decided_by: str | None = None


__all__ = [
    "Decision", "EventSource", "EventTypeSeen", "Excess", "IdentityConflict", "PersonalField", "QuarantinedEvent",
    "SourceState",
]  # fmt: skip
