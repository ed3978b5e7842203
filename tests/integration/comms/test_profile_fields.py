"""What a message names of a profile: read for all who get it at once, and with a fall-back as any field."""

from datetime import timedelta

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.bootstrap import build_application
from cxconsole.campaigns.due import drain_due_contacts
from cxconsole.campaigns.preflight import check_preflight
from cxconsole.comms import preview
from cxconsole.comms.intake import create_request
from cxconsole.comms.merge_fields import list_merge_fields
from cxconsole.comms.preview import check_template, preview_template
from cxconsole.comms.rendering import Content
from cxconsole.driver import Driver
from cxconsole.journey import profile_events, profiles
from cxconsole.journey.profile_views import save_view
from cxconsole.journey.tape import append_events
from cxconsole.settings import Settings
from models.campaign import Campaign
from models.comm import CommDelivery
from models.person import Person
from tests.integration.engine.world import World

CONTENT = Content(text="{{ profile.items_in_cart }} of {{ profile.last_items | join(', ') }}")
VIEW = {
    "id": "cart",
    "attributes": [
        {"displayName": "Items in cart", "event": "cart", "aggregationMode": "Count"},
        {"displayName": "Last items", "event": "cart", "metadata": "sku", "aggregationMode": "Value", "limit": 2},
        {"displayName": "Items", "event": "cart", "metadata": "sku", "aggregationMode": "Value", "limit": 1,
         "compartment": "sales"},
        {"displayName": "7 days", "event": "*", "aggregationMode": "Count"},
    ],
}  # fmt: skip


@pytest.fixture
def world(database, now):
    return World(database, now)


@pytest.fixture
def people(world, database, now):
    """Three contacts of a campaign that names profiles; the second and third have events."""
    template_id = world.template(
        subject="{{ profile.items_in_cart }} {{ profile['7_days'] }}",
        html="<p>{{ profile.items | default('nothing') }} {{ profile.nobody | default('-') }}</p>",
    )
    world.campaign([{"template_id": template_id, "gateway_id": world.gateway(25)}], contacts=3)
    with database.write() as session:
        save_view(session, VIEW, actor=OPERATOR, now=now)
        ids = list(session.exec(select(Person.id).order_by(Person.id)))
        rows = [
            {
                "person_id": person_id, "time": now - timedelta(minutes=n), "type": "cart", "source": "shop",
                "event_id": f"{person_id}-{n}", "data": {"sku": f"s{n}"},
            }
            for place, person_id in enumerate(ids) for n in range(place)
        ]  # fmt: skip
        append_events(session, rows)
    return ids


def test_a_campaign_sends_what_the_profiles_say(database, now, world, people):
    with database.write() as session:
        drain_due_contacts(session, now=now, limit=100)
    merged = {one.person_id: one.merge["profile"] for one in world.all(CommDelivery)}
    assert merged == {
        people[0]: {"items_in_cart": 0, "7_days": 0},
        people[1]: {"items_in_cart": 1, "7_days": 1, "items": "s0"},
        people[2]: {"items_in_cart": 2, "7_days": 2, "items": "s0"},
    }


def test_profiles_are_not_read_for_a_template_that_names_none(database, now, world, people, monkeypatch):
    monkeypatch.setattr(profiles, "compute_outcomes", lambda *_a, **_k: pytest.fail("they were read"))
    template_id = world.template(html="<p>Your profile, {{ first_name }}</p>")
    campaign_id = world.campaign([{"template_id": template_id, "gateway_id": world.gateway(26)}])
    with database.write() as session:
        session.connection().exec_driver_sql(f"DELETE FROM campaign_contact WHERE campaign_id <> {campaign_id}")
        drain_due_contacts(session, now=now, limit=100)
    [made] = world.all(CommDelivery)
    assert "profile" not in made.merge


def test_a_single_message_has_them_too(database, now, world, people):
    wish = {"template_id": world.template(subject="{{ profile.items_in_cart }}"), "gateway_id": world.gateway(27)}
    with database.write() as session:
        create_request(session, person_id=people[2], **wish, actor=OPERATOR, now=now)
    assert world.all(CommDelivery)[-1].merge["profile"] == {"items_in_cart": 2}


