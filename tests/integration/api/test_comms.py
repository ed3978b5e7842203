"""Requests and deliveries over the REST API."""

import pytest
from sqlmodel import select

from cxconsole import clock
from models.campaign import CampaignProgress
from models.comm import CommDelivery, CommRequest, DeliveryState, RequestState
from models.contact import CampaignContact, ContactStatus
from models.suppression import Suppression


@pytest.fixture
def world(client, application):
    """A campaign whose one contact has a delivery that waits; its keys as the API says them."""
    campaign = client.post("/api/v1/campaigns", json={"name": "Spring"}).json()["id"]
    client.post(f"/api/v1/campaigns/{campaign}/contacts", json=[{"email": "ada@customer.example"}])
    now = clock.now()
    with application.database.write() as session:
        contact = session.exec(select(CampaignContact)).one()
        contact.status, contact.node, contact.due_at = ContactStatus.IN_PROGRESS, "s1", None
        numbers = session.exec(select(CampaignProgress)).one()
        numbers.pending, numbers.in_progress = 0, 1
        request = CommRequest(
            trigger_kind="campaign_step", trigger_id="s1", campaign_id=contact.campaign_id, contact_id=contact.id,
            person_id=contact.person_id, state=RequestState.PROCESSED, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(request)
        session.flush()
        delivery = CommDelivery(
            request_id=request.id or 0, campaign_id=contact.campaign_id, contact_id=contact.id,
            person_id=contact.person_id, node="s1", channel="email", target="ada@customer.example", gateway_id=1,
            template_version_id=1, state=DeliveryState.AWAITING_DISTRIBUTION, not_before=now, created_at=now,
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        return {
            "campaign": campaign,
            "request": str(request.id),
            "delivery": str(delivery.id),
            "contact": str(contact.id),
        }


def set_state(application, state: DeliveryState, contact: ContactStatus | None = None) -> None:
    with application.database.write() as session:
        session.exec(select(CommDelivery)).one().state = state
        if state not in (DeliveryState.AWAITING_DISTRIBUTION, DeliveryState.ERROR):
            session.exec(select(CommDelivery)).one().sent_at = clock.now()
        if contact is not None:
            session.exec(select(CampaignContact)).one().status = contact
            numbers = session.exec(select(CampaignProgress)).one()
            numbers.in_progress, numbers.failed = 0, 1


def test_requests_and_deliveries_are_listed_and_read(client, world):
    request = client.get(f"/api/v1/comms/{world['request']}").json()
    assert request["trigger"] == {"kind": "campaign_step", "id": "s1", "unique_ref": None}
    assert (request["state"], request["campaign_id"]) == ("P", world["campaign"])
    assert request["deliveries"] == [world["delivery"]]
    delivery = client.get(f"/api/v1/deliveries/{world['delivery']}").json()
    assert (delivery["state"], delivery["request_id"]) == ("D", world["request"])
    for url, one in (("/api/v1/comms", request), ("/api/v1/deliveries", delivery)):
        for params in ({}, {"campaign": world["campaign"]}, {"contact": world["contact"]}, {"state": one["state"]},
                       {"person": one["person_id"]}, {"sort": "-created_at"}):  # fmt: skip
            assert client.get(url, params=params).json()["items"] == [one], params
        for params in ({"campaign": "CMP-999999"}, {"contact": "999"}, {"state": "E"}, {"person": "999"}):
            assert client.get(url, params=params).json()["items"] == [], params
        for params in ({"campaign": "1"}, {"contact": "x"}, {"state": "nope"}, {"sort": "nope"}):
            assert client.get(url, params=params).status_code == 422, params


def test_a_request_of_which_nothing_has_left_is_cancelled_once(client, world):
    answer = client.post(f"/api/v1/comms/{world['request']}/cancel")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["reason"]) == ("C", "cancelled")
    assert client.get(f"/api/v1/deliveries/{world['delivery']}").json()["state"] == "C"
    assert client.post(f"/api/v1/comms/{world['request']}/cancel").status_code == 409


def test_a_request_whose_message_left_is_not_cancelled(client, world, application):
    set_state(application, DeliveryState.SENT)
    assert client.post(f"/api/v1/comms/{world['request']}/cancel").status_code == 409


def test_a_status_is_idempotent_and_never_goes_backwards(client, world, application):
    set_state(application, DeliveryState.SENT)
    url = f"/api/v1/deliveries/{world['delivery']}/status"
    read_at = "2026-05-19T12:00:00+02:00"
    first = client.post(url, json={"status": "read", "read_at": read_at, "reference": "v-1"})
    assert first.status_code == 200, first.text
    assert (first.json()["state"], first.json()["read_at"]) == ("delivered", "2026-05-19T10:00:00Z")
    assert first.json()["provider_id"] == "v-1"
    for body in ({"status": "read"}, {"status": "delivered"}, {"status": "S"}):
        assert client.post(url, json=body).json() == first.json()


def test_an_unsubscription_that_is_reported_suppresses(client, world, application):
    set_state(application, DeliveryState.SENT)
    client.post(f"/api/v1/deliveries/{world['delivery']}/status", json={"status": "unsubscribed"})
    with application.database.read() as session:
        found = session.exec(select(Suppression)).one()
        assert (found.address, found.channel, found.reason) == ("ada@customer.example", "email", "unsubscribed")


def test_a_status_that_cannot_be_is_refused(client, world):
    url = f"/api/v1/deliveries/{world['delivery']}/status"
    cases = [
        ({"status": "nope"}, "status"),
        ({}, "status"),
        ({"status": "read", "read_at": "2026-05-19T12:00:00"}, "read_at"),
        ({"status": "read", "colour": "red"}, "colour"),
        ({"status": "read", "target": "bob@customer.example"}, "target"),
        ({"status": "read", "method": "sms"}, "method"),
    ]
    for body, loc in cases:
        answer = client.post(url, json=body)
        assert answer.status_code == 422, body
        assert answer.json()["errors"][0]["loc"] == loc
    assert client.post("/api/v1/deliveries/999/status", json={"status": "read"}).status_code == 404


def test_only_a_failed_delivery_is_retried(client, world, application):
    url = f"/api/v1/deliveries/{world['delivery']}/retry"
    assert client.post(url).status_code == 409
    set_state(application, DeliveryState.ERROR, ContactStatus.FAILED)
    with application.database.write() as session:
        session.exec(select(CommRequest)).one().state = RequestState.ERROR
    assert client.post(url).json()["state"] == "D"


def test_reading_does_not_allow_changing(client, world, key_for):
    reader = key_for("comms.read")
    assert client.get("/api/v1/deliveries", headers=reader).status_code == 200
    for url in (f"comms/{world['request']}/cancel", f"deliveries/{world['delivery']}/retry"):
        assert client.post(f"/api/v1/{url}", headers=reader).status_code == 403
    answer = client.post(f"/api/v1/deliveries/{world['delivery']}/status", json={"status": "read"}, headers=reader)
    assert answer.status_code == 403
