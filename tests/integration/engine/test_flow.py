"""Contacts along their flow, step by step, with the clock standing still."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.advance import FlowHooks
from cxconsole.campaigns.due import GATEWAY_BACKLOG, drain_due_contacts
from cxconsole.campaigns.lifecycle import update_campaign
from cxconsole.comms.circuit import News
from cxconsole.comms.outbox import Outbox
from cxconsole.comms.outcomes import Result, ResultKind
from cxconsole.comms.recall import recall_deliveries
from cxconsole.comms.receipts import ReceiptRow, record_receipts
from cxconsole.comms.recovery import owner_of_this_process, recover_deliveries
from models.campaign import Campaign, CampaignState
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact
from models.gateway import Gateway
from models.person import Identity, Person
from tests.integration.engine.world import World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Line:
    """A world and the engine's parts, moved by hand."""

    def __init__(self, database, now):
        self.world, self.database, self.now = World(database, now), database, now
        self.template = self.world.template()
        self.email = self.world.gateway(25)
        self.sms = self.world.gateway(26, channel="sms")
        self.hooks = FlowHooks()

    def step(self, channel="email", **more):
        gateway_id = self.email if channel == "email" else self.sms
        return {"template_id": self.template, "gateway_id": gateway_id, "channel": channel, **more}

    def drain(self, limit=500):
        with self.database.write() as session:
            return drain_due_contacts(session, now=self.now, limit=limit)

    def outbox(self, gateway_id):
        return Outbox(self.database, gateway_id, version=1, owner=owner_of_this_process(), hooks=self.hooks)

    def send(self, kind=ResultKind.SENT, gateway_id=None, want=100):
        """Claim what is due at a gateway and report on it; the messages."""
        outbox = self.outbox(gateway_id or self.email)
        turn = outbox.take_turn([], News(), want=want, held=[], now=self.now)
        results = [Result(message=one, kind=kind, at=self.now, reason="no") for one in turn.messages]
        outbox.take_turn(results, News(), want=0, held=[], now=self.now)
        return turn.messages

    def give_phone(self, number=0):
        with self.database.write() as session:
            person = session.exec(select(Person.id).order_by(Person.id)).all()[number]
            session.add(Identity(person_id=person, kind="phone", value=f"+1415555{number:04d}", created_at=self.now))

    def change(self, campaign_id, **columns):
        with self.database.write() as session:
            campaign = session.get(Campaign, campaign_id)
            for name, value in columns.items():
                setattr(campaign, name, value)

    def update(self, campaign_id, **changes):
        """As a person changes it."""
        with self.database.write() as session:
            version = session.get_one(Campaign, campaign_id).version
            update_campaign(session, campaign_id, changes, version=version, actor=OPERATOR, now=self.now)

    def counts(self, campaign_id):
        progress = self.world.progress(campaign_id)
        names = ("pending", "in_progress", "completed", "failed", "suppressed")
        counts = {name: getattr(progress, name) for name in names if getattr(progress, name)}
        assert sum(counts.values()) == progress.planned
        return counts

    def deliveries(self, state=None):
        return [row for row in self.world.all(CommDelivery) if state is None or row.state == state]


@pytest.fixture
def line(database, now):
    return Line(database, now)


def test_a_sequence_waits_for_its_delay_and_completes_with_its_last_step(line):
    campaign_id = line.world.campaign([line.step(), line.step(delay="P2D")])
    line.drain()
    line.send()
    assert line.counts(campaign_id) == {"in_progress": 1}
    (contact,) = line.world.all(CampaignContact)
    assert (contact.node, contact.due_at) == ("s1", line.now + 2 * DAY)
    assert line.drain() == 0
    line.now += 2 * DAY
    assert line.drain() == 1
    assert [one.node for one in line.send()] == ["s2"]
    assert line.counts(campaign_id) == {"completed": 1}


@pytest.mark.parametrize("happened", ["opened", "clicked", "delivered"])
def test_a_step_only_for_those_who_did_not_is_passed_over_for_those_who_did(line, happened):
    campaign_id = line.world.campaign([line.step(), line.step(delay="P2D", unless=happened)], contacts=2)
    line.drain()
    first, _ = line.send()
    with line.database.write() as session:
        record_receipts(session, [ReceiptRow(delivery_id=first.id, status=happened, at=line.now)], now=line.now)
    line.now += 2 * DAY
    line.drain()
    assert line.counts(campaign_id) == {"in_progress": 1, "completed": 1}
    assert [
        (row.contact_id == first.contact_id, row.node) for row in line.deliveries(DeliveryState.AWAITING_DISTRIBUTION)
    ] == [(False, "s2")]


