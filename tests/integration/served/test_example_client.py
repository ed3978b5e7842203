"""`examples/journey_client.py`, on a real server."""

import threading
from datetime import timedelta
from itertools import islice

import httpx
import pytest

from cxconsole.errors import TooMany
from cxconsole.journey.intake import Unavailable
from examples import journey_client
from examples.journey_client import Event, JourneyClient, JourneyError

APPS = "/v1/organizations/apps"
ADA = "ada@mail.example"


@pytest.fixture
def journey(console, key_for):
    key = key_for("events.*", "profiles.*")["Authorization"].removeprefix("Bearer ")
    with JourneyClient(console, key=key, source="shop") as client:
        yield client


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits long in a test; `pauses` holds how long one would have waited."""
    pauses: list[float] = []
    monkeypatch.setattr(journey_client.time, "sleep", pauses.append)
    return pauses


def test_events_are_sent_many_at_a_time_and_counted_once(journey):
    events = [Event(type=f"t.{n}", person=ADA, data={"n": n}) for n in range(1_200)]
    with journey.batch() as batch:
        for one in events:
            batch.add(one)
    journey.send(*events[:10])
    found = journey.read_events(filter=f"person eq '{ADA}' and source eq 'shop'", top=1000)
    assert len(found) == 1_000
    assert len(journey.read_events(filter="source eq 'shop' and data/n lt 200", top=1000)) == 200
    assert found[0]["type"] == "t.1199"


def test_a_batch_that_is_broken_off_sends_nothing_more(journey):
    with pytest.raises(ZeroDivisionError), journey.batch() as batch:
        batch.add(Event(type="t", person=ADA))
        raise ZeroDivisionError
    assert journey.read_events(filter="source eq 'shop'") == []


def test_the_anonymous_past_joins(journey):
    anonymous = "anon-6f0c3ea4-3f6e-4a57-9a1d-6a1b2f5d7c11"
    journey.send(Event(type="seen", person=anonymous))
    journey.send(Event(type="named", person=ADA, previously=anonymous))
    found = journey.read_events(filter=f"person eq '{ADA}' and source eq 'shop'")
    assert [one["type"] for one in found] == ["named", "seen"]


@pytest.mark.parametrize(("error", "least"), [(TooMany("Later.", retry_after_seconds=7), 7), (Unavailable("Busy."), 1)])
def test_what_the_console_cannot_take_now_is_sent_when_it_says(
    journey, application, monkeypatch, impatient, error, least
):
    submit, refusals = application.intake.submit, [error, error]

    async def submit_later(*arguments, **more):
        if refusals:
            raise refusals.pop()
        return await submit(*arguments, **more)

    monkeypatch.setattr(application.intake, "submit", submit_later)
    journey.send(Event(type="t", person=ADA))
    assert len(impatient) == 2 and all(least <= one < least + 1 for one in impatient)
    assert len(journey.read_events(filter="source eq 'shop'")) == 1


def test_what_is_refused_is_told_and_not_tried_again(journey, impatient):
    with pytest.raises(JourneyError) as refused:
        journey.send(Event(type="good", person=ADA), Event(type="", person=ADA))
    assert refused.value.status == 400
    assert refused.value.messages[0].startswith("[1].type")
    assert refused.value.tracking_id
    assert not impatient
    assert [one["type"] for one in journey.read_events(filter="source eq 'shop'")] == ["good"]


def test_a_stream_goes_on_with_a_fresh_token_where_the_last_one_ended(console, client, journey):
    app = client.post(APPS, json={"name": "desk", "services": {"stream": "r"}}).json()["data"]
    sent = [f"t.{n}" for n in range(40)]
    journey.send(Event(type="start", person=ADA))
    with JourneyClient(
        console, app="desk", secret=app["secret"], token_lasts=timedelta(seconds=0.4)
    ) as follower:  # fmt: skip
        stream = follower.follow(ADA, types=["first", *sent])
        start = threading.Timer(0.3, lambda: journey.send(Event(type="first", person=ADA)))
        start.start()
        assert next(stream).event["type"] == "first"

        def write():
            for one in sent:
                journey.send(Event(type=one, person=ADA))
                threading.Event().wait(0.05)

        writing = threading.Thread(target=write)
        writing.start()
        seen = list(islice(stream, len(sent)))
        writing.join()
    assert [one.event["type"] for one in seen] == sent
    assert len({one.id for one in seen}) == len(sent)


def test_a_stream_of_nobody_says_so(journey):
    with pytest.raises(JourneyError, match="404: Nobody is known as 'nobody'"):
        next(journey.follow("nobody"))


def test_a_profile_is_read(client, journey):
    attribute = {"displayName": "Spent", "event": "order.placed", "metadata": "total", "metadataType": "double"}
    view = {"id": "shopper", "attributes": [attribute | {
        "version": "0.1", "limit": 100, "lookbackDurationType": "none", "aggregationMode": "Sum", "verbose": False,
    }]}  # fmt: skip
    assert client.post("/v1/journey/views/templates", json=view).status_code == 201
    for total in (100, 29.5):
        journey.send(Event(type="order.placed", person=ADA, data={"total": total}))
    assert journey.read_profile("shopper", ADA) == {"Spent": "129.5"}


def test_a_console_that_is_not_there_is_an_error_in_the_end(impatient):
    with JourneyClient("http://127.0.0.1:9", key="x") as client, pytest.raises(httpx.TransportError):
        client.send(Event(type="t", person=ADA))
    assert len(impatient) == journey_client.MOST_TRIES - 1


def test_a_client_needs_a_key_or_an_app():
    for given in ({}, {"key": "x", "app": "a", "secret": "s"}, {"app": "a"}):
        with pytest.raises(ValueError, match="a key of the console"):
            JourneyClient("http://127.0.0.1:9", **given)
