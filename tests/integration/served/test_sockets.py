"""`/v1/journey/streams` over WebSocket: the streams that server-sent events carry, with the same rules."""

import asyncio
import json
import uuid
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.keys import list_keys, revoke_key
from cxconsole.accounts.shared_access import SCHEME, make_token
from cxconsole.api.journey import following
from cxconsole.audience.identity_changes import unite_persons
from cxconsole.audience.recognition import find_people
from cxconsole.audience.unmerging import list_merges, undo_merge
from tests.integration.served.socket_client import Closed, Refused, connected, opened

STREAMS = "/v1/journey/streams"
APPS = "/v1/organizations/apps"
SHOP, OTHER, EVIL = "https://shop.example", "https://other.example", "https://evil.example"


def event(type="page.visited", **more):
    return {"id": str(uuid.uuid4()), "source": "shop", "type": type, "person": "ada@mail.example"} | more


async def refusal(console, path=STREAMS, headers=None, **query):
    """The status with which the upgrade is refused."""
    with pytest.raises(Refused) as refused:
        async with opened(console, path, headers, **query):
            pass
    return refused.value.status


async def send(console, headers, *events):
    async with httpx.AsyncClient(base_url=console, headers=headers) as client:
        answer = await client.post("/v1/journey/events", json=list(events))
        assert answer.status_code == 202


async def until_nobody_follows(application):
    async with asyncio.timeout(20):
        while application.live_tape.followers:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.fixture
def key(key_for):
    return key_for("events.*")


def test_what_comes_is_told_once_and_in_order_over_any_number_of_breaks(console, application, key):
    sent = [f"t.{n}" for n in range(120)]

    async def write():
        for at in range(0, len(sent), 3):
            await send(console, key, *(event(one) for one in sent[at : at + 3]))

    async def run():
        seen, query, writing = [], {}, None
        while len(seen) < len(sent):
            async with opened(console, STREAMS, key, type=sent, **query) as reader:
                writing = writing or asyncio.ensure_future(write())
                seen += [await reader.next() for _ in range(min(17, len(sent) - len(seen)))]
            query = {"lastEventId": seen[-1][0]}
        await writing
        assert [one["type"] for _, one in seen] == sent
        assert [one for one, _ in seen] == sorted({one for one, _ in seen})
        await until_nobody_follows(application)

    asyncio.run(run())


def test_an_event_is_told_as_server_sent_events_tell_it(console, key):
    async def run():
        await send(console, key, event())
        async with opened(console, f"{STREAMS}/ada@mail.example", key) as reader:
            await send(console, key, event("other", person="bob@mail.example"), event("a", data={"n": [1, None]}))
            number, told = await reader.next()
        async with httpx.AsyncClient(base_url=console, headers=key) as client:
            past = (await client.get(f"{STREAMS}/historic/ada@mail.example")).text.strip().split("\n\n")
        assert past[-1] == f"id: {number}\ndata: {json.dumps(told, separators=(',', ':'))}"
        assert (told["type"], told["data"], told["person"]) == ("a", {"n": [1, None]}, "ada@mail.example")

    asyncio.run(run())


def test_type_and_source_choose(console, key):
    async def run():
        async with opened(console, STREAMS, key, type=["a", "b"], source="shop") as reader:
            await send(console, key, event("c"), event("a", source="till"), event("b"), event("a"))
            assert await reader.types(2) == ["b", "a"]

    asyncio.run(run())


def test_a_quiet_stream_says_that_it_lives_and_where_it_stands(console, key, monkeypatch):
    monkeypatch.setattr(following, "KEEP_ALIVE_SECONDS", 0.05)

    async def run():
        async with opened(console, STREAMS, key, type="wanted") as reader:
            await send(console, key, event("unwanted"))
            await asyncio.sleep(0.3)
            await send(console, key, event("wanted"))
            await reader.next()
            assert reader.signs_of_life
            place = reader.place
        await send(console, key, event("wanted", source="later"))
        async with opened(console, STREAMS, key, lastEventId=place) as reader:
            assert (await reader.next())[1]["source"] == "later"

    asyncio.run(run())


def test_one_who_does_not_read_is_let_go_and_goes_on_where_it_was(console, application, key, monkeypatch):
    monkeypatch.setattr(following, "SLOW_SECONDS", 2.0)
    sent = [event(f"t.{n}", data={"text": "x" * 200_000}) for n in range(60)]

    async def run():
        async with opened(console, STREAMS, key) as reader:
            start = reader.place
        async with connected(console, STREAMS, key, buffer=4096):
            async with opened(console, STREAMS, key) as other:
                for at in range(0, 60, 6):
                    await send(console, key, *sent[at : at + 6])
                assert await other.types(60) == [one["type"] for one in sent]  # who reads is not held up
            await until_nobody_follows(application)
        async with opened(console, STREAMS, key, lastEventId=start, type=[one["type"] for one in sent]) as reader:
            assert await reader.types(60) == [one["type"] for one in sent]

    asyncio.run(run())


def test_who_is_refused_is_told_why(console, key):
    async def run():
        with pytest.raises(Refused) as refused:
            async with opened(console, f"{STREAMS}/nobody", key):
                pass
        told = json.loads(refused.value.body)["error"]
        assert told == {"key": 404, "message": [{"description": "Nobody is known as 'nobody' yet."}]}

    asyncio.run(run())


