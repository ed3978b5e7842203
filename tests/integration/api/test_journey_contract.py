"""The rows of the contract, one by one: which token opens each, what it answers, and how it says no."""

import uuid
from datetime import timedelta
from urllib.parse import quote

import pytest

from cxconsole import clock
from cxconsole.accounts.shared_access import SCHEME, SERVICES, make_token

ADA = "ada@mail.example"
ATTRIBUTE = {
    "version": "0.1", "event": "page.visited", "metadata": "page", "metadataType": "string", "limit": 5,
    "displayName": "Pages", "lookbackDurationType": "days", "lookbackPeriod": 30, "aggregationMode": "Value",
    "verbose": True,
}  # fmt: skip
TEMPLATE = {"id": "shopper", "name": "Shopper", "attributes": [ATTRIBUTE]}
VIEW = {"ViewId": "shopper", "PersonId": ADA}


def event(**more):
    return {
        "specVersion": "1.0", "id": str(uuid.uuid4()), "source": "shop", "type": "page.visited", "person": ADA,
        "time": clock.now().isoformat(), "dataContentType": "application/json", "data": {"page": "/cart"}, **more,
    }  # fmt: skip


# method, path, the services and letters one of which is needed, what is sent, the status, the keys of the answer
ROWS = [
    ("POST", "/v1/journey/events", {"ds:w"}, {"json": event()}, 202, {"meta", "data"}),
    ("GET", "/v1/journey/events", {"tape:r"}, {"params": {"$top": "5"}}, 200, {"meta", "events"}),
    ("GET", f"/v1/journey/events/{quote(ADA)}", {"tape:r"}, {}, 200, {"meta", "events"}),
    ("GET", f"/v1/journey/streams/historic/{quote(ADA)}", {"stream:r", "tape:r"},
     {"headers": {"Accept": "application/json"}}, 200, {"meta", "events"}),
    ("POST", "/v1/journey/views/templates", {"profile:w"}, {"json": {**TEMPLATE, "id": "new"}}, 201, {"meta", "data"}),
    ("GET", "/v1/journey/views/templates", {"profile:r"}, {"params": {"Id": "shopper"}}, 200, {"meta", "data"}),
    ("DELETE", "/v1/journey/views/templates", {"profile:w"}, {"params": {"Id": "shopper"}}, 200, {"meta", "data"}),
    ("POST", "/v1/journey/views", {"profile:r", "profile:w"}, {"params": VIEW}, 200,
     {"meta", "data", "id", "getUriStatusQuery"}),
    ("GET", "/v1/journey/views", {"profile:r"}, {"params": VIEW}, 200,
     {"meta", "data", "runtimeStatus", "instanceId", "name", "customerId", "personId", "generatedAt", "attributeView"}),
    ("POST", "/v1/journey/profileview", {"profile:r", "profile:w"}, {"params": {"PersonId": ADA}, "json": TEMPLATE},
     200, {"meta", "name", "customerId", "personId", "generatedAt", "attributeView"}),
    ("GET", "/v1/journey/identities", {"idmt:r"}, {}, 200, {"meta", "data"}),
    ("GET", f"/v1/journey/identities/{quote(ADA)}", {"idmt:r"}, {}, 200, {"meta", "data"}),
    ("POST", f"/v1/journey/identities/{quote(ADA)}/aliases", {"idmt:w"}, {"json": {"aliases": ["C-9"]}}, 200,
     {"meta", "data"}),
    ("DELETE", f"/v1/journey/identities/{quote(ADA)}/aliases", {"idmt:w"}, {"json": {"aliases": ["C-1"]}}, 200,
     {"meta", "data"}),
    ("DELETE", f"/v1/journey/identities/{quote(ADA)}", {"idmt:w"}, {}, 200, {"meta", "data"}),
    ("GET", "/v1/organizations/apps", {"account:r"}, {}, 200, {"meta", "data"}),
    ("POST", "/v1/organizations/apps", {"account:w"}, {"json": {"name": "new"}}, 201, {"meta", "data"}),
    ("PUT", "/v1/organizations/apps/other/key", {"account:w"}, {}, 200, {"meta", "data"}),
    ("PUT", "/v1/organizations/apps/other/attributes", {"account:w"}, {"json": {"team": "web"}}, 200, {"meta", "data"}),
    ("DELETE", "/v1/organizations/apps/other", {"account:w"}, {}, 200, {"meta", "data"}),
]  # fmt: skip
NAMES = [f"{method} {path.replace(quote(ADA), '{id}')}" for method, path, *_ in ROWS]


@pytest.fixture
def world(client):
    """Ada with an alias and an event, a view, two apps; the first one's secret."""
    secret = client.post("/v1/organizations/apps", json={"name": "sdk"}).json()["data"]["secret"]
    client.post("/v1/organizations/apps", json={"name": "other"})
    client.post("/v1/journey/events", json=event())
    client.post(f"/v1/journey/identities/{quote(ADA)}/aliases", json={"aliases": ["C-1"]})
    assert client.post("/v1/journey/views/templates", json=TEMPLATE).status_code == 201
    del client.headers["Authorization"]
    return secret


@pytest.fixture
def token(world):
    def make(service, permission, lasts=timedelta(minutes=5), secret=world):
        return make_token(
            organization="acme", namespace="sandbox", service=service, permission=permission, key_name="sdk",
            expires_at=clock.now() + lasts, secret=secret,
        )  # fmt: skip

    return make


def ask(client, method, path, sent, authorization):
    headers = {**sent.get("headers", {}), **({"Authorization": authorization} if authorization else {})}
    return client.request(method, path, **{**sent, "headers": headers})


