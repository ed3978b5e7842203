"""Campaigns over the REST API."""

import pytest

FULL = {
    "name": "Spring offer",
    "description": "",
    "time_zone": "Europe/Berlin",
    "execution_window": {
        "start": "09:00", "end": "17:30", "days": ["mon", "tue", "wed", "thu", "fri"], "in_zone_of": "campaign",
    },
    "validity": {"starts_at": "2026-05-01T00:00:00+02:00", "ends_at": "2036-06-01T00:00:00+02:00"},
    "dialing_modes": ["progressive"],
    "queue_id": None,
    "steps": [],
    "limits": {"per_minute": 6000, "per_person": {"count": 2, "window": "P7D"}},
}  # fmt: skip
ADDED_BY_READING = {"id", "state", "created_at", "updated_at", "contacts", "last_activity_at", "version"}


@pytest.fixture
def template(client):
    return client.post(
        "/api/v1/templates",
        json={"name": "Mail", "channel": "email", "subject": "Hello", "html": "<p>Hi {{ unsubscribe_url }}</p>"},
    ).json()


@pytest.fixture
def gateway(client):
    body = {"name": "Sandbox", "kind": "sandbox", "channel": "email", "settings": {}}
    return client.post("/api/v1/gateways", json=body).json()


@pytest.fixture
def ready(client, template, gateway):
    """A campaign that can be published."""
    step = {"channel": "email", "template_id": template["id"], "gateway_id": gateway["id"], "delay": "PT0S"}
    answer = client.post("/api/v1/campaigns", json={"name": "Ready", "steps": [step]})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_campaign_is_made_from_its_name_alone(client):
    answer = client.post("/api/v1/campaigns", json={"name": "Spring offer"})
    assert answer.status_code == 201
    body = answer.json()
    assert body["id"].startswith("CMP-")
    assert answer.headers["location"] == f"/api/v1/campaigns/{body['id']}"
    assert (body["state"], body["contacts"], body["last_activity_at"]) == ("unpublished", 0, None)


def test_reading_gives_back_what_was_written_and_the_named_additions(client):
    made = client.post("/api/v1/campaigns", json=FULL)
    assert made.status_code == 201, made.text
    read = client.get(f"/api/v1/campaigns/{made.json()['id']}").json()
    assert read.keys() == FULL.keys() | ADDED_BY_READING
    moments = {"starts_at": "2026-04-30T22:00:00Z", "ends_at": "2036-05-31T22:00:00Z"}
    assert {name: read[name] for name in FULL} == {**FULL, "validity": moments}
    assert client.get("/api/v1/campaigns").json()["items"] == [read]


def test_a_bad_field_is_named_by_its_path(client):
    cases = [
        ({"execution_window": {"start": "09:00", "end": "09:00"}}, "execution_window.end"),
        ({"execution_window": {"start": "25:00"}}, "execution_window.start"),
        ({"execution_window": {"strat": "09:00"}}, "execution_window.strat"),
        ({"validity": {"starts_at": "2026-05-02T00:00:00Z", "ends_at": "2026-05-01T00:00:00Z"}}, "validity.ends_at"),
        ({"validity": {"starts_at": "2026-05-02T00:00:00"}}, "validity.starts_at"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"nmae": "typo"}, "nmae"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"limits": {"per_minute": "6000"}}, "limits.per_minute"),
        ({"limits": {"per_person": {"count": 0, "window": "P7D"}}}, "limits.per_person.count"),
        ({"steps": [{"channel": "pigeon"}]}, "steps.0.channel"),
        ({"steps": [{"channel": "email", "template_id": "999"}]}, "steps.0.template_id"),
    ]
    for change, loc in cases:
        answer = client.post("/api/v1/campaigns", json={"name": "x", **change})
        assert answer.status_code == 422, answer.text
        assert loc in [one["loc"] for one in answer.json()["errors"]]
        assert client.get("/api/v1/campaigns").json()["total"] == 0


def test_a_window_over_midnight_is_valid(client):
    window = {"start": "22:00", "end": "06:00"}
    answer = client.post("/api/v1/campaigns", json={"name": "Night", "execution_window": window})
    assert answer.status_code == 201
    assert answer.json()["execution_window"]["start"] == "22:00"


def test_only_what_is_named_changes(client):
    made = client.post("/api/v1/campaigns", json=FULL).json()
    answer = client.patch(f"/api/v1/campaigns/{made['id']}", json={"limits": {"per_minute": 10}})
    assert answer.status_code == 200
    assert answer.json()["limits"] == {"per_minute": 10, "per_person": {"count": 2, "window": "P7D"}}
    assert answer.json()["version"] == made["version"] + 1
    assert client.patch(f"/api/v1/campaigns/{made['id']}", json={}).status_code == 422


def test_an_old_version_is_a_conflict(client):
    made = client.post("/api/v1/campaigns", json=FULL).json()
    url = f"/api/v1/campaigns/{made['id']}"
    assert client.patch(url, json={"name": "A", "version": made["version"]}).status_code == 200
    assert client.patch(url, json={"name": "B", "version": made["version"]}).status_code == 409
    assert client.get(url).json()["name"] == "A"


