import asyncio

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.vault import Vault
from cxconsole.bootstrap import Application
from cxconsole.campaigns.lifecycle import create_campaign
from cxconsole.comms.merge_fields import express, list_merge_fields
from cxconsole.comms.preview import check_template, preview_template, test_send
from cxconsole.comms.rendering import Content, MissingField, TemplateProblem
from cxconsole.comms.templates import create_template
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.gateways.service import create_gateway
from cxconsole.settings import Settings
from cxconsole.signals import Signals
from models.comm import CommDelivery
from models.contact import CampaignContact
from models.gateway import Gateway, SandboxMessage
from models.person import Identity, Person

DRAFT = Content(
    subject="Hi {{ first_name | default('you') }}",
    html="<p>{{ tariff }} {{ person['Order no'] }} {{ campaign.name }}</p><a href='{{ unsubscribe_url }}'>Out</a>",
)


@pytest.fixture
def application(database, tmp_path):
    return Application(settings=Settings(data_dir=tmp_path), database=database, signals=Signals(), vault=Vault(b"key"))


@pytest.fixture
def campaign_id(database, now):
    """Two persons of a campaign: Ann has everything, Bob a name only; and Eve, who is not in it."""
    with database.write() as session:
        rows = [
            ("Ann", {"tariff": "M<3", "Order no": 7, "empty": ""}), ("Bob", {}), ("Eve", {"secret": "x"}),
        ]  # fmt: skip
        for key, (name, attributes) in enumerate(rows, 1):
            session.add(Person(id=key, first_name=name, attributes=attributes, created_at=now, updated_at=now))
            for number in range(2):
                session.add(
                    Identity(
                        person_id=key, kind="email", value=f"{name.lower()}{number}@example.com",
                        is_primary=number == 0, created_at=now,
                    )
                )  # fmt: skip
        campaign = create_campaign(session, "Spring", actor=OPERATOR, now=now)
        for key in (1, 2):
            session.add(CampaignContact(campaign_id=campaign.id, person_id=key, source_id=1, created_at=now))
        return campaign.id


def test_the_picker_offers_what_is_really_there(database, campaign_id):
    with database.read() as session:
        fields = {one.name: one for one in list_merge_fields(session, campaign_id=campaign_id, actor=OPERATOR)}
        assert fields["first_name"].expression == "first_name" and fields["first_name"].filled == 1
        assert fields["tariff"].expression == "tariff | default('')" and fields["tariff"].filled == 0.5
        assert fields["Order no"].expression == "person['Order no'] | default('')"
        assert fields["email"].sample == "ann0@example.com"
        assert fields["unsubscribe_url"].group == "message"
        assert "secret" not in fields and "empty" not in fields
        assert "secret" in {one.name for one in list_merge_fields(session, actor=OPERATOR)}


@pytest.mark.parametrize(
    "name", ["plain", "class", "two words", "it's", "back\\slash", "person", "profile", "ümlaut", "9lives"]
)
def test_whatever_a_field_is_called_its_expression_writes_it(database, now, name):
    with database.write() as session:
        session.add(Person(id=1, attributes={name: "here"}, created_at=now, updated_at=now))
        session.flush()
        content = Content(text="{{ " + express(name) + " }}")
        assert preview_template(session, content, channel="sms", person_id=1, actor=OPERATOR, now=now).text == "here"


def test_a_preview_is_what_the_person_gets(database, now, campaign_id):
    with database.read() as session:
        shown = preview_template(session, DRAFT, channel="email", campaign_id=campaign_id, actor=OPERATOR, now=now)
        assert (shown.person_id, shown.subject, shown.missing) == (1, "Hi Ann", ())
        assert shown.html == "<p>M&lt;3 7 Spring</p><a href='#'>Out</a>"
        assert shown.text == "M<3 7 Spring\n\nOut (#)" and shown.findings == ()


