"""Of who was erased the search index keeps not even three letters."""

import pytest
from sqlalchemy import text
from sqlmodel import Session

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience import search_fragments
from cxconsole.audience.search import drain_person_search_queue, find_person_ids, queue_persons
from cxconsole.audience.search_fragments import drain_fragments, has_fragments
from cxconsole.campaigns.person_erasure import erase_person
from tests.integration.campaigns.world import add_person

RARE = "zqx"


@pytest.fixture
def persons(database, now):
    """The ids of persons who came in several batches, so that the index has parts; the first has a rare name."""
    ids = []
    for batch in range(6):
        with database.write() as session:
            some = [
                add_person(
                    session, now, first_name=f"Agnes {batch} {number}", last_name="Berg" if batch or number else RARE
                ).id
                for number in range(30)
            ]
            queue_persons(session, some)
            drain_person_search_queue(session, now=now, limit=100)
            session.execute(text("DELETE FROM person_search_queue"))
        ids += some
    return ids


def work(database, now) -> int:
    """Run the job until it has nothing to do; the turns it took."""
    for turn in range(1_000):
        with database.write() as session:
            if not has_fragments(session, now):
                return turn
            assert drain_fragments(session, now=now, limit=1) == 1
    raise AssertionError("the job does not come to an end")


def kept(session: Session) -> int:
    """How many blocks of the index hold the rare letters."""
    sql = "SELECT count(*) FROM person_search_fts_data WHERE instr(block, CAST(:rare AS blob)) > 0"
    return session.execute(text(sql), {"rare": RARE}).scalar_one()


@pytest.mark.parametrize("pages", [1, 200], ids=["in many turns", "in few"])
def test_nothing_is_left_of_who_was_erased_and_the_others_are_found(database, persons, now, monkeypatch, pages):
    monkeypatch.setattr(search_fragments, "_PAGES", pages)
    if database.is_sqlite:
        with database.read() as session:
            assert kept(session), "the test must look where there is something"
    assert work(database, now) == 0, "without an erasure there is nothing to do"
    with database.write() as session:
        erase_person(session, persons[0], actor=OPERATOR, now=now)
    turns = work(database, now)
    with database.write() as session:
        assert find_person_ids(session, [RARE], limit=9) == []
        assert len(find_person_ids(session, ["agnes", "berg"], limit=999)) == len(persons) - 1
        if database.is_sqlite:
            assert turns > 1 and kept(session) == 0
            session.execute(text("INSERT INTO person_search_fts (person_search_fts) VALUES ('integrity-check')"))


def test_who_is_erased_meanwhile_goes_too(database, persons, now, monkeypatch):
    monkeypatch.setattr(search_fragments, "_PAGES", 1)
    with database.write() as session:
        erase_person(session, persons[1], actor=OPERATOR, now=now)
        drain_fragments(session, now=now, limit=1)
    with database.write() as session:
        drain_fragments(session, now=now, limit=1)
        erase_person(session, persons[0], actor=OPERATOR, now=now)
    work(database, now)
    if database.is_sqlite:
        with database.read() as session:
            assert kept(session) == 0
