from datetime import timedelta

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.advance import FlowHooks
from cxconsole.campaigns.lifecycle import create_campaign
from cxconsole.comms.links import Links
from cxconsole.comms.reactions import (
    TEST_DELIVERY,
    get_subscription,
    mask,
    record_click,
    record_open,
    unsubscribe,
    unsubscribe_page,
)
from cxconsole.errors import NotFound
from models.campaign import CampaignChannel, CampaignProgress
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactStatus
from models.event import Event
from models.person import Identity, Person
from models.suppression import Suppression

LINKS = Links(base_url="https://mail.example.com", key=b"k" * 32, tracks=True)
ADDRESS = "Ann@example.com"


def token_of(url):
    return url.removeprefix(LINKS.base_url).split("?")[0].rsplit("/", 1)[1].removesuffix(".gif")


def out(delivery_id):
    return token_of(LINKS.unsubscribe_url(delivery_id))


@pytest.fixture
def campaign_id(database, now):
    with database.write() as session:
        session.add(Person(id=1, created_at=now, updated_at=now))
        session.add(Identity(person_id=1, kind="email", value=ADDRESS, created_at=now))
        return create_campaign(session, "A", actor=OPERATOR, now=now).id


@pytest.fixture
def deliver(now, campaign_id):
    """Puts a delivery of a contact in progress into the campaign."""

    def make(session, state, *, person_id=1, target=ADDRESS, channel="email"):
        contact = CampaignContact(
            campaign_id=campaign_id, person_id=person_id, source_id=1, status=ContactStatus.IN_PROGRESS, created_at=now
        )
        request = CommRequest(
            trigger_kind="campaign_step", campaign_id=campaign_id, person_id=person_id, state=RequestState.PROCESSED,
            created_at=now, updated_at=now,
        )  # fmt: skip
        session.add_all([contact, request])
        session.flush()
        request.contact_id = contact.id
        delivery = CommDelivery(
            request_id=request.id, campaign_id=campaign_id, contact_id=contact.id, person_id=person_id, node="s1",
            channel=channel, target=target, gateway_id=1, template_version_id=1, state=state, not_before=now,
            created_at=now, sent_at=now if state == DeliveryState.SENT else None,
        )  # fmt: skip
        session.add(delivery)
        progress = session.get_one(CampaignProgress, campaign_id)
        progress.in_progress += 1
        progress.planned += 1
        session.flush()
        return delivery

    return make


def test_looking_changes_nothing_and_the_page_asks_first(database, deliver):
    with database.write() as session:
        delivery = deliver(session, DeliveryState.SENT)
    with database.write() as session:
        subscription = get_subscription(session, out(delivery.id), links=LINKS)
        assert not subscription.unsubscribed
        page = unsubscribe_page(subscription)
        assert 'method="post"' in page and "A…n@example.com" in page and ADDRESS not in page
    with database.read() as session:
        assert session.exec(select(Suppression)).all() == []
        assert session.get_one(CommDelivery, delivery.id).unsubscribed_at is None


def test_unsubscribing_takes_effect_for_what_is_queued(database, now, deliver, campaign_id):
    with database.write() as session:
        sent = deliver(session, DeliveryState.SENT)
        other = deliver(session, DeliveryState.AWAITING_DISTRIBUTION, person_id=2, target="bob@example.com")
        session.add(Person(id=3, merged_into=1, created_at=now, updated_at=now))
        queued = deliver(session, DeliveryState.AWAITING_DISTRIBUTION, person_id=3)  # made before a merge
    with database.write() as session:
        result = unsubscribe(session, out(queued.id), links=LINKS, hooks=FlowHooks(), now=now)
        assert result.stopped == 1 and result.subscription.unsubscribed
    with database.read() as session:
        stopped = session.get_one(CommDelivery, queued.id)
        assert (stopped.state, stopped.reason) == (DeliveryState.CANCELLED, "unsubscribed")
        assert stopped.checks["suppression"] == "stop"
        assert session.get_one(CommRequest, queued.request_id).state == RequestState.OPTED_OUT
        contact = session.get_one(CampaignContact, queued.contact_id)
        assert (contact.status, contact.reason) == (ContactStatus.SUPPRESSED, "unsubscribed")
        progress = session.get_one(CampaignProgress, campaign_id)
        assert (progress.in_progress, progress.suppressed, progress.planned) == (2, 1, 3)
        assert session.get_one(CommDelivery, sent.id).state == DeliveryState.SENT
        assert session.get_one(CommDelivery, other.id).state == DeliveryState.AWAITING_DISTRIBUTION
        suppression = session.exec(select(Suppression)).one()
        assert (suppression.address, suppression.channel, suppression.reason) == (
            ADDRESS.lower(), "email", "unsubscribed",
        )  # fmt: skip
        assert result.suppression_id == suppression.id
        assert ADDRESS not in str([one.data for one in session.exec(select(Event)).all()])