def test_a_preview_shows_them_and_names_what_is_missing(database, now, people):
    with database.read() as session:
        shown = preview_template(session, CONTENT, channel="sms", person_id=people[2], actor=OPERATOR, now=now)
        assert (shown.text, shown.missing) == ("2 of s0, s1", ())
        gone = Content(text="{{ profile.items }} and {{ profile.unknown }}, {{ profile.unknown | default('none') }}")
        shown = preview_template(session, gone, channel="sms", person_id=people[0], actor=OPERATOR, now=now)
        assert shown.text == "[profile.items] and [profile.unknown], [profile.unknown]"
        assert shown.missing == ("profile.items", "profile.unknown")


def test_a_preview_leaves_out_what_is_not_for_who_looks(database, now, people):
    writer = Actor(kind="key", name="key:1", rights=frozenset({"templates.read", "profiles.read"}))
    content = Content(text="{{ profile.items | default('hidden') }}")
    with database.read() as session:
        for actor, text in ((OPERATOR, "s0"), (writer, "hidden")):
            shown = preview_template(session, content, channel="sms", person_id=people[1], actor=actor, now=now)
            assert shown.text == text
        assert "profile.items" not in {one.name for one in list_merge_fields(session, actor=writer)}


def test_a_preview_and_the_picker_have_profiles_for_who_may_see_them(database, now, people):
    content = Content(text="{{ profile.items_in_cart | default('hidden') }}")
    writer, reader = (
        Actor(kind="key", name="key:1", rights=frozenset({"templates.read", *more}))
        for more in ((), ("profiles.read",))
    )

    def see(actor):
        with database.read() as session:
            shown = preview_template(session, content, channel="sms", person_id=people[1], actor=actor, now=now)
            return shown.text, "profile.items_in_cart" in {one.name for one in list_merge_fields(session, actor=actor)}

    assert (see(writer), see(reader)) == (("hidden", False), ("1", True))
    with database.write() as session:
        save_view(session, {**VIEW, "roles": ["sales"]}, actor=OPERATOR, now=now)
    assert (see(reader), see(OPERATOR)) == (("hidden", False), ("1", True)), "a view may be for some"


def test_the_checks_try_them(database, now, people):
    with database.read() as session:
        findings = check_template(session, Content(text="{{ profile.items }}"), channel="sms", actor=OPERATOR, now=now)
        assert [one.field for one in findings] == ["profile.items"]
        assert "1 of 3 people" in findings[0].detail
        [campaign_id] = session.exec(select(Campaign.id))
        items = check_preflight(session, campaign_id, is_public=True, actor=OPERATOR, now=now).items
        assert not [one for one in items if one.key.startswith("content") and "no value" in one.detail]


def test_a_test_message_has_them(application_of, database, now, people, world):
    template_id = world.template(subject="{{ profile.items_in_cart }} items")
    _, message = preview._prepare(
        application_of(database), template_id, world.gateway(28), "me@mail.example", people[2], None, OPERATOR, now
    )
    assert message.subject == "2 items"


def test_the_picker_offers_them_as_they_are_written(database, people):
    with database.read() as session:
        fields = {one.name: one.expression for one in list_merge_fields(session, actor=OPERATOR)}
    assert fields["profile.items_in_cart"] == "profile.items_in_cart | default('')"
    assert fields["profile.7_days"] == "profile['7_days'] | default('')"


@pytest.fixture
def application_of(tmp_path):
    made = []

    def build(database):
        made.append(build_application(Settings(data_dir=tmp_path, database_url=database.url, demo=False)))
        return made[-1]

    yield build
    for one in made:
        one.close()


def test_a_send_goes_on_with_fall_backs_when_profiles_take_too_long(database, now, world, people, monkeypatch, caplog):
    monkeypatch.setattr(profile_events, "_SECONDS", 0.001)
    slow = "SELECT count(*) FROM event a, event b, event c, event d, event e, event f, event g, event h, event i"

    def step(session, *_):
        return [Driver(session).run(slow).scalar() for _ in range(9)]

    monkeypatch.setattr(profile_events, "_step", step)
    with database.write() as session:
        more = [
            {"person_id": people[0], "time": now, "type": "cart", "source": "x", "event_id": str(n), "data": {}}
            for n in range(30)
        ]
        append_events(session, more)
    with database.write() as session:
        drain_due_contacts(session, now=now, limit=100)
    assert ["profile" in one.merge for one in world.all(CommDelivery)] == [False] * 3
    assert "profiles_too_slow" in caplog.text
