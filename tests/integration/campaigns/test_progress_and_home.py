import json
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.behind import Figure, find_shares
from cxconsole.campaigns.contact_filter import parse_filter
from cxconsole.campaigns.contacts import list_contacts
from cxconsole.campaigns.directory import count_campaigns_by_state, list_campaigns
from cxconsole.campaigns.home import HomeRange, get_home
from cxconsole.campaigns.progress import get_progress
from cxconsole.errors import Invalid, NotFound
from models.campaign import Campaign, CampaignChannel, CampaignProgress, TrafficMinute
from models.comm import DeliveryState
from models.contact import ContactStatus, HoldReason
from models.gateway import Gateway
from models.system import SystemFlag
from tests.integration.campaigns.world import (
    add_campaign,
    add_contact,
    add_delivery,
    add_flow,
    add_person,
    add_source,
)  # fmt: skip


@pytest.fixture
def busy(database, now):
    """A published campaign half-way: 09:00 to 17:00, ends tomorrow evening; one gateway, 120 a minute."""
    with database.write() as session:
        campaign = add_campaign(
            session, now - timedelta(days=1), "Spring", state="published", window_start="09:00", window_end="17:00",
            first_published_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=31), per_minute=120,
            last_activity_at=now,
        )  # fmt: skip
        add_flow(session, campaign, now, "email", "sms")
        session.add(Gateway(
            name="Postmark", kind="smtp", channel="email", per_minute=600, health="degraded", health_error="421 busy",
            created_at=now, updated_at=now,
        ))  # fmt: skip
        session.flush()
        numbers = session.get_one(CampaignProgress, campaign.id)
        numbers.planned, numbers.pending, numbers.in_progress, numbers.completed = 30_000, 19_990, 10, 9_998
        numbers.failed, numbers.held_expired = 1, 1
        session.add(numbers)
        session.add(CampaignChannel(campaign_id=campaign.id, channel="email", sent=9_998, delivered=9_000, opened=400))
        minute = int(now.timestamp()) // 60
        for back, sent, failed in ((0, 50, 0), (1, 100, 1), (30, 9_848, 0), (90, 0, 2)):
            session.add(TrafficMinute(
                minute=minute - back, campaign_id=campaign.id, gateway_id=1, channel="email", sent=sent, failed=failed
            ))  # fmt: skip
    return database


def test_the_numbers_are_those_beside_the_rows(busy, now):
    with busy.read() as session:
        progress = get_progress(session, 1001, actor=OPERATOR, now=now + timedelta(seconds=30), outlook=False)
    assert (progress.planned, progress.pending, progress.in_progress, progress.completed) == (30_000, 19_990, 10, 9_998)
    assert (progress.failed, progress.suppressed, progress.held, progress.done) == (1, 0, 1, 9_999)
    assert progress.held_by_reason["validity-period-expired"] == 1
    assert progress.channels["email"].delivered == 9_000
    assert progress.outlook is None
    assert progress.rate_per_minute == 50 + 100 // 2  # this half minute, and half of the one before


def test_the_estimate_counts_open_hours_only(busy, now):
    with busy.read() as session:
        progress = get_progress(session, 1001, actor=OPERATOR, now=now)
        assert progress.rate_per_minute == 150
        # 20,000 at 150 a minute are 2 h 13 min
        assert progress.finishes_at == now + timedelta(minutes=20_000 / 150)
        evening = now.replace(hour=16)
        assert get_progress(session, 1001, actor=OPERATOR, now=evening).rate_per_minute == 0
        # nothing moves yet: then the least limit counts, 120 a minute; one hour today, the rest from 09:00
        tomorrow = now.replace(day=20, hour=9)
        expected = tomorrow + timedelta(minutes=20_000 / 120 - 60)
        assert get_progress(session, 1001, actor=OPERATOR, now=evening).finishes_at == expected


