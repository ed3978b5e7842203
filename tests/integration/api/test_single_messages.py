"""One message to one person, asked for over the REST API."""

import pytest
from sqlmodel import select

from models.comm import CommDelivery
from models.event import Event, EventType

URL = "/api/v1/comms"
MAIL = {"name": "Order", "channel": "email", "subject": "Order {{ order }}", "html": "<p>{{ first_name }}</p>"}


@pytest.fixture
def order(client):
    """A message to Ada, ready to be asked for."""
    campaign = client.post("/api/v1/campaigns", json={"name": "Spring"}).json()["id"]
    row = {"email": "ada@customer.example", "first_name": "Ada", "order": "none yet"}
    person = client.post(f"/api/v1/campaigns/{campaign}/contacts", json=[row]).json()[0]["person_id"]
    gateway = client.post("/api/v1/gateways", json={"name": "S", "kind": "sandbox", "channel": "email"}).json()["id"]
    template = client.post("/api/v1/templates", json=MAIL).json()["id"]
    return {"person_id": person, "template_id": template, "gateway_id": gateway, "fields": {"order": "4711"}}


def test_a_message_is_asked_for_and_waits_with_its_own_fields(client, application, order):
    answer = client.post(URL, json={**order, "comm_code": "confirmed", "not_before": "2030-01-01T09:00:00+01:00"})
    assert answer.status_code == 201, answer.text
    request = answer.json()
    assert answer.headers["location"] == f"{URL}/{request['id']}"
    assert client.get(f"{URL}/{request['id']}").json() == request
    assert (request["state"], request["reason"], request["comm_code"]) == ("P", None, "confirmed")
    assert (request["person_id"], request["campaign_id"]) == (order["person_id"], None)
    assert request["trigger"]["kind"] == "api"
    delivery = client.get(f"/api/v1/deliveries/{request['deliveries'][0]}").json()
    assert (delivery["state"], delivery["target"]) == ("D", "ada@customer.example")
    assert delivery["not_before"] == "2030-01-01T08:00:00Z"
    with application.database.read() as session:
        merged = session.exec(select(CommDelivery)).one().merge
        noted = session.exec(select(Event).where(Event.type == EventType.COMM_REQUESTED)).one()
    assert (merged["order"], merged["first_name"]) == ("4711", "Ada")
    assert (str(noted.person_id), str(noted.delivery_id)) == (order["person_id"], delivery["id"])
    assert client.post(f"{URL}/{request['id']}/cancel").json()["state"] == "C"


def test_the_same_reference_is_one_message(client, order):
    first = client.post(URL, json={**order, "unique_ref": "order-4711"})
    again = client.post(URL, json={**order, "unique_ref": "order-4711"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert client.get(URL).json()["total"] == 1
    campaign = client.post("/api/v1/campaigns", json={"name": "Autumn"}).json()["id"]
    rows = [{"email": "bo@customer.example"}]
    other = client.post(f"/api/v1/campaigns/{campaign}/contacts", json=rows).json()[0]["person_id"]
    taken = client.post(URL, json={**order, "person_id": other, "unique_ref": "order-4711"})
    assert taken.status_code == 409


def test_who_has_no_address_for_the_channel_is_not_sent_to_and_told_why(client, order):
    text = client.post("/api/v1/templates", json={"name": "T", "channel": "sms", "text": "Hi"}).json()["id"]
    gateway = client.post("/api/v1/gateways", json={"name": "T", "kind": "sandbox", "channel": "sms"}).json()["id"]
    answer = client.post(URL, json={**order, "template_id": text, "gateway_id": gateway}).json()
    assert (answer["state"], answer["reason"], answer["deliveries"]) == ("N", "no_phone", [])


def test_what_does_not_fit_is_named(client, order):
    sms = client.post("/api/v1/gateways", json={"name": "T", "kind": "sandbox", "channel": "sms"}).json()["id"]
    cases = [
        ({"person_id": "999999"}, "person_id"),
        ({"person_id": "x"}, "person_id"),
        ({"template_id": "999"}, "template_id"),
        ({"gateway_id": "999"}, "gateway_id"),
        ({"gateway_id": sms}, "gateway_id"),
        ({"fields": {"long": "x" * 40_000}}, "fields"),
        ({"unique_ref": ""}, "unique_ref"),
        ({"not_before": "2030-01-01T09:00:00"}, "not_before"),
        ({"subject": "typo"}, "subject"),
    ]
    for change, loc in cases:
        answer = client.post(URL, json={**order, **change})
        assert answer.status_code == 422, change
        assert answer.json()["errors"][0]["loc"] == loc
    assert client.get(URL).json()["total"] == 0


def test_asking_for_a_message_needs_its_right(client, order, key_for):
    assert client.post(URL, json=order, headers=key_for("comms.read")).status_code == 403
    assert client.post(URL, json=order, headers=key_for("comms.edit", "comms.read")).status_code == 201
