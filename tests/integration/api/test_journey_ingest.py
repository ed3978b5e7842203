"""`POST /v1/journey/events`: what comes in is on the Tape once, about the right person, before it is answered."""

import itertools
import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from models.event import Event, EventType
from models.journey import EventTypeSeen, IdentityConflict
from models.person import Identity, Person

URL = "/v1/journey/events"
ANON = "anon-6f0c3ea4-3f6e-4a57-9a1d-6a1b2f5d7c11"


def event(**more):
    return {
        "specVersion": "1.0", "id": str(uuid.uuid4()), "source": "shop", "type": "page.visited",
        "person": "ada@mail.example", "time": "2026-05-19T09:00:00.000Z", "dataContentType": "application/json",
        "data": {"page": "/cart", "cart": {"total": 12.5}},
    } | more  # fmt: skip


def given(application):
    """The events of others, oldest first."""
    with application.database.read() as session:
        return session.exec(select(Event).where(Event.source != "cxconsole").order_by(Event.id)).all()


def seen(application, count):
    """The registry, once it has counted so many: it may be a moment late."""
    deadline = time.monotonic() + 20
    while True:
        with application.database.read() as session:
            rows = session.exec(select(EventTypeSeen)).all()
        if sum(row.count for row in rows) >= count or time.monotonic() > deadline:
            return rows
        time.sleep(0.01)


def persons(application):
    with application.database.read() as session:
        found = session.exec(select(Identity).order_by(Identity.id)).all()
        return {one.value: one.person_id for one in found}


def test_an_event_is_on_the_tape_when_it_is_answered(client, application):
    answer = client.post(URL, json=event())
    assert (answer.status_code, answer.json()["meta"]["orgId"]) == (202, "cxconsole")
    assert answer.json()["data"]["message"]
    [stored] = given(application)
    assert (stored.type, stored.source, stored.data) == (
        "page.visited", "shop", {"page": "/cart", "cart": {"total": 12.5}},
    )  # fmt: skip
    assert stored.time == datetime(2026, 5, 19, 9, tzinfo=UTC)
    assert stored.actor.startswith("key:")
    with application.database.read() as session:
        identity = session.get_one(Identity, stored.identity_id)
    assert (identity.kind, identity.value, identity.person_id) == ("email", "ada@mail.example", stored.person_id)


def test_the_same_source_and_id_count_once(client, application):
    once = event()
    for _ in range(3):
        assert client.post(URL, json=once).status_code == 202
    assert client.post(URL, json=[once, once, event(id=once["id"], source="other")]).status_code == 202
    assert len(given(application)) == 2
    assert {row.source: row.count for row in seen(application, 2)} == {"shop": 1, "other": 1}


def test_a_batch_keeps_its_order_and_times_default_to_now(client, application):
    batch = [event(type=f"step.{n}", time=None) for n in range(20)]
    assert client.post(URL, json=batch).status_code == 202
    stored = given(application)
    assert [one.type for one in stored] == [f"step.{n}" for n in range(20)]
    assert all(abs(one.time - datetime.now(UTC)) < timedelta(minutes=1) for one in stored)


