"""The sandbox inbox: each message as the customer would see it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.errors import NotFound
from cxconsole.paging import COUNT_CAP, Page, check_range, make_page
from models.gateway import Gateway, SandboxMessage

KEPT_MESSAGES = 20_000
"""How many messages the inbox holds: a campaign of a million must not fill the disk with its own mail."""

_PREVIEW = 140


@dataclass(frozen=True, kw_only=True)
class SandboxMessageRow:
    """One line of the inbox."""

    id: int
    gateway_id: int
    gateway_name: str
    delivery_id: int | None  # null for a test message
    channel: str
    target: str
    sender: str
    subject: str
    preview: str
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class SandboxMessageView(SandboxMessageRow):
    """One message in full."""

    html: str | None
    text: str | None


def list_sandbox_messages(
    session: Session,
    *,
    actor: Actor,
    gateway_id: int | None = None,
    channel: str | None = None,
    q: str = "",
    limit: int = 50,
    offset: int = 0,
) -> Page[SandboxMessageRow]:
    """The newest first; `q` is looked for in target and subject. Counts end at 10,001."""
    actor.require("gateways.read")
    check_range(limit, offset)
    where = []
    if gateway_id is not None:
        where.append(col(SandboxMessage.gateway_id) == gateway_id)
    if channel:
        where.append(col(SandboxMessage.channel) == channel)
    if q.strip():
        where.append(
            col(SandboxMessage.target).icontains(q.strip(), autoescape=True)
            | col(SandboxMessage.subject).icontains(q.strip(), autoescape=True)
        )
    counted = select(col(SandboxMessage.id)).where(*where).limit(COUNT_CAP).subquery()
    total = session.exec(select(func.count()).select_from(counted)).one()
    rows = session.exec(
        select(SandboxMessage, col(Gateway.name))
        .join(Gateway, col(Gateway.id) == SandboxMessage.gateway_id, isouter=True)
        .where(*where)
        .order_by(col(SandboxMessage.id).desc())
        .limit(limit)
        .offset(offset)
    ).all()
    items = [SandboxMessageRow(**_shared(one, name)) for one, name in rows]
    return make_page(items, total=total, limit=limit, offset=offset, total_is_capped=total >= COUNT_CAP)


def get_sandbox_message(session: Session, message_id: int, *, actor: Actor) -> SandboxMessageView:
    """One message. Raises NotFound."""
    actor.require("gateways.read")
    row = session.get(SandboxMessage, message_id)
    if row is None:
        raise NotFound(f"There is no message {message_id} in the sandbox inbox.")
    gateway = session.get(Gateway, row.gateway_id)
    return SandboxMessageView(**_shared(row, gateway.name if gateway else None), html=row.html, text=row.text)


def clear_sandbox_messages(session: Session, *, actor: Actor, gateway_id: int | None = None) -> int:
    """Empty the inbox, or one gateway's part of it; how many messages went. Answers still to come do come."""
    actor.require("gateways.edit")
    statement = delete(SandboxMessage)
    if gateway_id is not None:
        statement = statement.where(col(SandboxMessage.gateway_id) == gateway_id)
    return session.execute(statement).rowcount  # type: ignore[attr-defined]


def trim_sandbox_messages(session: Session, *, now: datetime, limit: int) -> int:
    """Drop the oldest beyond the last 20,000, at most `limit` in one go; how many went. A job."""
    newest = session.exec(select(func.max(SandboxMessage.id))).one()
    if newest is None or newest <= KEPT_MESSAGES:
        return 0
    oldest = session.exec(
        select(col(SandboxMessage.id))
        .where(col(SandboxMessage.id) <= newest - KEPT_MESSAGES)
        .order_by(col(SandboxMessage.id))
        .limit(limit)
    ).all()
    if oldest:
        session.execute(delete(SandboxMessage).where(col(SandboxMessage.id) <= oldest[-1]))
    return len(oldest)


def _shared(row: SandboxMessage, gateway_name: str | None) -> dict:
    return {
        "id": row.id, "gateway_id": row.gateway_id, "gateway_name": gateway_name or "Deleted gateway",
        "delivery_id": row.delivery_id, "channel": row.channel, "target": row.target, "sender": row.sender,
        "subject": row.subject, "preview": " ".join((row.text or "").split())[:_PREVIEW],
        "received_at": row.received_at,
    }  # fmt: skip
