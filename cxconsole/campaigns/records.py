"""Finding a campaign for reading or for a change, and noting that it was changed."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Conflict, NotFound
from cxconsole.journey.tape import append_event
from models.campaign import Campaign, CampaignState, campaign_code
from models.event import Event, EventType


def load_campaign(session: Session, campaign_id: int, *, lock: bool = False) -> Campaign:
    """The campaign, with `lock` held until the transaction ends. Raises NotFound."""
    campaign = session.get(Campaign, campaign_id, with_for_update=lock or None, populate_existing=lock)
    if campaign is None:
        raise NotFound(f"There is no campaign {campaign_code(campaign_id)}.")
    return campaign


def open_campaign(session: Session, campaign_id: int, *, version: int | None) -> Campaign:
    """The campaign, locked for a change of its fields by someone who read it at this version.

    Raises Conflict when somebody else has changed it since, when a published campaign is to be
    changed without naming a version, or when it has ended.
    """
    campaign = load_campaign(session, campaign_id, lock=True)
    if campaign.state == CampaignState.ENDED:
        raise Conflict(f"{campaign_code(campaign_id)} has ended and cannot be changed. Clone it to go on from here.")
    if version is None and campaign.state == CampaignState.PUBLISHED:
        raise Conflict(
            "A published campaign is changed by naming the version it was read at. "
            f"Read it again (it is at version {campaign.version}) and repeat the change."
        )
    if version is not None and version != campaign.version:
        raise Conflict(_stale(session, campaign, version))
    return campaign


def note_change(session: Session, campaign: Campaign, fields: Sequence[str], *, actor: Actor, now: datetime) -> None:
    """Count the version up and write the change on the Tape, by the names of its fields."""
    campaign.version += 1
    campaign.updated_at = now
    session.add(campaign)
    append_event(
        session,
        EventType.CAMPAIGN_CHANGED,
        now=now,
        actor=actor.name,
        campaign_id=campaign.id,
        data={"fields": list(fields), "version": campaign.version},
    )


def _stale(session: Session, campaign: Campaign, version: int) -> str:
    last = session.exec(
        select(Event)
        .where(Event.campaign_id == campaign.id, col(Event.person_id).is_(None))
        .where(col(Event.type).startswith("campaign."))
        .order_by(col(Event.id).desc())
        .limit(1)
    ).first()
    by = f" by {last.actor} at {last.time:%H:%M:%S} UTC on {last.time:%d %B %Y}" if last else ""
    what = f" ({', '.join(last.data['fields'])})" if last and last.data.get("fields") else ""
    return (
        f"This campaign was changed{by}{what}, after you read it: it is at version {campaign.version}, "
        f"you have {version}. Nothing of yours was saved; look at the new version and repeat your change."
    )
