"""`/hooks/{token}`: what other systems send is an event once, or a failure that a person can see."""

import hashlib
import hmac

import pytest
from sqlmodel import select

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from cxconsole.journey.personal import SEALED
from cxconsole.journey.sources import change_source, list_sources
from cxconsole.journey.webhooks import (
    change_address,
    change_webhook,
    create_webhook,
    delete_webhook,
    get_webhook,
    list_webhooks,
    preview_payloads,
    read_token,
)
from models.event import Event
from models.webhook import Webhook, WebhookPayload

MAPPING = {"type": "order.{{ action }}", "person": "$.customer.email", "id": "$.number", "data": '{"total": "$.total"}'}
ORDER = {"action": "placed", "number": 17, "customer": {"email": "ada@mail.example"}, "total": 12.5}


class Hook:
    """A webhook for orders, and what became of what was sent."""

    def __init__(self, application, client):
        self._application, self._client = application, client
        with application.database.write() as session:
            self.id = create_webhook(session, "shop", vault=application.vault, actor=OPERATOR, now=clock.now()).id
        self.change(mapping=MAPPING)

    @property
    def url(self):
        with self._application.database.read() as session:
            return f"/hooks/{read_token(session, self.id, vault=self._application.vault, actor=OPERATOR)}"

    def change(self, **values):
        with self._application.database.write() as session:
            change_webhook(session, self.id, values, vault=self._application.vault, actor=OPERATOR, now=clock.now())

    def send(self, **more):
        return self._client.post(self.url, **more)

    def counts(self):
        with self._application.database.read() as session:
            found = get_webhook(session, self.id, actor=OPERATOR)
        return found.received, found.stored, found.failed

    def payloads(self, mapping=None):
        with self._application.database.read() as session:
            return preview_payloads(session, self.id, mapping, actor=OPERATOR, now=clock.now())

    def events(self):
        with self._application.database.read() as session:
            return session.exec(select(Event).where(Event.source == "shop").order_by(Event.id)).all()


@pytest.fixture
def hook(application, stranger):
    return Hook(application, stranger)


def test_json_of_any_shape_becomes_an_event_once(hook):
    answer = hook.send(json=ORDER)
    assert (answer.status_code, answer.json()) == (202, {"status": "stored"})
    assert hook.send(json=ORDER).json() == {"status": "duplicate"}
    [event] = hook.events()
    assert (event.type, event.event_id, event.data) == ("order.placed", "17", {"total": 12.5})
    assert event.actor == f"webhook:{hook.id}"
    assert hook.counts() == (2, 1, 0)


def test_an_address_in_a_payload_is_sealed_as_in_any_event(hook):
    hook.change(mapping={**MAPPING, "data": "$"})
    assert hook.send(json=ORDER).status_code == 202
    [event] = hook.events()
    assert event.data == {**ORDER, "customer": {"email": event.data["customer"]["email"]}}
    assert event.data["customer"]["email"].startswith(SEALED)


def test_without_an_id_the_same_body_counts_once(hook):
    hook.change(mapping={"type": "ping", "person": "$.who"})
    for body in (b'{"who": "C-1"}', b'{"who": "C-1"}', b'{"who":  "C-1"}'):
        assert hook.send(content=body, headers={"Content-Type": "text/plain"}).status_code == 202
    assert len(hook.events()) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no json", 400),
        (b"\xff\xfe\x00", 400),
        (b'{"a": NaN}', 400),
        (b'{"a": "\\u0000"}', 400),
        (b'{"a": "\\ud800"}', 400),
        (b"[" * 200_000, 400),
        (b"9" * 10_000, 400),
        (b"[]", 422),
        (b"7", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b'{"customer": {"email": [1]}, "action": "x"}', 422),
        (b'{"customer": "ada", "action": {"a": 1}}', 422),
        (b'{"customer": {"email": "' + b"x" * 100_000 + b'"}, "action": "x"}', 422),
        (b'{"customer": {"email": "a"}, "number": ' + b"[" * 900 + b"]" * 900 + b"}", 422),
        (b'{"x": "' + b"y" * 1_000_000 + b'"}', 413),
    ],
)
def test_a_body_that_is_no_event_is_refused_counted_and_shown(hook, body, status):
    answer = hook.send(content=body)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert hook.counts() == (1, 0, 1)
    assert hook.events() == []
    shown = hook.payloads()
    assert [one.status for one in shown] == (["failed"] if status != 413 else [])
    assert all(one.problem for one in shown)
    assert hook.send(json=ORDER).status_code == 202


