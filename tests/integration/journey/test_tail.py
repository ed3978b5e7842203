"""The end of the Tape as it grows: nothing is left out, also where keys and commits are not in one order."""

from contextlib import nullcontext

import pytest

from cxconsole.journey.tail import Tail
from cxconsole.journey.tape import append_event
from models.event import EventType


def add(session, now, campaign_id):
    append_event(session, EventType.CAMPAIGN_CHANGED, now=now, campaign_id=campaign_id)
    session.flush()


def read(database, tail):
    with database.read() as session:
        return [row[5] for row in tail.read(session, 100)]


def test_what_comes_is_read_once(database, now):
    tail = Tail()
    with database.write() as session:
        add(session, now, 1)
    assert read(database, tail) == []
    for n in (2, 3):
        with database.write() as session:
            add(session, now, n)
    assert read(database, tail) == [2, 3]
    assert read(database, tail) == []


def test_an_earlier_key_that_is_committed_later_is_not_passed_over(database, now):
    if database.is_sqlite:  # one writer at a time: keys follow commits, and this cannot be
        return
    tail = Tail()
    assert read(database, tail) == []
    with database.write() as slow:
        add(slow, now, 1)
        with database.write() as quick:
            add(quick, now, 2)
        assert read(database, tail) == []
        assert tail.waits
    assert read(database, tail) == [1, 2]


def test_a_key_that_was_drawn_for_nothing_holds_nobody_up(database, now):
    tail = Tail()
    assert read(database, tail) == []
    for fails in (False, True, False):
        with pytest.raises(KeyError) if fails else nullcontext(), database.write() as session:
            add(session, now, 7)
            if fails:
                raise KeyError
    seen = read(database, tail)
    while tail.waits:
        seen += read(database, tail)
    assert seen + read(database, tail) == [7, 7]


def test_a_reader_that_begins_waits_for_who_writes_already(database, now):
    tail = Tail()
    with database.write() as session:
        add(session, now, 1)
        assert read(database, tail) == []
        assert (tail.end is None) is not database.is_sqlite  # where one writes at a time, keys come in order
    assert read(database, tail) == ([1] if database.is_sqlite else [])
    assert tail.end is not None