def is_error(answer, status):
    document = answer.json()
    assert answer.status_code == status, answer.text
    assert document.keys() == {"error", "trackingId"} and document["error"].keys() == {"key", "message"}
    assert document["error"]["key"] == status and uuid.UUID(document["trackingId"])
    assert document["error"]["message"] and all(one["description"] for one in document["error"]["message"])
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("method", "path", "opens", "sent", "status", "keys"), ROWS, ids=NAMES)
def test_a_row_of_the_contract(client, token, method, path, opens, sent, status, keys):
    is_error(ask(client, method, path, sent, None), 401)
    for service in SERVICES:
        for letter in "rw":
            if f"{service}:{letter}" not in opens:
                is_error(ask(client, method, path, sent, token(service, letter)), 403)
    service, letter = sorted(opens)[0].split(":")
    is_error(ask(client, method, path, sent, token(service, letter, lasts=timedelta(seconds=-1))), 403)
    is_error(ask(client, method, path, sent, token(service, letter, secret="another")), 403)
    answer = ask(client, method, path, sent, token(service, "rw"))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == keys
    assert answer.json()["meta"] == {"orgId": "acme"}


@pytest.mark.parametrize("path", ["/v1/journey/streams", f"/v1/journey/streams/{quote(ADA)}"])
def test_a_stream_is_refused_like_any_other_call(client, token, path):
    is_error(ask(client, "GET", path, {}, None), 401)
    for service in set(SERVICES) - {"stream"}:
        is_error(ask(client, "GET", path, {}, token(service, "r")), 403)
    is_error(ask(client, "GET", path, {}, token("stream", "w")), 403)
    is_error(ask(client, "GET", path, {"params": {"sig": token("tape", "r").removeprefix(SCHEME).strip()}}, None), 403)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/journey/actions"), ("POST", "/v1/journey/actions"), ("GET", "/v1/journey/reports/monthlyusage")],
)
def test_what_is_not_there_yet_is_no_page(client, token, method, path):
    is_error(ask(client, method, path, {}, token("account", "r")), 404)


def test_what_the_rows_answer(client, token):
    def read(method, path, service, **sent):
        return ask(client, method, path, sent, token(service, "rw")).json()

    same = event(id="e-1")
    for _ in range(2):
        assert read("POST", "/v1/journey/events", "ds", json=same)["data"]["message"]
    [newest, first] = read(
        "GET", "/v1/journey/events", "tape", params={"$filter": f"person eq '{ADA}' and source eq 'shop'"}
    )["events"]
    assert newest["id"] == "e-1" and newest["data"] == {"page": "/cart"} and first["id"] != "e-1"
    assert newest.keys() >= {"specVersion", "id", "source", "type", "person", "time", "dataContentType", "data"}
    [template] = read("GET", "/v1/journey/views/templates", "profile", params={"Id": "shopper"})["data"]
    assert template["attributes"] == [{**ATTRIBUTE, "rules": None, "widgetAttributes": None}]
    view = read("GET", "/v1/journey/views", "profile", params=VIEW)
    [attribute] = view["attributeView"]
    assert attribute.keys() == {"queryTemplate", "result", "journeyEvents"}
    assert (view["customerId"], attribute["result"], len(attribute["journeyEvents"])) == (ADA, "/cart,/cart", 2)
    one = read("GET", f"/v1/journey/identities/{quote(ADA)}", "idmt")["data"]
    assert {ADA, "C-1"} == {one["person"], *one["aliases"]} and one["lastSeen"].endswith("Z")
    made = read("POST", "/v1/organizations/apps", "account", json={"name": "new"})["data"]
    listed = read("GET", "/v1/organizations/apps", "account")["data"]
    assert made["secret"] and {one["name"] for one in listed} == {"sdk", "other", "new"}
    assert not any("secret" in one for one in listed)


@pytest.mark.parametrize(
    "attribute",
    [{**ATTRIBUTE, "limit": 0}, {**ATTRIBUTE, "aggregationMode": "Median"}, {**ATTRIBUTE, "lookbackPeriod": -1},
     {**ATTRIBUTE, "rules": {"logic": "SINGLE", "args": ["GT 5"]}}, {**ATTRIBUTE, "metadata": ""}],
)  # fmt: skip
def test_a_template_that_cannot_be_used_says_what_is_wrong(client, token, attribute):
    sent = {"json": {"id": "bad", "attributes": [attribute]}}
    is_error(ask(client, "POST", "/v1/journey/views/templates", sent, token("profile", "w")), 422)


@pytest.mark.parametrize("name", ["+46701442108", "a/b", "å ä?#", "100%", "C+1", "o'brien@mail.example"])
def test_a_person_of_any_name_is_found_in_a_path_a_query_and_a_filter(client, token, name):
    ask(client, "POST", "/v1/journey/events", {"json": event(person=name, id="named")}, token("ds", "w"))
    quoted, doubled = quote(name, safe=""), name.replace("'", "''")
    for path in (
        f"/v1/journey/events/{quoted}",
        f"/v1/journey/events?$filter=person%20eq%20'{quote(doubled, safe='')}'",
    ):
        found = ask(client, "GET", path, {}, token("tape", "r")).json()["events"]
        assert [one["id"] for one in found if one["source"] == "shop"] == ["named"]
    view = ask(client, "GET", f"/v1/journey/views?ViewId=shopper&PersonId={quoted}", {}, token("profile", "r")).json()
    assert (view["customerId"], view["attributeView"][0]["result"]) == (name, "/cart")
    assert ask(client, "GET", f"/v1/journey/identities/{quoted}", {}, token("idmt", "r")).json()["data"]["lastSeen"]
