"""What journeys know of a person besides the Tape, and forget when the person is erased."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, func, or_, update
from sqlmodel import Session, SQLModel, col

from models.activity import Note, ScheduledActivity
from models.journey import IdentityConflict, QuarantinedEvent
from models.person import PersonKey
from models.webhook import Webhook, WebhookPayload


def forget_journey(
    session: Session, person_ids: Sequence[int], *, names: Sequence[str], traces: Sequence[str]
) -> dict[str, int]:
    """Destroy the keys, and take away what is kept beside the Tape; how many notes and follow-ups went.

    names: all identities. traces: those that can be recognised inside other text.
    """
    _delete(session, PersonKey, col(PersonKey.person_id).in_(person_ids))
    counts = {
        "notes": _delete(session, Note, col(Note.person_id).in_(person_ids)),
        "follow_ups": _delete(session, ScheduledActivity, col(ScheduledActivity.person_id).in_(person_ids)),
    }
    conflict = IdentityConflict
    _delete(session, conflict, col(conflict.person_id).in_(person_ids) | col(conflict.other_person_id).in_(person_ids))
    document: Any = col(QuarantinedEvent.document)
    about = [document[name].as_string().in_(list(names)) for name in ("person", "previously")]
    _delete(session, QuarantinedEvent, or_(*about, holds_any(document, traces)))
    _delete(session, WebhookPayload, holds_any(col(WebhookPayload.payload), traces))
    problem = col(Webhook.last_problem)
    session.execute(
        update(Webhook)
        .where(holds_any(problem, traces))
        .values(last_problem=None)
        .execution_options(synchronize_session=False)
    )
    return counts


def holds_any(column: Any, traces: Sequence[str]) -> ColumnElement[bool]:
    """Whether a text or document holds one of these, in capitals or not."""
    text = func.lower(cast(column, String))
    # a document may have been written with all but ASCII escaped
    forms = dict.fromkeys(form for one in traces for form in (one.lower(), json.dumps(one.lower())[1:-1]))
    return or_(False, *(text.contains(form, autoescape=True) for form in forms))


def _delete(session: Session, model: type[SQLModel], which: ColumnElement[bool]) -> int:
    return session.execute(delete(model).where(which).execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]


__all__ = ["forget_journey", "holds_any"]
