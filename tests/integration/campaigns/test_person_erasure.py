"""Erasing a person: nothing by which they can be known is left anywhere, and every count is as before."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, text
from sqlmodel import col, select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.audience.identity_changes import add_identity, unite_persons
from cxconsole.audience.people import get_person
from cxconsole.audience.person_changes import list_persons, update_person
from cxconsole.audience.recognition import recognise
from cxconsole.audience.search import drain_person_search_queue
from cxconsole.audience.suppressions import Target, add_suppression, find_suppressed
from cxconsole.campaigns.person_erasure import erase_person, foresee_erasure
from cxconsole.campaigns.person_export import export_person
from cxconsole.errors import CxError, Forbidden, NotFound
from cxconsole.journey.activities import schedule_activity
from cxconsole.journey.cloud_event import read_event
from cxconsole.journey.notes import add_note
from cxconsole.journey.personal import ERASED
from cxconsole.journey.recording import record_events
from cxconsole.journey.sources import set_aside
from cxconsole.journey.timeline import read_timeline
from models.campaign import CampaignProgress
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactStatus, HoldReason, RejectedRow
from models.event import Event, EventType
from models.gateway import SandboxMessage
from models.journey import QuarantinedEvent
from models.person import Identity, PersonKey
from models.suppression import Suppression, hash_address
from models.system import IdempotencyRecord
from models.webhook import PayloadStatus, WebhookPayload
from tests.integration.campaigns.world import (
    add_campaign,
    add_contact,
    add_delivery,
    add_person,
    add_source,
)  # fmt: skip
from tests.integration.raw_rows import find_raw

EMAIL, PHONE, OTHER = "ada.lovelace@mail.example", "+46701442108", "bob@mail.example"
TRACES = (EMAIL, PHONE, "Lovelace", "sekretess", "anon-6f0c3ea4-3f6e-4a57-9a1d-6a1b2f5d7c11", "C-ADA-1")


def send_event(session, now, person, number, **more):
    document = {"id": f"e{number}", "source": "shop", "type": "order.placed", "person": person, **more}
    event = read_event(document, now=now)
    record_events(session, [event], ["test"], recognise=recognise, now=now)
    return event


@pytest.fixture
def world(database, now):
    """Ada, of whom there is something everywhere, and Bob, who has nothing to do with it; their ids."""
    with database.write() as session:
        names = {"email": EMAIL, "phone": PHONE, "customer_id": "C-ADA-1"}
        ada = add_person(
            session, now, identities=names, first_name="Ada", last_name="Lovelace", external_ref="X-ADA",
            attributes={"city": "sekretess"}, consents={"email": {"granted": True}}, labels=["vip"],
        )  # fmt: skip
        bob = add_person(session, now, identities={"email": OTHER}, last_name="Bo", attributes={"city": "Oslo"})
        send_event(session, now, TRACES[4], 1, data={"page": "/", "email": EMAIL})
        send_event(session, now, EMAIL, 2, previously=TRACES[4], data={"email": EMAIL, "total": 9})
        send_event(session, now, OTHER, 3, data={"email": OTHER})
        held = read_event({"id": "q", "source": "shop", "type": "t", "person": PHONE, "data": {"x": 1}}, now=now)
        other = read_event({"id": "r", "source": "shop", "type": "t", "person": OTHER, "data": {"x": 1}}, now=now)
        set_aside(session, [held, other], now=now)
        for payload in ({"json": {"who": EMAIL.upper()}}, {"json": {"who": OTHER}}):
            session.add(WebhookPayload(webhook_id=1, status=PayloadStatus.STORED, payload=payload, received_at=now))
        add_note(session, ada.id, "sekretess: calls at night", actor=OPERATOR, now=now)
        schedule_activity(session, ada.id, channel="voice", due_at=now + timedelta(days=1), subject="ask for sekretess",
                          actor=OPERATOR, now=now)  # fmt: skip
        for address in (EMAIL, OTHER):
            data = {"address": address, "note": f"{address} asked"}
            add_suppression(session, data, actor=OPERATOR, now=now)
        session.add(IdempotencyRecord(key="k", fingerprint="f", status=201, body={"value": EMAIL}, created_at=now))
        session.flush()
        _add_places(session, now, ada, bob)
        session.flush()
        drain_person_search_queue(session, now=now, limit=100)
        session.execute(text("DELETE FROM person_search_queue"))
        return ada.id, bob.id


def _add_places(session, now, ada, bob):
    held = {"status": ContactStatus.HELD, "hold_reason": HoldReason.UNPUBLISHED}
    wishes = [
        {}, held, {**held, "hold_reason": HoldReason.ENDED}, {"status": ContactStatus.IN_PROGRESS},
        {"status": ContactStatus.IN_PROGRESS}, {"status": ContactStatus.FAILED, "reason": f"550 <{EMAIL}> unknown"},
    ]  # fmt: skip
    for number, wish in enumerate(wishes):
        campaign = add_campaign(session, now, name=f"Spring {number}")
        source = add_source(session, campaign, now)
        contact = add_contact(session, campaign, ada, source, now, due_at=now, **wish)
        add_contact(session, campaign, bob, source, now)
        if number == 3:
            add_delivery(session, contact, now, target=EMAIL, merge={"city": "sekretess"}, state="D")
        if number == 4:
            add_delivery(session, contact, now, target=EMAIL, merge={"city": "sekretess"}, sent_at=now,
                         reason=f"seen by {EMAIL}")  # fmt: skip
    row = {"source_id": source.id, "row_number": 2, "reason": "bad", "remedy": "mend it"}
    session.add(RejectedRow(**row, value=EMAIL, raw=["Åda", EMAIL, "x"]))
    session.add(RejectedRow(**row, value=OTHER, raw=[OTHER]))
    message = {"gateway_id": 1, "channel": "email", "received_at": now}
    session.add(SandboxMessage(**message, target=EMAIL, text="Dear Lovelace"))
    session.add(SandboxMessage(**message, target=OTHER, text="Dear Bo"))


def erase(database, person_id, now, actor=OPERATOR):
    with database.write() as session:
        erased = erase_person(session, person_id, actor=actor, now=now)
    database.scrub()
    return erased


def test_nothing_that_names_the_person_is_left_in_any_table_or_file(database, now, world):
    ada, _ = world
    assert all(find_raw(database, trace) for trace in TRACES), "the test must look where there is something"
    erased = erase(database, ada, now)
    assert {trace: find_raw(database, trace) for trace in TRACES} == {trace: [] for trace in TRACES}
    assert (erased.identities, erased.notes, erased.follow_ups, erased.deliveries) == (4, 1, 1, 2)
    with database.read() as session:
        person = get_person(session, ada, actor=OPERATOR)
        assert (person.name, person.identities, person.attributes, person.consents) == ("", (), {}, {})
        assert person.erased_at == now
        assert list_persons(session, q="lovelace", actor=OPERATOR).total == 0


def test_what_is_of_others_stays(database, now, world):
    ada, bob = world
    database.scrub()
    before = find_raw(database, OTHER)
    erase(database, ada, now)
    assert find_raw(database, OTHER) == before
    with database.read() as session:
        assert get_person(session, bob, actor=OPERATOR).attributes == {"city": "Oslo"}
        assert list_persons(session, actor=OPERATOR).total == 1
        assert session.exec(select(PersonKey.person_id)).all() == [bob]
        assert [one.document["person"] for one in session.exec(select(QuarantinedEvent))] == [OTHER]
        [order] = [one for one in read_timeline(session, bob, actor=OPERATOR).events if one.type == "order.placed"]
        assert OTHER in order.detail


def test_campaigns_stop_for_the_person_and_every_count_is_exact(database, now, world):
    ada, _ = world
    erased = erase(database, ada, now)
    assert erased.stopped_contacts == 4
    with database.read() as session:
        mine = session.exec(
            select(CampaignContact).where(CampaignContact.person_id == ada).order_by(col(CampaignContact.id))
        ).all()
        stopped, done = ContactStatus.SUPPRESSED, ContactStatus.COMPLETED
        wanted = [stopped, stopped, ContactStatus.HELD, stopped, done, ContactStatus.FAILED]
        assert [one.status for one in mine] == wanted
        assert {one.reason for one in mine if one.status != ContactStatus.HELD} == {"erased"}
        for one in session.exec(select(CampaignProgress)):
            held = one.held_unpublished + one.held_expired + one.held_ended
            statuses = session.exec(
                select(CampaignContact.status, func.count())
                .where(CampaignContact.campaign_id == one.campaign_id)
                .group_by(CampaignContact.status)
            ).all()
            counted = {"pending": one.pending, "in_progress": one.in_progress, "completed": one.completed,
                       "failed": one.failed, "suppressed": one.suppressed, "held": held}  # fmt: skip
            assert {name: n for name, n in counted.items() if n} == dict(statuses)
            assert one.planned == sum(counted.values()) == 2
        waiting, sent = session.exec(select(CommDelivery).order_by(col(CommDelivery.id))).all()
        assert (waiting.state, waiting.reason) == (DeliveryState.CANCELLED, "erased")
        assert (sent.state, sent.reason, sent.merge) == (DeliveryState.SENT, "erased", {})
        states = session.exec(select(CommRequest.state).order_by(col(CommRequest.id))).all()
        assert states == [RequestState.CANCELLED, RequestState.PROCESSED]


def test_what_is_foreseen_is_what_happens(database, now, world):
    ada, _ = world
    with database.read() as session:
        told = foresee_erasure(session, ada, actor=OPERATOR)
    done = erase(database, ada, now)
    assert (told.identities, told.notes, told.follow_ups) == (done.identities, done.notes, done.follow_ups)
    assert (told.deliveries, told.campaigns) == (done.deliveries, done.stopped_contacts)
    with database.read() as session:
        assert foresee_erasure(session, ada, actor=OPERATOR).campaigns == 0


def test_the_tape_keeps_its_rows_and_reads_erased(database, now, world):
    ada, _ = world
    with database.read() as session:
        before = session.exec(select(func.count()).select_from(Event).where(Event.source == "shop")).one()
    erase(database, ada, now)
    with database.read() as session:
        assert session.exec(select(func.count()).select_from(Event).where(Event.source == "shop")).one() == before
        events = read_timeline(session, ada, actor=OPERATOR, limit=200).events
        orders = [one for one in events if one.type == "order.placed"]
        assert len(orders) == 2 and all(ERASED in one.detail for one in orders)
        [told] = [one for one in events if one.type == EventType.PERSON_ERASED]
        assert told.title == "Erased by operator"


def test_who_asked_for_no_more_is_still_not_contacted_when_the_address_comes_back(database, now, world):
    ada, _ = world
    erase(database, ada, now)
    with database.write() as session:
        assert {one.address for one in session.exec(select(Suppression))} == {hash_address(EMAIL), OTHER}
        asked = [
            Target(address=one, person_id=None, channel="email") for one in (EMAIL, EMAIL.upper(), OTHER, "c@d.example")
        ]
        assert find_suppressed(session, asked) == ["manual", "manual", "manual", None]
        send_event(session, now, EMAIL, 9, data={"email": EMAIL})
        owner = session.exec(select(Identity.person_id).where(Identity.value == EMAIL)).one()
    assert owner != ada


def test_erasing_twice_is_as_once_and_by_any_id_of_the_person(database, now, world):
    ada, _ = world
    with database.read() as session:
        [merged] = session.execute(text("SELECT id FROM person WHERE merged_into IS NOT NULL")).scalars()
    first = erase(database, merged, now)
    again = erase(database, ada, now + timedelta(hours=1))
    assert (first.id, again.id, again.erased_at, again.identities) == (ada, ada, now, 0)
    with database.read() as session:
        assert session.exec(select(func.count()).where(Event.type == EventType.PERSON_ERASED)).one() == 1
        flagged = session.execute(text("SELECT id FROM person WHERE erased_at IS NOT NULL")).scalars()
        assert set(flagged) == {ada, merged}


def test_who_was_erased_cannot_be_filled_again(database, now, world):
    ada, bob = world
    erase(database, ada, now)
    tries = [
        lambda session: update_person(session, ada, {"first_name": "A"}, actor=OPERATOR, now=now),
        lambda session: add_identity(session, ada, "email", EMAIL, actor=OPERATOR, now=now),
        lambda session: unite_persons(session, [ada, bob], actor=OPERATOR, now=now),
        lambda session: add_note(session, ada, "again", actor=OPERATOR, now=now),
    ]
    for one in tries:
        with pytest.raises(CxError, match="erased"), database.write() as session:
            one(session)


def test_erasing_needs_its_own_right_and_somebody_to_erase(database, now, world):
    ada, _ = world
    with pytest.raises(Forbidden, match=r"persons\.erase"):
        erase(database, ada, now, Actor(kind="key", name="crm", rights=frozenset({"persons.edit"})))
    with pytest.raises(NotFound):
        erase(database, 999_999, now)


def test_an_export_holds_everything_before_and_nothing_that_names_after(database, now, world):
    ada, _ = world

    def export():
        with database.read() as session:
            return json.loads("".join(export_person(session, ada, actor=OPERATOR)))

    told = export()
    assert {one["value"] for one in told["person"]["identities"]} == {*TRACES[:2], *TRACES[4:]}
    assert told["person"]["attributes"] == {"city": "sekretess"}
    orders = [one for one in told["events"] if one["type"] == "order.placed"]
    assert [one["data"]["email"] for one in orders] == [EMAIL, EMAIL]
    assert [len(told[name]) for name in ("contacts", "deliveries", "notes", "follow_ups", "suppressions")] == [
        6, 2, 1, 1, 1,
    ]  # fmt: skip
    erase(database, ada, now)
    after = export()
    assert not [trace for trace in TRACES if trace in json.dumps(after)]
    assert [len(after[name]) for name in ("contacts", "deliveries", "notes")] == [6, 2, 0]
