"""Deliveries as people and other systems see them: listed, looked at, tried again, cancelled, reported on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.comms.counters import move_contacts
from cxconsole.comms.receipts import ReceiptRow, parse_status, record_receipts
from cxconsole.errors import Conflict, NotFound
from cxconsole.journey.tape import append_event
from cxconsole.paging import COUNT_CAP, Page, check_range, make_page, parse_sort
from models.campaign import Campaign, CampaignState
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactStatus
from models.event import EventType
from models.gateway import Gateway
from models.suppression import HASHED

_SORTS = ("id", "created_at", "sent_at", "state", "channel")


@dataclass(frozen=True, kw_only=True)
class DeliveryView:
    """One delivery with its request's end. `checks` has the verdict of each last-moment check that was asked."""

    id: int
    request_id: int
    request_state: str
    request_reason: str | None
    campaign_id: int | None
    contact_id: int | None
    person_id: int
    channel: str
    target: str
    gateway_id: int
    gateway_name: str | None
    state: str
    attempts: int
    not_before: datetime
    possible_duplicate: bool
    provider_id: str | None
    checks: dict[str, Any]
    reason: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    bounced_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    read_at: datetime | None
    replied_at: datetime | None
    unsubscribed_at: datetime | None
    complained_at: datetime | None


def list_deliveries(
    session: Session,
    *,
    actor: Actor,
    campaign_id: int | None = None,
    person_id: int | None = None,
    contact_id: int | None = None,
    channel: str | None = None,
    state: str | None = None,
    sort: str = "-id",
    limit: int = 50,
    offset: int = 0,
) -> Page[DeliveryView]:
    """Deliveries by page, the newest first; counts end at 10,001."""
    actor.require("comms.read")
    check_range(limit, offset)
    name, descending = parse_sort(sort, _SORTS)
    wanted = {
        "campaign_id": campaign_id, "person_id": person_id, "contact_id": contact_id, "channel": channel,
        "state": state,
    }  # fmt: skip
    where = [getattr(CommDelivery, column) == value for column, value in wanted.items() if value is not None]
    counted = select(col(CommDelivery.id)).where(*where).limit(COUNT_CAP).subquery()
    total = session.exec(select(func.count()).select_from(counted)).one()
    column = col(getattr(CommDelivery, name))
    order = (column.desc(), col(CommDelivery.id).desc()) if descending else (column, col(CommDelivery.id))
    rows = session.exec(select(CommDelivery).where(*where).order_by(*order).limit(limit).offset(offset)).all()
    capped = total >= COUNT_CAP
    return make_page(_views(session, rows), total=total, limit=limit, offset=offset, total_is_capped=capped)


def get_delivery(session: Session, delivery_id: int, *, actor: Actor) -> DeliveryView:
    """One delivery. Raises NotFound."""
    actor.require("comms.read")
    return _views(session, [_find(session, delivery_id)])[0]


def retry_delivery(session: Session, delivery_id: int, *, actor: Actor, now: datetime) -> DeliveryView:
    """Try a failed delivery again. Raises Conflict when it has not failed, or its campaign has ended.

    The caller then publishes topics.WORK.
    """
    actor.require("comms.edit")
    delivery = _find(session, delivery_id, for_change=True)
    if delivery.state != DeliveryState.ERROR:
        raise Conflict("Only a delivery that failed can be tried again.")
    if delivery.target.startswith(HASHED):
        raise Conflict("Its person was erased, so there is nobody to send it to.")
    contact = _find_contact(session, delivery)
    if delivery.campaign_id is not None:
        campaign = session.get(Campaign, delivery.campaign_id)
        if campaign is None or campaign.state == CampaignState.ENDED or contact is None:
            raise Conflict("Its campaign has ended, or the contact is no longer in it.")
    if contact is not None:
        if contact.status != ContactStatus.FAILED:
            raise Conflict("The contact has gone on meanwhile; nothing waits for this delivery.")
        _move_contact(session, contact, ContactStatus.IN_PROGRESS, now=now)
    delivery.state, delivery.attempts, delivery.not_before = DeliveryState.AWAITING_DISTRIBUTION, 0, now
    delivery.reason, delivery.checks = None, {}
    _set_request(session, delivery, RequestState.PROCESSED, None, now=now)
    _note(session, delivery, EventType.COMM_RETRIED, actor=actor, now=now)
    return _views(session, [delivery])[0]


