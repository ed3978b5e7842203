"""The contacts of a campaign: add many, browse, and see why each was or was not contacted."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel

from cxconsole.api.body import parse_json
from cxconsole.api.call import Caller, Listing, Pages, Search, parse_campaign_id, parse_key
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import Id, View
from cxconsole.audience.contacts_intake import RowVerdict, add_contacts
from cxconsole.campaigns.contact_filter import FilterTree, parse_filter
from cxconsole.campaigns.contacts import get_contact, list_contacts
from cxconsole.campaigns.trail import get_trail
from cxconsole.errors import Invalid, Malformed
from cxconsole.signals import topics


class RowsRoute(ApiRoute):
    """A call whose rows are judged one by one, also for text that cannot be stored."""

    any_text = True


router = APIRouter(prefix="/campaigns/{campaign_id}/contacts", tags=["contacts"], route_class=ApiRoute)
rows_router = APIRouter(prefix="/campaigns/{campaign_id}/contacts", tags=["contacts"], route_class=RowsRoute)


class RowVerdictView(BaseModel):
    """What became of one row; a bad one never rejects the others."""

    index: int
    status: str
    person_id: str | None
    reason: str | None
    warnings: list[str]


class ContactView(View):
    """A person's place in a campaign. `delivery` has one word for each channel with a message."""

    id: Id
    person_id: Id
    email: str | None
    phone: str | None
    customer_id: str | None
    first_name: str | None
    last_name: str | None
    language: str | None
    time_zone: str | None
    preferred_channel: str | None
    external_ref: str | None
    attributes: dict[str, Any]
    status: str
    hold_reason: str | None
    reason: str | None
    source_id: Id
    source_name: str
    delivery: dict[str, str]
    created_at: datetime
    due_at: datetime | None
    last_activity_at: datetime | None


class TrailStepView(View):
    """One thing that happened; `key` is the type of its event."""

    at: datetime
    key: str
    title: str
    detail: str
    since_seconds: float | None


class ChannelTrailView(View):
    """What came of one channel and why. Each of `checks` is pass, wait, stop or none (not asked)."""

    channel: str
    target: str | None
    verdict: str
    reason: str
    checks: dict[str, str]
    state: str
    delivery_id: Id | None
    steps: list[TrailStepView]


class TrailView(View):
    """All that happened to one contact."""

    contact: ContactView
    summary: str
    channels: list[ChannelTrailView]
    steps: list[TrailStepView]
    due_at: datetime | None


@rows_router.post("", status_code=207, response_model=list[RowVerdictView])
def add(
    call: Caller,
    campaign_id: str,
    rows: Annotated[
        list[Any],
        Body(
            description="Up to 10,000 rows. Known columns: email, phone, customer_id, first_name, last_name, language, "
            "time_zone, preferred_channel, external_ref; any other key becomes an attribute.",
            examples=[[{"email": "ada@customer.example", "first_name": "Ada", "plan": "gold"}]],
        ),
    ],
    default_region: Annotated[
        str, Query(max_length=2, description="The country of numbers without a country code.")
    ] = "US",
) -> Response:
    """Add persons to the campaign; those it has already are brought up to date. A verdict for each row."""
    key = parse_campaign_id(campaign_id)
    with call.write() as session:
        verdicts = add_contacts(
            session, key, rows, actor=call.actor, now=call.now, default_region=default_region.upper()
        )
    call.publish(topics.WORK, topics.CAMPAIGNS, topics.campaign(key))
    return Response(json.dumps([_verdict(one) for one in verdicts]), status_code=207, media_type="application/json")


@router.get("")
def list_all(
    call: Caller,
    campaign_id: str,
    pages: Pages,
    q: Search = "",
    source: Annotated[str | None, Query(description="The id of a source.")] = None,
    status: Annotated[str | None, Query(description="Only those in this status.")] = None,
    filter: Annotated[
        str | None,
        Query(
            max_length=20_000,
            description='JSON: `{"field": "language", "op": "eq", "value": "de"}`, joined by `{"and": [...]}` or '
            '`{"or": [...]}`; `op` is eq, ne, contains, starts, gt, lt, empty or filled.',
        ),
    ] = None,
    sort: Annotated[str, Query(description="A field; - in front turns it round.")] = "-id",
) -> Listing[ContactView]:
    """List the contacts of a campaign. Every condition that is given must hold."""
    with call.read() as session:
        page = list_contacts(
            session,
            parse_campaign_id(campaign_id),
            actor=call.actor,
            q=q,
            source_id=_parse_source(source),
            status=status,
            filter=read_filter(filter),
            sort=sort,
            limit=pages.limit,
            offset=pages.offset,
        )
    return pages.listing(page, ContactView.of)


@router.get("/{contact_id}")
def get_one(call: Caller, campaign_id: str, contact_id: str) -> ContactView:
    """Read one contact."""
    with call.read() as session:
        key = parse_campaign_id(campaign_id)
        return ContactView.of(get_contact(session, key, parse_key(contact_id, "contact"), actor=call.actor))


@router.get("/{contact_id}/trail")
def read_trail(call: Caller, campaign_id: str, contact_id: str) -> TrailView:
    """Read what happened to one contact, and why it was or was not contacted."""
    with call.read() as session:
        key = parse_campaign_id(campaign_id)
        trail = get_trail(session, key, parse_key(contact_id, "contact"), actor=call.actor, now=call.now)
        return TrailView.of(trail)


def read_filter(text: str | None) -> FilterTree | None:
    """The filter in a query parameter. Raises Invalid."""
    if not text:
        return None
    try:
        return parse_filter(parse_json(text.encode()))
    except Malformed:
        raise Invalid.field("filter", "This is not JSON. Write it as in the description of the parameter.") from None


def _parse_source(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or int(text) > 2**31 - 1:
        raise Invalid.field("source", "This is not the id of a source.")
    return int(text)


def _verdict(one: RowVerdict) -> dict[str, Any]:
    reason = None
    if one.reason is not None:
        reason = f"{one.column}: {one.reason}" if one.column else one.reason
        reason = f"{reason}. {one.remedy}." if one.remedy else reason
    return {
        "index": one.index,
        "status": one.status,
        "person_id": None if one.person_id is None else str(one.person_id),
        "reason": reason,
        "warnings": list(one.warnings),
    }
