"""Who is who when contacts come in: new persons, known ones, and two who turn out to be one."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.audience.contacts_intake import add_contacts
from cxconsole.audience.merging import merge_persons
from cxconsole.audience.sources import list_sources
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from models.campaign import CampaignProgress, CampaignState
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactSource, ContactStatus, SourceKind, SourceMention
from models.event import Event, EventType
from models.person import Identity, Person, PersonSearchQueue
from models.suppression import Suppression

from .conftest import check_numbers


def everything(database, table, *where):
    with database.read() as session:
        return list(session.scalars(select(table).where(*where).order_by(*table.__table__.primary_key)))


def identities_of(database, person_id):
    return {(i.kind, i.value, i.is_primary) for i in everything(database, Identity, Identity.person_id == person_id)}


def test_a_new_person_gets_identities_a_place_and_a_history(database, add, campaign_id, now):
    [verdict] = add(
        campaign_id,
        {"email": "Anna@Example.COM", "phone": "070-144 21 08", "first_name": "Anna", "plan": "gold", "age": 41},
        default_region="SE",
    )
    assert verdict.status == "created"
    [person] = everything(database, Person)
    assert (person.id, person.first_name) == (verdict.person_id, "Anna")
    assert person.attributes == {"plan": "gold", "age": 41}
    assert person.created_at == now
    assert identities_of(database, person.id) == {
        ("email", "Anna@example.com", True), ("phone", "+46701442108", True),
    }  # fmt: skip
    [contact] = everything(database, CampaignContact)
    assert (contact.person_id, contact.status, contact.due_at) == (person.id, ContactStatus.PENDING, now)
    created, added = everything(database, Event)
    assert (created.type, created.person_id) == (EventType.PERSON_CREATED, person.id)
    assert (added.type, added.person_id, added.contact_id) == (EventType.CONTACT_ADDED, person.id, contact.id)
    assert [queued.person_ids for queued in everything(database, PersonSearchQueue)] == [[person.id]]


@pytest.mark.parametrize("key", [{"email": "a@example.com"}, {"phone": "+46701442108"}, {"customer_id": "17"}])
def test_a_known_identity_brings_the_row_to_its_person(database, add, campaign_id, key):
    [first] = add(
        campaign_id,
        {
            "email": "a@example.com",
            "phone": "+46701442108",
            "customer_id": "17",
            "first_name": "A",
            "plan": "x",
            "n": 1,
        },
    )
    [again] = add(campaign_id, {**key, "first_name": "B", "plan": "y"})
    assert (again.status, again.person_id) == ("merged", first.person_id)
    [person] = everything(database, Person)
    assert (person.first_name, person.attributes) == ("B", {"plan": "y", "n": 1})
    assert len(everything(database, CampaignContact)) == 1
    changed = everything(database, Event, Event.type == EventType.PERSON_CHANGED)
    assert [event.person_id for event in changed] == [person.id]


def test_a_row_that_says_nothing_new_leaves_no_trace(database, add, campaign_id):
    row = {"email": "a@example.com", "first_name": "A", "plan": "x"}
    add(campaign_id, row)
    before = len(everything(database, Event))
    [again] = add(campaign_id, row)
    assert again.status == "merged"
    assert len(everything(database, Event)) == before


def test_a_further_address_is_added_and_the_first_stays_the_one_used(database, add, campaign_id):
    [first] = add(campaign_id, {"customer_id": "17", "email": "old@example.com"})
    add(campaign_id, {"customer_id": "17", "email": "new@example.com", "phone": "+46701442108"})
    assert identities_of(database, first.person_id) == {
        ("customer_id", "17", True), ("email", "old@example.com", True), ("email", "new@example.com", False),
        ("phone", "+46701442108", True),
    }  # fmt: skip


def test_a_known_person_new_to_the_campaign_is_created_there(database, add, make_campaign):
    one, other = make_campaign("One"), make_campaign("Other")
    [first] = add(one, {"email": "a@example.com"})
    [second] = add(other, {"email": "a@example.com"})
    assert (second.status, second.person_id) == ("created", first.person_id)
    places = everything(database, CampaignContact)
    assert {(place.campaign_id, place.person_id) for place in places} == {
        (one, first.person_id), (other, first.person_id),
    }  # fmt: skip
    added = everything(database, Event, Event.type == EventType.CONTACT_ADDED)
    assert [event.contact_id for event in added] == [place.id for place in places]


def test_rows_of_one_batch_about_one_person_become_one(database, add, campaign_id):
    verdicts = add(
        campaign_id,
        {"email": "a@example.com", "first_name": "A", "x": "1"},
        {"email": "b@example.com"},
        {"phone": "+46701442108", "last_name": "B", "y": "2"},
        {"email": "a@example.com", "phone": "+46701442108", "x": "3"},
    )
    assert [verdict.status for verdict in verdicts] == ["created", "created", "merged", "merged"]
    assert verdicts[0].person_id == verdicts[2].person_id == verdicts[3].person_id != verdicts[1].person_id
    person = everything(database, Person)[0]
    assert (person.first_name, person.last_name, person.attributes) == ("A", "B", {"x": "3", "y": "2"})
    assert identities_of(database, person.id) == {("email", "a@example.com", True), ("phone", "+46701442108", True)}


def test_a_row_that_ties_two_persons_merges_them_into_the_oldest(database, add, campaign_id, now):
    [older] = add(campaign_id, {"email": "a@example.com", "first_name": "Old", "x": "1", "z": "old"})
    [younger] = add(
        campaign_id, {"phone": "+46701442108", "first_name": "Young", "last_name": "Y", "y": "2", "z": "young"}
    )
    [tie] = add(campaign_id, {"email": "a@example.com", "phone": "+46701442108", "w": "3"})
    assert (tie.status, tie.person_id) == ("merged", older.person_id)
    winner, loser = everything(database, Person)
    assert (winner.merged_into, loser.merged_into) == (None, winner.id)
    assert (winner.first_name, winner.last_name) == ("Old", "Y")
    assert winner.attributes == {"x": "1", "y": "2", "z": "old", "w": "3"}
    assert identities_of(database, winner.id) == {("email", "a@example.com", True), ("phone", "+46701442108", True)}
    assert identities_of(database, loser.id) == set()
    [contact] = everything(database, CampaignContact)
    assert contact.person_id == winner.id
    [event] = everything(database, Event, Event.type == EventType.PERSON_MERGED)
    assert event.person_id == winner.id
    assert event.data["merged_person_id"] == loser.id
    assert len(event.data["folded_contact_ids"]) == 1
    assert younger.person_id == loser.id


def test_a_chain_of_rows_merges_all_it_ties_at_once(database, add, campaign_id):
    ids = [add(campaign_id, {"customer_id": str(n)})[0].person_id for n in range(5)]
    verdicts = add(
        campaign_id,
        {"customer_id": "0", "email": "a@example.com"},
        {"customer_id": "1", "email": "a@example.com"},
        {"customer_id": "2", "phone": "+46701442108"},
        {"customer_id": "3", "phone": "+46701442108"},
        {"customer_id": "1", "phone": "+46701442108"},
    )
    assert {verdict.person_id for verdict in verdicts} == {ids[0]}
    people = everything(database, Person)
    assert [person.merged_into for person in people] == [None, ids[0], ids[0], ids[0], None]
    assert len(everything(database, CampaignContact)) == 2


def test_the_oldest_is_the_one_known_longest_not_the_lowest_id(database, add, campaign_id, now):
    add(campaign_id, {"customer_id": "1"})
    [other] = add(campaign_id, {"customer_id": "2"})
    with database.write() as session:
        session.execute(update(Person).where(Person.id == other.person_id).values(created_at=now - timedelta(days=9)))
    [tie] = add(
        campaign_id, {"customer_id": "1", "email": "a@example.com"}, {"customer_id": "2", "email": "a@example.com"}
    )[:1]
    assert tie.person_id == other.person_id


def test_places_in_other_campaigns_move_with_the_person(database, add, make_campaign):
    one, other = make_campaign("One"), make_campaign("Other")
    [winner] = add(one, {"email": "a@example.com"})
    [loser] = add(other, {"phone": "+46701442108"})
    add(one, {"email": "a@example.com", "phone": "+46701442108"})
    places = {place.campaign_id: place.person_id for place in everything(database, CampaignContact)}
    assert places == {one: winner.person_id, other: winner.person_id}
    assert loser.person_id != winner.person_id


@pytest.mark.parametrize(
    ("mine", "theirs", "stays"),
    [
        ("pending", "in_progress", "in_progress"),
        ("completed", "pending", "completed"),
        ("suppressed", "pending", "pending"),
        ("held", "failed", "held"),
        ("in_progress", "in_progress", "in_progress"),
    ],
)
def test_two_places_in_one_campaign_fold_with_exact_numbers(database, add, campaign_id, now, mine, theirs, stays):
    [winner] = add(campaign_id, {"email": "a@example.com"})
    [loser] = add(campaign_id, {"phone": "+46701442108"})
    for person_id, status in ((winner.person_id, mine), (loser.person_id, theirs)):
        hold = "campaign-unpublished" if status == "held" else None
        _set_status(database, campaign_id, person_id, status, hold)
    check_numbers(database)
    add(campaign_id, {"email": "a@example.com", "phone": "+46701442108"})
    [contact] = everything(database, CampaignContact)
    assert (contact.person_id, contact.status) == (winner.person_id, stays)


def _set_status(database, campaign_id, person_id, status, hold_reason=None):
    column = "held_unpublished" if status == "held" else status
    with database.write() as session:
        session.execute(
            update(CampaignContact)
            .where(CampaignContact.person_id == person_id)
            .values(status=status, hold_reason=hold_reason)
        )
        progress = session.get(CampaignProgress, campaign_id)
        progress.pending -= 1
        setattr(progress, column, getattr(progress, column) + 1)


def _request(database, contact, now, *, state=DeliveryState.AWAITING_DISTRIBUTION):
    with database.write() as session:
        request = CommRequest(
            trigger_kind="campaign_step",
            campaign_id=contact.campaign_id,
            contact_id=contact.id,
            person_id=contact.person_id,
            state=RequestState.PROCESSED,
            created_at=now,
            updated_at=now,
        )
        session.add(request)
        session.flush()
        session.add(
            CommDelivery(
                request_id=request.id,
                campaign_id=contact.campaign_id,
                contact_id=contact.id,
                person_id=contact.person_id,
                channel="email",
                target="a@example.com",
                gateway_id=1,
                template_version_id=1,
                state=state,
                not_before=now,
                created_at=now,
            )
        )


def test_a_merge_moves_what_was_sent_and_stops_the_second_of_two_that_wait(database, add, campaign_id, now):
    [winner] = add(campaign_id, {"email": "a@example.com"})
    [loser] = add(campaign_id, {"phone": "+46701442108"})
    for contact in everything(database, CampaignContact):
        _set_status(database, campaign_id, contact.person_id, "in_progress")
        _request(database, contact, now)
    add(campaign_id, {"email": "a@example.com", "phone": "+46701442108"})
    [contact] = everything(database, CampaignContact)
    deliveries = everything(database, CommDelivery)
    assert {delivery.person_id for delivery in deliveries} == {winner.person_id}
    assert {delivery.contact_id for delivery in deliveries} == {contact.id}
    assert [delivery.state for delivery in deliveries] == ["D", "C"]
    assert [(request.state, request.contact_id) for request in everything(database, CommRequest)] == [
        ("P", contact.id), ("C", contact.id),
    ]  # fmt: skip
    assert {request.person_id for request in everything(database, CommRequest)} == {winner.person_id}
    assert loser.person_id != winner.person_id


def test_a_merged_person_stays_suppressed_and_keeps_a_refusal(database, add, campaign_id, now):
    [winner] = add(campaign_id, {"email": "a@example.com"})
    [loser] = add(campaign_id, {"phone": "+46701442108"})
    with database.write() as session:
        session.add(Suppression(person_id=loser.person_id, created_at=now))
        for person_id, answer in (
            (
                winner.person_id,
                {"email": {"granted": True, "at": "2026-01-01"}, "sms": {"granted": True, "at": "2026-03-01"}},
            ),
            (
                loser.person_id,
                {"email": {"granted": False, "at": "2026-02-01"}, "sms": {"granted": False, "at": "2026-02-01"}},
            ),
        ):
            session.get(Person, person_id).consents = answer
        session.get(Person, loser.person_id).labels = ["vip"]
    with database.write() as session:
        merge_persons(session, {loser.person_id: winner.person_id}, actor="operator", now=now)
    assert [row.person_id for row in everything(database, Suppression)] == [winner.person_id]
    person = everything(database, Person)[0]
    assert (person.consents["email"]["granted"], person.consents["sms"]["granted"]) == (False, True)
    assert person.labels == ["vip"]


def test_mentions_follow_the_person(database, add, campaign_id, now):
    [winner] = add(campaign_id, {"email": "a@example.com"})
    [loser] = add(campaign_id, {"phone": "+46701442108"})
    with database.write() as session:
        source = ContactSource(campaign_id=campaign_id, kind="file", name="x.csv", created_at=now)
        session.add(source)
        session.flush()
        session.add_all(SourceMention(person_id=one.person_id, source_id=source.id) for one in (winner, loser))
    add(campaign_id, {"email": "a@example.com", "phone": "+46701442108"})
    assert [(row.person_id, row.source_id) for row in everything(database, SourceMention)] == [
        (winner.person_id, source.id)
    ]


def test_one_bad_row_never_rejects_the_others(database, add, campaign_id):
    verdicts = add(
        campaign_id,
        {"email": "a@@example.com"},
        {"email": "b@example.com", "phone": "12"},
        {"first_name": "Nobody"},
        {"email": ["x@example.com"]},
        {"email": "c@example.com", "note": "a\0b"},
        {"email": "d@example.com", "score": float("nan")},
        {"email": "e@example.com", "language": "klingon!", "time_zone": "Mars/Olympus"},
        {"customer_id": 17},
    )
    assert [verdict.status for verdict in verdicts] == [
        "rejected", "created", "rejected", "rejected", "rejected", "rejected", "created", "created",
    ]  # fmt: skip
    assert (verdicts[0].reason, verdicts[0].remedy) == ("Two @ signs", "Remove one @")
    assert verdicts[1].warnings == ("phone: Too short for a US number. Add the missing digits.",)
    assert len(verdicts[6].warnings) == 2
    [source] = everything(database, ContactSource)
    assert (source.rows_read, source.created, source.rejected, source.left_out) == (8, 3, 5, 3)


def test_all_rows_of_the_endpoint_are_one_source(database, add, campaign_id):
    for n in range(3):
        add(campaign_id, {"customer_id": str(n)})
    [source] = everything(database, ContactSource)
    assert (source.kind, source.created, source.contacts) == ("rest", 3, 3)


def test_what_is_added_by_hand_is_counted_whatever_became_of_it(database, add, campaign_id):
    for row in ({"email": "a@example.com"}, {"email": "a@example.com", "first_name": "A"}, {"email": "b@@"}, {}):
        add(campaign_id, row, source_kind=SourceKind.MANUAL)
    with database.read() as session:
        [source] = list_sources(session, campaign_id, actor=OPERATOR)
    assert (source.rows_read, source.contacts, source.merged, source.rejected) == (4, 1, 1, 2)


def test_a_stop_of_the_campaign_is_final_for_its_audience_too(database, make_campaign, now):
    ended = make_campaign(state=CampaignState.ENDED)
    for campaign_id, error in ((ended, Conflict), (999, NotFound)):
        with pytest.raises(error), database.write() as session:
            add_contacts(session, campaign_id, [{"email": "a@example.com"}], actor=OPERATOR, now=now)


def test_who_may_not_edit_contacts_adds_none(database, campaign_id, now):
    reader = Actor(kind="key", name="key:1", rights=frozenset({"contacts.read"}))
    with pytest.raises(Forbidden), database.write() as session:
        add_contacts(session, campaign_id, [{"email": "a@example.com"}], actor=reader, now=now)


def test_an_unknown_region_is_refused(database, campaign_id, now):
    with pytest.raises(Invalid), database.write() as session:
        add_contacts(session, campaign_id, [], actor=OPERATOR, now=now, default_region="XX")
