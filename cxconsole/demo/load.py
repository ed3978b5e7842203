"""A campaign with as many contacts as wanted, for trying the console at size."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from sqlmodel import Session

from cxconsole import clock
from cxconsole.audience.counters import move_contacts
from cxconsole.audience.search import queue_persons
from cxconsole.demo.bulk import document, moment, take_keys, write_rows
from cxconsole.demo.people import DOMAINS, LANDS, PLANS, draw_names, plain
from cxconsole.demo.seed import SEED, Wiring
from models.campaign import Campaign, CampaignProgress
from models.contact import CampaignContact, ContactSource, SourceKind
from models.event import Event, EventType
from models.person import Identity, Person

CHUNK = 50_000
LINES = [f"{line:04d}" for line in range(10_000) if not (100 <= line < 200 or line == 1212)]


def seed_contacts(application: Wiring, count: int, *, now: datetime | None = None) -> int:
    """Store so many made-up persons in one new, unpublished campaign, a chunk a transaction; the campaign's key."""
    now = now or clock.now()
    maker = _Maker(SEED, now)
    with application.database.write() as session:
        campaign_id, source_id = _open_campaign(session, count, now)
    done = 0
    while done < count:
        size = min(CHUNK, count - done)
        with application.database.write() as session:
            _write_chunk(session, maker, size, campaign_id=campaign_id, source_id=source_id, now=now)
        done += size
    return campaign_id


class _Maker:
    """Made-up persons at a few microseconds each; unlike the demo world's they are told apart by their key."""

    def __init__(self, seed: int, now: datetime) -> None:
        rng = self._random = random.Random(seed)  # noqa: S311 - made-up people
        self.names = [
            (first, last, f"{plain(first)}.{plain(last)}", land.language, zone)
            for land in LANDS for names in [draw_names(land, seed=seed)]
            for first, last in zip(names.first, rng.sample(names.last, len(names.last)), strict=True)
            for zone, _ in land.zones
        ]  # fmt: skip
        rng.shuffle(self.names)
        self.attributes = [
            document({"city": town, "plan": rng.choice(PLANS), "yearly_kwh": rng.randrange(1200, 9600, 50)})
            for land in LANDS for town in draw_names(land, seed=seed).towns
        ]  # fmt: skip
        self.areas = [area for area in range(201, 990) if _is_area(area)]
        self.known_since = [moment(now - timedelta(days=rng.uniform(1, 900))) for _ in range(1000)]

    def phone(self, key: int) -> str | None:
        """A number on the exchange 555 of some area, another for each key; None when they are used up."""
        area, line = divmod(key, len(LINES))
        return f"+1{self.areas[area]}555{LINES[line]}" if area < len(self.areas) else None


def _is_area(area: int) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+1{area}5550123"))


def _open_campaign(session: Session, count: int, now: datetime) -> tuple[int, int]:
    campaign = Campaign(
        name=f"Load test, {count:,} contacts", is_demo=True, created_at=now, updated_at=now, last_activity_at=now
    )
    session.add(campaign)
    session.flush()
    source = ContactSource(
        campaign_id=campaign.id or 0, kind=SourceKind.DEMO, name="Made-up contacts", created_at=now, last_row_at=now
    )
    session.add_all([source, CampaignProgress(campaign_id=campaign.id or 0)])
    session.flush()
    return campaign.id or 0, source.id or 0


def _write_chunk(
    session: Session, maker: _Maker, size: int, *, campaign_id: int, source_id: int, now: datetime
) -> None:  # fmt: skip
    at, keys = moment(now), take_keys(session, Person, size)
    names, attributes, known = maker.names, maker.attributes, maker.known_since
    write_rows(
        session, Person,
        ("id", "first_name", "last_name", "language", "time_zone", "attributes", "consents", "labels", "is_demo",
         "created_at", "updated_at"),
        ((key, (one := names[key * 7919 % len(names)])[0], one[1], one[3], one[4], attributes[key % len(attributes)],
          "{}", "[]", 1, (since := known[key % 1000]), since) for key in keys),
    )  # fmt: skip
    write_rows(
        session, Identity, ("person_id", "kind", "value", "is_primary", "created_at"), _identities(maker, keys, at)
    )  # fmt: skip
    contacts = list(zip(take_keys(session, CampaignContact, size), keys, strict=True))
    write_rows(
        session, CampaignContact,
        ("id", "campaign_id", "person_id", "source_id", "status", "due_at", "created_at"),
        ((contact_id, campaign_id, key, source_id, "pending", at, at) for contact_id, key in contacts),
    )  # fmt: skip
    data = document({"source_id": source_id})
    write_rows(
        session, Event, ("source", "type", "person_id", "campaign_id", "contact_id", "time", "actor", "data"),
        (("cxconsole", EventType.CONTACT_ADDED.value, key, campaign_id, contact_id, at, "demo", data)
         for contact_id, key in contacts),
    )  # fmt: skip
    queue_persons(session, keys)
    _count(session, campaign_id, source_id, size)


def _identities(maker: _Maker, keys: Sequence[int], at: str | None) -> Iterator[tuple[Any, ...]]:
    """Kind by kind, so that the unique index is walked in one direction as far as can be."""
    names = maker.names
    for key in keys:
        yield key, "customer_id", f"LT-{key:09d}", 1, at
    for key in keys:
        phone = maker.phone(key)
        if phone:
            yield key, "phone", phone, 1, at
    mails = [(f"{names[key * 7919 % len(names)][2]}.{key}@{DOMAINS[key % len(DOMAINS)]}", key) for key in keys]
    mails.sort()
    for mail, key in mails:
        yield key, "email", mail, 1, at


def _count(session: Session, campaign_id: int, source_id: int, size: int) -> None:
    source = session.get_one(ContactSource, source_id)
    source.rows_read += size
    source.created += size
    source.contacts += size
    session.flush()
    move_contacts(session, campaign_id, {"planned": size, "pending": size})
