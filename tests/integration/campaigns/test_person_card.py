"""What stands beside a person's timeline."""

import pytest

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.merging import merge_persons
from cxconsole.campaigns.person_card import get_person_card
from cxconsole.errors import NotFound
from models.contact import ContactStatus
from tests.integration.campaigns.world import add_campaign, add_contact, add_delivery, add_person, add_source


def test_the_card_has_identities_campaigns_and_messages_the_newest_first(database, now):
    with database.write() as session:
        person = add_person(session, now, first_name="Amira", identities={"email": "amira@posteo.example"})
        spring, summer = add_campaign(session, now), add_campaign(session, now, name="Summer")
        contact = add_contact(session, spring, person, add_source(session, spring, now), now)
        add_contact(
            session, summer, person, add_source(session, summer, now), now, status=ContactStatus.HELD,
            hold_reason="campaign-ended",
        )  # fmt: skip
        add_delivery(session, contact, now, target="amira@posteo.example", reached=("sent_at", "opened_at"))
        add_delivery(session, contact, now, channel="sms", state="E", reason="no_phone")
    with database.read() as session:
        card = get_person_card(session, person.id, actor=OPERATOR)
    assert card.person.name == "Amira"
    assert [(one.name, one.status, one.why) for one in card.campaigns] == [
        ("Summer", "held", "the campaign has ended"), ("Spring", "pending", ""),
    ]  # fmt: skip
    assert [(one.channel, one.state, one.why, one.campaign_name) for one in card.messages] == [
        ("sms", "failed", "no phone number", "Spring"), ("email", "opened", "", "Spring"),
    ]  # fmt: skip


def test_who_was_merged_has_the_card_of_who_they_are_now(database, now):
    with database.write() as session:
        person, other = add_person(session, now, first_name="Amira"), add_person(session, now)
        merge_persons(session, {other.id: person.id}, actor="x", now=now)
    with database.read() as session:
        assert get_person_card(session, other.id, actor=OPERATOR).person.id == person.id
        with pytest.raises(NotFound):
            get_person_card(session, 999, actor=OPERATOR)
