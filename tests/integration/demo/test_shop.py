"""The demo shop: visitors who move by themselves, open only while the demo is there, and gone with it."""

from datetime import timedelta

import pytest
from sqlmodel import func, select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.vault import Vault
from cxconsole.demo.remove import SHOP_APP, SHOP_SOURCE, remove_demo
from cxconsole.demo.seed import seed_demo
from cxconsole.demo.shop_app import find_customers, open_app
from cxconsole.demo.visitors import BROWSERS, drain_visitors, has_visitors, tell_visits
from cxconsole.journey.cloud_event import read_event
from models.event import Event
from models.journey import EventTypeSeen
from models.person import Identity, Person
from models.system import App
from tests.integration.demo.test_demo_world import SMALL, Wired, find_silent_attributes


@pytest.fixture
def shop(database, tmp_path, now):
    seed_demo(Wired(database, Vault(b"key")), contacts=SMALL, now=now)
    return database


def play(database, start, *, minutes, each=timedelta(seconds=8)):
    """The job, as its schedule runs it."""
    at, count = start, 0
    while at < start + timedelta(minutes=minutes):
        with database.write() as session:
            if has_visitors(session, at):
                count += drain_visitors(session, now=at, limit=500)
        at += each
    return count


def shop_events(database):
    with database.read() as session:
        return session.exec(select(Event).where(Event.source == SHOP_SOURCE).order_by(Event.id)).all()


def test_visits_follow_from_the_clock_alone_at_a_human_pace(now):
    customers = [f"c{n}@mail.example" for n in range(BROWSERS)]
    hour = tell_visits(now, now + timedelta(hours=1), customers)
    halves = [
        event for part in (0, 30)
        for event in tell_visits(now + timedelta(minutes=part), now + timedelta(minutes=part + 30), customers)
    ]  # fmt: skip
    assert hour == halves
    assert len({one["id"] for one in hour}) == len(hour)
    assert 5 * 60 < len(hour) < 40 * 60
    assert {"page.viewed", "product.viewed", "cart.added", "checkout.entered", "order.placed"} < {
        one["type"] for one in hour
    }
    for one in hour:
        read_event(one, now=now + timedelta(hours=1))
    ordered = [one for one in hour if one["type"] == "order.placed"]
    assert all(one["person"].endswith("@mail.example") for one in ordered)


def test_the_job_puts_them_onto_the_tape_once_and_they_stay_few(shop, now):
    assert play(shop, now, minutes=12) == len(shop_events(shop)) > 60
    assert play(shop, now, minutes=12) == 0
    with shop.read() as session:
        counted = session.exec(select(func.sum(EventTypeSeen.count))).one()
        made = session.exec(select(func.count()).where(Person.is_demo.is_(False))).one()
        known = set(find_customers(session, BROWSERS))
    assert counted == len(shop_events(shop))
    assert made <= BROWSERS
    with shop.read() as session:
        bought = session.exec(
            select(Identity.value).join(Event, Event.identity_id == Identity.id).where(Event.type == "order.placed")
        ).all()
    assert set(bought) <= known


def test_the_shops_view_says_what_visitors_do(shop, now):
    play(shop, now, minutes=12)
    assert find_silent_attributes(shop, now + timedelta(minutes=12)) == set()


def test_nobody_comes_where_there_is_no_demo(database, now):
    with database.read() as session:
        assert not has_visitors(session, now)


def test_the_shop_goes_with_the_demo_and_takes_its_visitors_along(shop, now):
    play(shop, now, minutes=12)
    vault = Vault(b"key")
    with shop.write() as session:
        open_app(session, vault=vault, actor=OPERATOR, now=now)
        open_app(session, vault=vault, actor=OPERATOR, now=now)
        assert [one.name for one in session.exec(select(App))] == [SHOP_APP]
    remove_demo(shop, actor=OPERATOR, now=now)
    with shop.read() as session:
        assert session.exec(select(App)).all() == []
        assert session.exec(select(Person)).all() == []
        assert session.exec(select(Identity)).all() == []
        assert session.exec(select(EventTypeSeen)).all() == []
        assert not has_visitors(session, now + timedelta(minutes=5))


def test_a_real_customer_who_tried_the_shop_stays(shop, now):
    play(shop, now, minutes=6)
    with shop.write() as session:
        session.add(Person(first_name="Real", created_at=now, updated_at=now))
        visitor = session.exec(select(Event.person_id).where(Event.source == SHOP_SOURCE)).first()
        session.add(
            Event(source="crm", event_id="1", type="call.ended", person_id=visitor, time=now, actor="key:1", data={})
        )
    remove_demo(shop, actor=OPERATOR, now=now)
    with shop.read() as session:
        left = session.exec(select(Person)).all()
    assert {one.first_name for one in left if one.first_name} == {"Real"}
