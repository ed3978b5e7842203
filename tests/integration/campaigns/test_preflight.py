from datetime import timedelta

import pytest

from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns import reach
from cxconsole.campaigns.lifecycle import create_campaign, publish_campaign, update_campaign
from cxconsole.campaigns.preflight import check_preflight
from cxconsole.errors import Conflict
from models.gateway import Gateway, GatewayHealth
from models.person import Identity, Person
from models.suppression import Suppression

GOOD = {"subject": "Hi", "html": "<p>{{ first_name | default('you') }}</p><a href='{{ unsubscribe_url }}'>Out</a>"}


@pytest.fixture
def make_campaign(now, make_step):
    def make(session, **changes):
        content = changes.pop("content", GOOD)
        steps = {"steps": [make_step(session, **content)], **changes}
        return create_campaign(session, "A", changes=steps, actor=OPERATOR, now=now)

    return make


@pytest.fixture
def add_people(now, add_contacts):
    """Contacts with persons: the first `without` have no address, the next `suppressed` must not be contacted."""

    def add(session, campaign_id, count, *, without=0, suppressed=0, refused=0):
        for number in range(1, count + 1):
            no = (
                {"email": {"granted": False}} if without + suppressed < number <= without + suppressed + refused else {}
            )
            session.add(Person(id=number, first_name=f"P{number}", consents=no, created_at=now, updated_at=now))
            if number > without:
                address = f"p{number}@example.com"
                session.add(Identity(person_id=number, kind="email", value=address, created_at=now))
                if number <= without + suppressed:
                    session.add(Suppression(address=address, created_at=now))
        add_contacts(session, campaign_id, count)

    return add


def look(session, campaign_id, now, *, is_public=False):
    found = check_preflight(session, campaign_id, is_public=is_public, actor=OPERATOR, now=now)
    return {item.key.split(".")[0]: item for item in found.items}, found.can_publish


def test_a_campaign_that_is_ready_says_so(database, now, make_campaign, add_people):
    with database.write() as session:
        campaign = make_campaign(session)
        add_people(session, campaign.id, 3)
        items, can_publish = look(session, campaign.id, now)
        assert can_publish and {item.verdict for item in items.values()} == {"ok"}, items
        assert list(items) == [
            "steps", "gateway", "content", "validity", "audience", "suppressed", "invalid", "estimate",
        ]  # fmt: skip
        assert items["audience"].detail == "3 contacts, 3 can be reached."
        assert "3 messages at 30,000 a minute, for nothing limits them" in items["estimate"].detail


def test_an_empty_campaign_says_what_is_missing(database, now):
    with database.write() as session:
        campaign = create_campaign(session, "A", actor=OPERATOR, now=now)
        items, can_publish = look(session, campaign.id, now)
        assert not can_publish and items["steps"].verdict == "blocker" and "Add a step" in items["steps"].remedy
        assert items["audience"].verdict == "warning"


def test_an_unfinished_step_is_named(database, now):
    with database.write() as session:
        steps = {"steps": [{"channel": "email"}]}
        campaign = create_campaign(session, "A", changes=steps, actor=OPERATOR, now=now)
        items, _ = look(session, campaign.id, now)
        assert items["steps"].detail == "Step 1 has no template and no gateway."


@pytest.mark.parametrize(
    ("change", "verdict", "detail"),
    [
        ({"active": False}, "blocker", "switched off"),
        ({"channel": "sms"}, "blocker", "for sms, the step for email"),
        ({"tested_at": None, "test_passed": None}, "warning", "never tested"),
        (
            {"test_passed": False, "test_steps": [{"name": "Sign in", "ok": False, "detail": "Wrong password."}]},
            "warning",
            "Wrong password",
        ),
        ({"health": GatewayHealth.OPEN, "health_error": "Connection refused"}, "warning", "Connection refused"),
        ({"health": GatewayHealth.DEGRADED, "slowed_to_per_minute": 84}, "warning", "slowed to 84 a minute"),
    ],
)
def test_a_gateway_that_may_not_deliver_is_named(database, now, make_campaign, change, verdict, detail):
    with database.write() as session:
        campaign = make_campaign(session)
        gateway = session.get_one(Gateway, 1)
        for name, value in change.items():
            setattr(gateway, name, value)
        session.flush()
        items, _ = look(session, campaign.id, now)
        assert items["gateway"].verdict == verdict and detail in items["gateway"].detail and items["gateway"].remedy


def test_content_that_fails_for_all_blocks_and_for_some_warns(database, now, make_campaign, add_people):
    with database.write() as session:
        some = make_campaign(session, content={**GOOD, "subject": "{{ tariff }}"})
        add_people(session, some.id, 3)
        items, can_publish = look(session, some.id, now)
        assert not can_publish and "All 3 people looked at have no value for tariff" in items["content"].detail
        with pytest.raises(Conflict) as refused:
            publish_campaign(session, some.id, actor=OPERATOR, now=now)
        assert [one.loc.split(".")[0] for one in refused.value.errors] == ["content"]
        session.get_one(Person, 2).attributes = {"tariff": "M"}
        session.flush()
        items, can_publish = look(session, some.id, now)
        assert can_publish and items["content"].verdict == "warning" and "2 of 3" in items["content"].detail
        assert publish_campaign(session, some.id, actor=OPERATOR, now=now).state == "published"


