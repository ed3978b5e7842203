"""Erasing and exporting a person, and marking fields as personal, over REST."""

import tracemalloc

import pytest

from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.person_export import export_person
from tests.integration.raw_rows import find_raw

EMAIL = "grace.hopper@mail.example"


def send(client, number, **more):
    event = {"id": f"e{number}", "source": "shop", "type": "order.placed", "person": EMAIL,
             "data": {"customer": {"email": EMAIL}, "total": number}} | more  # fmt: skip
    answer = client.post("/api/v1/events", json=[event])
    assert answer.json()[0]["status"] == "accepted", answer.text


def person_id(client):
    return client.get("/api/v1/persons", params={"q": ""}).json()["items"][0]["id"]


def test_a_person_is_exported_then_erased_and_the_address_is_nowhere(client, application):
    send(client, 1)
    key = person_id(client)
    assert find_raw(application.database, EMAIL)
    export = client.get(f"/api/v1/persons/{key}/export")
    assert export.headers["content-disposition"] == f'attachment; filename="person-{key}.json"'
    told = export.json()
    assert told["person"]["identities"][0]["value"] == EMAIL
    [order] = [one for one in told["events"] if one["source"] == "shop"]
    assert order["data"] == {"customer": {"email": EMAIL}, "total": 1}
    erased = client.post(f"/api/v1/persons/{key}/erase").json()
    assert (erased["id"], erased["identities"]) == (key, 1)
    assert find_raw(application.database, EMAIL) == []
    again = client.post(f"/api/v1/persons/{key}/erase").json()
    assert (again["erased_at"], again["identities"]) == (erased["erased_at"], 0)
    reading = client.get(f"/api/v1/persons/{key}").json()
    assert (reading["identities"], reading["erased_at"]) == ([], erased["erased_at"])
    assert client.get("/api/v1/persons").json()["total"] == 0
    [event] = client.get("/v1/journey/events", params={"$filter": "source eq 'shop'"}).json()["events"]
    assert event["data"] == {"customer": {"email": "erased"}, "total": 1}
    assert client.get(f"/v1/journey/events/{EMAIL}").json()["events"] == []
    send(client, 2)
    assert person_id(client) != key


@pytest.mark.parametrize("path", ["abc", "999999"])
def test_who_is_not_there_is_not_found(client, path):
    assert client.post(f"/api/v1/persons/{path}/erase").status_code == 404
    assert client.get(f"/api/v1/persons/{path}/export").status_code == 404


def test_each_needs_its_own_right(client, stranger, key_for):
    send(client, 1)
    key = person_id(client)
    for scopes, path, verb in (
        (("persons.read", "persons.edit", "persons.export"), "erase", "POST"),
        (("persons.read", "persons.erase", "events.read"), "export", "GET"),
        (("persons.read", "persons.export"), "export", "GET"),
    ):
        stranger.headers.update(key_for(*scopes))
        assert stranger.request(verb, f"/api/v1/persons/{key}/{path}").status_code == 403


def test_event_types_tell_their_personal_fields_and_take_a_mark(client):
    send(client, 1)
    [kind] = client.get("/api/v1/event-types").json()["items"]
    assert (kind["type"], kind["source"], kind["personal"]) == ("order.placed", "shop", ["customer.email"])
    assert kind["fields"] == {"customer.email": ["text"], "total": ["integer"]}
    mark = {"type": "order.placed", "source": "shop", "path": "total", "is_personal": True}
    assert client.post("/api/v1/event-types/personal", json=mark).json()["personal"] == ["customer.email", "total"]
    answer = client.get("/v1/journey/events", params={"$filter": "data/total eq 1"})
    assert answer.status_code == 422
    assert "total is personal in order.placed of shop" in answer.text
    assert client.post("/api/v1/event-types/personal", json={**mark, "type": "none"}).status_code == 404
    assert client.post("/api/v1/event-types/personal", json={**mark, "path": ""}).status_code == 422


def test_an_export_of_many_events_takes_no_more_memory_than_a_page_of_them(client, application):
    events = [
        {"id": f"m{n}", "source": "shop", "type": "page.viewed", "person": EMAIL, "data": {"text": "x" * 1_000}}
        for n in range(8_000)
    ]
    for start in range(0, len(events), 1_000):
        client.post("/api/v1/events", json=events[start : start + 1_000])
    key = int(person_id(client))
    with application.database.read() as session:
        next(export_person(session, key, actor=OPERATOR))
        tracemalloc.start()
        size = sum(len(piece) for piece in export_person(session, key, actor=OPERATOR))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 8_000_000
    assert peak < size / 2
