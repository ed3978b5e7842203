"""The journey contract as clients that were generated from it use it, in Python, Node and Java, on a real server.

The contract's own SDKs are in no package registry, so they cannot be installed here. What they send and read is written
down in `generated_client.py`; `contract.mjs` and `Contract.java` are clients on nothing but what Node and Java bring
along.
"""

import base64
import json
import shutil
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.served.generated_client import ApiError, GeneratedClient, read, sign

PERSON = "ada@mail.example"
TEMPLATE = {
    "id": "shopper",
    "attributes": [
        {
            "version": "0.1", "event": "Add To Cart", "metadata": "sku", "metadataType": "string", "limit": 3,
            "displayName": "Items added", "lookbackDurationType": "days", "lookbackPeriod": 30,
            "aggregationMode": "Value", "verbose": True, "widgetAttributes": {"type": "table", "tag": "Cart"},
        },
        {
            "version": "0.1", "event": "Add To Cart", "metadata": "price", "metadataType": "integer", "limit": 10,
            "displayName": "Worth", "lookbackDurationType": "days", "lookbackPeriod": 30, "aggregationMode": "Sum",
            "verbose": False, "rules": {"logic": "SINGLE", "args": ["'Add To Cart','price','Sum' GTE 1"]},
        },
    ],
}  # fmt: skip


@pytest.fixture
def secret(client):
    return client.post("/v1/organizations/apps", json={"name": "sdk"}).json()["data"]["secret"]


@pytest.fixture
def sdk(console):
    return GeneratedClient(console)


@pytest.fixture
def token(secret):
    return lambda service, permission, **more: sign(secret, service=service, permission=permission, app="sdk", **more)


def event(**more):
    """An event as the SDKs write it: `data` is a text that holds JSON."""
    return {
        "specVersion": "1.0", "source": "website", "id": str(uuid.uuid4()), "person": PERSON, "type": "Add To Cart",
        "data": json.dumps({"sku": "bike", "price": 100}), "dataContentType": "application/json",
        "time": datetime.now(UTC).isoformat(), **more,
    }  # fmt: skip


def test_events_are_posted_and_read(sdk, token):
    for data in ({"sku": "bike", "price": 100}, {"sku": "bell", "price": 20}):
        assert sdk.call("postEvents", token("ds", "w"), body=event(data=json.dumps(data)))["data"]["message"]
        assert sdk.status == 202
    tape = sdk.call("readEvents", token("tape", "r"), query={"$filter": "type eq 'Add To Cart'", "$top": 5})
    assert [one["data"]["sku"] for one in tape["events"]] == ["bell", "bike"]
    assert tape["meta"] == {"orgId": "acme"}
    mine = sdk.call("readEventsByIdentity", token("tape", "r"), path={"identity": PERSON}, query={"$top": 1})
    assert mine["events"][0]["time"].tzinfo and mine["events"][0]["person"] == PERSON


def test_an_event_as_the_libraries_for_cloud_events_write_it(sdk, token):
    document = event(data={"sku": "lamp"})
    document["specversion"], document["datacontenttype"] = document.pop("specVersion"), document.pop("dataContentType")
    sdk.call("postEvents", token("ds", "w"), body=document)
    assert sdk.call("readEvents", token("tape", "r"))["events"][0]["data"] == {"sku": "lamp"}


def test_a_signature_is_taken_encoded_and_as_base64_made_it(sdk, token):
    for _ in range(8):  # some of them hold + and /
        sdk.call("postEvents", token("ds", "w", is_encoded=False), body=event())
        sdk.call("postEvents", token("ds", "w"), body=event())
    assert len(sdk.call("readEvents", token("tape", "r", is_encoded=False))["events"]) >= 16


def test_a_view_is_made_built_and_read_until_it_is_there(sdk, token):
    sdk.call("createProfileViewTemplate", token("profile", "w"), body=TEMPLATE)
    assert sdk.status == 201
    sdk.call("postEvents", token("ds", "w"), body=event())
    [template] = sdk.call("getProfileViewTemplates", token("profile", "r"), query={"id": "shopper"})["data"]
    assert [one["displayName"] for one in template["attributes"]] == ["Items added", "Worth"]
    asked = {"viewId": "shopper", "personId": PERSON, "skipCache": True, "searchFilter": "type eq 'Add To Cart'"}
    ages = {"X-CACHE-MAXAGE-HOUR": 0, "X-CACHE-MAXAGE-MIN": 15}
    job = sdk.call("createView", token("profile", "w"), query=asked, headers=ages)
    assert urlsplit(job["getUriStatusQuery"]).path == "/v1/journey/views"
    status = sdk.call(
        "getViewStatus", token("profile", "r"),
        query={"viewId": "shopper", "instanceId": job["id"], "personId": PERSON},
    )  # fmt: skip
    assert status["data"]["runtimeStatus"] == "Completed"
    results = {one["queryTemplate"]["displayName"]: one for one in status["data"]["output"]["attributeView"]}
    assert {name: one["result"] for name, one in results.items()} == {"Items added": "bike", "Worth": "100"}
    # each event a text of its own, and what a widget needs comes back as it was given
    assert [json.loads(one)["data"]["sku"] for one in results["Items added"]["journeyEvents"]] == ["bike"]
    assert results["Items added"]["queryTemplate"]["widgetAttributes"] == {"type": "table", "tag": "Cart"}
    sdk.call("deleteProfileViewTemplate", token("profile", "w"), query={"id": "shopper"})
    assert sdk.call("getProfileViewTemplates", token("profile", "r"))["data"] == []


