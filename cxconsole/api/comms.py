"""Communications: requests, their deliveries, and what vendors report of them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from cxconsole.accounts.actor import ENGINE
from cxconsole.api.call import MAX_KEY, MAX_SMALL_KEY, Body, Call, Caller, Listing, Pages, parse_key, refer
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import CampaignId, Id, View
from cxconsole.comms.deliveries import get_delivery, list_deliveries, retry_delivery, set_status
from cxconsole.comms.intake import create_request
from cxconsole.comms.requests import RequestView, cancel_request, get_request, list_requests
from cxconsole.errors import Invalid
from cxconsole.signals import topics
from models.comm import DeliveryState, RequestState
from models.person import Channel

router = APIRouter(tags=["comms"], route_class=ApiRoute)

CampaignFilter = Annotated[str | None, Query(description="Only those of this campaign.")]
PersonFilter = Annotated[str | None, Query(description="Only those of this person.")]
ContactFilter = Annotated[str | None, Query(description="Only those of this contact of a campaign.")]
Order = Annotated[str, Query(description="A field; - in front turns it round.")]


class Trigger(BaseModel):
    """What set the request off."""

    kind: str
    id: str
    unique_ref: str | None


class NewRequest(Body):
    """One message to one person, on the channel of the template."""

    person_id: str
    template_id: str
    gateway_id: str
    fields: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{"order": "4711"}],
        description="Merge fields of this message; they come before what is known of the person.",
    )
    not_before: AwareDatetime | None = Field(None, strict=False, description="Not before this moment; null is now.")
    comm_code: str = Field("", max_length=100, description="A name for what is said, to find it by.")
    unique_ref: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="The caller's own name of this message: with the same one again, the request that is there is "
        "returned and nothing is sent twice.",
    )


class RequestReading(BaseModel):
    """The header of one communication. It ends in exactly one state, with a reason."""

    id: str
    trigger: Trigger
    campaign_id: str | None
    contact_id: str | None
    person_id: str
    priority: int = Field(description="1 high, 2 medium, 3 low.")
    comm_code: str
    state: RequestState = Field(
        description="A awaiting, R awaiting resolution, P processed, C cancelled, N not sent, O opted out, E error."
    )
    reason: str | None
    deliveries: list[str]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, one: RequestView) -> "RequestReading":
        """From what the service says."""
        return cls(
            id=str(one.id),
            trigger=Trigger(kind=one.trigger_kind, id=one.trigger_id, unique_ref=one.unique_ref),
            campaign_id=None if one.campaign_id is None else f"CMP-{one.campaign_id}",
            contact_id=None if one.contact_id is None else str(one.contact_id),
            person_id=str(one.person_id),
            priority=one.priority,
            comm_code=one.comm_code,
            state=RequestState(one.state),
            reason=one.reason,
            deliveries=[str(key) for key in one.delivery_ids],
            created_at=one.created_at,
            updated_at=one.updated_at,
        )


class DeliveryReading(View):
    """One communication on one channel to one target."""

    id: Id
    request_id: Id
    campaign_id: CampaignId | None
    contact_id: Id | None
    person_id: Id
    channel: str
    target: str
    gateway_id: Id
    state: DeliveryState = Field(
        description="A awaiting merge, D awaiting distribution, sending, S sent, P published, R retry, E error, "
        "delivered, bounced, C cancelled."
    )
    reason: str | None
    attempts: int
    not_before: datetime
    possible_duplicate: bool
    provider_id: str | None
    checks: dict[str, Any]
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


class DeliveryStatus(Body):
    """What came of a delivery. Sending it twice, late or out of order does no harm."""

    status: str = Field(
        examples=["delivered"],
        description="S, E, delivered, bounced, opened, clicked, read, replied, unsubscribed or complained.",
    )
    method: str | None = Field(None, description="The channel it was made on; must be the delivery's.")
    target: str | None = Field(None, max_length=320, description="Where it went; must be the delivery's.")
    sent_at: AwareDatetime | None = Field(None, strict=False)
    read_at: AwareDatetime | None = Field(None, strict=False)
    reference: str | None = Field(None, max_length=255, description="What the vendor calls it.")
    reason: str | None = Field(None, max_length=1000)


@router.get("/comms")
def list_all_requests(
    call: Caller,
    pages: Pages,
    campaign: CampaignFilter = None,
    contact: ContactFilter = None,
    person: PersonFilter = None,
    state: Annotated[RequestState | None, Query(description="Only those in this state.")] = None,
    sort: Order = "-id",
) -> Listing[RequestReading]:
    """List requests."""
    with call.read() as session:
        page = list_requests(
            session, actor=call.actor, campaign_id=_filter("campaign", campaign),
            contact_id=_filter("contact", contact),
            person_id=_filter("person", person), state=state, sort=sort, limit=pages.limit, offset=pages.offset,
        )  # fmt: skip
    return pages.listing(page, RequestReading.of)


@router.post("/comms", status_code=201)
def create(call: Caller, body: NewRequest, response: Response) -> RequestReading:
    """Send one message to one person, by the same checks, retries and trail as a campaign's."""
    given = body.model_dump()
    for name, most in (("person_id", MAX_KEY), ("template_id", MAX_SMALL_KEY), ("gateway_id", MAX_SMALL_KEY)):
        given[name] = refer(name, given[name], most=most)
    with call.write() as session:
        view = create_request(session, **given, actor=call.actor, now=call.now)
    _announce(call, None)
    response.headers["Location"] = f"/api/v1/comms/{view.id}"
    return RequestReading.of(view)


