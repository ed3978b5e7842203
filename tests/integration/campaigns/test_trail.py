from datetime import timedelta

import pytest

from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.trail import CHECK_NAMES, get_trail
from cxconsole.errors import NotFound
from cxconsole.journey.tape import append_event
from models.comm import CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactStatus
from models.event import EventType
from models.gateway import Gateway
from models.suppression import Suppression
from models.template import Template, TemplateVersion
from tests.integration.campaigns.world import (
    add_campaign,
    add_contact,
    add_delivery,
    add_flow,
    add_person,
    add_source,
)  # fmt: skip

PASSED = {**dict.fromkeys(CHECK_NAMES, "pass"), "at": "2026-05-19T09:00:01+00:00"}


@pytest.fixture
def amira(database, now):
    """A contact of a campaign with an e-mail step and an SMS step; nothing has happened yet."""
    with database.write() as session:
        campaign = add_campaign(
            session, now, "Spring", state="published", first_published_at=now, time_zone="Europe/Berlin",
            per_person_count=2, per_person_window="P7D",
        )  # fmt: skip
        add_flow(session, campaign, now, "email", "sms", unless="opened")
        source = add_source(session, campaign, now)
        person = add_person(
            session, now, first_name="Amira", last_name="Lindqvist", identities={"email": "amira@Posteo.example",
            "phone": "+46701442108"}, consents={"email": {"granted": True, "at": "2025-03-03T00:00:00+00:00"}},
        )  # fmt: skip
        contact = add_contact(session, campaign, person, source, now, due_at=now)
        template = Template(name="Offer", channel="email", created_at=now, updated_at=now)
        session.add_all([
            Gateway(name="Postmark", kind="smtp", channel="email", created_at=now, updated_at=now), template,
        ])  # fmt: skip
        session.flush()
        session.add(TemplateVersion(template_id=template.id, version=3, created_at=now))
        event = {"person_id": person.id, "campaign_id": campaign.id, "contact_id": contact.id}
        append_event(session, EventType.CONTACT_ADDED, now=now - timedelta(hours=2), **event)
    return database


def read(database, now):
    with database.read() as session:
        return get_trail(session, 1001, 1, actor=OPERATOR, now=now)


def move(session, **fields):
    contact = session.get_one(CampaignContact, 1)
    for name, value in fields.items():
        setattr(contact, name, value)
    session.add(contact)
    return contact


def verdict(trail, channel):
    return next(one for one in trail.channels if one.channel == channel)


def test_before_anything_happened_the_steps_are_planned(amira, now):
    trail = read(amira, now)
    email, sms = trail.channels
    assert (email.channel, email.state, email.verdict, email.target) == (
        "email", "scheduled", "Due now", "amira@Posteo.example",
    )  # fmt: skip
    assert (sms.state, sms.verdict) == ("scheduled", "Planned after step 1")
    assert sms.reason == "Step 2. Only if not opened by then"
    assert set(email.checks.values()) == {"none"}
    assert (trail.step_number, trail.step_count, trail.next_channel) == (None, 2, "email")
    assert [(step.title, step.detail) for step in email.steps] == [("Added to the campaign", "north.csv")]
    assert [(one.channel, one.granted) for one in trail.consents] == [("email", True), ("sms", None)]


def test_a_delivered_message_is_told_step_by_step(amira, now):
    with amira.write() as session:
        contact = move(session, status=ContactStatus.IN_PROGRESS, node="s1", due_at=now + timedelta(hours=1))
        sent = now - timedelta(hours=1)
        delivery = add_delivery(
            session, contact, sent, state=DeliveryState.DELIVERED, checks=PASSED, sent_at=sent + timedelta(seconds=2),
            delivered_at=sent + timedelta(seconds=3), target="amira@Posteo.example",
        )  # fmt: skip
        event = {"person_id": contact.person_id, "campaign_id": 1001, "contact_id": 1, "delivery_id": delivery.id}
        data = {"channel": "email", "node": "s1"}
        append_event(session, EventType.COMM_REQUESTED, now=sent, data=data, **event)
        append_event(session, EventType.COMM_SENT, now=sent + timedelta(seconds=2.4), data=data, **event)
        append_event(session, EventType.COMM_DELIVERED, now=sent + timedelta(seconds=9), data=data, **event)
    trail = read(amira, now)
    email = verdict(trail, "email")
    assert email.words == ("accepted", "sent", "delivered")
    assert (email.state, email.verdict) == ("delivered", "Contacted 11:00, delivered 11:00")
    assert email.reason == "Step 1, Offer, version 3 (en), through Postmark"
    assert set(email.checks.values()) == {"pass"}
    assert [(step.title, step.since_seconds) for step in email.steps] == [
        ("Delivered", 1.0), ("Sent through Postmark", 1.0), ("All six checks passed", 1.0),
        ("Accepted: step 1 fell due", 3600.0), ("Added to the campaign", None),
    ]  # fmt: skip
    sms = verdict(trail, "sms")
    assert (sms.state, sms.verdict) == ("scheduled", "Planned for 13:00")
    assert [step.title for step in sms.steps] == ["Added to the campaign"]
    assert (trail.step_number, trail.next_channel) == (1, "sms")
    assert trail.summary == "E-mail delivered. SMS is planned."
    assert (trail.frequency_cap.used, trail.frequency_cap.count, trail.frequency_cap.free_at) == (1, 2, None)