def test_a_large_batch_is_stored_as_it_came_and_what_is_sent_again_once(client, application):
    awkward = 'tab\t line\nfeed\r "quote" back\\slash \\N \\. ; é 🚗 \u2028'
    first = [event(person=f"C-{n % 7}", data={"n": n, "text": awkward}, campaign=awkward[:9]) for n in range(300)]
    assert client.post(URL, json=first).status_code == 202
    more = [event(data={"n": 300 + n, "text": awkward}) for n in range(150)]
    assert client.post(URL, json=[*more[:75], *first[:200], *more[75:], *more]).status_code == 202
    stored = given(application)
    assert [one.event_id for one in stored] == [one["id"] for one in (*first, *more)]
    assert [one.data for one in stored] == [one["data"] for one in (*first, *more)]
    assert [one.extensions for one in stored[:300]] == [{"campaign": awkward[:9]}] * 300
    assert {one.time for one in stored} == {datetime(2026, 5, 19, 9, tzinfo=UTC)}
    assert [row.count for row in seen(application, 450)] == [450]


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("Ada@Mail.EXAMPLE", "email", "Ada@mail.example"),
        ("+46701234567", "phone", "+46701234567"),
        (ANON, "temporary_id", ANON),
        ("C-1001", "customer_id", "C-1001"),
        ("anon-1", "customer_id", "anon-1"),
        ("0701234567", "customer_id", "0701234567"),
        ("not@an address", "customer_id", "not@an address"),
    ],
)
def test_a_name_says_by_its_looks_what_it_is(client, application, name, kind, value):
    assert client.post(URL, json=event(person=name)).status_code == 202
    with application.database.read() as session:
        identity = session.exec(select(Identity)).one()
    assert (identity.kind, identity.value) == (kind, value)


def test_the_anonymous_past_joins_a_person_who_is_new(client, application):
    client.post(URL, json=event(person=ANON))
    client.post(URL, json=event(person="ada@mail.example", previously=ANON))
    first, second = given(application)
    assert first.person_id == second.person_id
    assert persons(application) == {ANON: first.person_id, "ada@mail.example": first.person_id}


def test_the_anonymous_past_is_merged_into_a_person_who_is_known(client, application):
    client.post(URL, json=[event(person="ada@mail.example"), event(person=ANON)])
    client.post(URL, json=event(person="ada@mail.example", previously=ANON))
    ada, past, joined = given(application)
    assert ada.person_id == joined.person_id != past.person_id
    with application.database.read() as session:
        assert session.get_one(Person, past.person_id).merged_into == ada.person_id
        merged = session.exec(select(Event).where(Event.type == EventType.PERSON_MERGED)).one()
    assert merged.person_id == ada.person_id
    assert persons(application)[ANON] == ada.person_id


def test_a_chain_within_one_batch_is_one_person(client, application):
    names = ["ada@mail.example", ANON, "C-7", "+46701234567"]
    links = [event(person=a, previously=b) for a, b in itertools.pairwise(names)]
    assert client.post(URL, json=links).status_code == 202
    assert len(set(persons(application).values())) == 1
    assert set(persons(application)) == set(names)


def test_two_known_persons_are_a_conflict_and_stay_two(client, application):
    client.post(URL, json=[event(person="ada@mail.example"), event(person="bob@mail.example")])
    for _ in range(2):
        answer = client.post(URL, json=event(person="ada@mail.example", previously="bob@mail.example"))
        assert answer.status_code == 202
    found = persons(application)
    assert found["ada@mail.example"] != found["bob@mail.example"]
    with application.database.read() as session:
        conflict = session.exec(select(IdentityConflict)).one()
    assert (conflict.person_id, conflict.other_person_id) == (found["ada@mail.example"], found["bob@mail.example"])


def test_a_shared_browser_stays_with_whom_it_was_first(client, application):
    client.post(URL, json=event(person="ada@mail.example", previously=ANON))
    client.post(URL, json=event(person="bob@mail.example"))
    client.post(URL, json=event(person="bob@mail.example", previously=ANON))
    found = persons(application)
    assert found[ANON] == found["ada@mail.example"] != found["bob@mail.example"]


