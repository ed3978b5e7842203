"""Tokens for pages: only for writing, only for a while, only from pages of the app's origins; and the script itself."""

import gzip
import re
from datetime import datetime, timedelta

import pytest

from cxconsole import clock
from cxconsole.accounts.shared_access import make_token
from tests.integration.api.test_journey_access import APPS, EVENTS, event, signed

SHOP = "https://shop.example"
TAG = "/cj.js"


@pytest.fixture
def page_app(client):
    """An app for the pages of a shop."""
    body = {"name": "web", "services": {"ds": "w"}, "attributes": {"allowedOrigins": [SHOP, "http://127.0.0.1:8080"]}}
    return client.post(APPS, json=body).json()["data"]


def test_a_page_token_writes_from_its_origins_and_from_nowhere_else(client, page_app):
    made = client.post(f"{APPS}/web/tokens", json={"seconds": 60})
    assert made.status_code == 201
    assert datetime.fromisoformat(made.json()["data"]["expiresAt"]).tzinfo
    token = {"Authorization": made.json()["data"]["token"]}

    def send(**more):
        return client.post(EVENTS, json=event(), headers={**token, **more}).status_code

    assert send(Origin=SHOP) == 202
    assert send(Origin="http://127.0.0.1:8080") == 202
    refused = (
        {},
        "http://shop.example",
        "https://shop.example:8443",
        "https://evil.example",
        "null",
        SHOP + ".evil.example",
    )
    assert {send(**({"Origin": one} if one else {})) for one in refused} == {403}
    assert client.get(EVENTS, headers={**token, "Origin": SHOP}).status_code == 403
    assert client.get(APPS, headers={**token, "Origin": SHOP}).status_code == 403


def test_what_the_app_signs_itself_is_bound_in_the_same_way(client, page_app):
    assert client.post(EVENTS, json=event(), headers=signed(page_app)).status_code == 403
    assert client.post(EVENTS, json=event(), headers={**signed(page_app), "Origin": SHOP}).status_code == 202


def test_a_beacon_carries_its_token_in_the_address(client, page_app, application):
    token = signed(page_app)["Authorization"].partition(" ")[2]
    client.headers.pop("authorization")
    headers = {"Origin": SHOP, "Content-Type": "text/plain;charset=UTF-8"}
    assert client.post(EVENTS, json=event(), params={"sig": token}, headers=headers).status_code == 202
    assert client.post(EVENTS, json=event(), params={"sig": token + "x"}, headers=headers).status_code == 403
    assert client.get(EVENTS, params={"sig": token}, headers=headers).status_code == 401


def test_a_page_cannot_renew_its_own_token(client, page_app, key_for):
    headers = {**signed(page_app), "Origin": SHOP}
    assert client.post(f"{APPS}/web/tokens", json={}, headers=headers).status_code == 403
    assert client.post(f"{APPS}/web/tokens", json={}, headers=key_for("events.read")).status_code == 403
    assert client.post(f"{APPS}/web/tokens", json={}, headers=key_for("events.write")).status_code == 201


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("web", {"seconds": 0}, 422), ("web", {"seconds": 86_401}, 400), ("web", {"seconds": "x"}, 400),
     ("web", {"more": 1}, 400), ("nobody", {}, 404), ("plain", {}, 422), ("reader", {}, 422)],
)  # fmt: skip
def test_a_token_that_cannot_be_made_is_refused(client, page_app, name, body, status):
    client.post(APPS, json={"name": "plain"})
    client.post(APPS, json={"name": "reader", "services": {"tape": "r"}, "attributes": {"allowedOrigins": [SHOP]}})
    assert client.post(f"{APPS}/{name}/tokens", json=body).status_code == status


@pytest.mark.parametrize(
    "origins",
    ["https://shop.example", [], ["shop.example"], ["https://shop.example/"], ["https://Shop.example"], ["*"], [7],
     ["https://a.example/path"], ["https://user@a.example"], ["javascript:1"],
     [f"https://a{n}.example" for n in range(51)]],
)  # fmt: skip
def test_an_origin_that_is_none_is_refused(client, origins):
    answer = client.post(APPS, json={"name": "web", "attributes": {"allowedOrigins": origins}})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"][0]["description"].startswith("allowedOrigins")


