"""Campaigns, their flow and their numbers."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Table, at_field, code_field, json_field


class CampaignState(StrEnum):
    """Where a campaign stands. `unpublished` is new, cloned or paused."""

    UNPUBLISHED = "unpublished"
    PUBLISHED = "published"
    ENDED = "ended"


CAMPAIGN_MOVES: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.UNPUBLISHED: frozenset({CampaignState.PUBLISHED, CampaignState.ENDED}),
    CampaignState.PUBLISHED: frozenset({CampaignState.UNPUBLISHED, CampaignState.ENDED}),
    CampaignState.ENDED: frozenset(),
}

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DIALING_MODES = ("progressive", "predictive", "preview", "manual")
FIRST_CAMPAIGN_ID = 1001


def campaign_code(campaign_id: int) -> str:
    """The id people see and the API uses: `CMP-1001`."""
    return f"CMP-{campaign_id}"


class Campaign(Table, table=True):
    """One plan of outbound contact. `version` grows with every change by a person."""

    __tablename__ = "campaign"
    __table_args__ = (
        Index("ix_campaign_state", "state", "id"),
        Index("ix_campaign_name", "name", "id"),
        {"sqlite_autoincrement": True},  # an id that people have seen is never given again
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str
    description: str = ""
    state: str = code_field(CampaignState.UNPUBLISHED)
    time_zone: str = "UTC"
    window_start: str = "00:00"  # 24 h clock; start after end runs over midnight
    window_end: str = "24:00"
    window_days: list[str] = json_field(lambda: list(WEEKDAYS))
    window_in_zone_of: str = code_field("campaign")  # campaign | person
    starts_at: datetime | None = at_field(nullable=True)  # validity period
    ends_at: datetime | None = at_field(nullable=True)
    dialing_modes: list[str] = json_field(lambda: ["progressive"])
    queue_id: str | None = None
    per_minute: int | None = None
    per_person_count: int | None = None
    per_person_window: str | None = None  # ISO 8601 duration
    flow_version: int = 0
    version: int = 1
    is_demo: bool = False
    first_published_at: datetime | None = at_field(nullable=True)
    published_at: datetime | None = at_field(nullable=True)
    ended_at: datetime | None = at_field(nullable=True)
    created_at: datetime = at_field(index=True)
    updated_at: datetime = at_field()
    last_activity_at: datetime | None = at_field(nullable=True)


class Flow(Table, table=True):
    """The steps of a campaign as a graph; every save is a new version, none is ever changed.

    `graph` is `{"start": node id | null, "nodes": [{"id", "kind": "message", "channel",
    "template_id", "gateway_id", "position"?: {"x", "y"}}], "edges": [{"source", "target",
    "delay": ISO 8601 duration, "unless": "opened" | "clicked" | "delivered" | "sent" | null}]}`.
    """

    __tablename__ = "flow"
    __table_args__ = (Index("uq_flow_campaign_version", "campaign_id", "version", unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", ondelete="CASCADE")
    version: int
    graph: dict[str, Any] = json_field()
    created_at: datetime = at_field()


class CampaignProgress(Table, table=True):
    """How many contacts are in each status; always sums to `planned`. Written with the rows it counts."""

    __tablename__ = "campaign_progress"

    campaign_id: int = Field(primary_key=True, foreign_key="campaign.id", ondelete="CASCADE")
    planned: int = 0
    pending: int = 0
    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    suppressed: int = 0
    held_unpublished: int = 0
    held_expired: int = 0
    held_ended: int = 0


class CampaignChannel(Table, table=True):
    """What came of a campaign's deliveries on one channel; each counts a delivery once."""

    __tablename__ = "campaign_channel"

    campaign_id: int = Field(primary_key=True, foreign_key="campaign.id", ondelete="CASCADE")
    channel: str = Field(primary_key=True)
    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    failed: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    unsubscribed: int = 0
    complained: int = 0


class TrafficMinute(Table, table=True):
    """Sends by minute, for rates and charts. `minute` is epoch seconds / 60."""

    __tablename__ = "traffic_minute"
    __table_args__ = (Index("ix_traffic_campaign", "campaign_id", "minute"),)

    minute: int = Field(primary_key=True)
    campaign_id: int = Field(primary_key=True)
    gateway_id: int = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    sent: int = 0
    failed: int = 0


__all__ = [
    "CAMPAIGN_MOVES", "DIALING_MODES", "FIRST_CAMPAIGN_ID", "WEEKDAYS",
    "Campaign", "CampaignChannel", "CampaignProgress", "CampaignState", "Flow", "TrafficMinute", "campaign_code",
]  # fmt: skip
