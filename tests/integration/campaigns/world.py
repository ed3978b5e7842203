"""Small campaigns for the tests of what people read."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from models.campaign import Campaign, CampaignProgress, Flow
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactSource, ContactStatus, HoldReason, SourceKind
from models.person import Identity, Person

_HELD = {
    HoldReason.UNPUBLISHED: "held_unpublished",
    HoldReason.EXPIRED: "held_expired",
    HoldReason.ENDED: "held_ended",
}


def add_campaign(session: Session, now: datetime, name: str = "Spring", **fields: Any) -> Campaign:
    """A campaign with a source and its numbers, all at nought."""
    campaign = Campaign(name=name, **{"created_at": now, "updated_at": now, **fields})
    session.add(campaign)
    session.flush()
    session.add(CampaignProgress(campaign_id=campaign.id))
    session.flush()
    return campaign


def add_source(session: Session, campaign: Campaign, now: datetime, name: str = "north.csv") -> ContactSource:
    """A source of contacts."""
    source = ContactSource(campaign_id=campaign.id, kind=SourceKind.FILE, name=name, created_at=now)
    session.add(source)
    session.flush()
    return source


def add_flow(session: Session, campaign: Campaign, now: datetime, *channels: str, **edge: Any) -> Flow:
    """A flow with one step for each channel, saved as the campaign's newest."""
    campaign.flow_version += 1
    nodes = [
        {"id": f"s{n}", "kind": "message", "channel": channel, "template_id": n, "gateway_id": n}
        for n, channel in enumerate(channels, 1)
    ]
    edges = [
        {"source": f"s{n}", "target": f"s{n + 1}", "delay": "PT1H", "unless": None, **edge}
        for n in range(1, len(channels))
    ]
    graph = {"start": nodes[0]["id"] if nodes else None, "nodes": nodes, "edges": edges}
    flow = Flow(campaign_id=campaign.id, version=campaign.flow_version, graph=graph, created_at=now)
    session.add_all([flow, campaign])
    session.flush()
    return flow


def add_person(session: Session, now: datetime, *, identities: dict[str, str] | None = None, **fields: Any) -> Person:
    """A person with primary identities."""
    person = Person(created_at=now, updated_at=now, **fields)
    session.add(person)
    session.flush()
    for kind, value in (identities or {}).items():
        session.add(Identity(person_id=person.id, kind=kind, value=value, created_at=now))
    session.flush()
    return person


def add_contact(
    session: Session, campaign: Campaign, person: Person, source: ContactSource, now: datetime, **fields: Any
) -> CampaignContact:
    """A contact, counted in the campaign's numbers and its source's."""
    contact = CampaignContact(
        campaign_id=campaign.id, person_id=person.id, source_id=source.id, **{"created_at": now, **fields}
    )
    session.add(contact)
    numbers = session.get_one(CampaignProgress, campaign.id)
    held = contact.status == ContactStatus.HELD
    column = _HELD[HoldReason(contact.hold_reason)] if held else str(contact.status)
    setattr(numbers, column, getattr(numbers, column) + 1)
    numbers.planned += 1
    source.contacts += 1
    session.add_all([numbers, source])
    session.flush()
    return contact


def add_delivery(
    session: Session,
    contact: CampaignContact,
    now: datetime,
    *,
    channel: str = "email",
    node: str = "s1",
    **fields: Any,
) -> CommDelivery:
    """A delivery of the contact, with its request."""
    request = CommRequest(
        trigger_kind="campaign_step", trigger_id=node, campaign_id=contact.campaign_id, contact_id=contact.id,
        person_id=contact.person_id, state=RequestState.PROCESSED, created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(request)
    session.flush()
    reached = {name: now + timedelta(seconds=1) for name in fields.pop("reached", ())}
    delivery = CommDelivery(
        request_id=request.id, campaign_id=contact.campaign_id, contact_id=contact.id, person_id=contact.person_id,
        node=node, channel=channel, **{
            "target": "someone@example.com", "gateway_id": 1, "template_version_id": 1, "not_before": now,
            "created_at": now, "state": DeliveryState.SENT, **reached, **fields,
        },
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    return delivery
