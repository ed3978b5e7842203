"""Following the Tape in one process, below the streams of the API."""

import asyncio
import logging
import threading

import pytest
from sqlalchemy.exc import DataError

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.merging import merge_persons
from cxconsole.audience.recognition import recognise
from cxconsole.journey import intake
from cxconsole.journey.cloud_event import read_event
from cxconsole.journey.intake import Intake, Unavailable
from cxconsole.journey.live import LiveTape
from cxconsole.signals import Signals
from tests.integration.campaigns.world import add_person


def test_who_was_merged_is_followed_though_the_time_to_wait_ended_while_that_was_read(database, now, monkeypatch):
    with database.write() as session:
        stays, goes = (add_person(session, now).id for _ in range(2))
    live, may_read = LiveTape(database, Signals()), threading.Event()
    read = live._read_people

    async def run() -> frozenset[int] | None:
        async with live.follow(person_id=stays, actor=OPERATOR) as follower:
            with database.write() as session:
                merge_persons(session, {goes: stays}, actor="test", now=now)
            await follower.news.wait()
            monkeypatch.setattr(live, "_read_people", lambda one: may_read.wait(10) and read(one))
            assert await live.take(follower, 0.01) == ()
            may_read.set()
            await live.take(follower, 1)
            return follower.people

    assert asyncio.run(run()) == {stays, goes}


def test_what_the_database_says_of_a_refusal_is_logged_without_the_row(database, now, monkeypatch, caplog):
    said = Exception("value too long\nDETAIL:  Failing row contains (ada@mail.example).")

    def refuse(*_args, **_wish):
        raise DataError("INSERT", {}, said)

    monkeypatch.setattr(intake, "record_events", refuse)
    caplog.set_level(logging.DEBUG)
    event = read_event({"id": "1", "source": "shop", "type": "t", "person": "C-1", "data": {}}, now=now)
    way_in = Intake(database, Signals(), recognise)
    with pytest.raises(Unavailable):
        asyncio.run(way_in.submit([event], actor="test"))
    way_in.close()
    assert "value too long" in caplog.text and "ada@" not in caplog.text
