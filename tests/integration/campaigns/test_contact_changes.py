import csv
import io

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.campaigns.contact_filter import ContactQuery, Selection, parse_filter
from cxconsole.campaigns.contacts import (
    change_in_chunks,
    export_contacts,
    get_contact,
    remove_contacts,
    retry_contacts,
    update_contacts,
)  # fmt: skip
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from models.campaign import Campaign, CampaignProgress
from models.contact import CampaignContact, ContactSource, ContactStatus, SourceMention
from models.event import Event, EventType
from models.person import Identity, PersonSearchQueue
from tests.integration.campaigns.world import (
    add_campaign,
    add_contact,
    add_delivery,
    add_flow,
    add_person,
    add_source,
)  # fmt: skip

EVERYBODY = Selection(matching=ContactQuery())
STATUSES = [
    {"status": "pending"}, {"status": "in_progress", "node": None}, {"status": "completed", "node": "s2"},
    {"status": "failed", "node": "s2", "reason": "550"}, {"status": "suppressed", "node": "s2", "reason": "no_email"},
    {"status": "held", "hold_reason": "campaign-unpublished"}, {"status": "failed", "node": "s1", "reason": "550"},
]  # fmt: skip


@pytest.fixture
def seven(database, now):
    """A contact in each status, from two sources; contact n is person n."""
    with database.write() as session:
        campaign = add_campaign(session, now, state="published", first_published_at=now)
        add_flow(session, campaign, now, "email", "sms")
        sources = [add_source(session, campaign, now, name) for name in ("a.csv", "b.csv")]
        for number, fields in enumerate(STATUSES, 1):
            person = add_person(
                session, now, first_name=f"P{number}", language="en", attributes={"plan": "basic", "n": str(number)},
                identities={"email": f"p{number}@example.com", "customer_id": f"C{number}"},
            )  # fmt: skip
            add_contact(session, campaign, person, sources[number % 2], now, **fields)
            session.add(SourceMention(source_id=1, person_id=person.id))
    return database


def numbers(session):
    found = session.get_one(CampaignProgress, 1001)
    kept = found.model_dump(exclude={"campaign_id"})
    parts = sum(value for name, value in kept.items() if name != "planned")
    assert found.planned == parts == len(session.exec(select(CampaignContact)).all())
    return {name: value for name, value in kept.items() if value}


def events(session, kind):
    return sorted(one.contact_id for one in session.exec(select(Event).where(Event.type == kind)))


def row(session, contact_id):
    return get_contact(session, 1001, contact_id, actor=OPERATOR)


def test_a_change_reaches_the_persons_and_the_search(seven, now):
    chosen = Selection(matching=ContactQuery(filter=parse_filter({"field": "attributes.n", "op": "gt", "value": "5"})))
    with seven.write() as session:
        changes = {"language": "sv", "plan": None, "city": " Malmö ", "first_name": ""}
        assert update_contacts(session, 1001, chosen, changes, actor=OPERATOR, now=now) == 2
    with seven.read() as session:
        for number in (6, 7):
            one = row(session, number)
            assert (one.language, one.first_name, one.attributes) == ("sv", None, {"city": "Malmö", "n": str(number)})
        assert row(session, 5).attributes == {"plan": "basic", "n": "5"}
        assert [sorted(one.person_ids) for one in session.exec(select(PersonSearchQueue))] == [[6, 7]]
        assert events(session, EventType.CONTACT_CHANGED) == [6, 7]
        written = session.exec(select(Event).where(Event.type == EventType.CONTACT_CHANGED)).first()
        assert written.data == {"fields": ["city", "first_name", "language", "plan"]}


def test_one_contact_can_be_given_another_address(seven, now):
    one = Selection(ids=(1,))
    with seven.write() as session:
        changes = {"email": "New.P1@EXAMPLE.com", "phone": "+46 70 144 21 08", "customer_id": None}
        assert update_contacts(session, 1001, one, changes, actor=OPERATOR, now=now) == 1
    with seven.read() as session:
        found = row(session, 1)
        assert (found.email, found.phone, found.customer_id) == ("New.P1@example.com", "+46701442108", None)
        assert len(session.exec(select(Identity).where(Identity.person_id == 1)).all()) == 2


def test_an_address_is_not_taken_from_another_person(seven, now):
    with pytest.raises(Conflict, match="number 2") as caught, seven.write() as session:
        update_contacts(session, 1001, Selection(ids=(1,)), {"email": "p2@example.com"}, actor=OPERATOR, now=now)
    assert caught.value.errors[0].loc == "email"
    with seven.read() as session:
        assert row(session, 1).email == "p1@example.com"


