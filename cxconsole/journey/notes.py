"""Notes that people write about a person. The text is a row of its own; the Tape says only that there is one."""

from datetime import datetime

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Invalid, NotFound
from cxconsole.journey.tape import append_event
from cxconsole.journey.timeline import find_writable
from models.activity import Note
from models.event import EventType

LONGEST_NOTE = 4_000


def add_note(session: Session, person_id: int, text: str, *, actor: Actor, now: datetime) -> int:
    """Write a note about a person; its id. Raises NotFound, Invalid."""
    actor.require("persons.edit")
    person_id = find_writable(session, person_id)
    note = Note(person_id=person_id, text=check_text("text", text, LONGEST_NOTE), actor=actor.name, created_at=now)
    session.add(note)
    session.flush()
    append_event(
        session, EventType.NOTE_ADDED, now=now, actor=actor.name, person_id=person_id, data={"note_id": note.id}
    )
    return note.id or 0


def erase_note(session: Session, note_id: int, *, actor: Actor, now: datetime) -> None:
    """Erase the text of a note; that there was one stays on the Tape. Raises NotFound."""
    actor.require("persons.edit")
    note = session.get(Note, note_id)
    if note is None:
        raise NotFound("This note is not there any more.")
    session.delete(note)
    append_event(
        session, EventType.NOTE_ERASED, now=now, actor=actor.name, person_id=note.person_id, data={"note_id": note_id}
    )


def check_text(field: str, text: str, longest: int) -> str:
    """The text without what stands around it. Raises Invalid when nothing is left, or more than fits."""
    text = text.replace("\x00", "").strip()
    if not text:
        raise Invalid.field(field, "Write something first.")
    if len(text) > longest:
        raise Invalid.field(field, f"At most {longest:,} characters; these are {len(text):,}.")
    return text