def test_the_outlook_has_reasons_waits_pace_and_hours(busy, now):
    with busy.write() as session:
        source = add_source(session, add_campaign(session, now, "Other"), now)
        campaign = session.get_one(Campaign, 1001)
        people = [add_person(session, now) for _ in range(6)]
        bounced = {"status": ContactStatus.FAILED, "reason": "no such user", "last_activity_at": now}
        for person in people[:2]:
            add_contact(session, campaign, person, source, now, **bounced)
        add_contact(session, campaign, people[2], source, now, status=ContactStatus.SUPPRESSED, reason="no_email")
        add_contact(session, campaign, people[3], source, now, due_at=now - timedelta(minutes=1))
        later = now + timedelta(hours=2)
        add_contact(
            session, campaign, people[4], source, now, status=ContactStatus.IN_PROGRESS, node="s1", due_at=later
        )
        under_way = add_contact(session, campaign, people[5], source, now, status=ContactStatus.IN_PROGRESS, node="s1")
        add_delivery(session, under_way, now, state="D", checks={"frequency_cap": "wait"}, not_before=later)
        add_delivery(session, under_way, now, state="R", not_before=later + timedelta(hours=1))
    with busy.read() as session:
        outlook = get_progress(session, 1001, actor=OPERATOR, now=now).outlook
    assert [(one.status, one.reason, one.count) for one in outlook.reasons] == [
        ("failed", "no such user", 2), ("suppressed", "no_email", 1),
    ]  # fmt: skip
    assert [(one.cause, one.count, one.until) for one in outlook.waiting] == [
        ("frequency_cap", 1, later), ("retry", 1, later + timedelta(hours=1)),
    ]  # fmt: skip
    assert outlook.next_due_at == now
    assert [(hour.at.hour, hour.count, hour.step) for hour in outlook.next_hours] == [
        (10, 9_000, 1), (11, 9_000, 1), (12, 1_991, 1), (12, 1, 2),
    ]  # fmt: skip
    done = [point for point in outlook.pace if point.done is not None]
    assert done[0].done == 0
    assert done[-1].done == 10_001
    assert [point.done for point in done] == sorted(point.done for point in done)
    assert done[-1].at == now
    assert [point.plan for point in outlook.pace] == sorted(point.plan for point in outlook.pace)
    assert outlook.pace[-1].plan == 30_006
    assert outlook.pace[-1].done is None


def test_a_closed_window_makes_everybody_wait(busy, now):
    night = now.replace(hour=20)
    with busy.read() as session:
        outlook = get_progress(session, 1001, actor=OPERATOR, now=night).outlook
    assert [(one.cause, one.count, one.until) for one in outlook.waiting] == [
        ("quiet_hours", 19_990, now.replace(day=20, hour=9)),
    ]  # fmt: skip
    assert [hour.at for hour in outlook.next_hours][:1] == [now.replace(day=20, hour=9)]


def test_a_new_campaign_has_a_progress_of_noughts(database, now):
    with database.write() as session:
        add_campaign(session, now)
    with database.read() as session:
        progress = get_progress(session, 1001, actor=OPERATOR, now=now)
        assert (progress.planned, progress.finishes_at, progress.channels) == (0, None, {})
        assert (progress.outlook.pace, progress.outlook.next_hours, progress.outlook.reasons) == ((), (), ())
        with pytest.raises(NotFound):
            get_progress(session, 1002, actor=OPERATOR, now=now)


def test_home_shows_what_runs_now(busy, now):
    with busy.write() as session:
        paused = add_campaign(session, now, "Paused", first_published_at=now)
        person, source = add_person(session, now), add_source(session, paused, now)
        add_contact(session, paused, person, source, now, status="held", hold_reason=HoldReason.UNPUBLISHED)
        campaign = session.get_one(Campaign, 1001)
        add_contact(
            session, campaign, person, source, now, status="failed", reason="no such user", last_activity_at=now
        )
        session.add(SystemFlag(name="sending_paused", value="1", updated_at=now))
    with busy.read() as session:
        home = get_home(session, actor=OPERATOR, now=now)
    assert [(one.campaign.name, one.rate_per_minute) for one in home.running] == [("Spring", 150)]
    assert home.running[0].finishes_at == now + timedelta(minutes=20_000 / 150)
    assert home.running[0].pace > 0
    assert (home.published_count, home.rate_per_minute, home.queue_depth, home.queue_seconds) == (1, 150, 20_000, 8_000)
    assert (home.sent_today, home.failed_today) == (9_998, 3)
    assert (home.funnel.planned, home.funnel.delivered, home.funnel.opened) == (30_001, 9_000, 400)
    assert home.held_by_reason == {
        "campaign-unpublished": 1, "validity-period-expired": 1, "campaign-ended": 0,
    }  # fmt: skip
    assert (home.errors_last_hour, home.errors_hour_before) == (1, 2)
    assert [(one.campaign, one.channel, one.count) for one in home.errors] == [("Spring", "email", 1)]
    assert [(one.name, one.badge, one.rate_per_minute, one.trouble) for one in home.gateways] == [
        ("Postmark", "slowed", 150, "421 busy")
    ]
    assert home.sending_paused
    assert home.attention == 2
    assert len(home.rate_series) == 12
    assert home.rate_series[-1] == 100