def test_the_message_just_read_stops_the_retries_of_others(database, now, deliver):
    with database.write() as session:
        sent = deliver(session, DeliveryState.SENT)
        session.add(Person(id=3, merged_into=1, created_at=now, updated_at=now))
        sms = deliver(session, DeliveryState.RETRY, person_id=3, target="+15550001111", channel="sms")
    with database.write() as session:
        assert unsubscribe(session, out(sent.id), links=LINKS, hooks=FlowHooks(), now=now).stopped == 0
        assert session.get_one(CommDelivery, sms.id).state == DeliveryState.RETRY  # another channel


def test_twice_is_as_once_and_counts_once(database, now, deliver, campaign_id):
    with database.write() as session:
        delivery = deliver(session, DeliveryState.SENT)
    for minute in range(2):
        with database.write() as session:
            at = now + timedelta(minutes=minute)
            result = unsubscribe(session, out(delivery.id), links=LINKS, hooks=FlowHooks(), now=at)
            assert result.subscription.unsubscribed
    with database.read() as session:
        assert len(session.exec(select(Suppression)).all()) == 1
        assert session.get_one(CampaignChannel, (campaign_id, "email")).unsubscribed == 1
        assert session.get_one(CommDelivery, delivery.id).unsubscribed_at == now
        assert get_subscription(session, out(delivery.id), links=LINKS).unsubscribed


def test_whoever_comes_back_can_leave_again(database, now, deliver):
    with database.write() as session:
        delivery = deliver(session, DeliveryState.SENT)
        unsubscribe(session, out(delivery.id), links=LINKS, hooks=FlowHooks(), now=now)
        session.delete(session.exec(select(Suppression)).one())
    with database.write() as session:
        assert not get_subscription(session, out(delivery.id), links=LINKS).unsubscribed
        unsubscribe(session, out(delivery.id), links=LINKS, hooks=FlowHooks(), now=now)
        assert session.exec(select(Suppression)).one().address == ADDRESS.lower()


def test_opens_and_clicks_are_noted_once(database, now, deliver, campaign_id):
    address = "https://shop.example.com/?a=1"
    with database.write() as session:
        delivery = deliver(session, DeliveryState.SENT)
        for _ in range(2):
            assert record_open(session, token_of(LINKS.open_url(delivery.id)), links=LINKS, now=now) == campaign_id
            token = token_of(LINKS.click_url(delivery.id, address))
            assert record_click(session, token, address, links=LINKS, now=now) == campaign_id
    with database.read() as session:
        counts = session.get_one(CampaignChannel, (campaign_id, "email"))
        assert (counts.opened, counts.clicked, counts.delivered) == (1, 1, 1)


def test_links_that_were_not_made_here_do_nothing(database, now, deliver):
    with database.write() as session:
        delivery = deliver(session, DeliveryState.SENT)
        assert record_open(session, "nonsense", links=LINKS, now=now) is None
        token = token_of(LINKS.click_url(delivery.id, "https://shop.example.com/"))
        with pytest.raises(NotFound):
            record_click(session, token, "https://evil.example.com/", links=LINKS, now=now)
        script = "javascript:alert(1)"
        with pytest.raises(NotFound, match="web page"):
            record_click(session, token_of(LINKS.click_url(delivery.id, script)), script, links=LINKS, now=now)
        with pytest.raises(NotFound):
            unsubscribe(session, token_of(LINKS.open_url(delivery.id)), links=LINKS, hooks=FlowHooks(), now=now)
        with pytest.raises(NotFound, match="not kept"):
            unsubscribe(session, out(delivery.id + 7), links=LINKS, hooks=FlowHooks(), now=now)
        assert session.get_one(CommDelivery, delivery.id).opened_at is None


def test_the_link_of_a_test_message_unsubscribes_nobody(database, now):
    with database.write() as session:
        result = unsubscribe(session, out(TEST_DELIVERY), links=LINKS, hooks=FlowHooks(), now=now)
        assert result.suppression_id is None and "a test message" in unsubscribe_page(result.subscription)
        assert session.exec(select(Suppression)).all() == []


@pytest.mark.parametrize(
    ("address", "masked"),
    [("ann@example.com", "a…n@example.com"), ("a@b.example", "a…@b.example"), ("+15550001111", "…1111")],
)
def test_an_address_is_masked(address, masked):
    assert mask(address) == masked
