"""`/v1/journey/identities`: all names of a person."""

import pytest

URL = "/v1/journey/identities"
ANON = "anon-6f0c3ea4-3f6e-4a57-9a1d-6a1b2f5d7c11"


@pytest.fixture
def seen(client):
    events = [
        {"id": "1", "source": "shop", "type": "a", "person": ANON, "time": "2026-05-19T09:00:00Z"},
        {"id": "2", "source": "shop", "type": "a", "person": "C-7", "time": "2026-05-18T09:00:00Z"},
        {"id": "3", "source": "shop", "type": "a", "person": "C-7", "previously": ANON, "time": "2026-05-17T09:00:00Z"},
        {"id": "4", "source": "shop", "type": "a", "person": "bob@mail.example"},
    ]
    for event in events:
        assert client.post("/v1/journey/events", json=event).status_code == 202
    return client


@pytest.mark.parametrize("name", ["C-7", ANON])
def test_a_person_is_read_by_any_name(seen, name):
    data = seen.get(f"{URL}/{name}").json()["data"]
    assert (data["person"], data["aliases"]) == ("C-7", [ANON])
    assert data["lastSeen"] == "2026-05-19T09:00:00.000+00:00"


def test_all_are_listed_by_pages(seen):
    first = seen.get(URL, params={"limit": 1}).json()["data"]
    second = seen.get(URL, params={"limit": 5, "after": first[-1]["id"]}).json()["data"]
    assert [one["person"] for one in [*first, *second]] == ["C-7", "bob@mail.example"]


def test_nobody_and_no_right_are_told(seen, stranger, key_for):
    assert seen.get(f"{URL}/nobody").status_code == 404
    assert seen.get(URL, params={"limit": "x"}).status_code == 422
    assert stranger.get(URL, headers=key_for("events.read")).status_code == 403
