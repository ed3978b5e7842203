"""Persons over the REST API."""

import pytest
from sqlmodel import select

from cxconsole import clock
from cxconsole.audience.search import drain_person_search_queue
from models.event import Event, EventType

URL = "/api/v1/persons"


@pytest.fixture
def people(client, application):
    """Ada and Bo, as they are read."""
    campaign = client.post("/api/v1/campaigns", json={"name": "Spring"}).json()["id"]
    rows = [
        {"email": "ada@customer.example", "first_name": "Ada", "last_name": "Lovelace", "plan": "gold"},
        {"phone": "+14155550123", "first_name": "Bo", "last_name": "Young", "customer_id": "C-2"},
    ]
    verdicts = client.post(f"/api/v1/campaigns/{campaign}/contacts", json=rows).json()
    index(application)
    return [client.get(f"{URL}/{one['person_id']}").json() for one in verdicts]


def index(application):
    with application.database.write() as session:
        drain_person_search_queue(session, now=clock.now(), limit=100)


def test_persons_are_listed_searched_and_read(client, people):
    ada, bo = people
    assert ada["attributes"] == {"plan": "gold"}
    assert [(one["kind"], one["value"], one["is_primary"]) for one in ada["identities"]] == [
        ("email", "ada@customer.example", True)
    ]
    assert {one["kind"] for one in bo["identities"]} == {"phone", "customer_id"}
    assert client.get(URL).json() == {"items": [ada, bo], "next_cursor": None, "total": 2}
    assert client.get(URL, params={"sort": "-last_name"}).json()["items"] == [bo, ada]
    assert client.get(URL, params={"q": "lovel gold"}).json()["items"] == [ada]
    assert client.get(URL, params={"q": "4155550"}).json()["items"] == [bo]
    assert client.get(URL, params={"q": "nobody"}).json()["total"] == 0
    first = client.get(URL, params={"limit": 1}).json()
    assert client.get(URL, params={"limit": 1, "cursor": first["next_cursor"]}).json()["items"] == [bo]


def test_a_change_keeps_what_it_does_not_name(client, application, people):
    ada = people[0]
    answer = client.patch(
        f"{URL}/{ada['id']}",
        json={"language": "sv-SE", "last_name": None, "attributes": {"plan": None, "score": 7}},
    )
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["first_name"], changed["last_name"], changed["language"]) == ("Ada", None, "sv-SE")
    assert changed["attributes"] == {"score": 7}
    index(application)
    assert client.get(URL, params={"q": "lovelace"}).json()["total"] == 0
    with application.database.read() as session:
        events = session.exec(select(Event).where(Event.type == EventType.PERSON_CHANGED)).all()
    assert [sorted(one.data["fields"]) for one in events] == [["attributes", "language", "last_name"]]


def test_a_bad_field_is_named(client, people):
    cases = [
        ({"language": "klingon!"}, "language"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"preferred_channel": "pigeon"}, "preferred_channel"),
        ({"email": "new@customer.example"}, "email"),
        ({"attributes": {"email": "x"}}, "attributes.email"),
        ({"attributes": []}, "attributes"),
        ({"first_name": 7}, "first_name"),
    ]
    for body, loc in cases:
        answer = client.patch(f"{URL}/{people[0]['id']}", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["errors"][0]["loc"] == loc
    assert client.get(f"{URL}/999999").status_code == 404
    assert client.patch(f"{URL}/999999", json={"first_name": "x"}).status_code == 404


def test_changing_a_person_needs_its_right(client, people, key_for):
    url = f"{URL}/{people[0]['id']}"
    assert client.get(url, headers=key_for("persons.read")).status_code == 200
    assert client.patch(url, json={"first_name": "x"}, headers=key_for("persons.read")).status_code == 403
    assert client.patch(url, json={"first_name": "x"}, headers=key_for("persons.edit")).status_code == 200