def cancel_delivery(session: Session, delivery_id: int, *, actor: Actor, now: datetime) -> DeliveryView:
    """Cancel a delivery that has not left. Raises Conflict when it has, or is on the wire right now."""
    actor.require("comms.edit")
    delivery = _find(session, delivery_id, for_change=True)
    if delivery.state not in (
        DeliveryState.AWAITING_MERGE, DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.RETRY,
    ):  # fmt: skip
        raise Conflict("Only a delivery that still waits can be cancelled.")
    contact = _find_contact(session, delivery)
    if contact is not None and contact.status == ContactStatus.IN_PROGRESS:
        _move_contact(session, contact, ContactStatus.SUPPRESSED, now=now)
        contact.reason, contact.node = "cancelled", delivery.node
    delivery.state, delivery.reason = DeliveryState.CANCELLED, "cancelled"
    _set_request(session, delivery, RequestState.CANCELLED, "cancelled", now=now)
    _note(session, delivery, EventType.COMM_CANCELLED, actor=actor, now=now)
    return _views(session, [delivery])[0]


def set_status(
    session: Session,
    delivery_id: int,
    *,
    status: str,
    at: datetime | None,
    reason: str | None,
    actor: Actor,
    now: datetime,
    reference: str | None = None,
) -> DeliveryView:
    """What a vendor reports: S, E, delivered, read, ... Idempotent, never backwards. Raises NotFound, Invalid."""
    actor.require("comms.edit")
    known = parse_status(status)
    delivery = _find(session, delivery_id, for_change=True)
    if reference and delivery.provider_id is None:
        delivery.provider_id = reference
        session.add(delivery)
        session.flush()
    if known != "sent":
        row = ReceiptRow(delivery_id=delivery_id, status=known, at=at or now, reason=reason)
        record_receipts(session, [row], now=now)
    session.expire(delivery)
    return _views(session, [_find(session, delivery_id)])[0]


def _find(session: Session, delivery_id: int, *, for_change: bool = False) -> CommDelivery:
    row = session.get(CommDelivery, delivery_id, with_for_update=for_change or None)
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return row


def _find_contact(session: Session, delivery: CommDelivery) -> CampaignContact | None:
    if delivery.contact_id is None:
        return None
    return session.get(CampaignContact, delivery.contact_id, with_for_update=True)


def _move_contact(session: Session, contact: CampaignContact, after: ContactStatus, *, now: datetime) -> None:
    move_contacts(session, contact.campaign_id, {contact.status: -1, after.value: 1})
    contact.status, contact.reason, contact.due_at, contact.last_activity_at = after, None, None, now
    session.add(contact)


def _set_request(
    session: Session, delivery: CommDelivery, state: RequestState, reason: str | None, *, now: datetime
) -> None:
    session.add(delivery)
    request = session.get(CommRequest, delivery.request_id)
    if request is not None:
        request.state, request.reason, request.updated_at = state, reason, now
        session.add(request)
    session.flush()


def _note(session: Session, delivery: CommDelivery, kind: EventType, *, actor: Actor, now: datetime) -> None:
    append_event(
        session, kind, now=now, actor=actor.name, person_id=delivery.person_id, campaign_id=delivery.campaign_id,
        contact_id=delivery.contact_id, delivery_id=delivery.id, data={"channel": delivery.channel},
    )  # fmt: skip


def _views(session: Session, rows: Any) -> list[DeliveryView]:
    rows = list(rows)
    request_ids = {one.request_id for one in rows}
    requests = {one.id: one for one in session.exec(select(CommRequest).where(col(CommRequest.id).in_(request_ids)))}
    wanted = {one.gateway_id for one in rows}
    gateways = session.exec(select(Gateway).where(col(Gateway.id).in_(wanted)))
    names = {one.id: one.name for one in gateways}
    copied = [name for name in DeliveryView.__dataclass_fields__ if name in CommDelivery.model_fields]
    return [
        DeliveryView(
            **{name: getattr(one, name) for name in copied},
            request_state=requests[one.request_id].state if one.request_id in requests else RequestState.PROCESSED,
            request_reason=requests[one.request_id].reason if one.request_id in requests else None,
            gateway_name=names.get(one.gateway_id),
        )
        for one in rows
    ]


__all__ = ["DeliveryView", "cancel_delivery", "get_delivery", "list_deliveries", "retry_delivery", "set_status"]
