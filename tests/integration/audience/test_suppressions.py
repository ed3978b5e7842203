import pytest
from sqlmodel import func, select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.audience import suppression_files
from cxconsole.audience.suppression_files import export_suppressions, import_suppressions
from cxconsole.audience.suppressions import (
    Target,
    add_suppression,
    find_suppressed,
    list_suppressions,
    remove_suppression,
)
from cxconsole.errors import Forbidden, Invalid, Malformed, NotFound
from models.campaign import Campaign
from models.event import Event, EventType
from models.person import Identity, Person
from models.suppression import Suppression


@pytest.fixture
def add(database, now):
    def make(**data):
        with database.write() as session:
            return add_suppression(session, data, actor=OPERATOR, now=now)

    return make


@pytest.fixture
def load(database, now):
    def run(text, **options):
        return import_suppressions(database, text.splitlines(keepends=True), actor=OPERATOR, now=now, **options)

    return run


def suppressed(database, **target) -> str | None:
    with database.read() as session:
        return find_suppressed(session, [Target(**{"address": None, "person_id": None, "channel": "email", **target})])[
            0
        ]


def test_an_address_is_stopped_whatever_its_capitals(database, add):
    add(address=" Ann.Lee@Example.COM ", reason="unsubscribed")
    for address in ("ann.lee@example.com", "Ann.Lee@example.com"):
        assert suppressed(database, address=address) == "unsubscribed"
    assert suppressed(database, address="bob@example.com") is None


def test_a_suppression_reaches_as_far_as_it_says(database, add, now):
    with database.write() as session:
        session.add(Campaign(id=1001, name="Spring", created_at=now, updated_at=now))
    add(address="a@example.com", channel="email")
    add(address="b@example.com", campaign_id=1001)
    assert suppressed(database, address="a@example.com")
    assert suppressed(database, address="a@example.com", channel="sms") is None
    assert suppressed(database, address="b@example.com", campaign_id=1001)
    assert suppressed(database, address="b@example.com", campaign_id=1002) is None


def test_a_person_is_stopped_on_every_address(database, add, now):
    with database.write() as session:
        session.add(Person(id=7, first_name="Ann", created_at=now, updated_at=now))
    assert add(person_id=7, note="asked by phone").person_name == "Ann"
    assert suppressed(database, address="new@example.com", person_id=7) == "manual"


def test_many_targets_are_asked_at_once(database, add):
    add(address="person1200@example.com")
    targets = [
        Target(address=f"person{number}@example.com", person_id=number, channel="email") for number in range(1500)
    ]
    with database.read() as session:
        found = find_suppressed(session, targets)
    assert [number for number, reason in enumerate(found) if reason] == [1200]


def test_adding_twice_keeps_one_and_the_tape_names_the_person_not_the_address(database, add, now):
    with database.write() as session:
        session.add(Person(id=7, created_at=now, updated_at=now))
        session.add(Identity(person_id=7, kind="email", value="ann@example.com", created_at=now))
    assert add(address="ann@example.com").id == add(address="Ann@example.com").id
    with database.read() as session:
        event = session.exec(select(Event)).one()
        assert (event.type, event.person_id) == (EventType.SUPPRESSION_ADDED, 7)
        assert "@" not in str(event.data)


def test_removing_lets_contact_again(database, add, now):
    made = add(address="a@example.com")
    with database.write() as session:
        remove_suppression(session, made.id, actor=OPERATOR, now=now)
    assert suppressed(database, address="a@example.com") is None
    with pytest.raises(NotFound), database.write() as session:
        remove_suppression(session, made.id, actor=OPERATOR, now=now)


