"""What lists show, as CSV; `csv_guard` keeps cells from becoming formulas."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.directory import CampaignSummary, list_campaigns
from cxconsole.campaigns.trail import get_trail
from cxconsole.csv_guard import write_csv

CHUNK = 200
_CAMPAIGN = (
    "code", "name", "state", "created_at", "updated_at", "contacts", "completed", "in_progress", "failed", "suppressed",
    "held", "pending", "last_activity_at",
)  # fmt: skip
_STEP = ("at", "event", "title", "detail", "since_seconds")


def export_campaigns(session: Session, *, actor: Actor, now: datetime) -> Iterator[str]:
    """All campaigns, oldest first."""

    def rows() -> Iterator[list[object]]:
        offset: int | None = 0
        while offset is not None:
            page = list_campaigns(session, actor=actor, now=now, limit=CHUNK, offset=offset)
            yield from (_campaign(one) for one in page.items)
            offset = page.next_offset

    return write_csv(_CAMPAIGN, rows())


def export_trail(session: Session, campaign_id: int, contact_id: int, *, actor: Actor, now: datetime) -> Iterator[str]:
    """Every step of one contact's trail, newest first."""
    trail = get_trail(session, campaign_id, contact_id, actor=actor, now=now)
    rows = ([step.at, step.key, step.title, step.detail, step.since_seconds] for step in trail.steps)
    return write_csv(_STEP, rows)


def _campaign(one: CampaignSummary) -> list[object]:
    return [getattr(one, name) for name in _CAMPAIGN]