@pytest.mark.parametrize(
    ("ids", "changes", "loc"),
    [
        ((1,), {"email": "not an address"}, "email"),
        ((1,), {"time_zone": "Mars"}, "time_zone"),
        ((1,), {}, "changes"),
        ((1,), {'a"b': "x"}, 'a"b'),
        ((1,), {"plan": ["x"]}, "plan"),
        ((1, 2), {"email": "x@example.com"}, "email"),
        ((1,), {"email": None, "customer_id": None}, "email"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(seven, now, ids, changes, loc):
    with pytest.raises(Invalid) as caught, seven.write() as session:
        update_contacts(session, 1001, Selection(ids=ids), changes, actor=OPERATOR, now=now)
    assert caught.value.errors[0].loc == loc
    with seven.read() as session:
        assert (row(session, 1).email, row(session, 1).customer_id) == ("p1@example.com", "C1")
        assert events(session, EventType.CONTACT_CHANGED) == []


def test_removal_spares_who_is_under_way_and_keeps_all_counts_right(seven, now):
    with seven.write() as session:
        assert remove_contacts(session, 1001, Selection(ids=(1, 2, 3, 99)), actor=OPERATOR, now=now) == 2
        assert numbers(session) == {
            "planned": 5, "in_progress": 1, "failed": 2, "suppressed": 1, "held_unpublished": 1,
        }  # fmt: skip
    with seven.write() as session:
        assert remove_contacts(session, 1001, EVERYBODY, actor=OPERATOR, now=now) == 4
        assert numbers(session) == {"planned": 1, "in_progress": 1}
        assert {one.id: one.contacts for one in session.exec(select(ContactSource))} == {1: 1, 2: 0}
        assert [one.person_id for one in session.exec(select(SourceMention))] == [2]
        assert events(session, EventType.CONTACT_REMOVED) == [1, 3, 4, 5, 6, 7]


def test_a_retry_begins_where_it_failed_and_keeps_what_was_tried(seven, now):
    with seven.write() as session:
        add_delivery(session, session.get_one(CampaignContact, 4), now, node="s2", state="E")
        assert retry_contacts(session, 1001, EVERYBODY, actor=OPERATOR, now=now) == 3
        assert numbers(session) == {
            "planned": 7, "pending": 4, "in_progress": 1, "completed": 1, "held_unpublished": 1,
        }  # fmt: skip
        places = {one: (row(session, one).status, row(session, one).node) for one in (4, 5, 7)}
        assert places == {
            4: (ContactStatus.PENDING, "s1"), 5: (ContactStatus.PENDING, None), 7: (ContactStatus.PENDING, None),
        }  # fmt: skip
        assert (row(session, 4).due_at, row(session, 4).reason) == (now, None)
        assert row(session, 4).delivery == {"email": "failed"}
        assert events(session, EventType.CONTACT_RETRIED) == [4, 5, 7]
        assert retry_contacts(session, 1001, EVERYBODY, actor=OPERATOR, now=now) == 0


def test_nobody_is_tried_again_after_the_end(seven, now):
    with seven.write() as session:
        campaign = session.get_one(Campaign, 1001)
        campaign.state = "ended"
        session.add(campaign)
    with pytest.raises(Conflict), seven.write() as session:
        retry_contacts(session, 1001, EVERYBODY, actor=OPERATOR, now=now)


def test_many_are_changed_in_chunks_each_in_a_transaction_of_its_own(seven, now):
    seen = []

    def change(session, selection):
        seen.append(selection.ids)
        return remove_contacts(session, 1001, selection, actor=OPERATOR, now=now)

    assert change_in_chunks(seven, 1001, EVERYBODY, change, chunk=3) == 6
    assert seen == [(1, 2, 3), (4, 5, 6), (7,)]
    seen.clear()
    assert change_in_chunks(seven, 1001, Selection(ids=(9, 7, 2, 8, 1)), change, chunk=2) == 0
    assert seen == [(2,)]


def test_an_export_has_every_contact_and_attribute_and_runs_nothing(seven, now):
    with seven.write() as session:
        update_contacts(session, 1001, Selection(ids=(3,)), {"=cmd": "+calc|x"}, actor=OPERATOR, now=now)
        add_delivery(session, session.get_one(CampaignContact, 3), now, reached=("sent_at", "opened_at"))
    with seven.read() as session:
        text = "".join(export_contacts(session, 1001, actor=OPERATOR))
        some = "".join(export_contacts(session, 1001, Selection(ids=(2, 1)), actor=OPERATOR))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [one["id"] for one in rows] == [str(n) for n in range(1, 8)]
    third = rows[2]
    assert (third["email"], third["plan"], third["'=cmd"], third["email_status"], third["sms_status"]) == (
        "p3@example.com", "basic", "'+calc|x", "opened", "none",
    )  # fmt: skip
    assert [one["id"] for one in csv.DictReader(io.StringIO(some, newline=""))] == ["1", "2"]
    assert "'=cmd" not in some


def test_each_needs_its_right_and_its_campaign(seven, now):
    reader = Actor(kind="key", name="k", rights=frozenset({"contacts.read"}))
    with seven.write() as session:
        for call in (remove_contacts, retry_contacts):
            with pytest.raises(Forbidden):
                call(session, 1001, EVERYBODY, actor=reader, now=now)
            with pytest.raises(NotFound):
                call(session, 77, EVERYBODY, actor=OPERATOR, now=now)
        with pytest.raises(Forbidden):
            update_contacts(session, 1001, EVERYBODY, {"language": "sv"}, actor=reader, now=now)
        with pytest.raises(Forbidden):
            export_contacts(session, 1001, actor=reader)
        with pytest.raises(Invalid):
            remove_contacts(session, 1001, Selection(matching=ContactQuery(status="x")), actor=OPERATOR, now=now)
        assert get_contact(session, 1001, 1, actor=reader).id == 1
        with pytest.raises(NotFound):
            get_contact(session, 1002, 1, actor=reader)
