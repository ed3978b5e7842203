"""What was said to a person, and at which address: forgotten when the person is erased. That it was sent stays."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from cxconsole.driver import Driver
from cxconsole.journey.forgetting import holds_any
from cxconsole.journey.tape import append_rows
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.event import EventType
from models.gateway import SandboxMessage, SandboxReceipt
from models.suppression import HASHED, hash_address
from models.system import IdempotencyRecord

ERASED = "erased"
"""The reason of what was stopped because its person was erased."""
_WAITING = (DeliveryState.AWAITING_MERGE, DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.RETRY)
_OPEN = (RequestState.AWAITING, RequestState.AWAITING_RESOLUTION)


def list_targets(session: Session, person_ids: Sequence[int]) -> list[str]:
    """The addresses to which anything was sent."""
    mine = col(CommDelivery.person_id).in_(person_ids)
    return [one for one in session.scalars(select(CommDelivery.target).where(mine).distinct()) if HASHED not in one]  # type: ignore[call-overload]


def stop_deliveries(session: Session, person_ids: Sequence[int], *, actor: str, now: datetime) -> int:
    """Call back what has not left; how many deliveries."""
    delivery, request = CommDelivery, CommRequest
    mine = col(delivery.person_id).in_(person_ids)
    waiting = session.execute(
        select(
            col(delivery.id), col(delivery.person_id), col(delivery.campaign_id), col(delivery.contact_id),
            col(delivery.request_id), col(delivery.channel),
        )
        .where(mine, col(delivery.state).in_(_WAITING))
        .with_for_update()
    ).all()  # fmt: skip
    _update(session, delivery, [row.id for row in waiting], state=DeliveryState.CANCELLED, reason=ERASED)
    open_ones = session.scalars(
        select(request.id).where(col(request.person_id).in_(person_ids), col(request.state).in_(_OPEN))  # type: ignore[call-overload]
    )
    ended = [*(row.request_id for row in waiting), *open_ones]
    _update(session, request, ended, state=RequestState.CANCELLED, reason=ERASED, updated_at=now)
    kind = EventType.COMM_CANCELLED
    append_rows(
        session,
        [
            (kind, row.person_id, row.campaign_id, row.contact_id, row.id, {"channel": row.channel, "reason": ERASED})
            for row in waiting
        ],
        now=now,
        actor=actor,
    )
    return len(waiting)


def forget_content(session: Session, person_ids: Sequence[int], *, traces: Sequence[str]) -> int:
    """Take the addresses and what was merged out of all deliveries; how many there are."""
    driver = Driver(session)
    rows = driver.run(
        f"SELECT id, target, reason FROM comm_delivery WHERE person_id {driver.among_ids}",  # noqa: S608
        list(person_ids),
    ).all()
    hashed: dict[str, str] = {}
    values = []
    for key, target, reason in rows:
        if target not in hashed:
            hashed[target] = target if target.startswith(HASHED) else hash_address(target)
        values.append((hashed[target], _clean(reason, traces), "{}", key))
    driver.run_many("UPDATE comm_delivery SET target = ?, reason = ?, merge = ? WHERE id = ?", values)
    request = CommRequest
    mine = col(request.person_id).in_(person_ids)
    for column in (request.reason, request.unique_ref):
        named = update(request).where(mine, holds_any(column, traces)).values({column: None})
        session.execute(named.execution_options(synchronize_session=False))
    ids = [row[0] for row in rows]
    for model in (SandboxMessage, SandboxReceipt):
        driver.run(f"DELETE FROM {model.__tablename__} WHERE delivery_id {driver.among_ids}", ids)  # noqa: S608
    driver.run(f"DELETE FROM sandbox_message WHERE target {driver.among_texts}", list(traces))  # noqa: S608
    # an answer that was kept for a repeat
    session.execute(delete(IdempotencyRecord).where(holds_any(IdempotencyRecord.body, traces)))
    return len(rows)


def _clean(reason: str | None, traces: Sequence[str]) -> str | None:
    """A reason in the words of a mail server may name the address."""
    return ERASED if reason and any(one.lower() in reason.lower() for one in traces) else reason


def _update(session: Session, model: Any, ids: Sequence[int], **values: Any) -> None:
    if ids:
        named = update(model).where(col(model.id).in_(ids)).values(**values)
        session.execute(named.execution_options(synchronize_session=False))


__all__ = ["ERASED", "forget_content", "list_targets", "stop_deliveries"]
