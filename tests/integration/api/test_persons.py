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


def test_an_address_is_added_used_and_taken_away(client, application, people):
    url = f"{URL}/{people[0]['id']}/identities"
    added = client.post(url, json={"kind": "email", "value": "Ada@Work.example", "is_primary": True})
    assert added.status_code == 201, added.text
    assert (added.json()["value"], added.json()["is_primary"]) == ("Ada@work.example", True)
    assert client.post(url, json={"kind": "email", "value": "Ada@work.example"}).json() == added.json()
    phone = client.post(url, json={"kind": "phone", "value": "070-123 45 67", "default_region": "se"}).json()
    assert (phone["value"], phone["is_primary"]) == ("+46701234567", True)
    read = client.get(f"{URL}/{people[0]['id']}").json()["identities"]
    assert [(one["value"], one["is_primary"]) for one in read] == [
        ("Ada@work.example", True), ("ada@customer.example", False), ("+46701234567", True),
    ]  # fmt: skip
    index(application)
    assert client.get(URL, params={"q": "work.example"}).json()["total"] == 1
    assert client.delete(f"{url}/{added.json()['id']}").status_code == 204
    left = client.get(f"{URL}/{people[0]['id']}").json()["identities"]
    assert [(one["value"], one["is_primary"]) for one in left] == [
        ("ada@customer.example", True), ("+46701234567", True),
    ]  # fmt: skip
    assert client.delete(f"{url}/{added.json()['id']}").status_code == 404
    assert client.delete(f"{url}/{people[1]['identities'][0]['id']}").status_code == 404
    with application.database.read() as session:
        events = session.exec(select(Event).where(Event.type == EventType.PERSON_CHANGED)).all()
    assert [one.data["fields"] for one in events] == [["email"], ["phone"], ["email"]]


def test_the_last_address_and_those_of_others_stay(client, people):
    ada, bo = people
    url = f"{URL}/{ada['id']}/identities"
    assert client.delete(f"{url}/{ada['identities'][0]['id']}").status_code == 409
    taken = client.post(url, json={"kind": "customer_id", "value": "C-2"})
    assert (taken.status_code, taken.json()["errors"][0]["loc"]) == (409, "customer_id")
    for body, loc in (
        ({"kind": "pigeon", "value": "coo"}, "kind"),
        ({"kind": "email", "value": "nobody"}, "value"),
        ({"kind": "email"}, "value"),
        ({"kind": "phone", "value": "070-1234567", "default_region": "Q"}, "default_region"),
    ):
        answer = client.post(url, json=body)
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, loc)
    assert client.post(f"{URL}/999999/identities", json={"kind": "email", "value": "a@b.example"}).status_code == 404
    assert [client.get(f"{URL}/{one['id']}").json() for one in people] == [ada, bo]


def test_two_persons_are_made_one_and_the_other_stands_for_it(client, application, people):
    ada, bo = people
    united = client.post(f"{URL}/merge", json={"person_ids": [bo["id"], ada["id"]]})
    assert united.status_code == 200, united.text
    assert (united.json()["id"], united.json()["first_name"]) == (ada["id"], "Ada")
    assert {one["kind"] for one in united.json()["identities"]} == {"email", "phone", "customer_id"}
    assert client.get(f"{URL}/{bo['id']}").json()["merged_into"] == ada["id"]
    assert client.get(URL).json()["total"] == 1
    again = client.post(f"{URL}/merge", json={"person_ids": [bo["id"], ada["id"]]})
    assert (again.status_code, again.json()["id"]) == (200, ada["id"])
    assert client.patch(f"{URL}/{bo['id']}", json={"first_name": "x"}).status_code == 409
    with application.database.read() as session:
        merged = session.exec(select(Event).where(Event.type == EventType.PERSON_MERGED)).one()
    assert (str(merged.person_id), str(merged.data["merged_person_id"])) == (ada["id"], bo["id"])
    for body in ({"person_ids": [ada["id"]]}, {"person_ids": [ada["id"], "999999"]}, {"person_ids": ["x", ada["id"]]}):
        refused = client.post(f"{URL}/merge", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, "person_ids")


def test_making_persons_one_needs_its_right(client, people, key_for):
    reader = key_for("persons.read")
    body = {"person_ids": [one["id"] for one in people]}
    assert client.post(f"{URL}/merge", json=body, headers=reader).status_code == 403
    url = f"{URL}/{people[0]['id']}/identities"
    assert client.post(url, json={"kind": "email", "value": "a@b.example"}, headers=reader).status_code == 403
    assert client.delete(f"{url}/{people[0]['identities'][0]['id']}", headers=reader).status_code == 403