def test_who_may_not_follow_is_refused_as_over_http(console, client, key, key_for):
    async def run():
        assert await refusal(console) == 401
        assert await refusal(console, headers=key_for("events.write")) == 403
        assert await refusal(console, headers={"Authorization": "Bearer wrong"}) == 403
        assert await refusal(console, sig="so=a&sn=b&ss=stream&sp=r&se=2099-01-01T00:00:00.000Z&sk=x&sig=AAAA") == 403
        assert await refusal(console, f"{STREAMS}/nobody", key) == 404
        assert await refusal(console, headers=key, lastEventId="x") == 422

    asyncio.run(run())


def test_a_token_in_the_address_is_enough_and_ends_with_its_time(console, client, application):
    app = client.post(APPS, json={"name": "desk"}).json()["data"]

    def token(seconds, service="stream"):
        return make_token(
            organization="acme", namespace="x", service=service, permission="r", key_name="desk", secret=app["secret"],
            expires_at=clock.now() + timedelta(seconds=seconds),
        ).removeprefix(SCHEME).strip()  # fmt: skip

    async def run():
        async with opened(console, STREAMS, sig=token(1.5)) as reader:
            with pytest.raises(Closed) as closed:
                await reader.next()
        assert (closed.value.code, closed.value.reason) == (4403, "The token has ended.")
        await until_nobody_follows(application)
        assert await refusal(console, sig=token(-1)) == 403
        assert await refusal(console, sig=token(60, service="tape")) == 403

    asyncio.run(run())


def test_a_key_that_is_taken_back_ends_its_streams(console, application, key_for, key, monkeypatch):
    monkeypatch.setattr(following, "KEEP_ALIVE_SECONDS", 0.2)
    reader_key = key_for("events.read")

    async def run():
        async with opened(console, STREAMS, reader_key, type="none") as reader:
            with application.database.write() as session:
                revoke_key(session, list_keys(session, actor=OPERATOR)[0].id, actor=OPERATOR, now=clock.now())
            with pytest.raises(Closed) as closed:
                await reader.next()
            assert closed.value.code == 1012
        assert await refusal(console, headers=reader_key) == 403
        async with opened(console, STREAMS, key):
            pass

    asyncio.run(run())


def test_a_merge_that_is_undone_ends_the_stream_of_the_person(console, application, key, now):
    async def run():
        await send(console, key, event(), event(person="bob@mail.example"))
        with application.database.write() as session:
            ids = [found[0] for found in find_people(session, ["ada@mail.example", "bob@mail.example"]).values()]
            unite_persons(session, ids, actor=OPERATOR, now=now)
        async with opened(console, f"{STREAMS}/bob@mail.example", key) as reader:
            with application.database.write() as session:
                [merge] = list_merges(session, ids[0], actor=OPERATOR)
                undo_merge(session, merge.id, actor=OPERATOR, now=now)
            with pytest.raises(Closed) as closed:
                await reader.next()
            assert closed.value.code == 1012
        await send(console, key, event("hers"), event("his", person="bob@mail.example"))
        async with opened(console, f"{STREAMS}/bob@mail.example", key, lastEventId=reader.place) as reader:
            assert await reader.types(2) == ["person.unmerged", "his"]

    asyncio.run(run())


def test_a_pages_token_opens_from_its_origins_and_from_nowhere_else(console, client, key):
    for name, origin in (("web", SHOP), ("second", OTHER)):
        client.post(APPS, json={"name": name, "services": {"stream": "r"}, "attributes": {"allowedOrigins": [origin]}})
    client.post("/v1/journey/events", json=event(person="C-1"))
    token = client.post(f"{APPS}/web/tokens", json={"person": "C-1"}).json()["data"]["token"]

    async def run():
        headers = {"Authorization": token}
        async with opened(console, f"{STREAMS}/C-1", headers | {"Origin": SHOP}) as reader:
            await send(console, key, event("seen", person="C-1"))
            assert await reader.types(1) == ["seen"]
        for origin in (OTHER, EVIL, "null", SHOP + ".evil.example"):
            assert await refusal(console, f"{STREAMS}/C-1", headers | {"Origin": origin}) == 403
        assert await refusal(console, f"{STREAMS}/C-1", headers) == 403
        for path in (STREAMS, f"{STREAMS}/C-2"):
            assert await refusal(console, path, headers | {"Origin": SHOP}) == 403

    asyncio.run(run())


def test_no_page_of_an_unknown_origin_opens_a_socket_with_whatever_key(console, key):
    async def run():
        assert await refusal(console, headers=key | {"Origin": EVIL}) == 403
        async with opened(console, STREAMS, key | {"Origin": console}):
            pass

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/", "/v1/journey/events", "/v1/journey/streamsx", "/api/v1/campaigns", "/_eventual"])
def test_every_other_websocket_is_refused(console, key, path):
    assert asyncio.run(refusal(console, path, key)) == 403


def test_what_a_reader_says_changes_nothing(console, key):
    async def run():
        async with opened(console, STREAMS, key, type="a") as reader:
            for said in ("hello", b"\x00", json.dumps({"lastEventId": 0})):
                await reader.send(said)
            await send(console, key, event("a"))
            assert await reader.types(1) == ["a"]

    asyncio.run(run())


def test_a_name_of_any_writing_is_followed(console, key):
    name = "Köln/7 & 8"

    async def run():
        await send(console, key, event(person=name))
        async with opened(console, f"{STREAMS}/{quote(name, safe='')}", key) as reader:
            await send(console, key, event("b", person=name))
            assert (await reader.next())[1]["person"] == name

    asyncio.run(run())