BAD = [
    ({"id": None}, "id"),
    ({"id": 7}, "id"),
    ({"source": ""}, "source"),
    ({"source": "cxconsole"}, "source"),
    ({"type": "x" * 500}, "type"),
    ({"person": None}, "person"),
    ({"person": "a\u0000b"}, "person"),
    ({"specVersion": "0.3"}, "specVersion"),
    ({"time": "yesterday"}, "time"),
    ({"time": "2026-05-19T09:00:00"}, "time"),
    ({"time": "1999-12-31T23:59:59Z"}, "time"),
    ({"time": "2999-01-01T00:00:00Z"}, "time"),
    ({"time": 7}, "time"),
    ({"data": 7}, "data"),
    ({"data": "{"}, "data"),
    ({"data": {"a": "b\u0000c"}}, "data"),
    ({"data": {"a": "x" * 300_000}}, "data"),
    ({"data": json.loads('{"a":' * 30 + "1" + "}" * 30)}, "data"),
    ({"extra": {"nested": 1}}, "extra"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_an_event_that_cannot_be_stored_is_refused_by_its_field(client, application, change, field):
    answer = client.post(URL, json=event(**change))
    assert answer.status_code == 400
    document = answer.json()
    assert document["error"]["key"] == 400
    assert document["trackingId"]
    assert document["error"]["message"][0]["description"].startswith(f"{field}:")
    assert given(application) == []


def test_refused_events_of_a_batch_are_named_and_the_others_stored(client, application):
    answer = client.post(URL, json=[event(), event(type=None), event(), "no event"])
    assert answer.status_code == 400
    told = [one["description"] for one in answer.json()["error"]["message"]]
    assert told == ["[1].type: This field is needed.", "[3]: An event is a JSON object."]
    assert len(given(application)) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"7", 400),
        (b'"text"', 400),
        (b"[" * 100_000, 400),
        (b'{"id": NaN}', 400),
        (b"\xff\xfe", 400),
        (b'{"id": "\\ud800"}', 400),
        (b"1" * 10_000, 400),
        (json.dumps([{}] * 1_001).encode(), 413),
        (b" " * (8 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_body_that_is_no_event_is_refused(client, application, body, status):
    answer = client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["error"]["message"][0]["description"]


def test_data_may_be_a_text_that_holds_json_and_attributes_of_others_are_kept(client, application):
    client.post(URL, json=event(data='{"page": "/cart"}', traceparent="00-abc", dataContentType="string"))
    client.post(URL, json=event(data="hello", dataContentType="string"))
    first, second = given(application)
    assert (first.data, first.extensions) == ({"page": "/cart"}, {"traceparent": "00-abc"})
    assert (second.data, second.extensions) == ({"value": "hello"}, None)


def test_who_may_not_write_is_told(stranger, key_for, application):
    assert stranger.post(URL, json=event()).status_code == 401
    assert stranger.post(URL, json=event(), headers={"Authorization": "Bearer cxk_wrong"}).status_code == 403
    assert stranger.post(URL, json=event(), headers=key_for("events.read")).status_code == 403
    assert stranger.post(URL, json=event(), headers=key_for("events.write")).status_code == 202
    assert len(given(application)) == 1


def test_what_is_not_of_the_contract_is_told_in_its_form(client):
    assert client.get("/v1/nothing").status_code == 404
    answer = client.put(URL, json=event())
    assert answer.status_code == 405
    assert answer.json()["error"]["key"] == 405


def test_many_requests_at_once_are_all_stored(client, application):
    batches = [[event(person=f"C-{n % 5}") for n in range(4)] for _ in range(40)]
    waiting = [client.start("POST", URL, json=batch) for batch in batches]
    assert {one.result(timeout=60).status_code for one in waiting} == {202}
    assert {one.event_id for one in given(application)} == {one["id"] for batch in batches for one in batch}
    assert len(persons(application)) == 4
    assert [row.count for row in seen(application, 160)] == [160]


def test_the_registry_knows_the_fields_really_seen(client, application):
    client.post(URL, json=event(data={"page": "/", "cart": {"total": 1, "items": [{"sku": "a"}]}, "vip": True}))
    client.post(URL, json=event(data={"page": "/", "cart": {"total": 1.5}}, id=str(uuid.uuid4())))
    client.post(URL, json=event(data={"page": None, "new": 1}))
    [row] = seen(application, 3)
    assert row.fields == {
        "cart.items": ["list"], "cart.items[].sku": ["text"], "cart.total": ["integer", "number"], "new": ["integer"],
        "page": ["null", "text"], "vip": ["boolean"],
    }  # fmt: skip
