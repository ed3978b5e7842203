"""Who may use the journey contract: tokens that apps sign, and keys of the console."""

import uuid
from datetime import timedelta

import pytest

from cxconsole import clock
from cxconsole.accounts.shared_access import make_token
from models.system import App

EVENTS = "/v1/journey/events"
APPS = "/v1/organizations/apps"


def event():
    return {
        "specVersion": "1.0", "id": str(uuid.uuid4()), "source": "shop", "type": "page.visited", "person": "C-1",
        "data": {},
    }  # fmt: skip


@pytest.fixture
def app(client):
    """An app that may do everything, with its secret."""
    answer = client.post(APPS, json={"name": "shop", "attributes": {"team": "web"}})
    assert answer.status_code == 201
    return answer.json()["data"]


def signed(app, *, service="ds", permission="w", lasts=timedelta(hours=1), secret=None, name=None):
    token = make_token(
        organization="acme", namespace="sandbox", service=service, permission=permission,
        expires_at=clock.now() + lasts, key_name=name or app["keyName"], secret=secret or app["secret"],
    )  # fmt: skip
    return {"Authorization": token}


def test_a_signed_token_is_admitted_and_names_its_organization(client, app):
    answer = client.post(EVENTS, json=event(), headers=signed(app))
    assert (answer.status_code, answer.json()["meta"]) == (202, {"orgId": "acme"})


@pytest.mark.parametrize(
    "change",
    [
        {"service": "tape", "permission": "r"},
        {"permission": "r"},
        {"lasts": timedelta(seconds=-1)},
        {"secret": "another"},
        {"name": "nobody"},
        {"permission": "x"},
    ],
)
def test_a_wrong_expired_or_lesser_token_is_refused(client, app, change):
    answer = client.post(EVENTS, json=event(), headers=signed(app, **change))
    assert answer.status_code == 403
    assert answer.json()["error"]["key"] == 403


def test_every_change_of_a_token_breaks_it(client, app):
    good = signed(app)["Authorization"]
    changed = [
        good.replace("so=acme", "so=other"),
        good.replace("sp=w", "sp=rw"),
        good.replace("ss=ds", "ss=ds,tape"),
        good[:-6] + "AAA%3D",
        good.partition("&sig=")[0],
        good + "&x=1",
        "SharedAccessSignature",
        "SharedAccessSignature so=a&so=b&sig=x",
    ]
    assert {client.post(EVENTS, json=event(), headers={"Authorization": one}).status_code for one in changed} == {403}


def test_a_new_key_ends_the_old_one_and_deleting_ends_both(client, app):
    fresh = client.put(f"{APPS}/shop/key").json()["data"]
    assert fresh["secret"] != app["secret"]
    assert client.post(EVENTS, json=event(), headers=signed(app)).status_code == 403
    assert client.post(EVENTS, json=event(), headers=signed(fresh)).status_code == 202
    assert client.delete(f"{APPS}/shop").status_code == 200
    assert client.post(EVENTS, json=event(), headers=signed(fresh, lasts=timedelta(hours=2))).status_code == 403
    assert client.delete(f"{APPS}/shop").status_code == 404


def test_a_secret_is_told_once_and_kept_sealed(client, app, application):
    told = client.get(APPS).json()["data"]
    assert [(one["name"], one["attributes"]) for one in told] == [("shop", {"team": "web"})]
    assert app["secret"] not in client.get(APPS).text
    with application.database.read() as session:
        assert app["secret"] not in session.get_one(App, 1).secret


def test_an_app_claims_no_more_than_it_was_given(client):
    app = client.post(APPS, json={"name": "tag", "services": {"ds": "w"}}).json()["data"]
    assert client.post(EVENTS, json=event(), headers=signed(app)).status_code == 202
    assert client.get(EVENTS, headers=signed(app, service="tape", permission="r")).status_code == 403
    assert client.post(EVENTS, json=event(), headers=signed(app, permission="rw")).status_code == 403


def test_an_app_with_the_account_service_keeps_apps(client, app):
    headers = signed(app, service="account", permission="rw")
    assert client.post(APPS, json={"name": "second"}, headers=headers).status_code == 201
    changed = client.put(f"{APPS}/second/attributes", json={"note": "x"}, headers=headers)
    assert changed.json()["data"]["attributes"] == {"note": "x"}
    assert len(client.get(APPS, headers=headers).json()["data"]) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": "a&b"}, 422),
        ({"name": "shop"}, 409),
        ({"name": "x", "services": {"ds": "rwx"}}, 422),
        ({"name": "x", "services": 7}, 400),
        ({"name": "x", "attributes": []}, 400),
        ({"name": "x", "more": 1}, 400),
    ],
)
def test_an_app_that_cannot_be_made_is_refused(client, app, body, status):
    answer = client.post(APPS, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
