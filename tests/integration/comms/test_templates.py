import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.campaigns.lifecycle import create_campaign, end_campaign
from cxconsole.comms.templates import (
    create_template,
    delete_template,
    get_template,
    list_templates,
    update_template,
)
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from models.event import Event, EventType
from models.template import TemplateVersion

MAIL = {"name": "Spring mail", "channel": "email", "subject": "Hi {{ first_name }}", "html": "<p>Hi</p>"}


def test_a_text_that_changes_is_a_new_version_and_a_name_is_not(database, now):
    with database.write() as session:
        one = create_template(session, MAIL, actor=OPERATOR, now=now)
        renamed = update_template(session, one.id, {"name": "Summer"}, version=1, actor=OPERATOR, now=now)
        assert (renamed.version, renamed.version_id) == (2, one.version_id)
        rewritten = update_template(session, one.id, {"html": "<p>New</p>"}, version=2, actor=OPERATOR, now=now)
        assert rewritten.version == 3 and rewritten.version_id != one.version_id
        assert session.get_one(TemplateVersion, one.version_id).html == "<p>Hi</p>"
        same = update_template(session, one.id, {"html": "<p>New</p>"}, version=3, actor=OPERATOR, now=now)
        assert same.version == 3
        assert get_template(session, one.id, actor=OPERATOR) == rewritten
        changes = session.exec(select(Event.data).where(Event.type == EventType.TEMPLATE_CHANGED)).all()
        assert [one["change"] for one in changes] == ["created", "changed", "changed"]


def test_two_people_do_not_overwrite_each_other(database, now):
    with database.write() as session:
        one = create_template(session, MAIL, actor=OPERATOR, now=now)
        update_template(session, one.id, {"name": "A"}, version=1, actor=OPERATOR, now=now)
        with pytest.raises(Conflict, match="at version 2"):
            update_template(session, one.id, {"name": "B"}, version=1, actor=OPERATOR, now=now)


@pytest.mark.parametrize(
    ("data", "loc"),
    [
        ({**MAIL, "name": ""}, "name"),
        ({**MAIL, "channel": "smoke"}, "channel"),
        ({**MAIL, "language": "english!"}, "language"),
        ({**MAIL, "subject": "{{ nope"}, "subject"),
        ({**MAIL, "html": "{% for a in b %}"}, "html"),
        ({**MAIL, "text": "{% include 'x' %}"}, "text"),
        ({**MAIL, "subject": 7}, "subject"),
        ({**MAIL, "html": "x" * 500_001}, "html"),
        ({**MAIL, "colour": "red"}, "colour"),
        ({"name": "A", "channel": "sms", "html": "<p>x</p>"}, "html"),
        ({"name": "A", "channel": "sms", "subject": "x", "text": "y"}, "subject"),
    ],
)
def test_each_bad_field_is_named(database, now, data, loc):
    with database.write() as session, pytest.raises(Invalid) as refused:
        create_template(session, data, actor=OPERATOR, now=now)
    assert [one.loc for one in refused.value.errors] == [loc]


def test_a_template_keeps_its_channel(database, now):
    with database.write() as session:
        one = create_template(session, MAIL, actor=OPERATOR, now=now)
        with pytest.raises(Invalid, match="channel of a template stays"):
            update_template(session, one.id, {"channel": "sms", "html": None, "subject": ""}, actor=OPERATOR, now=now)


def test_a_template_in_use_stays_and_one_that_is_taken_away_can_still_be_shown(database, now):
    with database.write() as session:
        one = create_template(session, MAIL, actor=OPERATOR, now=now)
        steps = {"steps": [{"channel": "email", "template_id": one.id}]}
        campaign = create_campaign(session, "A", changes=steps, actor=OPERATOR, now=now)
        assert get_template(session, one.id, actor=OPERATOR).used_by == (f"CMP-{campaign.id}",)
        with pytest.raises(Conflict, match=f"CMP-{campaign.id}"):
            delete_template(session, one.id, actor=OPERATOR, now=now)
        end_campaign(session, campaign.id, actor=OPERATOR, now=now)
        delete_template(session, one.id, actor=OPERATOR, now=now)
        with pytest.raises(NotFound):
            get_template(session, one.id, actor=OPERATOR)
        assert list_templates(session, actor=OPERATOR).items == ()
        assert session.get(TemplateVersion, one.version_id) is not None
        with pytest.raises(Invalid, match="There is no template"):
            create_campaign(session, "B", changes=steps, actor=OPERATOR, now=now)


def test_templates_are_listed_by_name_and_found_by_a_part_of_it(database, now):
    with database.write() as session:
        for name, channel in (("b 100%", "email"), ("A", "email"), ("c", "sms")):
            create_template(session, {"name": name, "channel": channel, "text": "x"}, actor=OPERATOR, now=now)
        page = list_templates(session, actor=OPERATOR, limit=2)
        assert (len(page.items), page.total, page.next_offset) == (2, 3, 2)
        assert [one.name for one in list_templates(session, actor=OPERATOR, channel="sms").items] == ["c"]
        assert [one.name for one in list_templates(session, actor=OPERATOR, q="0%").items] == ["b 100%"]
        assert list_templates(session, actor=OPERATOR, q="_").items == ()


def test_rights_are_asked_for(database, now):
    nobody = Actor(kind="person", name="nobody", rights=frozenset())
    with database.write() as session, pytest.raises(Forbidden):
        create_template(session, MAIL, actor=nobody, now=now)
    with database.read() as session, pytest.raises(Forbidden):
        list_templates(session, actor=nobody)
