from datetime import timedelta

import pytest

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.campaigns.directory import (
    CAMPAIGN_SORTS,
    count_campaigns_by_state,
    get_campaign,
    list_campaigns,
)  # fmt: skip
from cxconsole.errors import Forbidden, Invalid, NotFound
from models.campaign import CampaignProgress
from tests.integration.campaigns.world import add_campaign, add_flow


@pytest.fixture
def five(database, now):
    with database.write() as session:
        for n, (name, state, planned, completed) in enumerate([
            ("Spring tariff", "published", 100, 59), ("Arrears", "ended", 10, 10), ("solar club", "published", 0, 0),
            ("Heat pump 100%", "unpublished", 50, 5), ("Welcome", "unpublished", 7, 0),
        ]):  # fmt: skip
            campaign = add_campaign(
                session, now + timedelta(hours=n), name, state=state,
                last_activity_at=None if n > 2 else now - timedelta(hours=n),
                first_published_at=now if n == 3 else None,
            )  # fmt: skip
            numbers = session.get_one(CampaignProgress, campaign.id)
            numbers.planned, numbers.completed, numbers.pending = planned, completed, planned - completed
            session.add(numbers)
            add_flow(session, campaign, now, *(["email", "sms"] if n == 0 else ["email"]))
    return database


def names(page):
    return [one.name for one in page.items]


def test_the_oldest_campaign_comes_first_by_default(five, now):
    with five.read() as session:
        page = list_campaigns(session, actor=OPERATOR, now=now)
    assert names(page) == ["Spring tariff", "Arrears", "solar club", "Heat pump 100%", "Welcome"]
    first = page.items[0]
    assert (first.code, first.channels, first.contacts, first.completed, first.pending, first.paused) == (
        "CMP-1001", ("email", "sms"), 100, 59, 41, False,
    )  # fmt: skip
    assert first.progress == 0.59
    assert page.items[3].paused
    assert (page.total, page.next_offset, page.total_is_capped) == (5, None, False)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["Arrears", "Heat pump 100%", "solar club", "Spring tariff", "Welcome"]),
        ("state", ["Arrears", "Spring tariff", "solar club", "Heat pump 100%", "Welcome"]),
        ("contacts", ["solar club", "Welcome", "Arrears", "Heat pump 100%", "Spring tariff"]),
        ("progress", ["solar club", "Welcome", "Heat pump 100%", "Spring tariff", "Arrears"]),
        ("last_activity_at", ["solar club", "Arrears", "Spring tariff", "Heat pump 100%", "Welcome"]),
        ("-last_activity_at", ["Spring tariff", "Arrears", "solar club", "Welcome", "Heat pump 100%"]),
        ("-id", ["Welcome", "Heat pump 100%", "solar club", "Arrears", "Spring tariff"]),
    ],
)
def test_each_column_sorts_and_campaigns_without_a_value_come_last(five, now, sort, expected):
    with five.read() as session:
        assert names(list_campaigns(session, actor=OPERATOR, now=now, sort=sort)) == expected


@pytest.mark.parametrize("sort", [sign + field for field in CAMPAIGN_SORTS for sign in ("", "-")])
def test_pages_of_each_sort_hold_every_campaign_once(five, now, sort):
    with five.read() as session:
        pages = [list_campaigns(session, actor=OPERATOR, now=now, sort=sort, limit=2, offset=o) for o in (0, 2, 4)]
    assert [page.next_offset for page in pages] == [2, 4, None]
    assert sorted(one.id for page in pages for one in page.items) == [1001, 1002, 1003, 1004, 1005]


@pytest.mark.parametrize(
    ("q", "expected"),
    [("SOLAR", 1), ("cmp-1002", 1), ("1002", 1), ("tariff spring", 1), ("100%", 1), ("%", 1), ("_", 0), ("nothing", 0)],
)
def test_a_search_looks_at_names_and_ids_and_takes_signs_as_they_are(five, now, q, expected):
    with five.read() as session:
        assert list_campaigns(session, actor=OPERATOR, now=now, q=q).total == expected


def test_the_state_filters_and_is_counted(five, now):
    with five.read() as session:
        assert names(list_campaigns(session, actor=OPERATOR, now=now, state="published")) == [
            "Spring tariff",
            "solar club",
        ]
        assert count_campaigns_by_state(session, actor=OPERATOR) == {
            "all": 5, "unpublished": 2, "published": 2, "ended": 1,
        }  # fmt: skip
        assert count_campaigns_by_state(session, actor=OPERATOR, q="solar")["all"] == 1


def test_campaigns_can_be_asked_for_by_when_they_were_created(five, now):
    since = now + timedelta(hours=3)
    with five.read() as session:
        found = list_campaigns(session, actor=OPERATOR, now=now, created_since=since)
        assert names(found) == ["Heat pump 100%", "Welcome"]
        assert found.items[0].behind is None
        assert count_campaigns_by_state(session, actor=OPERATOR, created_since=since)["all"] == 2


def test_a_campaign_is_read_in_full(five):
    with five.read() as session:
        campaign = get_campaign(session, 1001, actor=OPERATOR)
    assert [(s.id, s.channel, s.delay, s.template_id) for s in campaign.steps] == [
        ("s1", "email", "PT0S", 1), ("s2", "sms", "PT1H", 2),
    ]  # fmt: skip
    assert (campaign.time_zone, campaign.window_days[0], campaign.flow_version) == ("UTC", "mon", 1)


def test_what_is_asked_wrongly_is_refused(five, now):
    nobody = Actor(kind="key", name="k1", rights=frozenset())
    with five.read() as session:
        with pytest.raises(NotFound):
            get_campaign(session, 77, actor=OPERATOR)
        for wrong in ({"sort": "colour"}, {"state": "gone"}, {"limit": 0}, {"limit": 201}, {"offset": -1}):
            with pytest.raises(Invalid):
                list_campaigns(session, actor=OPERATOR, now=now, **wrong)
        with pytest.raises(Forbidden):
            list_campaigns(session, actor=nobody, now=now)
