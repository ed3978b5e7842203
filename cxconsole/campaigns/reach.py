"""How many contacts of a campaign can be reached, before it is published.

Counted for a small campaign; for a large one estimated from contacts spread evenly over it, so that
the answer takes as long for a million as for a few thousand.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sqlmodel import Session, col, select

from cxconsole.audience.suppressions import Target, find_suppressed
from cxconsole.driver import Driver
from models.contact import CampaignContact
from models.person import ADDRESS_OF, Channel, Person

LOOKED_AT = 2_000


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Of `contacts`, how many have no address, or may not be contacted, on any of the channels asked for.

    `looked_at` is how many were looked at; with fewer than `contacts` the numbers are estimates.
    """

    contacts: int
    looked_at: int
    no_address: int
    suppressed: int

    @property
    def is_exact(self) -> bool:
        """Whether everyone was looked at."""
        return self.looked_at >= self.contacts

    @property
    def reachable(self) -> int:
        """Those who are left."""
        return self.contacts - self.no_address - self.suppressed


def measure_reach(session: Session, campaign_id: int, contacts: int, channels: Sequence[str]) -> Reach:
    """Look at up to 2,000 contacts; `contacts` is how many the campaign has."""
    persons = sample_contacts(session, campaign_id, whole=contacts <= LOOKED_AT)
    found = _judge(session, campaign_id, persons, channels)
    scale = contacts / len(persons) if persons else 0.0
    return Reach(
        contacts=contacts,
        looked_at=len(persons),
        no_address=round(found["no_address"] * scale),
        suppressed=round(found["suppressed"] * scale),
    )


def sample_contacts(session: Session, campaign_id: int, *, whole: bool) -> list[int]:
    """Person ids of all contacts, or of up to 2,000 spread over the campaign in the order they came."""
    if whole:
        key = col(CampaignContact.person_id)
        members = select(key).where(col(CampaignContact.campaign_id) == campaign_id)
        return list(session.exec(members.order_by(key).limit(LOOKED_AT)).all())
    members = select(CampaignContact.id).where(col(CampaignContact.campaign_id) == campaign_id)
    # one after the other: asked for in one statement, SQLite would walk all of the campaign for them
    first = session.exec(members.order_by(col(CampaignContact.id)).limit(1)).first()
    last = session.exec(members.order_by(col(CampaignContact.id).desc()).limit(1)).first()
    if first is None or last is None:
        return []
    driver = Driver(session)
    places = "json_each(?)" if driver.sqlite else "unnest(?::bigint[]) AS place(value)"
    # each place is one step into the index that lists a campaign; by person there is no such index
    rows = driver.run(
        "SELECT DISTINCT (SELECT person_id FROM campaign_contact"  # noqa: S608
        f" WHERE campaign_id = ? AND id >= value ORDER BY id LIMIT 1) FROM {places}",
        campaign_id, _spread(first, last),
    )  # fmt: skip
    return sorted(row[0] for row in rows)


def _spread(first: int, last: int) -> list[int]:
    """2,000 numbers from `first` to `last`, one at chance in each stretch; the same each time, so the list is calm."""
    chance = Random(first)  # noqa: S311 (a sample, not a secret)
    step = (last - first) / LOOKED_AT
    return [first + int((place + chance.random()) * step) for place in range(LOOKED_AT)]


def _judge(session: Session, campaign_id: int, persons: Sequence[int], channels: Sequence[str]) -> Counter[str]:
    """How many of these persons have no address, and how many may not be contacted, on any of the channels."""
    addresses = _load_addresses(session, persons, channels)
    refused = _load_refusals(session, persons)
    targets = [
        Target(address=address, person_id=person, channel=channel, campaign_id=campaign_id)
        for person, own in addresses.items()
        for channel, address in own.items()
    ]
    stopped: dict[int, int] = Counter()
    for target, reason in zip(targets, find_suppressed(session, targets), strict=True):
        person = target.person_id or 0
        if reason is not None or target.channel in refused.get(person, ()):
            stopped[person] += 1
    found: Counter[str] = Counter()
    for person in persons:
        own = addresses.get(person)
        if not own:
            found["no_address"] += 1
        elif stopped.get(person, 0) == len(own):
            found["suppressed"] += 1
    return found


def _load_addresses(session: Session, persons: Sequence[int], channels: Sequence[str]) -> dict[int, dict[str, str]]:
    kinds = {ADDRESS_OF[Channel(channel)].value: channel for channel in channels}
    driver = Driver(session)
    # the kind is looked at here: asked for in the statement, SQLite would walk all addresses of that kind
    rows = driver.run(
        f"SELECT person_id, kind, value FROM identity WHERE person_id {driver.among_ids} "  # noqa: S608
        "ORDER BY is_primary, id",
        list(persons),
    )
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for person, kind, value in rows:  # the primary one of a kind comes last and stays
        if kind in kinds:
            found[person][kinds[kind]] = value
    return found


def _load_refusals(session: Session, persons: Sequence[int]) -> dict[int, set[str]]:
    """The channels that a person has refused."""
    rows = session.exec(select(Person.id, Person.consents).where(col(Person.id).in_(persons)))
    found: dict[int, set[str]] = {}
    for person, consents in rows:
        refused = {
            name for name, given in consents.items() if isinstance(given, dict) and given.get("granted") is False
        }
        if refused and person is not None:
            found[person] = refused
    return found
