"""Requests as other systems see them: the header of each communication, and its deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.comms.deliveries import cancel_delivery
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.journey.tape import append_event
from cxconsole.paging import COUNT_CAP, Page, check_range, make_page, parse_sort
from models.comm import REQUEST_MOVES, CommDelivery, CommRequest, DeliveryState, RequestState
from models.event import EventType

_SORTS = ("id", "created_at", "updated_at")
_WAITING = (DeliveryState.AWAITING_MERGE, DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.RETRY)


@dataclass(frozen=True, kw_only=True)
class RequestView:
    """One request, what set it off, how it ended, and the keys of its deliveries."""

    id: int
    trigger_kind: str
    trigger_id: str
    unique_ref: str | None
    campaign_id: int | None
    contact_id: int | None
    person_id: int
    priority: int
    comm_code: str
    state: str
    reason: str | None
    created_at: datetime
    updated_at: datetime
    delivery_ids: tuple[int, ...]


def list_requests(
    session: Session,
    *,
    actor: Actor,
    campaign_id: int | None = None,
    contact_id: int | None = None,
    person_id: int | None = None,
    state: str | None = None,
    sort: str = "-id",
    limit: int = 50,
    offset: int = 0,
) -> Page[RequestView]:
    """Requests by page, the newest first; counts end at 10,001."""
    actor.require("comms.read")
    check_range(limit, offset)
    name, descending = parse_sort(sort, _SORTS)
    if state is not None and state not in list(RequestState):
        raise Invalid.field("state", f"A state is one of {', '.join(RequestState)}.")
    wanted = {"campaign_id": campaign_id, "contact_id": contact_id, "person_id": person_id, "state": state}
    where = [getattr(CommRequest, column) == value for column, value in wanted.items() if value is not None]
    counted = select(col(CommRequest.id)).where(*where).limit(COUNT_CAP).subquery()
    total = session.exec(select(func.count()).select_from(counted)).one()
    column, key = col(getattr(CommRequest, name)), col(CommRequest.id)
    order = (column.desc(), key.desc()) if descending else (column, key)
    rows = session.exec(select(CommRequest).where(*where).order_by(*order).limit(limit).offset(offset)).all()
    capped = total >= COUNT_CAP
    return make_page(_views(session, rows), total=total, limit=limit, offset=offset, total_is_capped=capped)


def get_request(session: Session, request_id: int, *, actor: Actor) -> RequestView:
    """One request. Raises NotFound."""
    actor.require("comms.read")
    return _views(session, [_find(session, request_id)])[0]


def cancel_request(session: Session, request_id: int, *, actor: Actor, now: datetime) -> RequestView:
    """Cancel a request of which nothing has left. Raises Conflict when something has, or it has ended already."""
    actor.require("comms.edit")
    request = _find(session, request_id, for_change=True)
    if RequestState.CANCELLED not in REQUEST_MOVES[RequestState(request.state)]:
        raise Conflict("This request has ended already; there is nothing to cancel.")
    deliveries = session.exec(select(CommDelivery).where(CommDelivery.request_id == request_id)).all()
    if any(one.state not in _WAITING for one in deliveries):
        raise Conflict("A message of this request has left, or is leaving right now.")
    for one in deliveries:  # one a channel and target: a handful at most
        cancel_delivery(session, one.id or 0, actor=actor, now=now)
    if not deliveries:
        request.state, request.reason, request.updated_at = RequestState.CANCELLED, "cancelled", now
        session.add(request)
        append_event(
            session, EventType.COMM_CANCELLED, now=now, actor=actor.name, person_id=request.person_id,
            campaign_id=request.campaign_id, contact_id=request.contact_id, data={"request_id": request_id},
        )  # fmt: skip
    session.flush()
    return _views(session, [_find(session, request_id)])[0]


def _find(session: Session, request_id: int, *, for_change: bool = False) -> CommRequest:
    row = session.get(CommRequest, request_id, with_for_update=for_change or None)
    if row is None:
        raise NotFound(f"There is no request {request_id}.")
    return row


def _views(session: Session, rows: Sequence[CommRequest]) -> list[RequestView]:
    deliveries: dict[int, list[int]] = {}
    keys: Any = [one.id for one in rows]
    found = session.exec(
        select(CommDelivery.request_id, CommDelivery.id)
        .where(col(CommDelivery.request_id).in_(keys))
        .order_by(col(CommDelivery.id))
    )
    for request_id, delivery_id in found:
        deliveries.setdefault(request_id, []).append(delivery_id or 0)
    copied = [name for name in RequestView.__dataclass_fields__ if name in CommRequest.model_fields]
    return [
        RequestView(
            **{name: getattr(one, name) for name in copied}, delivery_ids=tuple(deliveries.get(one.id or 0, ()))
        )
        for one in rows
    ]