def test_a_full_cap_says_when_the_next_is_free(amira, now):
    with amira.write() as session:
        contact = move(session, status=ContactStatus.IN_PROGRESS, node="s1")
        for days in (1, 2):
            add_delivery(session, contact, now, sent_at=now - timedelta(days=days))
        waits = {"suppression": "pass", "consent": "pass", "quiet_hours": "pass", "frequency_cap": "wait", "at": "x"}
        waits["at"] = now.isoformat()
        add_delivery(session, contact, now, channel="sms", node="s2", state="D", checks=waits,
                     not_before=now + timedelta(days=5))  # fmt: skip
    trail = read(amira, now)
    sms = verdict(trail, "sms")
    assert (sms.state, sms.verdict) == ("waiting", "Not contacted yet, frequency cap")
    assert sms.reason == "2 messages in P7D is the limit. Free again 24 May, 12:00"
    assert sms.checks["frequency_cap"] == "wait"
    assert sms.checks["gateway"] == "none"
    assert trail.frequency_cap.free_at == now + timedelta(days=5)
    assert [one.campaign_name for one in trail.frequency_cap.messages] == ["Spring", "Spring"]


@pytest.mark.parametrize(
    ("suppression", "stopped"),
    [
        ({"address": "amira@posteo.example", "channel": "email"}, {"email"}),
        ({"address": "+46701442108"}, {"sms"}),
        ({"person_id": 1}, {"email", "sms"}),
        ({"person_id": 1, "channel": "sms"}, {"sms"}),
        ({"person_id": 1, "campaign_id": 9999}, set()),
        ({"person_id": 1, "campaign_id": 1001}, {"email", "sms"}),
        ({"address": "someone@else.example"}, set()),
    ],
)
def test_a_suppression_stops_the_channels_it_speaks_about(amira, now, suppression, stopped):
    with amira.write() as session:
        session.add(Suppression(reason="unsubscribed", actor="jonas", created_at=now, **suppression))
    trail = read(amira, now)
    assert {one.channel for one in trail.channels if one.state == "suppressed"} == stopped
    for one in trail.channels:
        if one.channel in stopped:
            assert one.checks["suppression"] == "stop"
            assert one.reason == "Unsubscribed, 12:00, noted by jonas"


@pytest.mark.parametrize(
    ("delivery", "state", "title", "words"),
    [
        ({"state": "E", "reason": "550 no such user"}, "failed", "Not contacted, sending failed",
         ("accepted", "failed")),
        ({"state": "bounced", "reached": ("sent_at", "bounced_at"), "reason": "550"}, "bounced",
         "Not reached, the message bounced", ("accepted", "sent", "bounced")),
        ({"state": "R", "reason": "421 slow down"}, "retrying", "Not contacted yet, to be tried again",
         ("accepted", "retrying")),
        ({"state": "sending"}, "sending", "Being sent now", ("accepted",)),
        ({"state": "D"}, "waiting", "Accepted, leaves in a moment", ("accepted",)),
        ({"state": "D", "checks": {"quiet_hours": "wait"}}, "waiting",
         "Not contacted yet, outside the execution window", ("accepted",)),
        ({"state": "delivered", "reached": ("sent_at", "delivered_at", "opened_at", "clicked_at")}, "clicked",
         "Contacted 12:00, clicked 12:00", ("accepted", "sent", "delivered", "opened", "clicked")),
    ],
)  # fmt: skip
def test_each_state_of_a_delivery_has_its_verdict(amira, now, delivery, state, title, words):
    with amira.write() as session:
        contact = move(session, status=ContactStatus.IN_PROGRESS, node="s1", due_at=None)
        add_delivery(session, contact, now, **delivery)
    email = verdict(read(amira, now), "email")
    assert (email.state, email.verdict, email.words) == (state, title, words)


def test_held_and_ended_contacts_say_so(amira, now):
    with amira.write() as session:
        move(session, status=ContactStatus.HELD, hold_reason="campaign-unpublished")
    email = verdict(read(amira, now), "email")
    assert (email.state, email.verdict, email.reason, email.checks["campaign"]) == (
        "held", "Not contacted yet, held", "The campaign was unpublished", "wait",
    )  # fmt: skip
    with amira.write() as session:
        move(session, status=ContactStatus.COMPLETED, hold_reason=None, node="s2", due_at=None)
        session.add(CommRequest(
            trigger_kind="campaign_step", trigger_id="s1", campaign_id=1001, contact_id=1, person_id=1,
            state=RequestState.NOT_SENT, reason="no_email", created_at=now, updated_at=now,
        ))  # fmt: skip
    trail = read(amira, now)
    assert verdict(trail, "email").verdict == "Not contacted, no e-mail address"
    assert verdict(trail, "sms").state == "not_needed"


def test_a_contact_of_another_campaign_is_not_found(amira, now):
    with amira.read() as session, pytest.raises(NotFound):
        get_trail(session, 1002, 1, actor=OPERATOR, now=now)