def test_a_preview_shows_gaps_and_names_them(database, now, campaign_id):
    with database.read() as session:
        shown = preview_template(session, DRAFT, channel="email", person_id=2, actor=OPERATOR, now=now)
        assert shown.missing == ("tariff", "Order no") and "[tariff] [Order no]" in (shown.html or "")
        assert {one.field for one in shown.findings} == {"tariff", "Order no"}
        with pytest.raises(NotFound):
            preview_template(session, DRAFT, channel="email", person_id=99, actor=OPERATOR, now=now)
        with pytest.raises(TemplateProblem):
            preview_template(session, Content(text="{{"), channel="sms", actor=OPERATOR, now=now)


def test_a_preview_works_before_there_is_anybody(database, now):
    with database.read() as session:
        shown = preview_template(session, Content(text="Hi {{ first_name }}"), channel="sms", actor=OPERATOR, now=now)
        assert (shown.text, shown.missing) == ("Hi [first_name]", ("first_name",))
        assert shown.sms is not None and shown.sms.parts == 1


def test_a_check_looks_at_the_people_of_the_campaign(database, now, campaign_id):
    with database.read() as session:
        findings = check_template(session, DRAFT, channel="email", campaign_id=campaign_id, actor=OPERATOR, now=now)
        assert {one.detail.split(" no value")[0] for one in findings} == {"1 of 2 people looked at has"}


@pytest.fixture
def gateway_id(application, now):
    with application.database.write() as session:
        data = {"name": "Inbox", "kind": "sandbox", "channel": "email", "settings": {}}
        return create_gateway(session, data, vault=application.vault, actor=OPERATOR, now=now).id


def send(application, content, gateway_id, target, now, **choice):
    return asyncio.run(test_send(application, content, gateway_id, target, actor=OPERATOR, now=now, **choice))


def test_a_test_message_arrives_and_counts_nowhere(application, now, campaign_id, gateway_id):
    result = send(application, DRAFT, gateway_id, "me@example.com", now, person_id=1, campaign_id=campaign_id)
    assert result.sent, result.detail
    with application.database.read() as session:
        message = session.exec(select(SandboxMessage)).one()
        assert (message.target, message.subject, message.delivery_id) == ("me@example.com", "Hi Ann", None)
        assert "M&lt;3 7 Spring" in (message.html or "") and "/u/" in (message.html or "")
        assert session.exec(select(CommDelivery)).all() == []


def test_a_saved_template_is_sent_by_its_id(application, now, campaign_id, gateway_id):
    with application.database.write() as session:
        template = create_template(
            session, {"name": "A", "channel": "email", "subject": "S", "text": "T"}, actor=OPERATOR, now=now
        )
        sms = create_template(session, {"name": "B", "channel": "sms", "text": "T"}, actor=OPERATOR, now=now)
    assert send(application, template.id, gateway_id, "me@example.com", now).sent
    with pytest.raises(Invalid, match="for email, the template for sms"):
        send(application, sms.id, gateway_id, "me@example.com", now)


def test_what_cannot_be_sent_says_why(application, now, campaign_id, gateway_id):
    with pytest.raises(MissingField, match="tariff"):
        send(application, DRAFT, gateway_id, "me@example.com", now, person_id=2)
    with pytest.raises(Invalid, match="e-mail address"):
        send(application, DRAFT, gateway_id, "+15550001111", now, person_id=1)
    with pytest.raises(NotFound):
        send(application, DRAFT, 999, "me@example.com", now, person_id=1)
    with application.database.write() as session:
        session.get_one(Gateway, gateway_id).active = False
    with pytest.raises(Conflict, match="switched off"):
        send(application, DRAFT, gateway_id, "me@example.com", now, person_id=1)


def test_a_gateway_that_fails_is_an_answer(application, now, campaign_id):
    with application.database.write() as session:
        data = {
            "name": "Nowhere", "kind": "smtp", "channel": "email",
            "settings": {"host": "127.0.0.1", "port": 1, "tls": "none", "sender": "a@example.com"},
        }  # fmt: skip
        dead = create_gateway(session, data, vault=application.vault, actor=OPERATOR, now=now).id
    result = send(application, DRAFT, dead, "me@example.com", now, person_id=1)
    assert not result.sent and "127.0.0.1" in result.detail
