"""One communication on its own: asked for by a system, not by a step of a campaign.

It goes the way of all others: the same last-moment checks, retries, receipts and trail.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import ENGINE, Actor
from cxconsole.audience.people import find_present
from cxconsole.comms.merge_fields import load_fields
from cxconsole.comms.profile_fields import add_profiles
from cxconsole.comms.requests import RequestView, get_request
from cxconsole.errors import Conflict, Invalid
from cxconsole.journey.tape import append_event
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.event import EventType
from models.gateway import Gateway
from models.person import ADDRESS_OF, NO_ADDRESS, Channel, Identity, Person
from models.template import Template, TemplateVersion

MAX_FIELDS = 32_000
"""Characters of JSON that the fields of one message may have."""


def create_request(
    session: Session,
    *,
    person_id: int,
    template_id: int,
    gateway_id: int,
    fields: Mapping[str, Any] | None = None,
    not_before: datetime | None = None,
    comm_code: str = "",
    unique_ref: str | None = None,
    actor: Actor,
    now: datetime,
) -> RequestView:
    """Send the template to the person, on the template's channel; the caller then publishes topics.WORK.

    `fields` come before what is known of the person. A person without an address for the channel ends the request
    as not sent, with the reason. A request whose `unique_ref` is there already is returned as it is: nothing is
    sent twice. Raises Invalid for what is not there or does not fit, Conflict for another person's `unique_ref`.
    """
    actor.require("comms.edit")
    person = find_present(session, person_id)
    if person is None:
        raise Invalid.field("person_id", f"There is no person {person_id}.")
    template = session.get(Template, template_id)
    if template is None or template.deleted_at is not None or template.current_version_id is None:
        raise Invalid.field("template_id", f"There is no template {template_id}.")
    gateway = session.get(Gateway, gateway_id)
    if gateway is None:
        raise Invalid.field("gateway_id", f"There is no gateway {gateway_id}.")
    if gateway.channel != template.channel:
        msg = f"This gateway is for {gateway.channel}, the template for {template.channel}."
        raise Invalid.field("gateway_id", msg)
    if len(json.dumps(fields or {})) > MAX_FIELDS:
        raise Invalid.field("fields", f"At most {MAX_FIELDS:,} characters in all.")
    known = _find_by_ref(session, unique_ref, person)
    if known is not None:
        return get_request(session, known, actor=actor)
    channel = Channel(template.channel)
    target = _find_target(session, person, channel)
    request = CommRequest(
        trigger_kind="api", trigger_id=actor.name, unique_ref=unique_ref, person_id=person.id or 0,
        comm_code=comm_code, created_at=now, updated_at=now,
        state=RequestState.NOT_SENT if target is None else RequestState.PROCESSED,
        reason=NO_ADDRESS[channel] if target is None else None,
    )  # fmt: skip
    session.add(request)
    session.flush()
    delivery_id = None
    if target is not None:
        known_fields = load_fields(session, [request.person_id])
        content = session.get_one(TemplateVersion, template.current_version_id)
        add_profiles(session, known_fields, [content], actor=ENGINE, now=now)
        delivery = CommDelivery(
            request_id=request.id or 0, person_id=request.person_id, channel=channel, target=target,
            gateway_id=gateway_id, template_version_id=template.current_version_id,
            merge={**known_fields[request.person_id], **(fields or {}), "campaign": {}},
            state=DeliveryState.AWAITING_DISTRIBUTION, not_before=not_before or now, created_at=now,
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        delivery_id = delivery.id
    append_event(
        session, EventType.COMM_NOT_SENT if target is None else EventType.COMM_REQUESTED, now=now, actor=actor.name,
        person_id=request.person_id, delivery_id=delivery_id,
        data={"request_id": request.id, "channel": channel} | ({"reason": request.reason} if request.reason else {}),
    )  # fmt: skip
    return get_request(session, request.id or 0, actor=actor)


def _find_by_ref(session: Session, unique_ref: str | None, person: Person) -> int | None:
    if unique_ref is None:
        return None
    found = session.exec(select(CommRequest).where(CommRequest.unique_ref == unique_ref)).first()
    if found is None:
        return None
    theirs = find_present(session, found.person_id)
    if theirs is None or theirs.id != person.id:
        raise Conflict("This unique_ref is that of a request to another person.")
    return found.id


def _find_target(session: Session, person: Person, channel: Channel) -> str | None:
    found = select(Identity.value).where(Identity.person_id == person.id, Identity.kind == ADDRESS_OF[channel])
    return session.exec(found.order_by(col(Identity.is_primary).desc(), col(Identity.id))).first()


__all__ = ["create_request"]