def test_a_published_campaign_is_changed_only_at_its_version(client, ready):
    url = f"/api/v1/campaigns/{ready['id']}"
    published = client.post(f"{url}/publish").json()
    assert published["state"] == "published"
    assert client.patch(url, json={"description": "x"}).status_code == 409
    answer = client.patch(url, json={"description": "x", "version": published["version"]})
    assert answer.status_code == 200


def test_the_life_of_a_campaign_and_its_illegal_moves(client, ready):
    url = f"/api/v1/campaigns/{ready['id']}"
    steps = [("unpublish", 409), ("publish", 200), ("publish", 409), ("unpublish", 200), ("publish", 200),
             ("end", 200), ("end", 409), ("publish", 409), ("unpublish", 409)]  # fmt: skip
    assert [client.post(f"{url}/{verb}").status_code for verb, _ in steps] == [status for _, status in steps]
    assert client.get(url).json()["state"] == "ended"


def test_publishing_what_is_not_complete_says_what_is_missing(client):
    made = client.post("/api/v1/campaigns", json={"name": "Empty"}).json()
    answer = client.post(f"/api/v1/campaigns/{made['id']}/publish")
    assert answer.status_code == 409
    assert answer.json()["errors"]
    preflight = client.get(f"/api/v1/campaigns/{made['id']}/preflight").json()
    assert preflight["can_publish"] is False
    assert {"key", "title", "verdict", "detail", "remedy"} == preflight["items"][0].keys()


def test_a_clone_is_a_new_unpublished_campaign_with_the_same_settings(client, ready):
    answer = client.post(f"/api/v1/campaigns/{ready['id']}/clone")
    assert answer.status_code == 201
    copy = answer.json()
    assert copy["id"] != ready["id"]
    assert (copy["state"], copy["steps"], copy["contacts"]) == ("unpublished", ready["steps"], 0)


def test_a_deleted_campaign_is_gone_and_a_published_one_is_not_deleted(client, ready):
    made = client.post("/api/v1/campaigns", json={"name": "Gone"}).json()
    answer = client.delete(f"/api/v1/campaigns/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/api/v1/campaigns/{made['id']}").status_code == 404
    client.post(f"/api/v1/campaigns/{ready['id']}/publish")
    assert client.delete(f"/api/v1/campaigns/{ready['id']}").status_code == 409


def test_progress_has_the_numbers_and_they_add_up(client, ready):
    url = f"/api/v1/campaigns/{ready['id']}"
    client.post(f"{url}/contacts", json=[{"email": f"p{n}@customer.example"} for n in range(3)])
    numbers = client.get(f"{url}/progress").json()
    assert numbers.keys() == {
        "planned", "pending", "in_progress", "completed", "failed", "suppressed", "held", "channels",
        "rate_per_minute", "finishes_at",
    }  # fmt: skip
    assert numbers["planned"] == 3
    parts = ("pending", "in_progress", "completed", "failed", "suppressed", "held")
    assert numbers["planned"] == sum(numbers[part] for part in parts)


def test_lists_are_sorted_filtered_searched_and_paged(client, ready):
    names = ["Beta", "alpha", "Gamma"]
    for name in names:
        client.post("/api/v1/campaigns", json={"name": name})
    client.post(f"/api/v1/campaigns/{ready['id']}/publish")

    def listed(query: str) -> list[str]:
        answer = client.get(f"/api/v1/campaigns?{query}")
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["items"]]

    assert listed("") == ["Ready", *names]
    assert listed("sort=name") == ["alpha", "Beta", "Gamma", "Ready"]
    assert listed("sort=-name") == ["Ready", "Gamma", "Beta", "alpha"]
    assert listed("state=published") == ["Ready"]
    assert listed("q=amm") == ["Gamma"]
    for field in ("id", "created_at", "updated_at", "contacts", "last_activity_at"):
        assert len(listed(f"sort={field}")) == len(listed(f"sort=-{field}")) == 4
    first = client.get("/api/v1/campaigns?limit=3&sort=name").json()
    assert (len(first["items"]), first["total"]) == (3, 4)
    second = client.get("/api/v1/campaigns", params={"limit": 3, "sort": "name", "cursor": first["next_cursor"]}).json()
    assert [one["name"] for one in second["items"]] == ["Ready"]
    assert second["next_cursor"] is None


def test_a_key_without_the_right_may_not(client, key_for, ready):
    reader = key_for("campaigns.read")
    assert client.get("/api/v1/campaigns", headers=reader).status_code == 200
    refused = client.post("/api/v1/campaigns", json={"name": "x"}, headers=reader)
    assert refused.status_code == 403
    assert "campaigns.edit" in refused.json()["detail"]
    editor = key_for("campaigns.edit")
    assert client.post("/api/v1/campaigns", json={"name": "x"}, headers=editor).status_code == 201
    assert client.post(f"/api/v1/campaigns/{ready['id']}/publish", headers=editor).status_code == 403
