"""Billing sees amounts, level 1 does not: whichever way an event is read."""

import asyncio
from datetime import timedelta

import pytest

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.campaigns.person_export import export_person
from cxconsole.errors import Forbidden
from cxconsole.journey.event_view import get_event
from cxconsole.journey.explorer import EventQuery, export_events
from cxconsole.journey.explorer import search_events as explore
from cxconsole.journey.filtering import parse_filter
from cxconsole.journey.live import LiveTape
from cxconsole.journey.profile_views import delete_view, save_view
from cxconsole.journey.reading import last_id, list_person_events, search_events
from cxconsole.journey.recent import find_recent_persons
from cxconsole.journey.tape import append_events
from cxconsole.journey.timeline import read_latest, read_timeline
from cxconsole.signals import Signals, topics
from tests.integration.campaigns.world import add_person

RIGHTS = {"events.read", "persons.read", "persons.export", "profiles.read"}
LEVEL_1 = Actor(kind="key", name="key:1", rights=frozenset(RIGHTS))
BILLING = Actor(kind="key", name="key:2", rights=frozenset({*RIGHTS, "profile.billing"}))
MONEY = {
    "id": "money",
    "attributes": [
        {"displayName": path, "event": "invoice", "metadata": path, "metadataType": "double", "aggregationMode": "Sum",
         "compartment": "billing"}
        for path in ("amount", "bill.amount")
    ],
}  # fmt: skip
SECRET, OPEN = "98765", "number-7"


def write(session, now, person_id, number=1):
    told = {"amount": int(SECRET), "number": OPEN}
    data = {**told, "bill": told}
    event = {"person_id": person_id, "time": now, "type": "invoice", "source": "erp", "event_id": f"i{number}"}
    append_events(session, [{**event, "data": data}])
    return last_id(session)


@pytest.fixture
def ada(database, now):
    """Somebody with an invoice of which one view keeps the amount to billing; the person's id, and the event's."""
    with database.write() as session:
        person_id = add_person(session, now, first_name="Ada", identities={"customer_id": "C-1"}).id
        save_view(session, MONEY, actor=OPERATOR, now=now)
        return person_id, write(session, now + timedelta(seconds=1), person_id)


WAYS = {
    "the tape of a person": lambda session, ada, actor: list_person_events(session, [ada[0]], actor=actor),
    "the tape": lambda session, _, actor: search_events(session, actor=actor),
    "a timeline": lambda session, ada, actor: read_timeline(session, ada[0], actor=actor),
    "the latest": lambda session, ada, actor: read_latest(session, [ada[0]], actor=actor),
    "who moved last": lambda session, _, actor: find_recent_persons(session, actor=actor),
    "an event in full": lambda session, ada, actor: get_event(session, ada[1], actor=actor),
    "the explorer": lambda session, _, actor: explore(session, EventQuery(type="invoice"), actor=actor),
    "its download": lambda session, _, actor: list(export_events(session, EventQuery(type="invoice"), actor=actor)),
    "all about a person": lambda session, ada, actor: list(export_person(session, ada[0], actor=actor)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_an_amount_is_told_to_billing_alone(database, ada, way):
    with database.read() as session:
        for actor, is_told in ((LEVEL_1, False), (BILLING, True), (OPERATOR, True)):
            told = str(way(session, ada, actor))
            assert OPEN in told
            assert (SECRET in told) is is_told


@pytest.mark.parametrize("path", ["amount", "bill/amount", "bill", "bill/amount/x"])
def test_a_filter_that_would_tell_it_is_refused(database, ada, path):
    tree = parse_filter(f"data/{path} eq 1")
    with database.read() as session:
        for ask in (
            lambda actor: search_events(session, filter=tree, actor=actor),
            lambda actor: list_person_events(session, [ada[0]], filter=tree, actor=actor),
            lambda actor: explore(session, EventQuery(field=path.replace("/", "."), value="1"), actor=actor),
        ):
            with pytest.raises(Forbidden):
                ask(LEVEL_1)
            ask(BILLING)


def test_what_is_open_is_still_searched(database, ada):
    with database.read() as session:
        found = search_events(session, filter=parse_filter(f"data/bill/number eq '{OPEN}'"), actor=LEVEL_1)
        assert [one.data for one in found] == [{"number": OPEN, "bill": {"number": OPEN}}]


def test_live_it_is_told_to_billing_alone_and_from_the_moment_a_view_keeps_it(database, ada, now):
    signals = Signals()

    async def take(live, follower):
        signals.publish(topics.TAPE)
        while True:
            for one in await live.take(follower, 10):
                if one.event.type == "invoice":
                    return one

    async def run():
        live = LiveTape(database, signals)
        with database.write() as session:
            delete_view(session, "money", actor=OPERATOR, now=now)
        async with live.follow(actor=LEVEL_1) as agent, live.follow(actor=BILLING) as billing:
            with database.write() as session:
                write(session, now, ada[0], 2)
            first = [await take(live, one) for one in (agent, billing)]
            assert first[0] is first[1], "nothing is kept from anybody, so it is written once for all"
            with database.write() as session:
                save_view(session, MONEY, actor=OPERATOR, now=now)
                write(session, now, ada[0], 3)
            second = [await take(live, one) for one in (agent, billing)]
        async with live.follow(actor=LEVEL_1, after=0, person_id=ada[0]) as late:  # what is read from the Tape
            past = await take(live, late)
        return [one.event.data["bill"] for one in (*first, *second, past)]

    kept, told = {"number": OPEN}, {"number": OPEN, "amount": int(SECRET)}
    assert asyncio.run(run()) == [told, told, kept, told, kept]


def test_who_may_read_no_events_follows_none(database):
    async def run():
        nobody = Actor(kind="key", name="key:3", rights=frozenset({"profiles.read"}))
        async with LiveTape(database, Signals()).follow(actor=nobody):
            pass

    with pytest.raises(Forbidden):
        asyncio.run(run())
