"""Campaigns: list, make, change, and move through their life."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, WithJsonSchema

from cxconsole.accounts.actor import ENGINE
from cxconsole.api.call import Body, Call, Caller, Listing, Pages, Search, parse_campaign_id
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import Id, View
from cxconsole.campaigns.directory import CampaignDetail, get_campaign, list_campaigns
from cxconsole.campaigns.lifecycle import (
    clone_campaign,
    create_campaign,
    delete_campaign,
    end_campaign,
    publish_campaign,
    save_clone,
    unpublish_campaign,
    update_campaign,
)
from cxconsole.campaigns.preflight import check_preflight
from cxconsole.campaigns.progress import get_progress
from cxconsole.errors import FieldProblem, Invalid
from cxconsole.signals import topics
from models.campaign import CampaignState, campaign_code

router = APIRouter(prefix="/campaigns", tags=["campaigns"], route_class=ApiRoute)

CampaignSort = Literal[
    "name", "-name", "id", "-id", "created_at", "-created_at", "updated_at", "-updated_at", "contacts", "-contacts",
    "last_activity_at", "-last_activity_at",
]  # fmt: skip
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time with its offset; the service reads it, so that its message is the same everywhere."""


class ExecutionWindow(Body):
    """When the campaign may contact people; a start after the end runs over midnight."""

    start: str | None = Field(None, examples=["09:00"])
    end: str | None = Field(None, examples=["17:30"])
    days: list[str] | None = Field(None, examples=[["mon", "tue", "wed", "thu", "fri"]])
    in_zone_of: str | None = Field(None, examples=["campaign"], description="`campaign` or `person`.")


class Validity(Body):
    """From when until when the campaign runs; null is open."""

    starts_at: Moment | None = None
    ends_at: Moment | None = None


class StepBody(Body):
    """One step. `delay` is counted from the step before, `only_if_not` looks at its messages."""

    channel: str = Field(examples=["email"])
    template_id: str | None = None
    gateway_id: str | None = None
    delay: str = Field("PT0S", description="ISO 8601 duration.")
    only_if_not: str | None = Field(None, description="`opened`, `clicked`, `delivered` or `sent`.")


class PersonLimit(Body):
    """At most `count` messages to one person in any `window` (ISO 8601 duration)."""

    count: int
    window: str = Field(examples=["P7D"])


class Limits(Body):
    """Null is no limit."""

    per_minute: int | None = None
    per_person: PersonLimit | None = None


class CampaignChange(Body):
    """What is to change; what is not named stays. `version` is the one it was read at."""

    name: str | None = None
    description: str | None = None
    time_zone: str | None = Field(None, examples=["Europe/Berlin"])
    execution_window: ExecutionWindow | None = None
    validity: Validity | None = None
    dialing_modes: list[str] | None = Field(None, examples=[["progressive"]])
    queue_id: str | None = None
    steps: list[StepBody] | None = None
    limits: Limits | None = None


class NewCampaign(CampaignChange):
    """A campaign to be made. Only the name is needed."""

    name: str = Field(examples=["Spring offer"])


class CampaignPatch(CampaignChange):
    """What is to change; what is not named stays."""

    version: int | None = Field(None, description="The version it was read at; needed for a published campaign.")


class ExecutionWindowView(View):
    """When the campaign may contact people; a start after the end runs over midnight."""

    start: str = Field(examples=["09:00"])
    end: str = Field(examples=["17:30"])
    days: list[str] = Field(examples=[["mon", "tue", "wed", "thu", "fri"]])
    in_zone_of: str = Field(examples=["campaign"])


class ValidityView(View):
    """From when until when the campaign runs; null is open."""

    starts_at: datetime | None
    ends_at: datetime | None


class StepView(View):
    """One step. `delay` is counted from the step before, `only_if_not` looks at its messages."""

    channel: str
    template_id: Id | None
    gateway_id: Id | None
    delay: str
    only_if_not: str | None


class PersonLimitView(View):
    """At most `count` messages to one person in any `window`."""

    count: int | None
    window: str | None


class LimitsView(View):
    """Null is no limit."""

    per_minute: int | None
    per_person: PersonLimitView | None


class CampaignView(View):
    """A campaign as it is read."""

    id: str = Field(examples=["CMP-1001"])
    name: str
    description: str
    state: CampaignState
    time_zone: str
    execution_window: ExecutionWindowView
    validity: ValidityView
    dialing_modes: list[str]
    queue_id: str | None
    steps: list[StepView]
    limits: LimitsView
    contacts: int
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime | None
    version: int

    @classmethod
    def of(cls, one: CampaignDetail) -> "CampaignView":
        """From what the service says."""
        per_person = None
        if one.per_person_count is not None:
            per_person = PersonLimitView(count=one.per_person_count, window=one.per_person_window)
        return cls(
            id=one.code,
            name=one.name,
            description=one.description,
            state=one.state,
            time_zone=one.time_zone,
            execution_window=ExecutionWindowView(
                start=one.window_start, end=one.window_end, days=list(one.window_days), in_zone_of=one.window_in_zone_of
            ),
            validity=ValidityView(starts_at=one.starts_at, ends_at=one.ends_at),
            dialing_modes=list(one.dialing_modes),
            queue_id=one.queue_id,
            steps=[StepView.of(step) for step in one.steps],
            limits=LimitsView(per_minute=one.per_minute, per_person=per_person),
            contacts=one.contacts,
            created_at=one.created_at,
            updated_at=one.updated_at,
            last_activity_at=one.last_activity_at,
            version=one.version,
        )  # fmt: skip


