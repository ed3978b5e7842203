"""One person at a glance: who they are, and what the campaigns did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.people import PersonView, get_person
from cxconsole.campaigns.delivery_words import delivery_word
from cxconsole.journey.activities import ActivityView, list_activities
from cxconsole.journey.event_words import reason_words
from cxconsole.journey.timeline import find_family
from models.campaign import Campaign, campaign_code
from models.comm import CommDelivery
from models.contact import CampaignContact
from models.template import Template, TemplateVersion

MOST_CAMPAIGNS = 20
MOST_MESSAGES = 20


@dataclass(frozen=True, kw_only=True)
class PlaceInCampaign:
    """A person's place in a campaign; `why` says why failed, suppressed or held."""

    campaign_id: int
    code: str
    name: str
    contact_id: int
    status: str
    why: str
    last_activity_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """A communication that left or is to leave. `state` is a word of delivery_words; `why` of a failure."""

    id: int
    channel: str
    target: str
    content: str
    campaign_name: str
    campaign_code: str
    contact_id: int | None
    state: str
    why: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class PersonCard:
    """What the desk shows beside the timeline; the lists are the newest first."""

    person: PersonView
    campaigns: tuple[PlaceInCampaign, ...]
    messages: tuple[Message, ...]
    activities: tuple[ActivityView, ...]


def get_person_card(session: Session, person_id: int, *, actor: Actor) -> PersonCard:
    """The card of a person; of who was merged, the card of who they are now. Raises NotFound."""
    person_id = find_family(session, person_id)[0]
    return PersonCard(
        person=get_person(session, person_id, actor=actor),
        campaigns=_read_campaigns(session, person_id),
        messages=_read_messages(session, person_id),
        activities=list_activities(session, person_id, actor=actor),
    )


def _read_campaigns(session: Session, person_id: int) -> tuple[PlaceInCampaign, ...]:
    rows = session.execute(
        select(CampaignContact, col(Campaign.name))
        .join(Campaign, col(Campaign.id) == col(CampaignContact.campaign_id))
        .where(col(CampaignContact.person_id) == person_id)
        .order_by(col(CampaignContact.id).desc())
        .limit(MOST_CAMPAIGNS)
    )
    return tuple(
        PlaceInCampaign(
            campaign_id=one.campaign_id, code=campaign_code(one.campaign_id), name=name, contact_id=one.id or 0,
            status=one.status, why=reason_words(one.hold_reason or one.reason), last_activity_at=one.last_activity_at,
        )
        for one, name in rows
    )  # fmt: skip


def _read_messages(session: Session, person_id: int) -> tuple[Message, ...]:
    # by key, not by index order: a person has few messages, and those that wait have no time of sending yet
    rows = session.execute(
        select(CommDelivery, col(Campaign.name), col(Template.name))
        .outerjoin(Campaign, col(Campaign.id) == col(CommDelivery.campaign_id))
        .outerjoin(TemplateVersion, col(TemplateVersion.id) == col(CommDelivery.template_version_id))
        .outerjoin(Template, col(Template.id) == col(TemplateVersion.template_id))
        .where(col(CommDelivery.person_id) == person_id)
        .order_by(col(CommDelivery.id).desc())
        .limit(MOST_MESSAGES)
    )
    return tuple(_message(*row) for row in rows)


def _message(one: Any, campaign: str | None, content: str | None) -> Message:
    return Message(
        id=one.id or 0, channel=one.channel, target=one.target, content=content or "", campaign_name=campaign or "",
        campaign_code=campaign_code(one.campaign_id) if one.campaign_id else "", contact_id=one.contact_id,
        state=delivery_word(one), why=reason_words(one.reason), at=one.sent_at or one.created_at,
    )  # fmt: skip
