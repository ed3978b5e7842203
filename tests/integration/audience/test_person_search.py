import pytest
from sqlalchemy import text
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.audience.people import get_person, search_everything, search_people
from cxconsole.audience.search import (
    QUEUE_ROW,
    drain_person_search_queue,
    find_person_ids,
    queue_persons,
    search_fold,
    split_words,
)
from cxconsole.errors import Forbidden, NotFound
from models.person import Person
from tests.integration.campaigns.world import add_campaign, add_person


def index(database, now, *person_ids, limit=100):
    with database.write() as session:
        queue_persons(session, person_ids)
    with database.write() as session:
        return drain_person_search_queue(session, now=now, limit=limit)


def find(database, q):
    with database.read() as session:
        return sorted(find_person_ids(session, split_words(q), limit=100))


@pytest.fixture
def two(database, now):
    with database.write() as session:
        add_person(
            session, now, first_name="Åsa", last_name="Müller", external_ref="X-9",
            identities={"email": "Asa@example.com"},
            attributes={"city": "Malmö", "vip": True, "tags": ["red", {"deep": 12345}]},
        )  # fmt: skip
        add_person(session, now, last_name="Bell", identities={"phone": "+46701442108", "customer_id": "C884210"})
    assert index(database, now, 1, 2) == 2
    return database


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("asa", [1]), ("ÅSA", [1]), ("muller", [1]), ("mül", [1]), ("MALMÖ", [1]), ("x-9", [1]), ("red", [1]),
        ("12345", [1]),
        ("true", [1]), ("1442", [2]), ("884210", [2]), ("bell", [2]), ("be", [2]), ("l", [1, 2]), ("asa bell", []),
        ("example asa", [1]), ('"', []), ("asa' OR 1=1", []), ("%", []), ("", []), ("asa\x00", [1]), ("a" * 400, []),
        ("müller asa@", [1]),
    ],
)  # fmt: skip
def test_any_part_of_any_value_is_found(two, q, found):
    assert find(two, q) == found


def test_a_turn_takes_as_many_of_the_queue_as_it_may_and_the_oldest_first(two, now):
    with two.write() as session:
        for person in session.exec(select(Person)):
            person.last_name = "Newly"
            session.add(person)
        for number in range(100):
            queue_persons(session, (1000 + number,))  # who is gone meanwhile
        queue_persons(session, [1] * (QUEUE_ROW - 1) + [2])
    assert index(two, now, limit=99) == 99
    assert index(two, now, limit=3) == 3
    assert find(two, "newly") == [1]
    assert index(two, now, limit=10_000) == QUEUE_ROW - 2
    assert find(two, "newly") == [1, 2]
    assert index(two, now) == 0


def test_the_text_follows_the_person(two, now):
    with two.write() as session:
        person = session.get_one(Person, 1)
        person.last_name = "Bellini"
        session.add(person)
    index(two, now, 1, 1)
    assert find(two, "bell") == [1, 2]
    assert find(two, "muller") == []
    assert index(two, now, 1) == 1  # nothing has changed
    assert find(two, "bellini") == [1]


def test_merged_and_deleted_persons_are_no_longer_found(two, now):
    with two.write() as session:
        person = session.get_one(Person, 1)
        person.merged_into = 2
        session.add(person)
        session.execute(text("DELETE FROM identity WHERE person_id = 2"))
        session.execute(text("DELETE FROM person WHERE id = 2"))
    index(two, now, 1, 2)
    assert find(two, "asa") == find(two, "bell") == []
    assert index(two, now, 1, 2) == 2


def test_a_turn_takes_no_more_than_its_limit(database, now):
    with database.write() as session:
        for number in range(5):
            add_person(session, now, last_name=f"Person{number}")
    assert index(database, now, 1, 2, 3, 4, 5, limit=3) == 3
    assert find(database, "person") == [1, 2, 3]
    assert index(database, now, limit=3) == 2
    assert index(database, now, limit=3) == 0


def test_folding_keeps_only_what_people_compare():
    assert search_fold("Straße ÅÖ É") == "strasse ao e"
    assert split_words("  Åsa  asa b ") == ("asa", "b")


def test_a_person_is_read_with_identities(two, now):
    with two.read() as session:
        person = get_person(session, 2, actor=OPERATOR)
        assert (person.name, person.primary("phone"), person.primary("email")) == ("Bell", "+46701442108", None)
        with pytest.raises(NotFound):
            get_person(session, 3, actor=OPERATOR)
        with pytest.raises(Forbidden):
            get_person(session, 1, actor=Actor(kind="key", name="k", rights=frozenset({"campaigns.read"})))


def test_the_search_of_the_top_bar_finds_people_and_campaigns(two, now):
    with two.write() as session:
        add_campaign(session, now, "Bell offer")
    with two.read() as session:
        hits = search_everything(session, "bell", actor=OPERATOR)
        assert [(hit.name, hit.hint) for hit in hits.people] == [("Bell", "+46701442108")]
        assert [(hit.code, hit.name) for hit in hits.campaigns] == [("CMP-1001", "Bell offer")]
        assert [hit.hint for hit in search_people(session, "8842", actor=OPERATOR)] == ["C884210"]
        assert [hit.name for hit in search_everything(session, "1001", actor=OPERATOR).campaigns] == ["Bell offer"]
        assert search_everything(session, " ", actor=OPERATOR).campaigns == ()
        few = Actor(kind="key", name="k", rights=frozenset({"campaigns.read"}))
        assert search_everything(session, "bell", actor=few).people == ()