def test_a_profile_is_built_from_a_template_in_the_body(sdk, token):
    sdk.call("postEvents", token("ds", "w"), body=event())
    given = {"name": "Mine", "datapointCount": 2, "attributes": TEMPLATE["attributes"]}
    profile = sdk.call("profileBuilder", token("profile", "w"), query={"personId": PERSON}, body=given)
    assert (profile["name"], profile["customerId"]) == ("Mine", PERSON)
    assert [one["result"] for one in profile["attributeView"]] == ["bike", "100"]
    assert profile["generatedAt"].tzinfo and json.loads(profile["attributeView"][0]["journeyEvents"][0])["id"]


def test_identities_are_read(sdk, token):
    sdk.call("postEvents", token("ds", "w"), body=event(person="C-1", previously="anon-" + str(uuid.uuid4())))
    one = sdk.call("getIdentity", token("idmt", "r"), path={"id": "C-1"})["data"]
    assert one["aliases"][0].startswith("anon-") and one["lastSeen"]
    assert [other["id"] for other in sdk.call("listIdentities", token("idmt", "r"))["data"]] == [one["id"]]


@pytest.mark.parametrize(
    ("operation", "service", "permission", "more", "status"),
    [
        ("postEvents", "ds", "w", {"body": {"type": "x"}}, 400),
        ("postEvents", "tape", "r", {"body": event()}, 403),
        ("readEvents", "tape", "w", {}, 403),
        ("createProfileViewTemplate", "profile", "w", {"body": {"id": "x", "attributes": [{"limit": 0}]}}, 422),
        ("getIdentity", "idmt", "r", {"path": {"id": "nobody"}}, 404),
        ("createView", "profile", "w", {"query": {"viewId": "none", "personId": PERSON}}, 404),
    ],
)
def test_what_fails_is_told_in_the_contracts_form(sdk, token, operation, service, permission, more, status):
    with pytest.raises(ApiError) as failed:
        sdk.call(operation, token(service, permission), **more)
    assert failed.value.status == status == failed.value.body["error"]["key"]
    assert failed.value.body["error"]["message"][0]["description"]
    assert uuid.UUID(failed.value.body["trackingId"])


def test_a_widget_reads_the_past_as_json_with_its_token_for_the_tape(client, sdk, token):
    for name in ("first", "second"):
        sdk.call("postEvents", token("ds", "w"), body=event(type=name))
    past = f"/v1/journey/streams/historic/{PERSON}"
    headers = {"Authorization": token("tape", "r"), "Accept": "application/json"}
    read = client.get(past, headers=headers).json()
    assert [one["type"] for one in read["events"] if one["source"] == "website"] == ["second", "first"]
    for accept in ("*/*", "text/event-stream, application/json"):
        answer = client.get(past, headers={**headers, "Accept": accept})
        assert answer.headers["content-type"].startswith("text/event-stream")
    assert client.get(past, headers={**headers, "Authorization": token("ds", "w")}).status_code == 403


def test_a_client_of_nothing_but_node(console, secret):
    node = Path(sys.executable).with_name("node")
    script = Path(__file__).with_name("contract.mjs")
    done = subprocess.run(
        [node, "--experimental-eventsource", "--no-warnings", script, console, "sdk", secret],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["statuses"] == [202, 201, 200, 200]
    assert told["profile"] == "120"
    assert told["tape"] == ["cart 0", "cart 1", "cart 2", "cart 3"]
    # EventSource with the token as `sig`, EventSource with the token laid out, and WebSocket hear the same
    for name in ("asSig", "laidOut", "socket"):
        assert told["heard"][name] == ["cart 1", "cart 2", "cart 3"], name
    assert told["refused"] == 401
    assert base64.b64decode(told["signature"])


@pytest.mark.skipif(shutil.which("javac") is None, reason="There is no JDK here.")
def test_a_client_of_nothing_but_java(console, secret):
    program = Path(__file__).with_name("Contract.java")
    done = subprocess.run(["java", program, console, "sdk", secret], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = [line.split(" ") for line in done.stdout.splitlines()]
    statuses = [(name, int(status)) for name, status, _ in told]
    assert statuses == [
        ("post", 202), ("ping", 101), ("post", 202), ("stream", 200), ("socket", 101), ("template", 201),
        ("build", 200), ("view", 200), ("tape", 200), ("aliases", 200), ("fewer", 200), ("refused", 403), ("bad", 400),
        ("old", 200),
    ]  # fmt: skip
    said = {name: json.loads(base64.b64decode(body)) for name, _, body in told}
    # what was posted is heard by both kinds of streams, and read from the Tape
    assert said["ping"]["event"] is None
    assert said["stream"] == said["socket"]["event"] == said["tape"]["events"][0]
    assert [one["data"]["number"] for one in said["tape"]["events"]] == [1, 0]
    assert said["view"]["attributeView"][0]["result"] == "80"
    assert said["fewer"]["data"]["aliases"] == said["old"]["data"]["aliases"] == ["ada+java@mail.example"]
    for name, status in (("refused", 403), ("bad", 400)):
        assert read("ErrorAnswer", said[name])["error"]["key"] == status
