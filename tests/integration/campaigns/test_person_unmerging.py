"""A merge is undone: a contact whose message ended while it was folded goes on as if it had been told then."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.identity_changes import unite_persons
from cxconsole.campaigns.person_unmerging import unmerge_person
from cxconsole.errors import Conflict
from models.campaign import CampaignProgress
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactStatus
from models.event import Event, EventType
from models.person import PersonMerge
from tests.integration.campaigns.world import add_campaign, add_contact, add_delivery, add_flow, add_person, add_source

LATER = timedelta(minutes=10)


@pytest.fixture
def merge(database, now):
    """Merge Bob into Ada while both have a message on the wire; the id of Bob's contact and of the merge."""

    def make(*channels, state=DeliveryState.SENDING):
        with database.write() as session:
            campaign = add_campaign(session, now)
            add_flow(session, campaign, now, *channels)
            source = add_source(session, campaign, now)
            people = [add_person(session, now, identities={"customer_id": name}) for name in ("ada", "bob")]
            for person in people:
                contact = add_contact(session, campaign, person, source, now, status=ContactStatus.IN_PROGRESS)
                add_delivery(session, contact, now, state=state, target=f"{person.id}@example.com")
            contact_id, ids = contact.id, [person.id for person in people]
        with database.write() as session:
            unite_persons(session, ids, primary_id=ids[0], actor=OPERATOR, now=now)
            return contact_id, session.scalars(select(PersonMerge.id)).one()

    return make


def end(database, **values):
    with database.write() as session:
        session.execute(update(CommDelivery).values(**values))


def undo(database, merge_id, now):
    with database.write() as session:
        unmerge_person(session, merge_id, actor=OPERATOR, now=now)


def read(database, contact_id):
    """The contact, the events that ended contacts, and whether the numbers of its campaign still hold."""
    with database.read() as session:
        contact = session.get_one(CampaignContact, contact_id)
        contacts = session.scalars(select(CampaignContact.status)).all()
        numbers = session.scalars(select(CampaignProgress)).one()
        assert numbers.planned == len(contacts) == 2
        for status in ("in_progress", "completed", "failed", "suppressed"):
            assert getattr(numbers, status) == contacts.count(status)
        ends = (EventType.CONTACT_COMPLETED, EventType.CONTACT_FAILED, EventType.CONTACT_SUPPRESSED)
        mine = select(Event.type).where(Event.type.in_(ends), Event.contact_id == contact_id)
        return contact, session.scalars(mine).all()


@pytest.mark.parametrize(
    ("ended", "status", "reason"),
    [
        ({"state": "delivered"}, "completed", None),
        ({"state": "E", "reason": "no such mailbox"}, "failed", "no such mailbox"),
        ({"state": "C", "reason": "unsubscribed"}, "suppressed", "unsubscribed"),
    ],
)
def test_a_message_that_ended_while_merged_ends_the_contact(database, merge, now, ended, status, reason):
    contact_id, merge_id = merge("email")
    end(database, sent_at=now if ended["state"] == "delivered" else None, **ended)
    undo(database, merge_id, now + LATER)
    contact, events = read(database, contact_id)
    assert (contact.status, contact.reason, contact.node, events) == (status, reason, "s1", [f"contact.{status}"])


def test_the_next_step_follows_after_its_delay(database, merge, now):
    contact_id, merge_id = merge("email", "sms")
    end(database, state=DeliveryState.SENT, sent_at=now)
    undo(database, merge_id, now + LATER)
    contact, events = read(database, contact_id)
    assert (contact.status, contact.node, events) == ("in_progress", "s1", [])
    assert contact.due_at == now + LATER + timedelta(hours=1)


def test_a_message_that_will_be_tried_again_is_waited_for(database, merge, now):
    contact_id, merge_id = merge("email")
    end(database, state=DeliveryState.RETRY)
    undo(database, merge_id, now + LATER)
    contact, _ = read(database, contact_id)
    assert (contact.status, contact.due_at) == ("in_progress", None)


def test_while_a_message_is_on_the_wire_the_merge_stays(database, merge, now):
    contact_id, merge_id = merge("email")
    with pytest.raises(Conflict, match="Try again in a moment"):
        undo(database, merge_id, now + LATER)
    end(database, state=DeliveryState.SENT, sent_at=now)
    undo(database, merge_id, now + LATER)
    assert read(database, contact_id)[0].status == "completed"


def test_a_contact_between_two_steps_keeps_its_place(database, merge, now):
    contact_id, merge_id = merge("email", "sms", state=DeliveryState.SENT)
    with database.write() as session:  # what was folded stood between the steps, and is kept as it stood
        record = session.get_one(PersonMerge, merge_id)
        kept = dict(record.moved)
        kept["folded"] = [{**one, "row": {**one["row"], "due_at": now.isoformat(), "node": "s1"}}
                          for one in kept["folded"]]  # fmt: skip
        record.moved = kept
        session.add(record)
    undo(database, merge_id, now + LATER)
    contact, events = read(database, contact_id)
    assert (contact.status, contact.due_at, contact.node, events) == ("in_progress", now, "s1", [])
