"""What a page reads costs about the same in a campaign of three times the size: told by the steps SQLite takes.

Steps are counted, not timed, so the test says the same on any machine. A statement that walks all of a campaign
takes three times the steps in the larger one.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.finding import find_person
from cxconsole.audience.people import search_everything
from cxconsole.audience.person_changes import PERSON_SORTS, list_persons
from cxconsole.audience.search import drain_person_search_queue
from cxconsole.audience.sources import list_sources
from cxconsole.bootstrap import Application, build_application
from cxconsole.campaigns.contact_query import CONTACT_SORTS
from cxconsole.campaigns.contacts import list_contacts
from cxconsole.campaigns.directory import list_campaigns
from cxconsole.campaigns.home import get_home
from cxconsole.campaigns.person_card import get_person_card
from cxconsole.campaigns.preflight import check_preflight
from cxconsole.campaigns.progress import get_progress
from cxconsole.campaigns.trail import get_trail
from cxconsole.demo.load import seed_contacts
from cxconsole.journey.explorer import EventQuery, search_events
from cxconsole.journey.source_overview import read_sources
from cxconsole.settings import Settings
from models.contact import CampaignContact
from models.migrate import migrate

SIZES = (12_000, 36_000)
"""Both beyond what is read whole because it is small."""
STEPS = 100
"""So many steps of SQLite's machine are told at once."""
NOISE = 3_000
"""A deeper tree of an index, another spread of names."""

SORTED_WHOLE = ("time_zone", "preferred_channel", "external_ref", "hold_reason")
"""No column of a page is sorted by these, so no index is kept for them; REST alone offers them."""

Read = Callable[[Session, int], Any]


class World:
    """One database with one campaign of a size."""

    def __init__(self, folder: Path, size: int) -> None:
        self.application: Application = build_application(Settings(data_dir=folder, demo=False))  # type: ignore[call-arg]
        migrate(self.application.database)
        self.campaign_id = seed_contacts(self.application, size)
        left = 1
        while left:
            with self.application.database.write() as session:
                left = drain_person_search_queue(session, now=clock.now(), limit=20_000)

    def count_steps(self, read: Read) -> int:
        """The steps of a second read: the first one may learn something for good."""
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += STEPS

        for _ in range(2):
            steps = 0
            with self.application.database.read() as session:
                driver: Any = session.connection().connection.driver_connection
                driver.set_progress_handler(step, STEPS)
                try:
                    read(session, self.campaign_id)
                finally:
                    driver.set_progress_handler(None, 0)
        return steps


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    small, large = (World(tmp_path_factory.mktemp("reads"), size) for size in SIZES)
    yield small, large
    for world in (small, large):
        world.application.database.dispose()


def a_contact(session: Session, campaign_id: int) -> CampaignContact:
    return session.exec(select(CampaignContact).where(CampaignContact.campaign_id == campaign_id).limit(1)).one()


def contacts(**wish: Any) -> Read:
    return lambda session, campaign_id: list_contacts(session, campaign_id, actor=OPERATOR, limit=10, **wish)


def persons(**wish: Any) -> Read:
    return lambda session, _: list_persons(session, actor=OPERATOR, limit=10, **wish)


def trail(session: Session, campaign_id: int) -> Any:
    key = a_contact(session, campaign_id).id or 0
    return get_trail(session, campaign_id, key, actor=OPERATOR, now=clock.now())


def card(session: Session, campaign_id: int) -> Any:
    return get_person_card(session, a_contact(session, campaign_id).person_id, actor=OPERATOR)


READS: dict[str, Read] = {
    **{
        f"contacts by {sort}": contacts(sort=sort)
        for sort in (f"{way}{name}" for name in CONTACT_SORTS if name not in SORTED_WHOLE for way in ("", "-"))
    },
    **{f"persons by {sort}": persons(sort=sort) for sort in PERSON_SORTS},
    "contacts of a status": contacts(status="pending"),
    "contacts of a status nobody has": contacts(status="in_progress"),
    "contacts of a status by name": contacts(status="pending", sort="name"),
    "contacts of one address": contacts(q="11999@"),
    "persons of one address": persons(q="11999@"),
    "pre-flight": lambda session, key: check_preflight(
        session, key, is_public=True, actor=OPERATOR, now=clock.now()
    ),
    "progress": lambda session, key: get_progress(session, key, actor=OPERATOR, now=clock.now()),
    "sources": lambda session, key: list_sources(session, key, actor=OPERATOR),
    "campaigns": lambda session, _: list_campaigns(session, actor=OPERATOR, now=clock.now()),
    "home": lambda session, _: get_home(session, actor=OPERATOR, now=clock.now()),
    "trail": trail,
    "person card": card,
    "find a person": lambda session, _: find_person(session, "11999@", actor=OPERATOR),
    "find anything": lambda session, _: search_everything(session, "11999@", actor=OPERATOR),
    "events": lambda session, _: search_events(session, EventQuery(), actor=OPERATOR),
    "event sources": lambda session, _: read_sources(session, actor=OPERATOR, now=clock.now()),
}  # fmt: skip


@pytest.mark.parametrize("name", READS)
def test_a_read_costs_the_same_however_many_contacts_there_are(worlds, name):
    small, large = (world.count_steps(READS[name]) for world in worlds)
    assert large <= 1.5 * small + NOISE, f"{small} steps at {SIZES[0]} contacts, {large} at {SIZES[1]}"


def test_a_walk_over_the_whole_campaign_is_told(worlds):
    def walk(session: Session, campaign_id: int) -> Any:
        return session.exec(
            select(CampaignContact.person_id).where(CampaignContact.campaign_id == campaign_id).order_by("node")
        ).first()

    small, large = (world.count_steps(walk) for world in worlds)
    assert large > 1.5 * small + NOISE
