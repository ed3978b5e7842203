"""The answers to requests that carry an Idempotency-Key: one who repeats a request gets the first answer.

A claim is written before the work begins and completed with its answer. Between the two a second
request is told to wait; a claim whose process died frees itself after a while.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from cxconsole.errors import Conflict, Invalid
from models.system import IdempotencyRecord

KEPT_FOR = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=10)
_RUNNING = "The first request with this Idempotency-Key is still running. Repeat it in a moment to get its answer."


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """What the first request was told."""

    status: int
    body: dict[str, Any]


def claim_answer(session: Session, key: str, fingerprint: str, *, now: datetime) -> KeptAnswer | None:
    """The first answer, or None when this request is the first and the key is now claimed for it.

    Raises Conflict while the first still runs, Invalid when the first was another request.
    """
    record = session.get(IdempotencyRecord, key, with_for_update=True)
    if record is not None and _is_over(record, now):
        session.delete(record)
        session.flush()
        record = None
    if record is None:
        session.add(IdempotencyRecord(key=key, fingerprint=fingerprint, created_at=now))
        try:
            session.flush()
        except IntegrityError:
            raise Conflict(_RUNNING) from None  # the other one claimed it between our look and our write
        return None
    if record.fingerprint != fingerprint:
        raise Invalid.field("Idempotency-Key", "This key was used for another request. Use a new one for each request.")
    if record.status is None:
        raise Conflict(_RUNNING)
    return KeptAnswer(status=record.status, body=record.body)


def keep_answer(session: Session, key: str, answer: KeptAnswer) -> None:
    """Complete a claim with what was answered."""
    record = session.get(IdempotencyRecord, key)
    if record is not None:
        record.status, record.body = answer.status, answer.body
        session.add(record)


def release_answer(session: Session, key: str) -> None:
    """Give a claim back, because the work failed in a way that a repeat may mend."""
    record = session.get(IdempotencyRecord, key)
    if record is not None and record.status is None:
        session.delete(record)


def drain_kept_answers(session: Session, *, now: datetime, limit: int = 500) -> int:
    """The job: forget answers that are older than 24 hours; the count."""
    old = select(IdempotencyRecord.key).where(IdempotencyRecord.created_at < now - KEPT_FOR).limit(limit)
    keys = session.exec(old).all()
    if keys:
        session.execute(delete(IdempotencyRecord).where(col(IdempotencyRecord.key).in_(keys)))
    return len(keys)


def _is_over(record: IdempotencyRecord, now: datetime) -> bool:
    age = now - record.created_at
    return age >= KEPT_FOR or (record.status is None and age >= ABANDONED_AFTER)
