"""The demo world: the same at every start, exactly accounted, and gone without a trace of harm."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.vault import Vault
from cxconsole.audience.search import drain_person_search_queue
from cxconsole.database import Database
from cxconsole.demo.load import seed_contacts
from cxconsole.demo.refill import LEAST_WAITING, refill_demo
from cxconsole.demo.remove import has_demo, remove_demo
from cxconsole.demo.seed import seed_demo
from cxconsole.demo.views import SHOP_VIEW, VIEWS
from cxconsole.demo.world import CAMPAIGNS
from cxconsole.journey.profile_cache import ProfileCache
from cxconsole.journey.profile_views import get_view, save_view, say_view
from cxconsole.journey.profiles import read_profiles
from models.campaign import Campaign, CampaignState, Flow
from models.contact import CampaignContact
from models.gateway import Gateway
from models.migrate import migrate
from models.person import Identity, Person
from models.template import Template

SMALL = 400


@dataclass(frozen=True)
class Wired:
    database: Database
    vault: Vault


@pytest.fixture
def wired(database: Database, tmp_path: Path) -> Wired:
    return Wired(database, Vault(b"key"))


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.read() as session:
        return [tuple(row) for row in session.execute(text(query))]


def kept_and_counted(database: Database) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The counters of each campaign, and the counts of the rows that they stand for: campaign, planned, its parts."""
    kept = (
        "SELECT campaign_id, planned, pending, in_progress, completed, failed, suppressed, held_unpublished, "
        "held_expired, held_ended FROM campaign_progress ORDER BY 1"
    )
    counted = (
        "SELECT c.id, count(k.id), "
        + ", ".join(
            f"count(CASE WHEN k.status = '{status}' THEN 1 END)"
            for status in ("pending", "in_progress", "completed", "failed", "suppressed")
        )
        + ", "
        + ", ".join(
            f"count(CASE WHEN k.hold_reason = '{reason}' THEN 1 END)"
            for reason in ("campaign-unpublished", "validity-period-expired", "campaign-ended")
        )
        + " FROM campaign c LEFT JOIN campaign_contact k ON k.campaign_id = c.id GROUP BY c.id ORDER BY 1"
    )
    return rows(database, kept), rows(database, counted)


@pytest.fixture
def seeded(wired: Wired, now: datetime) -> Wired:
    assert seed_demo(wired, contacts=SMALL, now=now)
    return wired


def test_progress_counts_are_the_counts_of_rows(seeded: Wired) -> None:
    kept, counted = kept_and_counted(seeded.database)
    assert kept == counted
    assert len(kept) == len(CAMPAIGNS)
    assert sum(row[1] for row in kept) > SMALL
    assert [row[1] for row in kept] == [sum(row[2:]) for row in kept]


def test_a_few_pairs_wait_for_a_decision_and_go_with_the_world(seeded: Wired, now: datetime) -> None:
    waiting = "SELECT count(*), count(DISTINCT identity_id) FROM identity_conflict WHERE decided_at IS NULL"
    assert rows(seeded.database, waiting) == [(3, 3)]
    remove_demo(seeded.database, actor=OPERATOR, now=now)
    assert rows(seeded.database, waiting) == [(0, 0)]


def test_channel_counts_are_the_counts_of_deliveries(seeded: Wired) -> None:
    names = ("sent", "delivered", "bounced", "opened", "clicked", "replied", "unsubscribed", "complained")
    kept = rows(
        seeded.database,
        f"SELECT campaign_id, channel, {', '.join(names)}, failed FROM campaign_channel ORDER BY 1, 2",
    )
    counted = rows(
        seeded.database,
        f"SELECT campaign_id, channel, {', '.join(f'count({name}_at)' for name in names)}, "
        "count(CASE WHEN state = 'E' THEN 1 END) FROM comm_delivery WHERE state <> 'C' GROUP BY 1, 2 ORDER BY 1, 2",
    )
    assert kept == counted
    assert sum(row[2] for row in kept) > SMALL


def test_traffic_of_the_minutes_adds_up_to_what_was_sent(seeded: Wired) -> None:
    by_minute = "SELECT campaign_id, channel, sum(sent), sum(failed) FROM traffic_minute GROUP BY 1, 2 ORDER BY 1, 2"
    by_channel = "SELECT campaign_id, channel, sent, failed FROM campaign_channel ORDER BY 1, 2"
    assert rows(seeded.database, by_minute) == rows(seeded.database, by_channel)


def test_each_delivery_has_its_request_and_its_event_on_the_tape(seeded: Wired) -> None:
    orphans = "SELECT count(*) FROM comm_delivery WHERE request_id NOT IN (SELECT id FROM comm_request)"
    assert rows(seeded.database, orphans) == [(0,)]
    sent = rows(seeded.database, "SELECT count(*) FROM comm_delivery WHERE sent_at IS NOT NULL")
    assert sent == rows(seeded.database, "SELECT count(*) FROM event WHERE type = 'comm.sent'")
    assert rows(
        seeded.database, "SELECT count(*) FROM event a JOIN event b ON b.id = a.id + 1 AND b.time < a.time"
    ) == [(0,)]


