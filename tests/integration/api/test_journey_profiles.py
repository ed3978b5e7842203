"""`/v1/journey/views` and `/v1/journey/profileview`: the contract's rows, by key and by token."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from cxconsole import clock
from cxconsole.accounts.shared_access import make_token

TEMPLATES = "/v1/journey/views/templates"
VIEWS = "/v1/journey/views"
PROFILE = "/v1/journey/profileview"
PERSON = "ada@mail.example"


def attribute(**changes):
    return {
        "version": "0.1", "event": "cart", "metadata": "sku", "metadataType": "string", "limit": 3,
        "displayName": "Items", "lookbackDurationType": "days", "lookbackPeriod": 30, "aggregationMode": "Value",
        "verbose": False, **changes,
    }  # fmt: skip


TEMPLATE = {
    "id": "shopper",
    "attributes": [
        attribute(),
        attribute(displayName="Spent", metadata="cost", metadataType="double", aggregationMode="Sum", limit=100),
        attribute(displayName="Gift", metadata="gift", metadataType="boolean", limit=1, verbose=True),
    ],
}


def send(client, *rows, person=PERSON):
    now = clock.now()
    events = [
        {
            "id": f"e{ago}", "source": "shop", "type": kind, "person": person, "data": data,
            "time": (now - timedelta(minutes=ago)).isoformat(),
        }
        for ago, kind, data in rows
    ]  # fmt: skip
    assert client.post("/v1/journey/events", json=events).status_code == 202


@pytest.fixture
def shop(client):
    assert client.post(TEMPLATES, json=TEMPLATE).status_code == 201
    send(
        client, (3, "cart", {"sku": "bike", "cost": 100.5, "gift": False}), (2, "cart", {"sku": "bell", "cost": 20}),
        (1, "page", {}),
    )  # fmt: skip
    return client


def results(view):
    return {one["queryTemplate"]["displayName"]: one["result"] for one in view["attributeView"]}


def test_a_template_is_made_read_replaced_and_taken_away(client):
    made = client.post(TEMPLATES, json=TEMPLATE)
    assert made.status_code == 201 and made.json()["meta"] == {"orgId": "cxconsole"}
    other = client.post(TEMPLATES, json={"name": "Other", "attributes": [attribute()]}).json()["data"]["id"]
    assert [one["id"] for one in client.get(TEMPLATES).json()["data"]] == ["shopper", other]
    [got] = client.get(TEMPLATES, params={"Id": "shopper"}).json()["data"]
    assert got["attributes"][1] == {**TEMPLATE["attributes"][1], "rules": None, "widgetAttributes": None}
    assert (got["name"], got["datapointCount"]) == ("shopper", 3)
    assert client.post(TEMPLATES, json={**TEMPLATE, "datapointCount": 7}).status_code == 201
    assert client.get(TEMPLATES, params={"id": "shopper"}).json()["data"][0]["datapointCount"] == 7
    assert client.delete(TEMPLATES, params={"Id": "shopper"}).status_code == 200
    assert client.get(TEMPLATES, params={"Id": "shopper"}).json()["data"] == []
    assert client.delete(TEMPLATES, params={"Id": "shopper"}).status_code == 404
    assert client.delete(TEMPLATES).status_code == 422


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"id": "x", "attributes": [attribute(), attribute(displayName="Cart", limit=0)]}, "“Cart”: limit"),
        ({"id": "x", "attributes": [attribute(aggregationMode="Median")]}, "“Items”: aggregationMode"),
        ({"id": "x", "attributes": [attribute(aggregationMode="Sum")]}, "“Items”: Sum"),
        ({"id": "x", "attributes": [attribute(displayName=None)]}, "Attribute 1"),
        ({"id": "x", "attributes": [attribute(rules={"logic": "AND", "args": ["x"]})]}, "is no rule"),
        ({"id": "x"}, "attributes"),
        ([], "object"),
    ],
)
def test_what_is_wrong_is_told_and_names_the_attribute(client, document, told):
    for url in (TEMPLATES, f"{PROFILE}?PersonId={PERSON}"):
        answer = client.post(url, json=document)
        assert answer.status_code == 422
        assert told in " ".join(one["description"] for one in answer.json()["error"]["message"])


def test_a_view_is_built_and_then_read_where_the_answer_says(shop):
    made = shop.post(VIEWS, params={"ViewId": "shopper", "PersonId": PERSON}).json()
    assert made["id"] == made["data"]["id"]
    place = urlsplit(made["getUriStatusQuery"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"https://cx.example{VIEWS}"
    assert parse_qs(place.query)["instanceId"] == [made["id"]]
    view = shop.get(f"{place.path}?{place.query}").json()
    assert results(view) == {"Items": "bell,bike", "Spent": "120.5", "Gift": "false"}
    assert (view["name"], view["customerId"], view["runtimeStatus"]) == ("shopper", PERSON, "Completed")
    assert view["generatedAt"].endswith("Z")
    assert view["data"]["output"]["attributeView"] == view["attributeView"]
    events = {one["queryTemplate"]["displayName"]: one["journeyEvents"] for one in view["attributeView"]}
    assert events["Items"] is None
    [taken] = map(json.loads, events["Gift"])
    assert (taken["data"]["sku"], taken["person"]) == ("bike", PERSON)


def test_a_view_in_the_body_is_not_kept(shop):
    document = {"name": "Mine", "datapointCount": 5, "attributes": [attribute(displayName="Last", limit=1)]}
    view = shop.post(PROFILE, params={"PersonId": PERSON}, json=document).json()
    assert (view["name"], view["customerId"], results(view)) == ("Mine", PERSON, {"Last": "bell"})
    assert len(shop.get(TEMPLATES).json()["data"]) == 1


def test_parameters_are_taken_in_any_writing_and_unknown_ones_refused(shop):
    for names in ({"viewId": "shopper", "personId": PERSON}, {"templateId": "shopper", "personid": PERSON}):
        assert shop.get(VIEWS, params=names).status_code == 200
    assert shop.get(VIEWS, params={"ViewId": "shopper", "PersonId": PERSON, "colour": "red"}).status_code == 422
    assert shop.get(VIEWS, params={"ViewId": "shopper"}).status_code == 422
    assert shop.get(VIEWS, params={"ViewId": "none", "PersonId": PERSON}).status_code == 404


def test_a_view_is_fresh_when_something_happens_and_old_only_as_long_as_wished(shop):
    asked = {"ViewId": "shopper", "PersonId": PERSON}
    first = shop.get(VIEWS, params=asked).json()
    assert shop.get(VIEWS, params=asked).json()["generatedAt"] == first["generatedAt"]
    for wish in ({"params": {**asked, "SkipCache": "true"}}, {"params": asked, "headers": {"X-CACHE-MAXAGE-MIN": "0"}}):
        assert shop.get(VIEWS, **wish).json()["generatedAt"] > first["generatedAt"]
    send(shop, (0, "cart", {"sku": "lamp", "cost": 1}))
    assert (
        results(shop.get(VIEWS, params=asked, headers={"X-CACHE-MAXAGE-HOUR": "5"}).json())["Items"] == "lamp,bell,bike"
    )
    for wrong in ("soon", "100001", "00000000199999999999"):
        assert shop.get(VIEWS, params=asked, headers={"X-CACHE-MAXAGE-HOUR": wrong}).status_code == 422


def test_a_search_filter_narrows_the_events(shop):
    asked = {"ViewId": "shopper", "PersonId": PERSON, "SearchFilter": "data/cost ge 50"}
    assert results(shop.post(VIEWS, params=asked) and shop.get(VIEWS, params=asked).json())["Items"] == "bike"
    made = shop.post(VIEWS, params=asked).json()["getUriStatusQuery"]
    assert parse_qs(urlsplit(made).query)["SearchFilter"] == ["data/cost ge 50"]
    assert shop.get(VIEWS, params={**asked, "SearchFilter": "data/cost"}).status_code == 422


def test_of_nobody_a_view_is_empty(shop):
    view = shop.get(VIEWS, params={"ViewId": "shopper", "PersonId": "nobody"}).json()
    assert results(view) == {"Items": "", "Spent": "0", "Gift": ""}


def test_a_key_needs_the_right_and_a_token_the_service(shop, stranger, key_for):
    app = shop.post("/v1/organizations/apps", json={"name": "desk"}).json()["data"]

    def token(service, permission):
        return {
            "Authorization": make_token(
                organization="o", namespace="n", service=service, permission=permission, key_name="desk",
                expires_at=clock.now() + timedelta(hours=1), secret=app["secret"],
            )
        }  # fmt: skip

    asked = {"ViewId": "shopper", "PersonId": PERSON}
    calls = [
        ("GET", TEMPLATES, {}, "r"), ("POST", TEMPLATES, {"json": TEMPLATE}, "w"),
        ("GET", VIEWS, {"params": asked}, "r"),
        ("POST", VIEWS, {"params": asked}, "rw"),
        ("POST", PROFILE, {"params": {"PersonId": PERSON}, "json": TEMPLATE}, "rw"),
        ("DELETE", TEMPLATES, {"params": {"Id": "shopper"}}, "w"),
    ]  # fmt: skip
    stranger.headers.pop("Authorization", None)
    for method, url, more, letters in calls:
        assert stranger.request(method, url, **more).status_code == 401
        for headers in (
            token("tape", "rw"),
            key_for("events.read"),
            *(token("profile", one) for one in "rw" if one not in letters),
        ):
            assert stranger.request(method, url, headers=headers, **more).status_code == 403
        for one in letters:
            assert stranger.request(method, url, headers=token("profile", one), **more).status_code in (200, 201)
    assert stranger.get(TEMPLATES, headers=key_for("profiles.read")).status_code == 200
    assert stranger.post(TEMPLATES, headers=key_for("profiles.read"), json=TEMPLATE).status_code == 403
    assert stranger.post(TEMPLATES, headers=key_for("profiles.*"), json=TEMPLATE).status_code == 201


def test_what_is_kept_to_billing_is_left_out_for_others(shop, stranger, key_for):
    kept = [attribute(), attribute(displayName="Spent", metadata="cost", compartment="billing")]
    shop.post(TEMPLATES, json={"id": "shopper", "attributes": kept})
    asked = {"ViewId": "shopper", "PersonId": PERSON}
    level_1, billing = key_for("profiles.read"), key_for("profiles.read", "profile.billing")
    assert set(results(stranger.get(VIEWS, params=asked, headers=level_1).json())) == {"Items"}
    assert set(results(stranger.get(VIEWS, params=asked, headers=billing).json())) == {"Items", "Spent"}
    own = {"name": "x", "attributes": [attribute(), attribute(displayName="Money", metadata="cost")]}
    answer = stranger.post(PROFILE, params={"PersonId": PERSON}, json=own, headers=level_1)
    assert set(results(answer.json())) == {"Items"}
