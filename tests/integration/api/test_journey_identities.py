"""`/v1/journey/identities`: all names of a person."""

import pytest
from sqlalchemy.event import listen

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.aliases import list_aliases

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
    assert data["lastSeen"] == "2026-05-19T09:00:00.000Z"


def test_a_page_costs_as_many_questions_however_many_are_on_it(seen, application):
    with application.database.read() as session:
        asked = []
        listen(session.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2]))
        counts = []
        for limit in (1, 1, 2):  # the first question of a session begins it
            asked.clear()
            assert len(list_aliases(session, limit=limit, actor=OPERATOR)) == limit
            counts.append(len(asked))
    assert counts[1] == counts[2]


def test_all_are_listed_by_pages(seen):
    first = seen.get(URL, params={"limit": 1}).json()["data"]
    second = seen.get(URL, params={"limit": 5, "after": first[-1]["id"]}).json()["data"]
    assert [one["person"] for one in [*first, *second]] == ["C-7", "bob@mail.example"]


def test_nobody_and_no_right_are_told(seen, stranger, key_for):
    assert seen.get(f"{URL}/nobody").status_code == 404
    assert seen.get(URL, params={"limit": "x"}).status_code == 422
    assert stranger.get(URL, headers=key_for("events.read")).status_code == 403


def names_of(client, name):
    data = client.get(f"{URL}/{name}").json()["data"]
    return {data["person"], *data["aliases"]}


def test_aliases_are_given_and_taken_away(seen):
    given = seen.post(f"{URL}/C-7/aliases", json={"aliases": ["ada@Mail.example", "+46701234567", ANON]})
    assert given.status_code == 200, given.text
    assert given.json()["meta"]["orgId"]
    assert names_of(seen, "ada@mail.example") == {"C-7", ANON, "ada@mail.example", "+46701234567"}
    again = seen.post(f"{URL}/C-7/aliases", json={"aliases": ["ada@mail.example"]})
    assert again.json()["data"] == given.json()["data"]
    gone = seen.request("DELETE", f"{URL}/C-7/aliases", json={"aliases": [ANON, "+46701234567"]})
    assert gone.status_code == 200, gone.text
    assert names_of(seen, "C-7") == {"C-7", "ada@mail.example"}
    assert seen.get(f"{URL}/{ANON}").status_code == 404


def test_an_event_by_a_new_alias_is_about_its_person(seen):
    seen.post(f"{URL}/C-7/aliases", json={"aliases": ["CRM/17"]})
    event = {"id": "5", "source": "crm", "type": "called", "person": "CRM/17"}
    assert seen.post("/v1/journey/events", json=event).status_code == 202
    events = seen.get("/v1/journey/events/C-7").json()["events"]
    assert "called" in {one["type"] for one in events}


def test_an_alias_of_an_anonymous_person_brings_the_past_along(seen):
    other = "anon-11111111-3f6e-4a57-9a1d-6a1b2f5d7c11"
    seen.post("/v1/journey/events", json={"id": "6", "source": "shop", "type": "looked", "person": other})
    assert seen.post(f"{URL}/bob@mail.example/aliases", json={"aliases": [other]}).status_code == 200
    events = seen.get("/v1/journey/events/bob@mail.example").json()["events"]
    assert {"looked", "person.merged"} <= {one["type"] for one in events}


def test_an_alias_of_another_named_person_is_a_conflict_and_nothing_changes(seen):
    refused = seen.post(f"{URL}/C-7/aliases", json={"aliases": ["new@mail.example", "bob@mail.example"]})
    assert (refused.status_code, refused.json()["error"]["key"]) == (409, 409)
    told = refused.json()["error"]["message"][0]["description"]
    assert "'bob@mail.example' belongs to another person" in told
    assert "merge" in told
    assert names_of(seen, "C-7") == {"C-7", ANON}
    assert seen.get(f"{URL}/new@mail.example").status_code == 404


def test_only_own_names_go_and_one_stays(seen):
    strange = seen.request("DELETE", f"{URL}/C-7/aliases", json={"aliases": [ANON, "bob@mail.example"]})
    assert strange.status_code == 404
    last = seen.request("DELETE", f"{URL}/C-7/aliases", json={"aliases": [ANON, "C-7"]})
    assert last.status_code == 409
    assert names_of(seen, "C-7") == {"C-7", ANON}


def test_all_names_go_and_who_comes_again_is_new(seen):
    before = seen.get(f"{URL}/C-7").json()["data"]["id"]
    assert seen.delete(f"{URL}/C-7").status_code == 200
    assert seen.get(f"{URL}/C-7").status_code == seen.get(f"{URL}/{ANON}").status_code == 404
    assert [one["person"] for one in seen.get(URL).json()["data"]] == ["bob@mail.example"]
    seen.post("/v1/journey/events", json={"id": "7", "source": "shop", "type": "a", "person": "C-7"})
    assert seen.get(f"{URL}/C-7").json()["data"]["id"] != before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400), ({}, 400), ({"aliases": "x"}, 400), ({"aliases": [7]}, 400), ({"aliases": ["x"], "more": 1}, 400),
        ({"aliases": []}, 422), ({"aliases": [" "]}, 422), ({"aliases": ["a\tb"]}, 422),
        ({"aliases": ["x" * 400]}, 422), ({"aliases": [str(n) for n in range(101)]}, 422),
    ],
)  # fmt: skip
def test_aliases_that_cannot_be_read_are_refused(seen, body, status):
    for method in ("POST", "DELETE"):
        refused = seen.request(method, f"{URL}/C-7/aliases", json=body)
        assert refused.status_code == status, refused.text
        assert refused.json()["error"]["message"][0]["description"].startswith("aliases")


def test_changing_names_needs_its_right(seen, stranger, key_for):
    reader = key_for("persons.read")
    for method, path, body in (("POST", "/aliases", {"aliases": ["x"]}), ("DELETE", "/aliases", {"aliases": ["x"]})):
        assert stranger.request(method, f"{URL}/C-7{path}", json=body, headers=reader).status_code == 403
    assert stranger.delete(f"{URL}/C-7", headers=reader).status_code == 403
    assert stranger.post(f"{URL}/nobody/aliases", json={"aliases": ["x"]}, headers=key_for("all")).status_code == 404
