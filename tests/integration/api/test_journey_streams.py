"""`GET /v1/journey/streams`: what comes onto the Tape, once and in order, also after a break."""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.shared_access import SCHEME, make_token
from cxconsole.api.journey import following
from cxconsole.audience.identity_changes import unite_persons
from cxconsole.audience.recognition import find_people
from cxconsole.audience.unmerging import list_merges, undo_merge
from cxconsole.campaigns.person_erasure import erase_person
from cxconsole.journey import live
from cxconsole.journey.cloud_event import read_event
from cxconsole.journey.tape import append_event
from models.event import EventType

URL = "/v1/journey/streams"
ANON = "anon-6f0c3ea4-3f6e-4a57-9a1d-6a1b2f5d7c11"


def event(type="page.visited", **more):
    document = {"id": str(uuid.uuid4()), "source": "shop", "type": type, "person": "ada@mail.example"} | more
    return read_event(document, now=datetime.now(UTC))


class Reader:
    """One who reads a stream; `pause` makes it stop taking anything."""

    def __init__(self):
        self.status = 0
        self.opening = ""
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.leaves = asyncio.Event()
        self._rest = ""

    async def send(self, message):
        await self.may_read.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        text = self._rest + message.get("body", b"").decode()
        *blocks, self._rest = text.split("\n\n")
        for block in blocks:
            self.lines.put_nowait(block)

    async def receive(self):
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def next(self):
        """(id, event) of the next event."""
        async with asyncio.timeout(20):
            while True:
                block = await self.lines.get()
                if block.startswith("id: "):
                    first, second = block.split("\n")
                    return int(first[4:]), json.loads(second[6:])

    async def types(self, count):
        return [(await self.next())[1]["type"] for _ in range(count)]


