"""A POST with an Idempotency-Key can be repeated without harm."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import select

from cxconsole import clock
from cxconsole.accounts.idempotency import drain_kept_answers
from cxconsole.api import campaigns
from models.system import IdempotencyRecord

URL = "/api/v1/campaigns"
KEY = {"Idempotency-Key": "8f14e45f"}


def test_a_repeat_gets_the_first_answer_and_changes_nothing(client):
    first = client.post(URL, json={"name": "Once"}, headers=KEY)
    again = client.post(URL, json={"name": "Once"}, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert client.get(URL).json()["total"] == 1


def test_without_the_header_each_request_counts(client):
    client.post(URL, json={"name": "Once"})
    client.post(URL, json={"name": "Once"})
    assert client.get(URL).json()["total"] == 2


def test_a_refusal_is_repeated_too(client):
    made = client.post(URL, json={"name": "Empty"}).json()
    first = client.post(f"{URL}/{made['id']}/publish", headers=KEY)
    again = client.post(f"{URL}/{made['id']}/publish", headers=KEY)
    assert first.status_code == again.status_code == 409
    assert again.json() == first.json()
    assert again.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("url", "name"), [(URL, "Twice"), ("/api/v1/templates", "Once")])
def test_another_request_with_the_same_key_is_invalid(client, url, name):
    client.post(URL, json={"name": "Once"}, headers=KEY)
    answer = client.post(url, json={"name": name}, headers=KEY)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "Idempotency-Key"
    assert client.get(URL).json()["total"] == 1


def test_keys_of_different_callers_do_not_meet(client, key_for):
    client.post(URL, json={"name": "Mine"}, headers=KEY)
    answer = client.post(URL, json={"name": "Theirs"}, headers={**KEY, **key_for("all")})
    assert (answer.status_code, answer.json()["name"]) == (201, "Theirs")


def test_a_repeat_while_the_first_runs_is_told_to_wait(client, monkeypatch):
    entered, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(campaigns.Call, "write", _slowed(campaigns.Call.write, entered, go_on))
    first = client.start("POST", URL, json={"name": "Slow"}, headers=KEY)
    assert entered.wait(30)
    again = client.post(URL, json={"name": "Slow"}, headers=KEY)
    go_on.set()
    assert again.status_code == 409
    assert first.result(30).status_code == 201
    assert client.post(URL, json={"name": "Slow"}, headers=KEY).headers["idempotency-replayed"] == "true"


def _slowed(write, entered, go_on):
    def slow(call):
        entered.set()
        assert go_on.wait(30)
        return write(call)

    return slow


def test_an_error_of_our_own_is_not_kept(client, monkeypatch):
    def broken(*_arguments, **_named):
        raise RuntimeError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(campaigns, "create_campaign", broken)
        answer = client.post(URL, json={"name": "x"}, headers=KEY)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "defect" not in answer.text
    assert client.post(URL, json={"name": "x"}, headers=KEY).status_code == 201


def test_an_answer_is_kept_for_24_hours(client, application):
    client.post(URL, json={"name": "Once"}, headers=KEY)
    with time_machine.travel(clock.now() + timedelta(hours=23, minutes=59), tick=False):
        assert client.post(URL, json={"name": "Once"}, headers=KEY).headers["idempotency-replayed"] == "true"
    with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1), tick=False):
        assert "idempotency-replayed" not in client.post(URL, json={"name": "Once"}, headers=KEY).headers
    assert client.get(URL).json()["total"] == 2


def test_a_claim_whose_process_died_frees_itself(client, application):
    client.post(URL, json={"name": "Once"}, headers=KEY)
    with application.database.write() as session:
        record = session.exec(select(IdempotencyRecord)).one()
        record.status, record.created_at = None, clock.now() - timedelta(minutes=9)
    assert client.post(URL, json={"name": "Once"}, headers=KEY).status_code == 409
    with application.database.write() as session:
        session.exec(select(IdempotencyRecord)).one().created_at = clock.now() - timedelta(minutes=11)
    assert client.post(URL, json={"name": "Once"}, headers=KEY).status_code == 201


def test_old_answers_are_forgotten_by_the_job(client, application):
    client.post(URL, json={"name": "Once"}, headers=KEY)
    with application.database.write() as session:
        assert drain_kept_answers(session, now=clock.now()) == 0
        assert drain_kept_answers(session, now=clock.now() + timedelta(hours=25)) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_a_key_that_cannot_be_one_is_malformed(client, key):
    assert client.post(URL, json={"name": "x"}, headers={"Idempotency-Key": key}).status_code == 400