@router.get("/comms/{request_id}")
def get_one_request(call: Caller, request_id: str) -> RequestReading:
    """Read one request."""
    with call.read() as session:
        return RequestReading.of(get_request(session, parse_key(request_id, "request"), actor=call.actor))


@router.post("/comms/{request_id}/cancel")
def cancel(call: Caller, request_id: str) -> RequestReading:
    """Cancel a request of which nothing has left."""
    with call.write() as session:
        view = cancel_request(session, parse_key(request_id, "request"), actor=call.actor, now=call.now)
    _announce(call, view.campaign_id)
    return RequestReading.of(view)


@router.get("/deliveries")
def list_all_deliveries(
    call: Caller,
    pages: Pages,
    campaign: CampaignFilter = None,
    contact: ContactFilter = None,
    person: PersonFilter = None,
    channel: Annotated[Channel | None, Query(description="Only those on this channel.")] = None,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
    sort: Order = "-id",
) -> Listing[DeliveryReading]:
    """List deliveries."""
    with call.read() as session:
        page = list_deliveries(
            session, actor=call.actor, campaign_id=_filter("campaign", campaign),
            contact_id=_filter("contact", contact),
            person_id=_filter("person", person), channel=channel, state=state, sort=sort, limit=pages.limit,
            offset=pages.offset,
        )  # fmt: skip
    return pages.listing(page, DeliveryReading.of)


@router.get("/deliveries/{delivery_id}")
def get_one_delivery(call: Caller, delivery_id: str) -> DeliveryReading:
    """Read one delivery."""
    with call.read() as session:
        return DeliveryReading.of(get_delivery(session, parse_key(delivery_id, "delivery"), actor=call.actor))


@router.post("/deliveries/{delivery_id}/status")
def report_status(call: Caller, delivery_id: str, body: DeliveryStatus) -> DeliveryReading:
    """Report what came of a delivery."""
    key = parse_key(delivery_id, "delivery")
    with call.write() as session:
        call.actor.require("comms.edit")
        present = get_delivery(session, key, actor=ENGINE)
        for name, said, known in (("method", body.method, present.channel), ("target", body.target, present.target)):
            if said is not None and said.lower() != known.lower():
                raise Invalid.field(name, f"This delivery's {name} is another one. Is it the right delivery?")
        view = set_status(
            session, key, status=body.status, at=body.read_at if body.status == "read" else body.sent_at,
            reason=body.reason, reference=body.reference, actor=call.actor, now=call.now,
        )  # fmt: skip
    _announce(call, view.campaign_id)
    call.publish(topics.SUPPRESSIONS)
    return DeliveryReading.of(view)


@router.post("/deliveries/{delivery_id}/retry")
def retry(call: Caller, delivery_id: str) -> DeliveryReading:
    """Try a failed delivery again."""
    with call.write() as session:
        view = retry_delivery(session, parse_key(delivery_id, "delivery"), actor=call.actor, now=call.now)
    _announce(call, view.campaign_id)
    return DeliveryReading.of(view)


def _announce(call: Call, campaign_id: int | None) -> None:
    call.publish(topics.WORK, topics.DELIVERIES)
    if campaign_id is not None:
        call.publish(topics.CAMPAIGNS, topics.campaign(campaign_id))


def _filter(name: str, text: str | None) -> int | None:
    return None if text is None else refer(name, text)
