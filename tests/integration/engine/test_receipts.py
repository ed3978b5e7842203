from datetime import timedelta

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.comms.deliveries import cancel_delivery, list_deliveries, retry_delivery, set_status
from cxconsole.comms.receipts import ReceiptRow, record_receipts
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from models.campaign import CampaignChannel
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactStatus
from models.event import Event
from models.suppression import Suppression
from tests.integration.engine.world import World


@pytest.fixture
def delivery(database, now):
    """The id of a delivery that was sent, of a contact that is completed."""
    world = World(database, now)
    campaign_id = world.campaign([{"template_id": world.template(), "gateway_id": 1}])
    with database.write() as session:
        contact = session.exec(select(CampaignContact)).one()
        contact.status = ContactStatus.COMPLETED
        progress = world.progress(campaign_id)
        progress.pending, progress.completed = 0, 1
        session.merge(progress)
        request = CommRequest(
            trigger_kind="campaign_step", campaign_id=campaign_id, contact_id=contact.id, person_id=contact.person_id,
            state=RequestState.PROCESSED, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(request)
        session.flush()
        row = CommDelivery(
            request_id=request.id, campaign_id=campaign_id, contact_id=contact.id, person_id=contact.person_id,
            node="s1", channel="email", target="ann@example.com", gateway_id=1, template_version_id=1,
            state=DeliveryState.SENT, attempts=1, not_before=now, created_at=now, sent_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def receive(database, delivery_id, *statuses, now, **more):
    rows = [
        ReceiptRow(delivery_id=delivery_id, status=status, at=now + timedelta(seconds=number), **more)
        for number, status in enumerate(statuses)
    ]
    with database.write() as session:
        return record_receipts(session, rows, now=now)


def read(database, table):
    with database.read() as session:
        return session.exec(select(table)).one()


def event_types(database):
    with database.read() as session:
        return [event.type for event in session.exec(select(Event).order_by(Event.id))]


def test_a_receipt_is_counted_once_however_often_it_comes(database, delivery, now):
    assert receive(database, delivery, "delivered", "delivered", now=now) == 1
    assert receive(database, delivery, "delivered", now=now) == 0
    assert read(database, CampaignChannel).delivered == 1
    assert event_types(database) == ["comm.delivered"]
    assert read(database, CommDelivery).state == DeliveryState.DELIVERED


def test_a_click_tells_that_it_was_opened_and_delivered(database, delivery, now):
    receive(database, delivery, "clicked", now=now)
    row = read(database, CommDelivery)
    assert row.delivered_at == row.opened_at == row.clicked_at == now
    assert event_types(database) == ["comm.delivered", "comm.opened", "comm.clicked"]


def test_a_late_delivered_does_not_undo_a_bounce(database, delivery, now):
    receive(database, delivery, "bounced", now=now, reason="550 5.1.1 No such mailbox")
    assert receive(database, delivery, "delivered", now=now) == 0
    row = read(database, CommDelivery)
    assert (row.state, row.reason) == (DeliveryState.BOUNCED, "550 5.1.1 No such mailbox")


def test_a_late_bounce_is_the_truer_word(database, delivery, now):
    receive(database, delivery, "delivered", now=now)
    receive(database, delivery, "bounced", now=now)
    assert read(database, CommDelivery).state == DeliveryState.BOUNCED


@pytest.mark.parametrize("status", ["bounced", "unsubscribed", "complained"])
def test_who_does_not_want_or_cannot_get_mail_is_suppressed_once(database, delivery, now, status):
    receive(database, delivery, status, status, now=now)
    suppression = read(database, Suppression)
    assert (suppression.address, suppression.channel, suppression.reason) == ("ann@example.com", "email", status)


def test_a_soft_bounce_suppresses_nobody(database, delivery, now):
    receive(database, delivery, "bounced", now=now, reason="452 4.2.2 Mailbox full")
    with database.read() as session:
        assert session.exec(select(Suppression)).all() == []


def test_a_receipt_quicker_than_the_sender_keeps_its_time(database, delivery, now):
    with database.write() as session:
        session.get(CommDelivery, delivery).state = DeliveryState.SENDING
    receive(database, delivery, "delivered", now=now)
    row = read(database, CommDelivery)
    assert (row.state, row.delivered_at) == (DeliveryState.SENDING, now)


def test_an_unknown_delivery_is_passed_over(database, now):
    assert receive(database, 4711, "delivered", now=now) == 0


def test_a_vendor_may_report_by_code_or_word_and_only_known_ones(database, delivery, now):
    with database.write() as session:
        set_status(session, delivery, status="S", at=now, reason=None, actor=OPERATOR, now=now, reference="v-1")
    assert read(database, CommDelivery).provider_id == "v-1"
    with database.write() as session:
        view = set_status(session, delivery, status="E", at=now, reason="no route", actor=OPERATOR, now=now)
    assert (view.state, view.reason) == (DeliveryState.BOUNCED, "no route")
    with pytest.raises(Invalid), database.write() as session:
        set_status(session, delivery, status="vanished", at=now, reason=None, actor=OPERATOR, now=now)
    with pytest.raises(NotFound), database.write() as session:
        set_status(session, 4711, status="S", at=now, reason=None, actor=OPERATOR, now=now)


def make_failed(database, delivery_id):
    with database.write() as session:
        row = session.get(CommDelivery, delivery_id)
        row.state, row.attempts = DeliveryState.ERROR, 5
        session.get(CommRequest, row.request_id).state = RequestState.ERROR
        session.get(CampaignContact, row.contact_id).status = ContactStatus.FAILED
        progress = World(database).progress(row.campaign_id)
        progress.completed, progress.failed = 0, 1
        session.merge(progress)


def test_a_failed_delivery_can_be_tried_again(database, delivery, now):
    make_failed(database, delivery)
    with database.write() as session:
        view = retry_delivery(session, delivery, actor=OPERATOR, now=now)
    assert (view.state, view.attempts, view.request_state) == (DeliveryState.AWAITING_DISTRIBUTION, 0, "P")
    assert read(database, CampaignContact).status == ContactStatus.IN_PROGRESS
    progress = World(database).progress(view.campaign_id)
    assert (progress.planned, progress.failed, progress.in_progress) == (1, 0, 1)


def test_what_was_sent_can_be_neither_tried_again_nor_cancelled(database, delivery, now):
    for service in (retry_delivery, cancel_delivery):
        with pytest.raises(Conflict), database.write() as session:
            service(session, delivery, actor=OPERATOR, now=now)


def test_a_waiting_delivery_can_be_cancelled(database, delivery, now):
    make_failed(database, delivery)
    with database.write() as session:
        retry_delivery(session, delivery, actor=OPERATOR, now=now)
        view = cancel_delivery(session, delivery, actor=OPERATOR, now=now)
    assert (view.state, view.request_state) == (DeliveryState.CANCELLED, RequestState.CANCELLED)
    progress = World(database).progress(view.campaign_id)
    assert (progress.in_progress, progress.suppressed) == (0, 1)


def test_deliveries_are_listed_for_those_who_may_read_them(database, delivery):
    with database.read() as session:
        page = list_deliveries(session, actor=OPERATOR, state="S", channel="email")
        assert [one.id for one in page.items] == [delivery]
        assert list_deliveries(session, actor=OPERATOR, state="E").total == 0
        with pytest.raises(Forbidden):
            list_deliveries(session, actor=Actor(kind="key", name="bob", rights=frozenset({"campaigns.read"})))