@pytest.mark.parametrize(
    ("data", "loc"),
    [
        ({}, "address"),
        ({"address": "a@example.com", "person_id": 1}, "address"),
        ({"address": "nobody"}, "address"),
        ({"person_id": 99}, "person_id"),
        ({"address": "a@example.com", "channel": "pigeon"}, "channel"),
        ({"address": "a@example.com", "reason": "whim"}, "reason"),
        ({"address": "a@example.com", "campaign_id": 5}, "campaign_id"),
        ({"address": "a@example.com", "colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named(add, data, loc):
    with pytest.raises(Invalid) as caught:
        add(**data)
    assert [one.loc for one in caught.value.errors] == [loc]


def test_a_list_is_searched_filtered_and_cut_into_pages(database, add):
    for number in range(5):
        add(address=f"ann{number}@example.com", reason="unsubscribed")
    add(address="100%@example.com")
    with database.read() as session:
        page = list_suppressions(session, actor=OPERATOR, q="ANN", limit=2, sort="address")
        assert [one.address for one in page.items] == ["ann0@example.com", "ann1@example.com"]
        assert (page.total, page.next_offset) == (5, 2)
        assert list_suppressions(session, actor=OPERATOR, q="%").total == 1
        assert list_suppressions(session, actor=OPERATOR, reason="manual").total == 1


def test_a_file_adds_what_is_new_and_tells_what_it_refused(database, add, load):
    add(address="old@example.com")
    done = load(
        '\ufeffEmail,Channel,Reason,Note\nnew@example.com,email,unsubscribed,"said, no"\nOLD@example.com,,,\n'
        "nobody,,,\n+1 (212) 555-0123,sms,,\nnew@example.com,email,unsubscribed,\nx@example.com,pigeon,,\n"
    )
    assert (done.rows, done.added, done.already, done.rejected) == (6, 2, 2, 2)
    assert [(one.row_number, one.value) for one in done.first_rejected] == [(4, "nobody"), (7, "x@example.com")]
    with database.read() as session:
        rows = {one.address: one for one in session.exec(select(Suppression))}
    assert rows["new@example.com"].note == "said, no"
    assert rows["+12125550123"].channel == "sms"


def test_a_large_file_lets_other_writers_in_and_goes_on_after_a_break(database, load, now, monkeypatch):
    text = "".join(f"p{number}@example.com\n" for number in range(1_700))
    store, sizes = suppression_files.store_suppressions, []

    def store_some(session, new, **how):
        sizes.append(len(new))
        if len(sizes) == 3:
            raise OSError("The power went.")
        return store(session, new, **how)

    monkeypatch.setattr(suppression_files, "store_suppressions", store_some)
    with pytest.raises(OSError, match="power"):
        load(text)
    assert suppressed(database, address="p999@example.com") and not suppressed(database, address="p1000@example.com")
    assert (load(text).added, load(text).already, max(sizes)) == (700, 1_700, 500)
    with database.read() as session:
        count = select(func.count()).select_from
        assert session.exec(count(Suppression)).one() == session.exec(count(Event)).one() == 1_700


def test_a_bare_column_needs_no_header(load):
    assert load("a@example.com\nb@example.com\n", reason="complained").added == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), ("a,b\n1,2\n", "No column"), ('email\n"a@example.com', "cannot be read"), ("a\0b\n", "not text")],
)
def test_a_file_that_cannot_be_read_changes_nothing(database, load, text, words):
    with pytest.raises(Malformed, match=words):
        load(text)
    with database.read() as session:
        assert list_suppressions(session, actor=OPERATOR).total == 0


def test_what_is_exported_is_guarded_and_can_be_imported_again(database, add, load, now):
    add(address="=cmd@example.com", note="=1+1")
    add(address="+12125550123", channel="sms", reason="unsubscribed")
    with database.read() as session:
        text = "".join(export_suppressions(session, actor=OPERATOR))
    assert "'=1+1" in text and "'=cmd@example.com" in text
    assert load(text).already == 2


def test_who_may_not_edit_cannot_add(database, now):
    viewer = Actor(kind="user", name="viewer", rights=frozenset({"suppressions.read"}))
    with pytest.raises(Forbidden), database.write() as session:
        add_suppression(session, {"address": "a@example.com"}, actor=viewer, now=now)