@pytest.mark.parametrize(("span", "points"), [("24h", 96), ("7d", 84), (HomeRange.MONTH, 90)])
def test_the_chart_covers_its_range_without_gaps(busy, now, span, points):
    with busy.read() as session:
        home = get_home(session, actor=OPERATOR, now=now, range=span)
    assert len(home.chart) == points
    gaps = {after.at - before.at for before, after in zip(home.chart, home.chart[1:], strict=False)}
    assert len(gaps) == 1
    assert home.chart_channels == ("email",)
    assert sum(point.per_minute["email"] for point in home.chart) > 0


def test_an_empty_house_has_a_home(database, now):
    with database.read() as session:
        home = get_home(session, actor=OPERATOR, now=now)
        assert (home.running, home.queue_depth, home.queue_seconds, home.errors, home.attention) == ((), 0, None, (), 0)
        with pytest.raises(Invalid):
            get_home(session, actor=OPERATOR, now=now, range="1y")


def test_the_errors_of_the_hour_add_up_to_their_number_whatever_became_of_the_contacts(busy, now):
    minute = int(now.timestamp()) // 60
    with busy.write() as session:
        for number in range(11):
            other = add_campaign(session, now, f"Other {number}", state="published")
            for back, failed in ((0, 2), (59, 3), (60, 50)):
                session.add(TrafficMinute(
                    minute=minute - back, campaign_id=other.id, gateway_id=1, channel="sms", failed=failed
                ))  # fmt: skip
        session.add(TrafficMinute(minute=minute, campaign_id=0, gateway_id=1, channel="email", failed=7))
    with busy.read() as session:
        home = get_home(session, actor=OPERATOR, now=now)
    assert sum(one.count for one in home.errors) == home.errors_last_hour == 1 + 11 * 5 + 7
    first, last = home.errors[0], home.errors[-1]
    assert (first.campaign, first.count, first.link) == ("Single messages", 7, "")
    assert (last.campaign, last.count, last.link) == ("Other campaigns", 2 * 5 + 1, "/campaigns?behind=errors")


def test_an_error_tells_the_reason_of_this_hour_and_its_link_asks_for_the_people(busy, now):
    with busy.write() as session:
        campaign = session.get_one(Campaign, 1001)
        source = add_source(session, campaign, now)
        for reason, hours in (("no such user", 0), ("no such user", 0), ("mailbox full", 0), *[("too old", 2)] * 4):
            at = now - timedelta(hours=hours)
            # whoever had a failed mail may well be completed by the SMS after it
            contact = add_contact(
                session, campaign, add_person(session, now), source, now, status="completed", last_activity_at=at
            )
            add_delivery(session, contact, at, state=DeliveryState.ERROR, reason=reason)
    with busy.read() as session:
        (error,) = get_home(session, actor=OPERATOR, now=now).errors
        path, _, query = error.link.partition("?")
        asked = parse_qs(query)
        channel, _, state = asked["delivery"][0].partition(":")
        found = list_contacts(
            session,
            1001,
            delivery={channel: state},
            filter=parse_filter(json.loads(asked["filter"][0])),
            actor=OPERATOR,
        )
    assert (error.reason, path) == ("no such user", "/campaigns/CMP-1001/contacts")
    assert found.total == 3


@pytest.mark.parametrize("figure", list(Figure))
def test_the_campaigns_behind_a_number_add_up_to_it(busy, now, figure):
    with busy.write() as session:
        paused = add_campaign(session, now, "Paused", first_published_at=now)
        numbers = session.get_one(CampaignProgress, paused.id)
        numbers.planned = numbers.held_unpublished = 7
        add_campaign(session, now, "Nothing", state="published")
    with busy.read() as session:
        home = get_home(session, actor=OPERATOR, now=now)
        shares = find_shares(figure, now=now)
        page = list_campaigns(session, behind=shares, sort="-behind", actor=OPERATOR, now=now)
        counts = count_campaigns_by_state(session, behind=shares, actor=OPERATOR)
    numbers = {
        Figure.SENDING: home.rate_per_minute, Figure.SENT_TODAY: home.sent_today, Figure.HELD: home.held,
        Figure.ERRORS: home.errors_last_hour, Figure.QUEUE: home.queue_depth, Figure.PLANNED: home.funnel.planned,
        Figure.SENT: home.funnel.sent, Figure.DELIVERED: home.funnel.delivered, Figure.OPENED: home.funnel.opened,
        Figure.CLICKED: home.funnel.clicked,
    }  # fmt: skip
    assert sum(one.behind or 0 for one in page.items) == numbers[figure]
    assert all(one.behind for one in page.items)
    assert counts["all"] == page.total
