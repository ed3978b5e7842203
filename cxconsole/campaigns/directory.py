"""Campaigns as people look them up: the list, its counts, and one in full."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, Subquery, and_, case, cast, func, literal, or_, select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.flow import Step, steps_of
from cxconsole.errors import Invalid, NotFound
from cxconsole.paging import Page, check_range, make_page, parse_sort
from models.campaign import Campaign, CampaignProgress, CampaignState, Flow, campaign_code

_DONE = col(CampaignProgress.completed) + col(CampaignProgress.failed) + col(CampaignProgress.suppressed)
_NAME_ORDER = func.lower(col(Campaign.name))

CAMPAIGN_SORTS: dict[str, Any] = {
    "id": col(Campaign.id),
    "name": _NAME_ORDER,
    "state": col(Campaign.state),
    "created_at": col(Campaign.created_at),
    "updated_at": col(Campaign.updated_at),
    "contacts": func.coalesce(col(CampaignProgress.planned), 0),
    # exact fractions compare as numbers; a campaign without contacts has not begun
    "progress": case((col(CampaignProgress.planned) > 0, _DONE * 1.0 / col(CampaignProgress.planned)), else_=0.0),
    "last_activity_at": col(Campaign.last_activity_at),
}


@dataclass(frozen=True, kw_only=True)
class CampaignSummary:
    """A line of the list of campaigns. `paused`: unpublished, but was published before."""

    id: int
    code: str
    name: str
    state: CampaignState
    paused: bool
    channels: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    contacts: int
    completed: int
    in_progress: int
    failed: int
    suppressed: int
    held: int
    pending: int
    last_activity_at: datetime | None
    version: int
    is_demo: bool

    @property
    def progress(self) -> float:
        """The share of contacts nothing more is to be done for: 0 to 1."""
        return (self.completed + self.failed + self.suppressed) / self.contacts if self.contacts else 0.0


@dataclass(frozen=True, kw_only=True)
class CampaignDetail(CampaignSummary):
    """All of a campaign that people set or see."""

    description: str
    time_zone: str
    window_start: str
    window_end: str
    window_days: tuple[str, ...]
    window_in_zone_of: str
    starts_at: datetime | None
    ends_at: datetime | None
    dialing_modes: tuple[str, ...]
    queue_id: str | None
    per_minute: int | None
    per_person_count: int | None
    per_person_window: str | None
    flow_version: int
    steps: tuple[Step, ...]
    first_published_at: datetime | None
    published_at: datetime | None
    ended_at: datetime | None
    behind: int | None = None
    """How much of a number it has, where the campaigns behind one were asked for."""


def list_campaigns(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    state: str | None = None,
    q: str = "",
    created_since: datetime | None = None,
    behind: Subquery | None = None,
    sort: str = "created_at",
    limit: int = 50,
    offset: int = 0,
) -> Page[CampaignDetail]:
    """Campaigns by page. `q` is part of a name or an id (`CMP-1001`, `1001`); see CAMPAIGN_SORTS for `sort`.

    `behind`: only those of `behind.find_shares`, each with its share.
    """
    actor.require("campaigns.read")
    check_range(limit, offset)
    sorts = CAMPAIGN_SORTS if behind is None else {**CAMPAIGN_SORTS, "behind": behind.c.share}
    field, descending = parse_sort(sort, sorts)
    where = _matches(state, q, created_since)
    counted, chosen = select(func.count()).select_from(Campaign), _select_campaigns()
    if behind is not None:
        is_behind = behind.c.campaign_id == col(Campaign.id)
        counted, chosen = counted.join(behind, is_behind), chosen.join(behind, is_behind).add_columns(behind.c.share)
    total = session.execute(counted.where(where)).scalar_one()
    order = sorts[field]
    key = col(Campaign.id)
    found = session.execute(
        chosen.where(where)
        .order_by((order.desc() if descending else order.asc()).nulls_last(), key.desc() if descending else key.asc())
        .limit(limit)
        .offset(offset)
    ).all()
    items = [_detail(row) for row in found]
    return make_page(items, total=total, limit=limit, offset=offset)


def count_campaigns_by_state(
    session: Session,
    *,
    actor: Actor,
    q: str = "",
    created_since: datetime | None = None,
    behind: Subquery | None = None,
) -> dict[str, int]:
    """How many campaigns are in each state, and `all`; of those that match the rest, as in `list_campaigns`."""
    actor.require("campaigns.read")
    counted = select(col(Campaign.state), func.count()).where(_matches(None, q, created_since))
    if behind is not None:
        counted = counted.join(behind, behind.c.campaign_id == col(Campaign.id))
    found = session.execute(counted.group_by(col(Campaign.state))).all()
    counts = {str(state): 0 for state in CampaignState} | {row[0]: row[1] for row in found}
    return {"all": sum(counts.values()), **counts}


def get_campaign(session: Session, campaign_id: int, *, actor: Actor) -> CampaignDetail:
    """One campaign in full. Raises NotFound."""
    actor.require("campaigns.read")
    row = session.execute(_select_campaigns().where(col(Campaign.id) == campaign_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no campaign {campaign_code(campaign_id)}.")
    return _detail(row)


def _select_campaigns() -> Any:
    return (
        select(Campaign, CampaignProgress, col(Flow.graph))
        .outerjoin(CampaignProgress, col(CampaignProgress.campaign_id) == col(Campaign.id))
        .outerjoin(
            Flow, and_(col(Flow.campaign_id) == col(Campaign.id), col(Flow.version) == col(Campaign.flow_version))
        )
    )


def _matches(state: str | None, q: str, created_since: datetime | None) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [col(Campaign.id).is_not(None)]
    if created_since is not None:
        conditions.append(col(Campaign.created_at) >= created_since)
    if state:
        if state not in list(CampaignState):
            raise Invalid.field("state", f"A campaign's state is one of {', '.join(CampaignState)}.")
        conditions.append(col(Campaign.state) == state)
    for word in q.split():
        code = literal("cmp-") + cast(col(Campaign.id), String)
        text = word.lower()
        conditions.append(
            or_(func.lower(col(Campaign.name)).contains(text, autoescape=True), code.contains(text, autoescape=True))
        )
    return and_(*conditions)


def _summary(row: Any) -> dict[str, Any]:
    campaign: Campaign = row[0]
    numbers: CampaignProgress = row[1] or CampaignProgress(campaign_id=campaign.id or 0)
    steps = steps_of(row[2] or {})
    return {
        "id": campaign.id,
        "code": campaign_code(campaign.id or 0),
        "name": campaign.name,
        "state": CampaignState(campaign.state),
        "paused": campaign.state == CampaignState.UNPUBLISHED and campaign.first_published_at is not None,
        "channels": tuple(dict.fromkeys(step.channel for step in steps)),
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
        "contacts": numbers.planned,
        "completed": numbers.completed,
        "in_progress": numbers.in_progress,
        "failed": numbers.failed,
        "suppressed": numbers.suppressed,
        "held": numbers.held_unpublished + numbers.held_expired + numbers.held_ended,
        "pending": numbers.pending,
        "last_activity_at": campaign.last_activity_at,
        "version": campaign.version,
        "is_demo": campaign.is_demo,
    }


def _detail(row: Any) -> CampaignDetail:
    campaign: Campaign = row[0]
    return CampaignDetail(
        **_summary(row),
        description=campaign.description,
        time_zone=campaign.time_zone,
        window_start=campaign.window_start,
        window_end=campaign.window_end,
        window_days=tuple(campaign.window_days),
        window_in_zone_of=campaign.window_in_zone_of,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        dialing_modes=tuple(campaign.dialing_modes),
        queue_id=campaign.queue_id,
        per_minute=campaign.per_minute,
        per_person_count=campaign.per_person_count,
        per_person_window=campaign.per_person_window,
        flow_version=campaign.flow_version,
        steps=tuple(steps_of(row[2] or {})),
        first_published_at=campaign.first_published_at,
        published_at=campaign.published_at,
        ended_at=campaign.ended_at,
        behind=int(row[3]) if len(row) > 3 else None,
    )