def test_the_last_twenty_are_kept_and_tried_on_another_mapping(hook, application):
    for number in range(25):
        hook.send(json={**ORDER, "number": number, "card_number": "4111", "note": "x" * 2_000})
    shown = hook.payloads({"type": "seen", "person": "$.nope"})
    assert [one.payload["number"] for one in shown] == list(range(24, 4, -1))
    assert shown[0].payload["card_number"] == "(hidden)"
    assert (shown[0].event, shown[0].event_problem.partition(":")[0]) == (None, "person")
    assert hook.payloads()[0].event["type"] == "order.placed"
    with application.database.read() as session:
        assert len(session.exec(select(WebhookPayload)).all()) == 20
    with pytest.raises(Invalid):
        hook.payloads({"type": "x", "person": "$..x"})


def test_a_signature_that_is_asked_for_must_be_right(hook):
    hook.change(signature_header="X-Signature", signing_secret="s3cret")
    body = b'{"action": "placed", "number": 1, "customer": {"email": "ada@mail.example"}}'
    good = hmac.digest(b"s3cret", body, hashlib.sha256).hex()
    for given in ({}, {"X-Signature": "x"}, {"X-Signature": good[:-1] + "0"}, {"X-Signature": ""}):
        assert hook.send(content=body, headers=given).status_code == (202 if given.get("X-Signature") == good else 403)
    assert hook.payloads() == ()  # nobody proved to be the sender
    for number, given in enumerate((good, f"sha256={good}", good.upper())):
        assert hook.send(content=body, headers={"X-Signature": given}).status_code == 202, number
    assert len(hook.events()) == 1


def test_an_address_that_is_none_is_told_apart_from_nothing(hook, stranger, application):
    for path in ("/hooks/x", "/hooks/" + "x" * 43, "/hooks/%00"):
        assert stranger.post(path, json=ORDER).status_code == 404
    old = hook.url
    assert stranger.get(old).status_code == 405
    with application.database.write() as session:
        change_address(session, hook.id, vault=application.vault, actor=OPERATOR, now=clock.now())
    assert stranger.post(old, json=ORDER).status_code == 404
    assert hook.send(json=ORDER).status_code == 202
    with application.database.write() as session:
        token = read_token(session, hook.id, vault=application.vault, actor=OPERATOR)
        assert token not in str(session.get_one(Webhook, hook.id))
        delete_webhook(session, hook.id, actor=OPERATOR, now=clock.now())
    assert stranger.post(f"/hooks/{token}", json=ORDER).status_code == 404


def test_a_paused_one_lets_the_sender_wait(hook):
    hook.change(state="paused")
    answer = hook.send(json=ORDER)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    hook.change(state="open")
    assert hook.send(json=ORDER).status_code == 202


@pytest.mark.parametrize(("state", "status"), [("quarantined", 202), ("blocked", 403)])
def test_the_rules_of_its_source_hold_here_too(hook, application, state, status):
    hook.send(json={**ORDER, "number": 1})
    with application.database.write() as session:
        [source] = list_sources(session, actor=OPERATOR)
        change_source(session, source.id, {"state": state}, actor=OPERATOR, now=clock.now())
    application.intake.forget_rules()
    assert hook.send(json={**ORDER, "number": 2}).status_code == status
    assert len(hook.events()) == 1


def test_who_may_not_edit_sees_no_address_and_changes_nothing(application, hook):
    reader = Actor(kind="key", name="key:1", rights=frozenset({"events.read"}))
    now, vault = clock.now(), application.vault
    with application.database.write() as session:
        assert [one.name for one in list_webhooks(session, actor=reader)] == ["shop"]
        for refused in (
            lambda: create_webhook(session, "x", vault=vault, actor=reader, now=now),
            lambda: read_token(session, hook.id, vault=vault, actor=reader),
            lambda: change_webhook(session, hook.id, {"state": "paused"}, vault=vault, actor=reader, now=now),
            lambda: change_address(session, hook.id, vault=vault, actor=reader, now=now),
            lambda: delete_webhook(session, hook.id, actor=reader, now=now),
        ):
            with pytest.raises(Forbidden):
                refused()


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"name": ""}, Invalid),
        ({"source": "cxconsole"}, Invalid),
        ({"state": "gone"}, Invalid),
        ({"mapping": {"type": "a"}}, Invalid),
        ({"mapping": 7}, Invalid),
        ({"signature_header": "a b"}, Invalid),
        ({"token_hash": "x"}, Invalid),
        ({"name": "other"}, Conflict),
    ],
)
def test_what_cannot_be_is_refused(application, hook, values, error):
    with application.database.write() as session:
        create_webhook(session, "other", vault=application.vault, actor=OPERATOR, now=clock.now())
    with pytest.raises(error):
        hook.change(**values)
    with application.database.read() as session, pytest.raises(NotFound):
        get_webhook(session, 999, actor=OPERATOR)