def test_who_has_no_address_for_a_step_is_tried_on_the_next_at_once(line):
    campaign_id = line.world.campaign([line.step("sms"), line.step("email", delay="P2D")])
    line.drain()
    (delivery,) = line.deliveries()
    assert (delivery.channel, delivery.node) == ("email", "s2")
    missing = [row for row in line.world.all(CommRequest) if row.state == RequestState.NOT_SENT]
    assert [(row.trigger_id, row.reason) for row in missing] == [("s1", "no_phone")]
    line.send()
    assert line.counts(campaign_id) == {"completed": 1}


def test_who_has_no_address_at_all_is_suppressed_with_the_reason(line):
    campaign_id = line.world.campaign([line.step("sms")], contacts=2)
    line.give_phone(1)
    line.drain()
    assert line.counts(campaign_id) == {"in_progress": 1, "suppressed": 1}
    assert line.world.all(CampaignContact)[0].reason == "no_phone"


def test_a_step_that_failed_is_followed_by_the_next_and_decides_only_if_nothing_was_sent(line):
    campaign_id = line.world.campaign([line.step(), line.step("sms", delay="P2D")], contacts=2)
    line.give_phone(0)
    line.drain()
    line.send(ResultKind.FAILED)
    assert line.drain() == 2  # at once: nothing was sent that one would wait for
    line.send(gateway_id=line.sms)
    assert line.counts(campaign_id) == {"completed": 1, "suppressed": 1}


def test_a_failure_of_the_only_step_fails_the_contact(line):
    campaign_id = line.world.campaign([line.step()])
    line.drain()
    line.send(ResultKind.FAILED)
    assert line.counts(campaign_id) == {"failed": 1}


def test_a_step_without_template_fails_its_deliveries_with_words(line):
    campaign_id = line.world.campaign([{**line.step(), "template_id": 999}])
    line.drain()
    assert line.deliveries()[0].template_version_id == 0
    assert line.counts(campaign_id) == {"in_progress": 1}


def test_nothing_is_made_outside_window_validity_or_while_unpublished(line):
    closed = {"window_start": "12:00", "window_end": "13:00"}  # it is 10:00
    for columns in (closed, {"starts_at": line.now + DAY}, {"ends_at": line.now - DAY}):
        line.world.campaign([line.step()], **columns)
    line.world.campaign([line.step()], published=False)
    assert line.drain() == 0
    assert line.deliveries() == []


def test_a_window_in_each_persons_zone_opens_for_each_at_their_own_time(line):
    campaign_id = line.world.campaign(
        [line.step()], contacts=2, window_in_zone_of="person", window_start="09:00", window_end="12:00"
    )
    with line.database.write() as session:
        first, second = session.exec(select(Person).order_by(Person.id))
        first.time_zone, second.time_zone = "Europe/Berlin", "America/New_York"  # 12:00 and 06:00 there
    line.drain()
    assert line.counts(campaign_id) == {"pending": 2}
    line.now = datetime(2026, 5, 19, 14, 30, tzinfo=UTC)
    line.drain()
    assert [row.person_id for row in line.deliveries()] == [second.id]


def test_a_window_that_closes_meanwhile_makes_deliveries_wait(line):
    campaign_id = line.world.campaign([line.step()], window_start="09:00", window_end="11:00")
    line.drain()
    line.now += timedelta(hours=2)
    assert line.send() == []
    (delivery,) = line.deliveries()
    assert delivery.checks["quiet_hours"] == "wait"
    assert delivery.not_before > line.now
    line.update(campaign_id, execution_window={"end": "24:00"})
    assert len(line.send()) == 1


def test_a_window_that_is_opened_wider_is_not_waited_for(line):
    campaign_id = line.world.campaign(
        [line.step()], contacts=2, window_in_zone_of="person", window_start="01:00", window_end="02:00"
    )
    line.drain()
    assert line.counts(campaign_id) == {"pending": 2}
    assert line.drain() == 0
    line.update(campaign_id, execution_window={"start": "00:00", "end": "24:00"})
    assert line.drain() == 2


def test_a_cap_that_is_raised_lets_go_what_waited_for_it(line):
    campaign_id = line.world.campaign([line.step(), line.step()], per_person_count=1, per_person_window="P7D")
    line.drain()
    assert len(line.send()) == 1
    line.drain()
    assert line.send() == []
    waiting = line.deliveries(DeliveryState.AWAITING_DISTRIBUTION)[0]
    assert (waiting.checks["frequency_cap"], waiting.not_before) == ("wait", line.now + timedelta(days=7))
    line.update(campaign_id, limits={"per_person": {"count": 2, "window": "P7D"}})
    assert len(line.send()) == 1