def scope_of(headers, path=URL, query=""):
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "scheme": "http", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "server": ("cx.example", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip


@asynccontextmanager
async def reading(api, headers, path=URL, query="", **more) -> AsyncIterator[Reader]:
    reader = Reader()
    task = asyncio.ensure_future(api(scope_of(headers | more, path, query), reader.receive, reader.send))
    try:
        async with asyncio.timeout(20):
            reader.opening = await reader.lines.get()  # it is connected
        yield reader
    finally:
        reader.leaves.set()
        await task


async def until_followed(application, count=1):
    async with asyncio.timeout(20):
        while application.live_tape.followers != count or not application.live_tape.is_ready:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.fixture
def key(key_for):
    return key_for("events.read")


def test_what_comes_is_streamed_in_order_and_a_break_loses_and_repeats_nothing(api, application, key):
    async def run():
        seen = []
        async with reading(api, key) as reader:
            await until_followed(application)
            await application.intake.submit([event(f"t.{n}") for n in range(10)], actor="x")
            seen += [await reader.next() for _ in range(4)]
        await application.intake.submit([event(f"t.{n}") for n in range(10, 15)], actor="x")
        async with reading(api, key, **{"Last-Event-ID": str(seen[-1][0])}) as reader:
            await until_followed(application)
            await application.intake.submit([event("t.15")], actor="x")
            seen += [await reader.next() for _ in range(12)]
        assert [one["type"] for _, one in seen] == [f"t.{n}" for n in range(16)]
        assert sorted({key for key, _ in seen}) == [key for key, _ in seen]
        assert application.live_tape.followers == 0

    asyncio.run(run())


def test_of_many_who_come_at_once_no_more_are_let_in_than_may_be(api, application, key, monkeypatch):
    monkeypatch.setattr(live, "MOST_FOLLOWERS", 3)

    async def run():
        readers = [Reader() for _ in range(8)]
        tasks = [asyncio.ensure_future(api(scope_of(key), one.receive, one.send)) for one in readers]
        async with asyncio.timeout(20):
            while not all(one.status for one in readers):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert sorted(one.status for one in readers) == [200] * 3 + [429] * 5
        for one in readers:
            one.leaves.set()
        await asyncio.gather(*tasks)
        assert application.live_tape.followers == 0
        async with reading(api, key) as reader:
            assert reader.status == 200

    asyncio.run(run())


def test_a_break_before_the_first_event_loses_nothing(api, application, key):
    async def run():
        async with reading(api, key) as reader:
            said, place, retry = reader.opening.split("\n")
        assert (said, place[:4], retry) == (": connected", "id: ", "retry: 2000")
        await application.intake.submit([event("missed")], actor="x")
        async with reading(api, key, **{"Last-Event-ID": place[4:]}) as reader:
            assert await reader.types(1) == ["missed"]

    asyncio.run(run())


def test_who_comes_while_the_end_is_being_read_misses_nothing_of_it(api, application, key, monkeypatch):
    begun = threading.Event()
    view_rows = live.view_rows

    def view_slowly(session, rows):
        if rows:
            begun.set()
            time.sleep(0.2)  # by now it is known where the Tape ends, and what is there is not
        return view_rows(session, rows)

    monkeypatch.setattr(live, "view_rows", view_slowly)

    async def run():
        async with reading(api, key) as first:
            await until_followed(application)
            place = first.opening.split("\n")[1][4:]
            await application.intake.submit([event("new")], actor="x")
            await asyncio.to_thread(begun.wait, 20)
            async with reading(api, key, **{"Last-Event-ID": place}) as second:
                assert await second.types(1) == ["new"]

    asyncio.run(run())


def test_one_who_fell_far_behind_reads_the_tape(api, application, key, monkeypatch):
    monkeypatch.setattr(live, "KEPT", 5)
    monkeypatch.setattr(live, "_PAGE", 3)

    async def run():
        async with reading(api, key) as first:
            await until_followed(application)
            await application.intake.submit([event(f"t.{n}") for n in range(40)], actor="x")
            assert await first.types(40) == [f"t.{n}" for n in range(40)]
            async with reading(api, key, **{"Last-Event-ID": "0"}) as late:
                assert await late.types(40) == [f"t.{n}" for n in range(40)]

    asyncio.run(run())


def test_one_persons_stream_follows_a_merge(api, application, key):
    async def run():
        await application.intake.submit([event("ada"), event("anon", person=ANON)], actor="x")
        async with reading(api, key, f"{URL}/{ANON}") as reader:
            await until_followed(application)
            await application.intake.submit(
                [event("other", person="bob@mail.example"), event("a", person=ANON)], actor="x"
            )
            await application.intake.submit([event("joined", previously=ANON)], actor="x")
            assert await reader.types(3) == ["a", "person.merged", "joined"]
            await application.intake.submit([event("later")], actor="x")
            assert await reader.types(1) == ["later"]

    asyncio.run(run())


def test_a_stream_ends_with_a_merge_and_goes_on_with_the_one_it_named(api, application, key, now):
    bob = {"person": "bob@mail.example"}

    def change(service, *args):
        with application.database.write() as session:
            return service(session, *args, actor=OPERATOR, now=now)

    async def run():
        await application.intake.submit([event("ada"), event("bob", **bob)], actor="x")
        with application.database.read() as session:
            ids = [found[0] for found in find_people(session, ["ada@mail.example", "bob@mail.example"]).values()]
        change(unite_persons, ids)
        async with reading(api, key, f"{URL}/bob@mail.example") as reader:
            await until_followed(application)
            await application.intake.submit([event("both")], actor="x")
            place, first = await reader.next()
            with application.database.read() as session:
                [merge] = list_merges(session, ids[0], actor=OPERATOR)
            change(undo_merge, merge.id)
            await application.intake.submit([event("hers"), event("his", **bob)], actor="x")
            async with asyncio.timeout(20):
                while application.live_tape.followers:  # noqa: ASYNC110 - the stream ends by itself
                    await asyncio.sleep(0.005)
        left = [reader.lines.get_nowait() for _ in range(reader.lines.qsize())]
        assert first["type"] == "both"
        assert not [one for one in left if "data:" in one]
        async with reading(api, key, f"{URL}/bob@mail.example", **{"Last-Event-ID": str(place)}) as reader:
            assert await reader.types(2) == ["person.unmerged", "his"]

    asyncio.run(run())


def test_a_stream_tells_personal_fields_until_the_person_is_erased(api, application, key):
    async def run():
        told = event("named", data={"email": "ada@mail.example"})
        async with reading(api, key) as first:
            await until_followed(application)
            await application.intake.submit([told], actor="x")
            assert (await first.next())[1]["data"] == {"email": "ada@mail.example"}
            with application.database.write() as session:
                erased = erase_person(session, 1, actor=OPERATOR, now=clock.now())
            application.forget_person(erased.family)
            assert await first.types(1) == ["person.erased"]
            async with reading(api, key, **{"Last-Event-ID": "0"}) as late:  # nothing of it is left in memory
                assert (await late.next())[1]["data"] == {"email": "erased"}

    asyncio.run(run())


def test_own_events_are_streamed_and_book_keeping_is_not(api, application, key):
    async def run():
        await application.intake.submit([event()], actor="x")
        async with reading(api, key, query="type=comm.sent&type=contact.added") as reader:
            await until_followed(application)
            with application.database.write() as session:
                append_event(session, EventType.CONTACT_ADDED, now=clock.now(), person_id=1)
                append_event(session, EventType.COMM_OPENED, now=clock.now(), person_id=1)
                append_event(session, EventType.COMM_SENT, now=clock.now(), person_id=1)
            assert (await reader.next())[1]["type"] == "comm.sent"

    asyncio.run(run())


def test_one_who_does_not_read_is_let_go(api, application, key, monkeypatch):
    monkeypatch.setattr(following, "SLOW_SECONDS", 0.05)

    async def run():
        async with reading(api, key) as reader:
            await until_followed(application)
            reader.may_read.clear()
            await application.intake.submit([event()], actor="x")
            await until_followed_by_nobody(application)
            assert not application.live_tape.followers
            reader.may_read.set()

    asyncio.run(run())


def test_streams_end_when_the_console_stops(api, application, key):
    async def run():
        async with reading(api, key), reading(api, key):
            await until_followed(application, 2)
            application.live_tape.end()
            await until_followed_by_nobody(application)

    asyncio.run(run())


async def until_followed_by_nobody(application):
    async with asyncio.timeout(20):
        while application.live_tape.followers:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_a_stream_that_is_quiet_is_kept_alive(api, application, key, monkeypatch):
    monkeypatch.setattr(following, "KEEP_ALIVE_SECONDS", 0.01)

    async def run():
        async with reading(api, key) as reader, asyncio.timeout(20):
            lines = [await reader.lines.get()]
            while not lines[-1].startswith(": still here"):
                lines.append(await reader.lines.get())
            assert not [line for line in lines if line.startswith("id: ")]

    asyncio.run(run())


def test_the_recent_past_of_a_person(client, application):
    client.post("/v1/journey/events", json=[
        {"id": f"e{n}", "source": "shop", "type": f"t.{n}", "person": "C-1", "time": f"2026-05-19T09:00:0{n}Z"}
        for n in range(3)
    ])  # fmt: skip
    answer = client.get(f"{URL}/historic/C-1")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]
    assert [one["type"] for one in told if one["source"] == "shop"] == ["t.0", "t.1", "t.2"]


def test_who_may_not_follow_is_told(client, stranger, key_for):
    assert stranger.get(URL, headers={"Authorization": ""}).status_code == 401
    assert stranger.get(URL, headers=key_for("events.write")).status_code == 403
    assert client.get(f"{URL}/nobody").status_code == 404
    assert client.get(URL, headers={"Last-Event-ID": "x"}).status_code == 422


def test_a_token_in_the_address_is_enough_and_ends_with_its_time(client, api, application, monkeypatch):
    app = client.post("/v1/organizations/apps", json={"name": "desk"}).json()["data"]
    monkeypatch.setattr(following, "KEEP_ALIVE_SECONDS", 0.01)
    token = make_token(
        organization="acme", namespace="x", service="stream", permission="r", key_name="desk", secret=app["secret"],
        expires_at=clock.now() + timedelta(seconds=1),
    )  # fmt: skip

    async def run():
        from urllib.parse import quote

        query = f"sig={quote(token.removeprefix(SCHEME).strip())}"
        async with reading(api, {}, query=query) as reader:
            assert reader.status == 200
            await until_followed(application)
            await until_followed_by_nobody(application)

    asyncio.run(run())
