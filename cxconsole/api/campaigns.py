"""Campaigns: list, make, change, and move through their life."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cxconsole.api.call import Caller, Listing, Pages, Search, as_id, parse_campaign_id
from cxconsole.api.route import ApiRoute
from cxconsole.campaigns.directory import CampaignDetail, get_campaign, list_campaigns
from cxconsole.campaigns.progress import Progress, get_progress
from models.campaign import CampaignState

router = APIRouter(prefix="/campaigns", tags=["campaigns"], route_class=ApiRoute)

CampaignSort = Literal[
    "name", "-name", "id", "-id", "created_at", "-created_at", "updated_at", "-updated_at", "contacts", "-contacts",
    "last_activity_at", "-last_activity_at",
]  # fmt: skip


class ExecutionWindowView(BaseModel):
    """When the campaign may contact people; a start after the end runs over midnight."""

    start: str = Field(examples=["09:00"])
    end: str = Field(examples=["17:30"])
    days: list[str] = Field(examples=[["mon", "tue", "wed", "thu", "fri"]])
    in_zone_of: str = Field(examples=["campaign"])


class ValidityView(BaseModel):
    """From when until when the campaign runs; null is open."""

    starts_at: datetime | None
    ends_at: datetime | None


class StepView(BaseModel):
    """One step. `delay` is counted from the step before, `only_if_not` looks at its messages."""

    channel: str
    template_id: str | None
    gateway_id: str | None
    delay: str
    only_if_not: str | None


class PersonLimitView(BaseModel):
    """At most `count` messages to one person in any `window`."""

    count: int | None
    window: str | None


class LimitsView(BaseModel):
    """Null is no limit."""

    per_minute: int | None
    per_person: PersonLimitView | None


class CampaignView(BaseModel):
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
            steps=[
                StepView(
                    channel=step.channel, template_id=as_id(step.template_id), gateway_id=as_id(step.gateway_id),
                    delay=step.delay, only_if_not=step.only_if_not,
                )
                for step in one.steps
            ],
            limits=LimitsView(per_minute=one.per_minute, per_person=per_person),
            contacts=one.contacts,
            created_at=one.created_at,
            updated_at=one.updated_at,
            last_activity_at=one.last_activity_at,
            version=one.version,
        )  # fmt: skip


class ChannelView(BaseModel):
    """What came of the deliveries on one channel; each is counted once."""

    sent: int
    delivered: int
    bounced: int
    opened: int
    clicked: int
    replied: int
    unsubscribed: int


class ProgressView(BaseModel):
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

    @classmethod
    def of(cls, one: Progress) -> "ProgressView":
        """From what the service says."""
        channels = {
            name: ChannelView(**{field: getattr(numbers, field) for field in ChannelView.model_fields})
            for name, numbers in one.channels.items()
        }
        plain = {field: getattr(one, field) for field in cls.model_fields if field != "channels"}
        return cls(**plain, channels=channels)


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
