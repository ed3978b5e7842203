"""Who is who over REST: merges and their undoing, identity conflicts, files of identities."""

import pytest

from cxconsole import clock
from cxconsole.audience.identity_import_run import drain_identity_imports, has_identity_imports

API = "/api/v1"
ADA, BOB = "ada@mail.example", "bob@mail.example"


def send(client, event_id, person, **more):
    event = {"id": event_id, "source": "shop", "type": "a", "person": person, **more}
    assert client.post("/v1/journey/events", json=event).status_code == 202


@pytest.fixture
def people(client):
    """Ada and Bob, of whom an event said that they are one; their ids."""
    send(client, "1", ADA)
    send(client, "2", BOB)
    send(client, "3", ADA, previously=BOB)
    return [client.get(f"/v1/journey/identities/{name}").json()["data"]["id"] for name in (ADA, BOB)]


def conflict_of(client):
    [found] = client.get(f"{API}/identity-conflicts").json()["items"]
    return found


def test_a_merge_is_listed_and_undone(client, people):
    ada, bob = people
    merged = client.post(f"{API}/persons/merge", json={"person_ids": people, "primary_id": bob})
    assert (merged.status_code, merged.json()["id"]) == (200, bob)
    [merge] = client.get(f"{API}/persons/{bob}/merges").json()
    assert (merge["merged_person_id"], merge["identities"], merge["refusal"]) == (ada, [ADA], "")
    undone = client.post(f"{API}/persons/merges/{merge['id']}/undo")
    assert (undone.status_code, undone.json()["id"], undone.json()["merged_into"]) == (200, ada, None)
    send(client, "4", ADA)
    events = client.get(f"/v1/journey/events/{ADA}").json()["events"]
    assert {one["id"] for one in events if one["source"] == "shop"} == {"1", "3", "4"}
    assert "person.unmerged" in {one["type"] for one in events}
    again = client.post(f"{API}/persons/merges/{merge['id']}/undo")
    assert (again.status_code, again.json()["detail"]) == (409, "This merge was undone already.")


def test_merges_are_for_who_may_see_and_change_persons(client, people, key_for):
    client.post(f"{API}/persons/merge", json={"person_ids": people})
    [merge] = client.get(f"{API}/persons/{people[0]}/merges").json()
    reader = key_for("persons.read")
    assert client.get(f"{API}/persons/{people[0]}/merges", headers=reader).status_code == 200
    assert client.get(f"{API}/persons/{people[0]}/merges", headers=key_for("campaigns.read")).status_code == 403
    assert client.post(f"{API}/persons/merges/{merge['id']}/undo", headers=reader).status_code == 403
    assert client.post(f"{API}/persons/merges/999/undo").status_code == 404
    assert client.get(f"{API}/persons/999/merges").status_code == 404
    wrong = client.post(f"{API}/persons/merge", json={"person_ids": people, "primary_id": "999"})
    assert (wrong.status_code, wrong.json()["errors"][0]["loc"]) == (422, "primary_id")


def test_a_conflict_is_read_from_both_sides_and_decided(client, people):
    conflict = conflict_of(client)
    assert (conflict["person_id"], conflict["other_person_id"], conflict["identity"]) == (*people, BOB)
    detail = client.get(f"{API}/identity-conflicts/{conflict['id']}").json()
    assert [side["person"]["id"] for side in detail["sides"]] == people
    assert [side["has_identity"] for side in detail["sides"]] == [False, True]
    assert all(side["last_seen_at"] for side in detail["sides"])
    url = f"{API}/identity-conflicts/{conflict['id']}/decide"
    assert client.post(url, json={"decision": "moved"}).status_code == 409
    assert client.post(url, json={"decision": "maybe"}).status_code == 422
    decided = client.post(url, json={"decision": "merged", "primary_id": people[1]})
    assert (decided.status_code, decided.json()["conflict"]["decision"]) == (200, "merged")
    assert [side["person"]["id"] for side in decided.json()["sides"]] == [people[1]]
    assert client.get(f"{API}/persons/{people[0]}").json()["merged_into"] == people[1]
    assert client.get(f"{API}/identity-conflicts").json()["total"] == 0
    [row] = client.get(f"{API}/identity-conflicts", params={"state": "decided"}).json()["items"]
    assert row["id"] == conflict["id"]
    assert client.post(url, json={"decision": "kept"}).status_code == 409


def test_who_is_kept_apart_is_not_asked_about_by_the_next_event(client, people):
    client.post(f"{API}/identity-conflicts/{conflict_of(client)['id']}/decide", json={"decision": "kept"})
    send(client, "4", BOB, previously=ADA)
    assert client.get(f"{API}/identity-conflicts").json()["total"] == 0


def test_conflicts_are_for_who_may_see_and_change_persons(client, people, key_for):
    url = f"{API}/identity-conflicts/{conflict_of(client)['id']}"
    assert client.get(url, headers=key_for("campaigns.read")).status_code == 403
    assert client.post(f"{url}/decide", json={"decision": "kept"}, headers=key_for("persons.read")).status_code == 403
    assert client.get(f"{API}/identity-conflicts/999").status_code == 404


def work(application):
    for _ in range(20):
        with application.database.write() as session:
            if has_identity_imports(session, clock.now()):
                drain_identity_imports(session, now=clock.now(), limit=1)


def test_a_file_is_checked_then_imported(client, application, people, key_for):
    text = f"identity,alias\n{ADA},C-7\n{ADA},{BOB}\n=x,\n"
    sent = client.post(f"{API}/identity-imports", files={"file": ("names.csv", text)})
    assert (sent.status_code, sent.json()["state"]) == (202, "checking"), sent.text
    url = f"{API}/identity-imports/{sent.json()['id']}"
    assert client.post(f"{url}/start").status_code == 409
    work(application)
    checked = client.get(url).json()
    assert (checked["state"], checked["rows_read"], checked["added"], checked["rejected"]) == ("checked", 3, 1, 2)
    for path in (f"{url}/rejected.csv", f"/download/identity-imports/{checked['id']}/rejected.csv"):
        rejected = client.get(path)
        assert rejected.text.splitlines()[2].startswith("'=x,,,4,No alias")
    assert client.post(f"{url}/start", headers=key_for("persons.read")).status_code == 403
    assert client.post(f"{url}/start").json()["state"] == "running"
    work(application)
    assert client.get(url).json()["state"] == "done"
    assert client.get("/v1/journey/identities/C-7").json()["data"]["id"] == people[0]
    assert client.post(f"{url}/cancel").status_code == 409
    assert list(application.settings.import_dir.iterdir()) == []


def test_a_file_that_is_refused_leaves_nothing(client, application, key_for):
    for text, status in (("name,other\nx,y\n", 422), ("", 422), ("PK\x03\x04", 415)):
        refused = client.post(f"{API}/identity-imports", files={"file": ("names.csv", text)})
        assert refused.status_code == status, refused.text
    reader = key_for("persons.read")
    files = {"file": ("names.csv", "identity,alias\nx,y\n")}
    assert client.post(f"{API}/identity-imports", files=files, headers=reader).status_code == 403
    assert client.get(f"{API}/identity-imports/1").status_code == 404
    assert list(application.settings.import_dir.iterdir()) == []
