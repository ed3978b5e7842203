"""Keeps the demo world's running campaign running: new customers sign up before it has reached the last one."""

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session

from cxconsole.audience.counters import move_contacts
from cxconsole.demo.bulk import document, moment, take_keys, write_rows
from cxconsole.demo.people import Population
from cxconsole.demo.seed import SEED
from cxconsole.demo.store import write_persons
from cxconsole.demo.world import CAMPAIGNS, RUNNING_KEY
from models.campaign import Campaign, CampaignProgress, CampaignState
from models.contact import CampaignContact, ContactSource, SourceKind
from models.event import Event, EventType
from models.person import Person

START = 1_000_000  # numbers no one of the seeded world has
LEAST_WAITING = 400
AT_ONCE = 120
MOST_PERSONS = 20_000  # about eight hours at forty a minute; then the campaign comes to its end
SOURCE_NAME = "New customers, REST endpoint"
RUNNING_NAME = next(plan.name for plan in CAMPAIGNS if plan.key == RUNNING_KEY)


def refill_demo(session: Session, *, now: datetime, limit: int) -> int:
    """Add new customers to the running demo campaign when few are still waiting; how many were added."""
    campaign = session.scalars(
        select(Campaign).where(Campaign.is_demo, Campaign.name == RUNNING_NAME)  # type: ignore[arg-type]
        .where(Campaign.state == CampaignState.PUBLISHED).limit(1)  # type: ignore[arg-type]
    ).first()  # fmt: skip
    if campaign is None or campaign.id is None:
        return 0
    progress = session.get(CampaignProgress, campaign.id)
    if progress is None or progress.pending >= LEAST_WAITING:
        return 0
    persons, newest = session.execute(
        select(func.count(), func.max(Person.id)).where(Person.is_demo)  # type: ignore[arg-type]
    ).one()
    if persons >= MOST_PERSONS:
        return 0
    people = Population(seed=SEED + persons, start=START + newest, with_phones=False).make(
        min(AT_ONCE, limit), now=now, known_for_days=(0, 0.01)
    )
    added = write_persons(session, [person for person in people if person.email])
    _add_contacts(session, campaign.id, [person_id for person_id, _ in added], now)
    move_contacts(session, campaign.id, {"planned": len(added), "pending": len(added)})
    return len(added)


def _add_contacts(session: Session, campaign_id: int, person_ids: list[int], now: datetime) -> None:
    source = session.scalars(
        select(ContactSource).where(ContactSource.campaign_id == campaign_id, ContactSource.name == SOURCE_NAME)  # type: ignore[arg-type]
    ).first() or ContactSource(campaign_id=campaign_id, kind=SourceKind.REST, name=SOURCE_NAME, created_at=now)
    source.rows_read += len(person_ids)
    source.created += len(person_ids)
    source.contacts += len(person_ids)
    source.last_row_at = now
    session.add(source)
    session.flush()
    at, keys = moment(now), take_keys(session, CampaignContact, len(person_ids))
    data = document({"source_id": source.id})
    write_rows(
        session, CampaignContact, ("id", "campaign_id", "person_id", "source_id", "status", "due_at", "created_at"),
        ((key, campaign_id, person_id, source.id, "pending", at, at)
         for key, person_id in zip(keys, person_ids, strict=True)),
    )  # fmt: skip
    write_rows(
        session, Event, ("source", "type", "person_id", "campaign_id", "contact_id", "time", "actor", "data"),
        (("cxconsole", kind, person_id, campaign_id if contact else None, contact, at, "demo", what)
         for key, person_id in zip(keys, person_ids, strict=True)
         for kind, contact, what in ((EventType.PERSON_CREATED, None, "{}"),
                                     (EventType.CONTACT_ADDED, key, data))),
    )  # fmt: skip
