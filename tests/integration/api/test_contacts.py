"""Contacts of a campaign over the REST API."""

import json

import pytest


@pytest.fixture
def url(client):
    made = client.post("/api/v1/campaigns", json={"name": "Spring"}).json()
    return f"/api/v1/campaigns/{made['id']}/contacts"


def test_each_row_gets_a_verdict_and_a_bad_one_rejects_no_other(client, url):
    rows = [
        {"email": "ada@customer.example", "first_name": "Ada", "plan": "gold"},
        {"email": "not an address"},
        "no object",
        {"phone": "+14155550123", "email": "broken@"},
        {"email": "ada@CUSTOMER.example"},
        {"email": "nul@customer.example", "note": "a\u0000b"},
        {},
    ]
    answer = client.post(url, json=rows)
    assert answer.status_code == 207
    verdicts = answer.json()
    assert [one["index"] for one in verdicts] == list(range(len(rows)))
    assert all(one.keys() == {"index", "status", "person_id", "reason", "warnings"} for one in verdicts)
    assert [one["status"] for one in verdicts] == [
        "created", "rejected", "rejected", "created", "merged", "rejected", "rejected",
    ]  # fmt: skip
    assert all(isinstance(one["person_id"], str) for one in verdicts if one["status"] != "rejected")
    assert all((one["reason"] is not None) == (one["status"] == "rejected") for one in verdicts)
    assert verdicts[3]["warnings"]
    assert client.get(url).json()["total"] == 2


def test_half_a_surrogate_rejects_its_row_alone(client, url):
    content = '[{"email": "a@customer.example", "x": "\\ud800"}, {"email": "b@customer.example"}]'
    answer = client.post(url, content=content, headers={"Content-Type": "application/json"})
    assert [one["status"] for one in answer.json()] == ["rejected", "created"]


def test_more_than_10000_rows_are_too_many(client, url):
    answer = client.post(url, json=[{"email": "a@customer.example"}] * 10_001)
    assert answer.status_code == 413
    assert client.get(url).json()["total"] == 0


def test_10000_rows_are_taken_at_once(client, url):
    answer = client.post(url, json=[{"email": f"p{n}@customer.example", "n": n} for n in range(10_000)])
    assert answer.status_code == 207
    assert {one["status"] for one in answer.json()} == {"created"}
    campaign = client.get(url.removesuffix("/contacts")).json()
    assert campaign["contacts"] == 10_000


def test_numbers_without_a_country_are_read_in_the_region_given(client, url):
    answer = client.post(url, json=[{"phone": "070-123 45 67"}], params={"default_region": "SE"})
    assert answer.json()[0]["status"] == "created"
    assert client.get(url).json()["items"][0]["phone"] == "+46701234567"
    assert client.post(url, json=[], params={"default_region": "XX"}).status_code == 422


def test_an_ended_or_missing_campaign_takes_no_contacts(client, url):
    client.post(url.removesuffix("/contacts") + "/end")
    assert client.post(url, json=[{"email": "a@customer.example"}]).status_code == 409
    assert client.post("/api/v1/campaigns/CMP-999999/contacts", json=[]).status_code == 404


def test_contacts_are_listed_searched_filtered_and_sorted(client, url):
    client.post(
        url,
        json=[
            {"email": "ada@customer.example", "first_name": "Ada", "language": "en", "plan": "gold"},
            {"email": "bo@customer.example", "first_name": "Bo", "language": "sv", "plan": "silver"},
            {"email": "cy@customer.example", "first_name": "Cy", "language": "sv", "plan": "gold"},
        ],
    )
    source = client.get(url).json()["items"][0]["source_id"]

    def found(**params):
        answer = client.get(url, params={"sort": "id", **params})
        assert answer.status_code == 200, answer.text
        return [one["first_name"] for one in answer.json()["items"]]

    both = {"and": [{"field": "language", "op": "eq", "value": "sv"},
                    {"field": "attributes.plan", "op": "eq", "value": "gold"}]}  # fmt: skip
    assert found() == ["Ada", "Bo", "Cy"]
    assert found(sort="-id") == ["Cy", "Bo", "Ada"]
    assert found(source=source) == ["Ada", "Bo", "Cy"]
    assert found(source="999999") == []
    assert found(status="pending") == ["Ada", "Bo", "Cy"]
    assert found(status="completed") == []
    assert found(filter=json.dumps(both)) == ["Cy"]
    row = client.get(url, params={"filter": json.dumps(both)}).json()["items"][0]
    assert (row["attributes"], row["status"], row["email"]) == ({"plan": "gold"}, "pending", "cy@customer.example")
    assert client.get(f"{url}/{row['id']}").json() == row


def test_a_condition_that_cannot_be_is_named(client, url):
    cases = [
        ({"filter": "{"}, "filter"),
        ({"filter": '{"field": "nope", "op": "eq", "value": "x"}'}, "filter.field"),
        ({"filter": '{"field": "language", "op": "like", "value": "x"}'}, "filter.op"),
        ({"status": "nope"}, "status"),
        ({"source": "nope"}, "source"),
        ({"sort": "nope"}, "sort"),
        ({"colour": "red"}, "colour"),
    ]
    for params, loc in cases:
        answer = client.get(url, params=params)
        assert answer.status_code == 422, params
        assert answer.json()["errors"][0]["loc"] == loc


def test_a_contact_shows_its_trail(client, url):
    client.post(url, json=[{"email": "ada@customer.example"}])
    contact = client.get(url).json()["items"][0]
    trail = client.get(f"{url}/{contact['id']}/trail")
    assert trail.status_code == 200
    assert trail.json()["contact"] == contact
    assert trail.json().keys() == {"contact", "summary", "channels", "steps", "due_at"}
    assert client.get(f"{url}/999999/trail").status_code == 404


def test_a_contact_of_another_campaign_is_not_found(client, url):
    client.post(url, json=[{"email": "ada@customer.example"}])
    contact = client.get(url).json()["items"][0]
    other = client.post("/api/v1/campaigns", json={"name": "Other"}).json()
    assert client.get(f"/api/v1/campaigns/{other['id']}/contacts/{contact['id']}").status_code == 404


def test_reading_contacts_does_not_allow_adding_them(client, url, key_for):
    reader = key_for("contacts.read")
    assert client.get(url, headers=reader).status_code == 200
    assert client.post(url, json=[{"email": "a@customer.example"}], headers=reader).status_code == 403
