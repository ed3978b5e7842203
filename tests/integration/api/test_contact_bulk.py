"""Bulk changes of contacts over the REST API."""

import pytest
from sqlmodel import select

from cxconsole import clock
from cxconsole.audience.search import drain_person_search_queue
from models.campaign import CampaignProgress
from models.contact import CampaignContact, ContactStatus


@pytest.fixture
def url(client):
    made = client.post("/api/v1/campaigns", json={"name": "Spring"}).json()
    url = f"/api/v1/campaigns/{made['id']}/contacts"
    client.post(url, json=[{"email": f"p{n}@customer.example", "plan": "gold"} for n in range(3)])
    return url


@pytest.fixture
def ids(client, url):
    return [one["id"] for one in client.get(url, params={"sort": "id"}).json()["items"]]


def set_status(application, contact_id: str, status: ContactStatus) -> None:
    with application.database.write() as session:
        session.get_one(CampaignContact, int(contact_id)).status = status
        numbers = session.exec(select(CampaignProgress)).one()
        numbers.pending -= 1
        setattr(numbers, status.value, getattr(numbers, status.value) + 1)


def test_many_are_updated_and_a_wrong_id_rejects_no_other(client, url, ids):
    body = {
        "action": "update",
        "ids": [*ids[:2], "999999", "x"],
        "changes": {"language": "sv", "plan": None, "tier": "A"},
    }
    answer = client.post(f"{url}/bulk", json=body)
    assert answer.status_code == 207, answer.text
    assert [one["status"] for one in answer.json()] == ["updated", "updated", "rejected", "rejected"]
    assert [one["index"] for one in answer.json()] == [0, 1, 2, 3]
    assert [one["id"] for one in answer.json()] == body["ids"]
    assert all((one["reason"] is None) == (one["status"] == "updated") for one in answer.json())
    rows = client.get(url, params={"sort": "id"}).json()["items"]
    assert [(one["language"], one["attributes"]) for one in rows] == [
        ("sv", {"tier": "A"}), ("sv", {"tier": "A"}), (None, {"plan": "gold"}),
    ]  # fmt: skip


def test_many_are_removed_but_those_under_way(client, url, ids, application):
    set_status(application, ids[1], ContactStatus.IN_PROGRESS)
    answer = client.post(f"{url}/bulk", json={"action": "remove", "ids": ids})
    assert [one["status"] for one in answer.json()] == ["removed", "rejected", "removed"]
    assert client.get(url).json()["total"] == 1
    assert client.get(url.removesuffix("/contacts")).json()["contacts"] == 1


def test_only_failed_and_suppressed_are_retried(client, url, ids, application):
    set_status(application, ids[0], ContactStatus.FAILED)
    set_status(application, ids[1], ContactStatus.SUPPRESSED)
    answer = client.post(f"{url}/bulk", json={"action": "retry", "ids": ids})
    assert [one["status"] for one in answer.json()] == ["retried", "retried", "rejected"]
    assert "pending" in answer.json()[2]["reason"]
    assert client.get(url, params={"status": "pending"}).json()["total"] == 3


def test_all_that_match_are_changed_and_counted(client, url, ids, application):
    set_status(application, ids[0], ContactStatus.FAILED)
    set_status(application, ids[1], ContactStatus.SUPPRESSED)
    gold = {"filter": {"field": "attributes.plan", "op": "eq", "value": "gold"}}
    updated = client.post(f"{url}/bulk", json={"action": "update", "matching": gold, "changes": {"plan": "basic"}})
    assert (updated.status_code, updated.json()) == (200, {"changed": 3})
    again = client.post(f"{url}/bulk", json={"action": "update", "matching": gold, "changes": {"plan": "basic"}})
    assert again.json() == {"changed": 0}
    retried = client.post(f"{url}/bulk", json={"action": "retry", "matching": {"status": "failed"}})
    assert retried.json() == {"changed": 1}
    assert client.get(url, params={"status": "pending"}).json()["total"] == 2
    with application.database.write() as session:
        drain_person_search_queue(session, now=clock.now(), limit=100)
    removed = client.post(f"{url}/bulk", json={"action": "remove", "matching": {"status": "suppressed", "q": "p1"}})
    assert removed.json() == {"changed": 1}
    assert client.get(url).json()["total"] == 2


def test_what_cannot_be_asked_is_refused(client, url, ids, key_for):
    cases = [
        ({"action": "update", "ids": ids}, 422),
        ({"action": "remove", "ids": ids, "changes": {"language": "sv"}}, 422),
        ({"action": "explode", "ids": ids}, 422),
        ({"action": "update", "ids": ids, "changes": {"language": "klingon!"}}, 422),
        ({"action": "update", "ids": ids, "changes": {"email": "one@customer.example"}}, 422),
        ({"action": "update", "ids": ids[:1], "changes": {"email": "p1@customer.example"}}, 409),
        ({"action": "remove", "ids": ["1"] * 10_001}, 413),
        ({"action": "remove"}, 422),
        ({"action": "remove", "ids": ids, "matching": {}}, 422),
        ({"action": "remove", "matching": {"status": "gone"}}, 422),
        ({"action": "remove", "matching": {"source": "x"}}, 422),
        ({"action": "remove", "matching": {"statsu": "failed"}}, 422),
        ({"action": "remove", "matching": {"filter": {"field": "colour", "op": "eq", "value": "red"}}}, 422),
        ({"action": "update", "matching": {"status": "held"}, "changes": {"language": "klingon!"}}, 422),
        ({"action": "update", "matching": {}, "changes": {"email": "one@customer.example"}}, 422),
        ({"action": "remove", "ids": 7}, 422),
        ({"action": "remove", "idz": ids}, 422),
    ]
    for body, status in cases:
        assert client.post(f"{url}/bulk", json=body).status_code == status, body
    reader = key_for("contacts.read")
    assert client.post(f"{url}/bulk", json={"action": "remove", "ids": ids}, headers=reader).status_code == 403
    assert client.post(f"{url}/bulk", json={"action": "remove", "matching": {}}, headers=reader).status_code == 403
    missing = "/api/v1/campaigns/CMP-999999/contacts/bulk"
    assert client.post(missing, json={"action": "remove", "ids": []}).status_code == 404
    assert client.post(missing, json={"action": "remove", "matching": {}}).status_code == 404
    assert client.get(url).json()["total"] == 3
