"""What people write down about a person, and what they mean to do. The Tape holds only that it happened."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text

from models.base import Table, at_field, code_field, id_field, ref_field


class Note(Table, table=True):
    """A note about a person. Its event on the Tape names it by id, so that the text can be erased here."""

    __tablename__ = "note"
    __table_args__ = (
        Index("ix_note_person", "person_id"),
        {"sqlite_autoincrement": True},  # the Tape names notes by id, so an id is never given again
    )

    id: int | None = id_field()
    person_id: int = ref_field()
    text: str
    actor: str
    created_at: datetime = at_field()


class ActivityState(StrEnum):
    """The life of something to be done with a person."""

    SCHEDULED = "scheduled"
    DONE = "done"
    CANCELLED = "cancelled"


_A = ActivityState
ACTIVITY_MOVES: dict[ActivityState, frozenset[ActivityState]] = {
    _A.SCHEDULED: frozenset({_A.DONE, _A.CANCELLED}),
    _A.DONE: frozenset(),
    _A.CANCELLED: frozenset(),
}


class ScheduledActivity(Table, table=True):
    """Something to be done with a person at a time, on a channel. `subject` is text of people, so it is erasable."""

    __tablename__ = "scheduled_activity"
    __table_args__ = (
        Index("ix_activity_person", "person_id", "due_at"),
        Index(
            "ix_activity_due", "due_at",
            sqlite_where=text("state = 'scheduled'"), postgresql_where=text("state = 'scheduled'"),
        ),
        {"sqlite_autoincrement": True},  # the Tape names activities by id, so an id is never given again
    )  # fmt: skip

    id: int | None = id_field()
    person_id: int = ref_field()
    channel: str = code_field()
    due_at: datetime = at_field()
    subject: str
    state: str = code_field(ActivityState.SCHEDULED)
    actor: str
    created_at: datetime = at_field()
    ended_at: datetime | None = at_field(nullable=True)


__all__ = ["ACTIVITY_MOVES", "ActivityState", "Note", "ScheduledActivity"]