class ChannelView(View):
    """What came of the deliveries on one channel; each is counted once."""

    sent: int
    delivered: int
    bounced: int
    opened: int
    clicked: int
    replied: int
    unsubscribed: int


class ProgressView(View):
    """`planned` is always the sum of the six numbers after it."""

    planned: int
    pending: int
    in_progress: int
    completed: int
    failed: int
    suppressed: int
    held: int
    channels: dict[str, ChannelView]
    rate_per_minute: int
    finishes_at: datetime | None


class PreflightItemView(View):
    """One finding: what was looked at, what was found, and what to do about it."""

    key: str
    title: str
    verdict: Literal["ok", "warning", "blocker"]
    detail: str
    remedy: str


class PreflightView(View):
    """What is looked at before a campaign is published; a blocker prevents it."""

    items: list[PreflightItemView]
    can_publish: bool


@router.get("")
def list_all(
    call: Caller,
    pages: Pages,
    q: Search = "",
    state: Annotated[CampaignState | None, Query(description="Only those in this state.")] = None,
    sort: Annotated[
        CampaignSort, Query(description="A field; with - in front, from the greatest down.")
    ] = "created_at",
) -> Listing[CampaignView]:
    """List campaigns; `q` is part of a name or an id."""
    with call.read() as session:
        page = list_campaigns(
            session, actor=call.actor, now=call.now, state=state, q=q, sort=sort, limit=pages.limit, offset=pages.offset
        )
    return pages.listing(page, CampaignView.of)


@router.post("", status_code=201)
def create(call: Caller, body: NewCampaign, response: Response) -> CampaignView:
    """Make a campaign; it is unpublished."""
    with call.write() as session:
        key = create_campaign(session, body.name, changes=body.given(), actor=call.actor, now=call.now).id or 0
    return _created(call, key, response)


@router.get("/{campaign_id}")
def get_one(call: Caller, campaign_id: str) -> CampaignView:
    """Read one campaign."""
    with call.read() as session:
        return CampaignView.of(get_campaign(session, parse_campaign_id(campaign_id), actor=call.actor))


@router.get("/{campaign_id}/progress")
def read_progress(call: Caller, campaign_id: str) -> ProgressView:
    """Read how the campaign gets on."""
    with call.read() as session:
        key = parse_campaign_id(campaign_id)
        return ProgressView.of(get_progress(session, key, actor=call.actor, now=call.now, outlook=False))


@router.get("/{campaign_id}/preflight")
def read_preflight(call: Caller, campaign_id: str) -> PreflightView:
    """Look at what publishing would need."""
    with call.read() as session:
        key = parse_campaign_id(campaign_id)
        is_public = call.application.settings.is_public
        return PreflightView.of(check_preflight(session, key, is_public=is_public, actor=call.actor, now=call.now))


@router.patch("/{campaign_id}")
def change(call: Caller, campaign_id: str, body: CampaignPatch) -> CampaignView:
    """Change a campaign. A published one needs the version it was read at."""
    changes = body.given()
    version = changes.pop("version", None)
    if not changes:
        raise Invalid("There is nothing to change.", errors=[FieldProblem(loc="body", msg="Name at least one field.")])
    key = parse_campaign_id(campaign_id)
    with call.write() as session:
        update_campaign(session, key, changes, version=version, actor=call.actor, now=call.now)
    return _changed(call, key)


@router.delete("/{campaign_id}", status_code=204)
def delete(call: Caller, campaign_id: str) -> None:
    """Delete a campaign that never contacted anyone."""
    key = parse_campaign_id(campaign_id)
    with call.write() as session:
        delete_campaign(session, key, actor=call.actor, now=call.now)
    _announce(call, key)


@router.post("/{campaign_id}/publish")
def publish(call: Caller, campaign_id: str) -> CampaignView:
    """Let it run."""
    key = parse_campaign_id(campaign_id)
    with call.write() as session:
        publish_campaign(session, key, actor=call.actor, now=call.now)
    return _changed(call, key)


@router.post("/{campaign_id}/unpublish")
def unpublish(call: Caller, campaign_id: str) -> CampaignView:
    """Pause it: nothing more leaves until it is published again."""
    key = parse_campaign_id(campaign_id)
    with call.write() as session:
        unpublish_campaign(session, key, actor=call.actor, now=call.now)
    return _changed(call, key)


@router.post("/{campaign_id}/end")
def end(call: Caller, campaign_id: str) -> CampaignView:
    """End it for good."""
    key = parse_campaign_id(campaign_id)
    with call.write() as session:
        end_campaign(session, key, actor=call.actor, now=call.now)
    return _changed(call, key)


@router.post("/{campaign_id}/clone", status_code=201)
def clone(call: Caller, campaign_id: str, response: Response) -> CampaignView:
    """Make a new campaign with the settings of this one and without its contacts."""
    with call.write() as session:
        draft = clone_campaign(session, parse_campaign_id(campaign_id), actor=call.actor)
        key = save_clone(session, draft, actor=call.actor, now=call.now).id or 0
    return _created(call, key, response)


def _created(call: Call, key: int, response: Response) -> CampaignView:
    response.headers["Location"] = f"/api/v1/campaigns/{campaign_code(key)}"
    return _changed(call, key)


def _changed(call: Call, key: int) -> CampaignView:
    _announce(call, key)
    with call.read() as session:  # who may change a campaign is told what became of it, whatever else the key may read
        return CampaignView.of(get_campaign(session, key, actor=ENGINE))


def _announce(call: Call, key: int) -> None:
    call.publish(topics.WORK, topics.CAMPAIGNS, topics.campaign(key))