def test_only_known_origins_are_answered_by_name(client, page_app):
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    answer = client.request("OPTIONS", EVENTS, headers={"Origin": SHOP, **ask})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, SHOP)
    assert "authorization" in answer.headers["access-control-allow-headers"]
    other = client.request("OPTIONS", EVENTS, headers={"Origin": "https://evil.example", **ask})
    assert other.status_code == 403
    for headers in (other.headers, client.get(EVENTS, headers={"Origin": "https://evil.example"}).headers):
        assert "access-control-allow-origin" not in headers
    refused = client.post(EVENTS, json=event(), headers={"Origin": SHOP, "Authorization": "SharedAccessSignature x"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (403, SHOP)
    assert "access-control-allow-credentials" not in refused.headers
    assert "access-control-allow-origin" not in client.get("/api/v1/campaigns", headers={"Origin": SHOP}).headers


def test_the_script_is_small_packed_kept_and_evaluates_no_text(stranger):
    plain = stranger.get(TAG, headers={"Accept-Encoding": "identity"})
    assert plain.headers["content-type"].startswith("text/javascript")
    assert "content-encoding" not in plain.headers
    assert len(gzip.compress(plain.content, 9)) < 10_000
    assert not re.search(r"\beval\b|new Function|innerHTML|document\.write", plain.text)
    packed = stranger.get(TAG, headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["content-encoding"], packed.text) == ("gzip", plain.text)
    assert "max-age" in packed.headers["cache-control"]
    again = stranger.get(TAG, headers={"If-None-Match": packed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.fixture
def reader_app(client):
    """An app whose pages may read single persons."""
    body = {"name": "desk", "services": {"stream": "r", "tape": "r"}, "attributes": {"allowedOrigins": [SHOP]}}
    return client.post(APPS, json=body).json()["data"]


def test_a_token_for_one_person_reads_that_person_and_nobody_else(client, reader_app):
    for person in ("C-1", "C-2"):
        client.post(EVENTS, json={**event(), "person": person})
    made = client.post(f"{APPS}/desk/tokens", json={"person": "C-1"})
    assert made.status_code == 201
    headers = {"Authorization": made.json()["data"]["token"], "Origin": SHOP}
    past = "/v1/journey/streams/historic/"
    assert client.get(past + "C-1", headers=headers).text.count("page.visited") == 1
    others = (past + "C-2", past + "c-1", "/v1/journey/streams", "/v1/journey/streams/C-2", EVENTS, f"{EVENTS}/C-1")
    assert {client.get(url, headers=headers).status_code for url in others} == {403}
    assert client.get(past + "C-1", headers={**headers, "Origin": "https://evil.example"}).status_code == 403
    changed = headers["Authorization"].replace("pe=C-1", "pe=C-2")
    assert client.get(past + "C-2", headers={**headers, "Authorization": changed}).status_code == 403
    removed = headers["Authorization"].replace("&pe=C-1", "")
    assert client.get(past + "C-2", headers={**headers, "Authorization": removed}).status_code == 403


def test_who_may_only_send_gets_no_token_to_read(client, reader_app, key_for):
    for headers, status in ((key_for("events.write"), 403), (key_for("events.read", "events.write"), 201)):
        assert client.post(f"{APPS}/desk/tokens", json={"person": "C-1"}, headers=headers).status_code == status
    for person in ("", 7, "x" * 321, "a\nb"):
        assert client.post(f"{APPS}/desk/tokens", json={"person": person}).status_code in (400, 422)


VIEWS = "/v1/journey/views"
VIEW = {
    "version": "0.1", "event": "page.visited", "limit": 10, "lookbackDurationType": "none", "aggregationMode": "Count",
    "verbose": False, "displayName": "Pages",
}  # fmt: skip


@pytest.fixture
def profile_app(client):
    """An app whose pages may read single persons and their views; of two views, one with a compartment."""
    kept = {**VIEW, "displayName": "Debts", "compartment": "billing"}
    for key, attributes in (("shopper", [VIEW, kept]), ("other", [VIEW])):
        assert client.post(f"{VIEWS}/templates", json={"id": key, "attributes": attributes}).status_code == 201
    for person in ("C-1", "C-2"):
        client.post(EVENTS, json={**event(), "person": person})
    body = {"name": "desk", "services": {"stream": "r", "profile": "r"}, "attributes": {"allowedOrigins": [SHOP]}}
    return client.post(APPS, json=body).json()["data"]


def test_a_token_reads_the_named_views_of_its_person_and_no_more(client, profile_app):
    made = client.post(f"{APPS}/desk/tokens", json={"person": "C-1", "views": ["shopper"]})
    assert made.status_code == 201
    headers = {"Authorization": made.json()["data"]["token"], "Origin": SHOP}

    def read(view="shopper", person="C-1", **more):
        return client.get(VIEWS, params={"ViewId": view, "PersonId": person, **more}, headers=headers)

    # the key that made it may see everything, and still the page sees nothing of a compartment
    told = read().json()["attributeView"]
    assert [(one["queryTemplate"]["displayName"], one["result"]) for one in told] == [("Pages", "1")]
    assert read(SkipCache="true").status_code == 200
    assert client.get("/v1/journey/streams/historic/C-1", headers=headers).status_code == 200
    refused = [
        read(view="other"), read(person="C-2"), read(person="c-1"), read(SearchFilter="type eq 'x'"),
        client.get(f"{VIEWS}/templates", headers=headers), client.get("/v1/journey/identities/C-1", headers=headers),
        client.post(VIEWS, params={"ViewId": "shopper", "PersonId": "C-1"}, headers=headers),
        client.post("/v1/journey/profileview?PersonId=C-1", json={"attributes": [VIEW]}, headers=headers),
        client.get(VIEWS, params={"ViewId": "shopper", "PersonId": "C-1"}, headers={**headers, "Origin": "null"}),
    ]  # fmt: skip
    assert {one.status_code for one in refused} == {403}
    for changed in ("pv=other", "pv=shopper%2Cother", "pv="):
        headers["Authorization"] = made.json()["data"]["token"].replace("pv=shopper", changed)
        assert read(view="other").status_code == 403


def test_a_pages_token_sees_nothing_of_a_compartment_in_events_either(client, profile_app):
    kept = {**VIEW, "metadata": "debts", "aggregationMode": "Sum", "metadataType": "double", "compartment": "billing"}
    assert client.post(f"{VIEWS}/templates", json={"id": "kept", "attributes": [kept]}).status_code == 201
    client.post(EVENTS, json={**event(), "person": "C-1", "data": {"debts": 700, "seen": 1}})
    token = client.post(f"{APPS}/desk/tokens", json={"person": "C-1"}).json()["data"]["token"]
    past = "/v1/journey/streams/historic/C-1"
    assert '"seen":1' in client.get(past, headers={"Authorization": token, "Origin": SHOP}).text
    assert "debts" not in client.get(past, headers={"Authorization": token, "Origin": SHOP}).text
    assert '"debts":700' in client.get(past).text


def test_a_token_without_views_reads_none(client, profile_app):
    token = client.post(f"{APPS}/desk/tokens", json={"person": "C-1"}).json()["data"]["token"]
    by_hand = make_token(
        organization="a", namespace="b", service="profile", permission="r", key_name="desk", person="C-1",
        secret=profile_app["secret"], expires_at=clock.now() + timedelta(minutes=1),
    )  # fmt: skip
    for one in (token, by_hand):
        headers = {"Authorization": one, "Origin": SHOP}
        assert client.get(VIEWS, params={"ViewId": "shopper", "PersonId": "C-1"}, headers=headers).status_code == 403


def test_who_may_not_read_profiles_makes_no_token_that_does(client, profile_app, key_for):
    body = {"person": "C-1", "views": ["shopper"]}
    for scopes, status in ((("events.*",), 403), (("events.*", "profiles.read"), 201)):
        assert client.post(f"{APPS}/desk/tokens", json=body, headers=key_for(*scopes)).status_code == status
    client.post(APPS, json={"name": "line", "services": {"stream": "r"}, "attributes": {"allowedOrigins": [SHOP]}})
    assert client.post(f"{APPS}/line/tokens", json=body).status_code == 422


@pytest.mark.parametrize(
    "body", [{"views": ["shopper"]}, {"person": "C-1", "views": "shopper"}, {"person": "C-1", "views": [7]},
             {"person": "C-1", "views": ["a,b"]}, {"person": "C-1", "views": [""]},
             {"person": "C-1", "views": ["x" * 501]}],
)  # fmt: skip
def test_views_that_cannot_be_named_are_refused(client, profile_app, body):
    assert client.post(f"{APPS}/desk/tokens", json=body).status_code in (400, 422)


def test_the_components_are_small_and_evaluate_no_text(stranger):
    text = stranger.get("/cx-components.js").text
    assert len(gzip.compress(text.encode(), 9)) < 40_000
    assert not re.search(r"\beval\b|new Function|innerHTML|document\.write", text)