def test_nothing_happened_after_now(seeded: Wired, now: datetime) -> None:
    newest = rows(
        seeded.database, "SELECT max(sent_at), max(delivered_at), max(opened_at), max(clicked_at) FROM comm_delivery"
    )[0]
    assert all(str(moment)[:19] <= now.strftime("%Y-%m-%d %H:%M:%S") for moment in newest)


def test_every_state_of_a_campaign_is_there(seeded: Wired) -> None:
    with seeded.database.read() as session:
        campaigns = session.exec(select(Campaign)).all()
    assert {campaign.state for campaign in campaigns} == set(CampaignState)
    assert any(campaign.state == "unpublished" and campaign.first_published_at for campaign in campaigns)
    assert any(campaign.ends_at for campaign in campaigns)
    reasons = rows(seeded.database, "SELECT DISTINCT hold_reason FROM campaign_contact WHERE status = 'held'")
    assert {row[0] for row in reasons} == {"campaign-unpublished", "validity-period-expired", "campaign-ended"}


def test_addresses_are_nobodys(seeded: Wired) -> None:
    mails = rows(seeded.database, "SELECT count(*) FROM identity WHERE kind = 'email' AND value NOT LIKE '%.example'")
    assert mails == [(0,)]


def test_the_same_moment_gives_the_same_world(seeded: Wired, now: datetime, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(other)
    seed_demo(Wired(other, Vault(b"other key")), contacts=SMALL, now=now)
    for query in (
        "SELECT value FROM identity ORDER BY 1",
        "SELECT campaign_id, person_id, status FROM campaign_contact ORDER BY id",
        "SELECT type, contact_id, delivery_id FROM event ORDER BY id",
        "SELECT subject, html, text FROM template_version ORDER BY id",
    ):
        assert rows(other, query) == rows(seeded.database, query)
    other.dispose()


def test_only_an_empty_database_is_seeded(seeded: Wired, database: Database, now: datetime) -> None:
    assert not seed_demo(seeded, contacts=SMALL, now=now)
    remove_demo(database, actor=OPERATOR, now=now)
    assert not seed_demo(seeded, contacts=SMALL, now=now), "who removed the demo world does not want it back"


def test_a_database_with_a_campaign_is_left_alone(wired: Wired, now: datetime) -> None:
    with wired.database.write() as session:
        session.add(Campaign(name="Mine", created_at=now, updated_at=now))
    assert not seed_demo(wired, contacts=SMALL, now=now)
    assert rows(wired.database, "SELECT name FROM campaign") == [("Mine",)]


def test_removal_takes_all_demo_rows_and_leaves_the_tape(seeded: Wired, now: datetime) -> None:
    events = rows(seeded.database, "SELECT count(*) FROM event")
    removed = remove_demo(seeded.database, actor=OPERATOR, now=now)
    assert (removed.campaigns, removed.persons, removed.kept) == (len(CAMPAIGNS), SMALL, 0)
    for table in (
        "campaign", "campaign_contact", "contact_source", "contact_import", "comm_request", "comm_delivery", "person",
        "identity", "gateway", "template", "template_version", "flow", "campaign_progress", "campaign_channel",
        "traffic_minute", "suppression", "sandbox_receipt", "profile_view",
    ):  # fmt: skip
        assert rows(seeded.database, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert rows(seeded.database, "SELECT count(*) FROM event") == events
    with seeded.database.read() as session:
        assert not has_demo(session)


def find_silent_attributes(database: Database, now: datetime) -> set[tuple[str, int]]:
    """The attributes of the demo's views that say nothing of anybody: key of the view, number."""
    with database.read() as session:
        persons = session.exec(select(Person.id).where(col(Person.merged_into).is_(None))).all()  # type: ignore[call-overload]
        cache = ProfileCache()
        read = [read_profiles(session, one, profiles=cache, actor=OPERATOR, now=now) for one in persons]
    assert {view.key for some in read for view in some} == set(VIEWS)
    return {
        (key, number)
        for place, key in enumerate(VIEWS)
        for number in range(len(VIEWS[key][1]))
        if not any(any(some[place].results[number].values) for some in read)
    }


def test_each_attribute_of_the_profile_views_says_something_of_somebody(seeded: Wired, now: datetime) -> None:
    # the shop's is filled by visitors, see test_shop.py
    assert {key for key, _ in find_silent_attributes(seeded.database, now)} <= {SHOP_VIEW}


def test_a_view_that_was_changed_is_yours(seeded: Wired, now: datetime) -> None:
    with seeded.database.write() as session:
        view = say_view(get_view(session, "service", actor=OPERATOR))
        save_view(session, {**view, "name": "Mine"}, actor=OPERATOR, now=now)
    remove_demo(seeded.database, actor=OPERATOR, now=now)
    assert rows(seeded.database, "SELECT name FROM profile_view") == [("Mine",)]


def test_search_forgets_who_was_removed(seeded: Wired, now: datetime) -> None:
    def index() -> int:
        with seeded.database.write() as session:
            drain_person_search_queue(session, now=now, limit=10_000)
        return rows(seeded.database, "SELECT count(*) FROM person_search")[0][0]

    assert index() == SMALL
    remove_demo(seeded.database, actor=OPERATOR, now=now)
    assert index() == 0


def test_removal_leaves_what_is_yours(seeded: Wired, now: datetime) -> None:
    with seeded.database.write() as session:
        mine = Campaign(name="Mine", created_at=now, updated_at=now, flow_version=1)
        me = Person(first_name="Ada", created_at=now, updated_at=now)
        session.add_all([mine, me])
        session.flush()
        demo_person = session.exec(select(Person).where(Person.is_demo)).first()
        demo_gateway = session.exec(select(Gateway).where(Gateway.name == "Sandbox mail")).one()
        demo_template = session.exec(select(Template).where(Template.name == "Heat pump offer")).one()
        assert demo_person is not None
        node = {"id": "s1", "channel": "email", "template_id": demo_template.id, "gateway_id": demo_gateway.id}
        session.add_all([
            Identity(person_id=me.id or 0, kind="email", value="ada@mine.example", created_at=now),
            Flow(campaign_id=mine.id or 0, version=1, graph={"start": "s1", "nodes": [node]}, created_at=now),
            *(CampaignContact(campaign_id=mine.id or 0, person_id=one.id or 0, source_id=0, created_at=now)
              for one in (me, demo_person)),
        ])  # fmt: skip
        kept_id = demo_person.id
    removed = remove_demo(seeded.database, actor=OPERATOR, now=now)
    assert removed.kept == 3
    assert rows(seeded.database, "SELECT name FROM campaign") == [("Mine",)]
    assert rows(seeded.database, "SELECT count(*) FROM campaign_contact") == [(2,)]
    assert {row[0] for row in rows(seeded.database, "SELECT id FROM person")} == {me.id, kept_id}
    assert rows(seeded.database, "SELECT name, is_demo FROM gateway") in (
        [("Sandbox mail", 0)],
        [("Sandbox mail", False)],
    )
    assert rows(seeded.database, "SELECT name FROM template") == [("Heat pump offer",)]
    assert ("ada@mine.example",) in rows(seeded.database, "SELECT value FROM identity")


def test_refill_keeps_the_running_campaign_going(wired: Wired, now: datetime) -> None:
    seed_demo(wired, contacts=SMALL, now=now)  # so few that it is nearly through
    for turn in range(20):
        with wired.database.write() as session:
            if not refill_demo(session, now=now + timedelta(minutes=turn), limit=500):
                break
    waiting = rows(
        wired.database,
        "SELECT pending FROM campaign_progress p JOIN campaign c ON c.id = p.campaign_id "
        "WHERE c.name = 'Spring tariff change'",
    )
    assert waiting[0][0] >= LEAST_WAITING
    kept, counted = kept_and_counted(wired.database)
    assert kept == counted
    sources = rows(
        wired.database, "SELECT rows_read, created, contacts FROM contact_source WHERE name LIKE 'New customers%'"
    )
    assert sources[0][0] == sources[0][1] == sources[0][2] > 0


def test_refill_leaves_a_stopped_campaign_alone(seeded: Wired, now: datetime) -> None:
    with seeded.database.write() as session:
        session.execute(text("UPDATE campaign SET state = 'unpublished'"))
    with seeded.database.write() as session:
        assert refill_demo(session, now=now, limit=500) == 0


def test_made_up_contacts_are_as_many_as_asked_for(wired: Wired, now: datetime) -> None:
    first = seed_contacts(wired, 700, now=now)
    second = seed_contacts(wired, 300, now=now)
    assert first != second
    kept, counted = kept_and_counted(wired.database)
    assert kept == counted
    assert rows(wired.database, "SELECT count(*) FROM person") == [(1000,)]
    assert rows(wired.database, "SELECT count(DISTINCT value) FROM identity") == [(3000,)]


def test_somebody_was_reached_over_two_channels_by_one_campaign(wired, now):
    seed_demo(wired, now=now)
    both = rows(
        wired.database,
        "SELECT c.name, d.contact_id FROM comm_delivery d JOIN campaign c ON c.id = d.campaign_id "
        "WHERE d.state = 'delivered' GROUP BY c.name, d.contact_id HAVING count(DISTINCT d.channel) = 2",
    )
    assert {name for name, _ in both} == {"Spring tariff change"}
