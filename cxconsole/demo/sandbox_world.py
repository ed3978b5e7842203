"""The simulated world answers: what sandbox gateways planned becomes receipts when its time has come."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from cxconsole.comms.receipts import ReceiptRow, record_receipts
from models.comm import CommDelivery, DeliveryState
from models.gateway import SandboxReceipt

_NOT_YET = (DeliveryState.SENDING, DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.RETRY)
"""The engine has not written down yet that it was sent: its receipts wait for that."""


def has_sandbox_receipts(session: Session, now: datetime) -> bool:
    """Whether any receipt is due."""
    return session.exec(select(SandboxReceipt.id).where(col(SandboxReceipt.due_at) <= now).limit(1)).first() is not None


def drain_sandbox_receipts(session: Session, *, now: datetime, limit: int) -> int:
    """Record the receipts that are due, oldest first; those of deleted deliveries are dropped. A job."""
    rows = session.exec(
        select(SandboxReceipt, col(CommDelivery.id))
        .join(CommDelivery, col(CommDelivery.id) == SandboxReceipt.delivery_id, isouter=True)
        .where(
            col(SandboxReceipt.due_at) <= now,
            col(CommDelivery.state).is_(None) | col(CommDelivery.state).not_in(_NOT_YET),
        )
        .order_by(col(SandboxReceipt.due_at), col(SandboxReceipt.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=SandboxReceipt)
    ).all()
    receipts = [
        ReceiptRow(delivery_id=one.delivery_id, status=one.status, at=one.due_at, reason=one.reason)
        for one, known in rows
        if known is not None
    ]
    if receipts:
        record_receipts(session, receipts, now=now)
    if rows:
        session.execute(delete(SandboxReceipt).where(col(SandboxReceipt.id).in_([one.id for one, _ in rows])))
    return len(rows)