def test_consent_that_was_refused_stops_the_message(line):
    campaign_id = line.world.campaign([line.step()])
    with line.database.write() as session:
        session.exec(select(Person)).one().consents = {"email": {"granted": False}}
    line.drain()
    assert line.send() == []
    assert line.deliveries()[0].checks["consent"] == "stop"
    assert line.counts(campaign_id) == {"suppressed": 1}


def test_a_stopped_campaign_takes_back_what_was_not_tried(line):
    campaign_id = line.world.campaign([line.step()], contacts=5)
    line.drain()
    line.change(campaign_id, state=CampaignState.UNPUBLISHED)
    with line.database.write() as session:
        assert recall_deliveries(session, hooks=line.hooks, now=line.now, limit=100) == 5
    assert line.counts(campaign_id) == {"pending": 5}
    assert {row.reason for row in line.world.all(CommRequest)} == {"campaign-unpublished"}
    line.change(campaign_id, state=CampaignState.PUBLISHED)
    line.drain()
    assert len(line.send()) == 5
    assert line.counts(campaign_id) == {"completed": 5}


def test_what_may_have_left_already_waits_while_unpublished_and_goes_back_only_at_the_end(line):
    campaign_id = line.world.campaign([line.step()])
    line.drain()
    line.send(ResultKind.RETRY)
    line.change(campaign_id, state=CampaignState.UNPUBLISHED)
    line.now += MINUTE
    assert line.send() == []
    assert line.deliveries()[0].state == DeliveryState.RETRY
    assert line.deliveries()[0].checks["campaign"] == "wait"
    line.change(campaign_id, state=CampaignState.ENDED)
    with line.database.write() as session:
        assert recall_deliveries(session, hooks=line.hooks, now=line.now, limit=100) == 1
    assert line.counts(campaign_id) == {"pending": 1}


def test_a_removed_contact_gets_nothing(line):
    line.world.campaign([line.step()])
    line.drain()
    with line.database.write() as session:
        session.delete(session.exec(select(CampaignContact)).one())
    assert line.send() == []
    assert line.deliveries()[0].state == DeliveryState.CANCELLED


def test_a_lease_that_ran_out_is_taken_over_and_flagged_and_the_late_report_changes_nothing(line):
    campaign_id = line.world.campaign([line.step()])
    line.drain()
    slow = line.outbox(line.email)
    (message,) = slow.take_turn([], News(), want=10, held=[], now=line.now).messages
    line.now += 2 * MINUTE
    with line.database.write() as session:
        assert recover_deliveries(session, now=line.now, limit=100) == 1
    late = Result(message=message, kind=ResultKind.SENT, at=line.now)
    slow.take_turn([late], News(), want=0, held=[], now=line.now)
    assert line.counts(campaign_id) == {"in_progress": 1}
    assert [one.possible_duplicate for one in line.send()] == [True]
    assert line.counts(campaign_id) == {"completed": 1}
    assert line.deliveries()[0].possible_duplicate


def test_a_lease_that_is_kept_is_not_taken_over(line):
    line.world.campaign([line.step()])
    line.drain()
    outbox = line.outbox(line.email)
    (message,) = outbox.take_turn([], News(), want=10, held=[], now=line.now).messages
    outbox.take_turn([], News(), want=0, held=[message.id], now=line.now + MINUTE / 2)
    with line.database.write() as session:
        assert recover_deliveries(session, now=line.now + MINUTE * 1.2, limit=100) == 0


def test_what_was_not_tried_is_given_back_as_it_was(line):
    line.world.campaign([line.step()])
    line.drain()
    line.send(ResultKind.RELEASED)
    (delivery,) = line.deliveries()
    assert (delivery.state, delivery.attempts, delivery.lease_owner) == (DeliveryState.AWAITING_DISTRIBUTION, 0, None)
    assert not delivery.possible_duplicate


def test_only_as_much_is_made_as_can_leave_soon(line):
    line.world.campaign([line.step()], contacts=100, per_minute=15)
    assert line.drain() == 30
    assert line.drain() == 0
    assert GATEWAY_BACKLOG >= 1000


def test_campaigns_share_a_gateways_backlog(line):
    with line.database.write() as session:
        session.get(Gateway, line.email).per_minute = 20
    campaigns = [line.world.campaign([line.step()], contacts=50) for _ in range(2)]
    line.drain()
    assert [line.counts(one)["in_progress"] for one in campaigns] == [40, 40]
