"""A merge is undone: all that came along goes back, and what cannot go back says why."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import Session

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.audience.identity_changes import add_identity, remove_identity, unite_persons
from cxconsole.audience.merging import merge_persons
from cxconsole.audience.unmerging import list_merges, undo_merge
from cxconsole.campaigns.person_erasure import erase_person
from cxconsole.errors import Conflict, Forbidden, NotFound
from cxconsole.journey.activities import schedule_activity
from cxconsole.journey.notes import add_note
from cxconsole.journey.reading import find_history
from models.activity import Note, ScheduledActivity
from models.campaign import CampaignProgress
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactSource, SourceMention
from models.event import Event, EventType
from models.person import Identity, Person, PersonMerge
from models.suppression import Suppression

from .conftest import check_numbers

TABLES = (
    CampaignContact,
    CommDelivery,
    CommRequest,
    ContactSource,
    Identity,
    Suppression,
    SourceMention,
    CampaignProgress,
)


def picture(database):
    """All rows that a merge may touch, and what is known of each person."""
    with database.read() as session:
        rows = {table.__tablename__: sorted(map(tuple, session.execute(select(table.__table__)))) for table in TABLES}
        persons = session.scalars(select(Person).order_by(Person.id)).all()
    kept = {"first_name", "last_name", "language", "attributes", "consents", "labels", "merged_into"}
    return rows, [one.model_dump(include=kept) for one in persons]


def unite(database, ids, now, **wish):
    with database.write() as session:
        unite_persons(session, ids, actor=OPERATOR, now=now, **wish)
        return session.scalars(select(PersonMerge.id).order_by(PersonMerge.id.desc())).first()


def undo(database, merge_id, now):
    with database.write() as session:
        undone = undo_merge(session, merge_id, actor=OPERATOR, now=now)
    check_numbers(database)
    return undone


def message(session: Session, person_id, contact=None, *, state=DeliveryState.AWAITING_DISTRIBUTION, now):
    place = {"campaign_id": contact.campaign_id, "contact_id": contact.id} if contact else {}
    request = CommRequest(
        trigger_kind="api", person_id=person_id, state=RequestState.PROCESSED, created_at=now, updated_at=now, **place
    )
    session.add(request)
    session.flush()
    delivery = CommDelivery(
        request_id=request.id, person_id=person_id, channel="email", target="a@example.com", gateway_id=1,
        template_version_id=1, state=state, not_before=now, created_at=now, **place,
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    return delivery.id


@pytest.fixture
def two(database, add, make_campaign, now):
    """Ada in two campaigns, Bob in the first of them and in a third one, each with messages; their ids."""
    one, other, third = (make_campaign(name) for name in ("One", "Other", "Third"))
    [ada] = add(one, {"email": "ada@example.com", "phone": "+46701442108", "first_name": "Ada", "plan": "gold"})
    add(other, {"email": "ada@example.com"})
    [bob] = add(
        one, {"email": "bob@example.com", "customer_id": "B", "first_name": "Bob", "last_name": "B", "size": "M"}
    )
    add(third, {"email": "bob@example.com"})
    with database.write() as session:
        session.execute(
            update(Person)
            .where(Person.id == ada.person_id)
            .values(consents={"email": {"granted": True, "at": "2026-01-01"}}, labels=["vip"])
        )
        refused = {"email": {"granted": False, "at": "2026-02-01"}, "sms": {"granted": True, "at": "2026-02-01"}}
        session.execute(
            update(Person).where(Person.id == bob.person_id).values(consents=refused, labels=["vip", "slow"])
        )
        for contact in session.scalars(select(CampaignContact)).all():
            message(session, contact.person_id, contact, state=DeliveryState.SENT, now=now)
        message(session, bob.person_id, state=DeliveryState.SENT, now=now)
        session.add(Suppression(person_id=bob.person_id, created_at=now))
        source = session.scalars(select(ContactSource)).first()
        session.add(SourceMention(person_id=bob.person_id, source_id=source.id))
    return ada.person_id, bob.person_id


@pytest.mark.parametrize("stays", [0, 1], ids=["the older stays", "the younger stays"])
def test_everything_is_as_it_was_before_the_merge(database, two, now, stays):
    before = picture(database)
    merge_id = unite(database, two, now, primary_id=two[stays])
    check_numbers(database)
    assert picture(database) != before
    undone = undo(database, merge_id, now)
    assert undone.id == two[1 - stays]
    assert picture(database) == before


def test_notes_and_follow_ups_go_back_and_new_ones_stay(database, two, now):
    ada, bob = two
    with database.write() as session:
        add_note(session, bob, "of Bob", actor=OPERATOR, now=now)
        schedule_activity(
            session, bob, channel="voice", due_at=now + timedelta(days=1), subject="call Bob", actor=OPERATOR, now=now
        )
    merge_id = unite(database, two, now)
    with database.write() as session:
        add_note(session, ada, "of both", actor=OPERATOR, now=now)
    undo(database, merge_id, now)
    with database.read() as session:
        notes = session.execute(select_notes()).all()
        assert {tuple(row) for row in notes} == {("of Bob", bob), ("of both", ada), ("call Bob", bob)}


def select_notes():
    return select(Note.text, Note.person_id).union_all(select(ScheduledActivity.subject, ScheduledActivity.person_id))


def test_the_history_is_told_of_each_again_and_both_have_the_event(database, two, now):
    ada, bob = two
    merge_id = unite(database, two, now)
    with database.read() as session:
        assert set(find_history(session, bob)) == {ada, bob}
    undo(database, merge_id, now)
    with database.read() as session:
        assert (find_history(session, ada), find_history(session, bob)) == ([ada], [bob])
        events = session.scalars(select(Event).where(Event.type == EventType.PERSON_UNMERGED)).all()
    assert sorted(one.person_id for one in events) == [ada, bob]
    assert {one.data["merged_person_id"] for one in events} == {bob}
    assert {one.data["stayed_person_id"] for one in events} == {ada}


def test_a_place_whose_message_was_stopped_comes_back_to_be_tried_again(database, add, campaign_id, now):
    ids = [add(campaign_id, {"customer_id": name})[0].person_id for name in "ab"]
    with database.write() as session:
        for contact in session.scalars(select(CampaignContact)).all():
            contact.status = "in_progress"
            message(session, contact.person_id, contact, now=now)
        progress = session.get_one(CampaignProgress, campaign_id)
        progress.pending, progress.in_progress = 0, 2
    merge_id = unite(database, ids, now)
    undo(database, merge_id, now)
    with database.read() as session:
        places = session.execute(select(CampaignContact.person_id, CampaignContact.status, CampaignContact.reason))
        told = {person_id: (status, reason) for person_id, status, reason in places}
        states = dict(session.execute(select(CommDelivery.person_id, CommDelivery.state)).all())
    assert told[ids[0]] == ("in_progress", None)
    assert told[ids[1]][0] == "failed"
    assert "try again" in told[ids[1]][1]
    assert states == {ids[0]: "D", ids[1]: "C"}


def test_what_was_changed_since_stays_and_what_is_gone_does_not_come_back(database, two, now):
    ada, bob = two
    merge_id = unite(database, two, now)
    with database.write() as session:
        session.get_one(Person, ada).last_name = "Lind"
        [email] = session.scalars(select(Identity).where(Identity.value == "bob@example.com")).all()
        remove_identity(session, ada, email.id, actor=OPERATOR, now=now)
        add_identity(session, ada, "email", "both@example.com", actor=OPERATOR, now=now)
    undo(database, merge_id, now)
    with database.read() as session:
        owner = dict(session.execute(select(Identity.value, Identity.person_id)).all())
        assert session.get_one(Person, ada).last_name == "Lind"
        assert session.get_one(Person, bob).last_name == "B"
    assert owner == {"ada@example.com": ada, "+46701442108": ada, "both@example.com": ada, "B": bob}


def test_merges_are_undone_from_the_last_one_back(database, add, campaign_id, now):
    a, b, c = (add(campaign_id, {"customer_id": name})[0].person_id for name in "abc")
    before = picture(database)
    first = unite(database, [a, b], now, primary_id=b)
    second = unite(database, [b, c], now, primary_id=c)
    with pytest.raises(Conflict, match=f"merged into person {c} since"):
        undo(database, first, now)
    undo(database, second, now)
    undo(database, first, now)
    assert picture(database) == before
    with pytest.raises(Conflict, match="undone already"):
        undo(database, first, now)


def test_a_circle_of_merges_cannot_come_to_be(database, add, campaign_id, now):
    a, b, c = (add(campaign_id, {"customer_id": name})[0].person_id for name in "abc")
    unite(database, [a, b], now, primary_id=b)
    unite(database, [b, a], now, primary_id=a)
    unite(database, [b, c], now, primary_id=c)
    with database.read() as session:
        assert {one.id: one.merged_into for one in session.scalars(select(Person))} == {a: b, b: c, c: None}
    for moves in ({c: a}, {a: c}, {c: b, b: c}):
        with pytest.raises(Conflict), database.write() as session:
            merge_persons(session, moves, actor="operator", now=now)


def test_nobody_is_left_without_a_name_by_an_undo(database, add, campaign_id, now):
    a, b = (add(campaign_id, {"customer_id": name})[0].person_id for name in "ab")
    merge_id = unite(database, [a, b], now)
    with database.write() as session:
        mine = session.scalars(select(Identity).where(Identity.value == "a")).one()
        remove_identity(session, a, mine.id, actor=OPERATOR, now=now)
    with pytest.raises(Conflict, match="left without"):
        undo(database, merge_id, now)
    with database.write() as session:
        add_identity(session, a, "email", "new@example.com", actor=OPERATOR, now=now)
        theirs = session.scalars(select(Identity).where(Identity.value == "b")).one()
        remove_identity(session, a, theirs.id, actor=OPERATOR, now=now)
    with pytest.raises(Conflict, match="None of the addresses"):
        undo(database, merge_id, now)


def test_the_history_of_merges_says_what_can_be_undone(database, two, now):
    ada, bob = two
    merge_id = unite(database, two, now)
    with database.read() as session:
        [mine] = list_merges(session, ada, actor=OPERATOR)
        [theirs] = list_merges(session, bob, actor=OPERATOR)
    assert mine == theirs
    assert (mine.merged_person_id, mine.merged, mine.refusal) == (bob, "Bob B", "")
    assert set(mine.identities) == {"bob@example.com", "B"}
    undo(database, merge_id, now)
    with database.read() as session:
        [mine] = list_merges(session, ada, actor=OPERATOR)
    assert (mine.undone_by, mine.refusal) == ("operator", "This merge was undone already.")


def test_of_who_was_erased_no_merge_is_kept(database, two, now):
    ada, bob = two
    merge_id = unite(database, two, now)
    with database.write() as session:
        erase_person(session, ada, actor=OPERATOR, now=now)
    with database.read() as session:
        assert list_merges(session, bob, actor=OPERATOR) == ()
    with pytest.raises(NotFound):
        undo(database, merge_id, now)


def test_undoing_needs_its_right_and_a_merge(database, two, now):
    merge_id = unite(database, two, now)
    reader = Actor(kind="key", name="key:1", rights=frozenset({"persons.read"}))
    with pytest.raises(Forbidden), database.write() as session:
        undo_merge(session, merge_id, actor=reader, now=now)
    with pytest.raises(NotFound):
        undo(database, merge_id + 1, now)