def test_a_missing_link_to_unsubscribe_warns(database, now, make_campaign):
    with database.write() as session:
        campaign = make_campaign(session, content={"subject": "Hi", "html": "<p>Hi</p><a href='www.x.example'>x</a>"})
        items, can_publish = look(session, campaign.id, now)
        assert can_publish and items["content"].verdict == "warning"
        assert "no link to unsubscribe" in items["content"].detail and "www.x.example" in items["content"].detail


def test_who_cannot_be_reached_is_counted(database, now, make_campaign, add_people):
    with database.write() as session:
        campaign = make_campaign(session)
        add_people(session, campaign.id, 10, without=2, suppressed=3, refused=1)
        items, can_publish = look(session, campaign.id, now)
        assert can_publish
        assert items["audience"].detail == "10 contacts, 4 can be reached."
        assert items["suppressed"].detail.startswith("4 must not") and items["suppressed"].verdict == "warning"
        assert items["invalid"].detail.startswith("2 have no address") and items["invalid"].verdict == "warning"


def test_a_large_audience_is_estimated_and_says_so(database, now, make_campaign, add_people, monkeypatch):
    monkeypatch.setattr(reach, "LOOKED_AT", 40)
    with database.write() as session:
        campaign = make_campaign(session)
        add_people(session, campaign.id, 100, without=25)
        found = reach.measure_reach(session, campaign.id, 100, ["email"])
        assert (found.looked_at, found.is_exact) == (40, False)
        assert 15 <= found.no_address <= 35 and found.reachable + found.no_address == 100
        items, _ = look(session, campaign.id, now)
        assert "Estimated from 40 contacts spread over all." in items["invalid"].detail


@pytest.mark.parametrize(
    ("changes", "verdict", "detail"),
    [
        ({"validity": {"starts_at": "2026-05-20T08:00:00Z"}}, "ok", "Wed 20 May 2026, 08:00 (UTC)"),
        ({"execution_window": {"start": "12:00", "end": "13:00"}}, "ok", "Tue 19 May 2026, 12:00"),
        (
            {"execution_window": {"days": ["mon"]}, "validity": {"ends_at": "2026-05-22T00:00Z"}},
            "blocker",
            "never open",
        ),
        ({"validity": {"ends_at": "2026-05-19T09:59:00Z"}}, "blocker", "ended"),
        ({}, "ok", "at once"),
    ],
)
def test_the_times_are_looked_at(database, now, make_campaign, changes, verdict, detail):
    with database.write() as session:
        campaign = make_campaign(session, **changes)
        items, can_publish = look(session, campaign.id, now)
        assert items["validity"].verdict == verdict and detail in items["validity"].detail
        assert can_publish is (verdict == "ok")


def test_the_finish_keeps_to_the_limits_the_window_and_the_validity(database, now, make_campaign, add_people):
    with database.write() as session:
        window = {"start": "10:00", "end": "10:05", "days": ["tue", "wed"]}
        campaign = make_campaign(session, execution_window=window, limits={"per_minute": 2})
        add_people(session, campaign.id, 16)  # ten on Tuesday, six on Wednesday
        items, _ = look(session, campaign.id, now)
        assert "About Wed 20 May 2026, 10:03 (UTC): 16 messages at 2 a minute." in items["estimate"].detail
        changes = {"validity": {"ends_at": now + timedelta(hours=1)}}
        update_campaign(session, campaign.id, changes, version=1, actor=OPERATOR, now=now)
        items, can_publish = look(session, campaign.id, now)
        assert can_publish and items["estimate"].verdict == "warning" and "about 6 are not" in items["estimate"].detail


def test_a_step_that_falls_due_too_late_is_told(database, now, make_campaign, make_step, add_people):
    with database.write() as session:
        step = make_step(session, **GOOD)
        steps = [step, {**step, "delay": "P10D"}]
        campaign = make_campaign(session, steps=steps, validity={"ends_at": now + timedelta(days=9)})
        add_people(session, campaign.id, 1)
        items, _ = look(session, campaign.id, now)
        assert items["estimate"].verdict == "warning" and "after the validity period" in items["estimate"].detail


def test_ways_back_that_lead_nowhere_are_named_with_the_setting_that_mends_them(database, now, make_campaign):
    linked = {**GOOD, "html": "<a href='https://shop.example/offer'>Offer</a>" + GOOD["html"]}
    with database.write() as session:
        campaign = make_campaign(session, content=linked)
        assert "links" not in look(session, campaign.id, now)[0], "nothing leaves a sandbox"
        gateway = session.get_one(Gateway, 1)
        gateway.kind = "smtp"
        session.flush()
        items, can_publish = look(session, campaign.id, now)
        assert can_publish and items["links"].verdict == "warning"
        assert items["links"].detail.startswith("Opens and clicks cannot be counted. Links to unsubscribe lead nowhere")
        assert "CXCONSOLE_PUBLIC_URL" in items["links"].remedy
        items, _ = look(session, campaign.id, now, is_public=True)
        assert (items["links"].verdict, items["links"].remedy) == ("ok", "")
        assert "opens and clicks are counted" in items["links"].detail
