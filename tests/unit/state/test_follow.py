"""One read for all who follow the same question."""

import asyncio
from contextlib import aclosing

import pytest

from cxconsole.accounts.actor import OPERATOR
from cxconsole.errors import NotFound
from cxconsole.signals import Signals
from state import follow


@pytest.fixture
def world(monkeypatch):
    """Signals without a console, and an answer to be read: `world["answer"]`, read `world["reads"]` times."""
    world = {"signals": Signals(), "answer": 1, "reads": 0, "read_again": asyncio.Event()}

    class Console:
        signals = world["signals"]

    async def read_as(_actor, service, *_args, **_kwargs):
        world["reads"] += 1
        if world["reads"] == 2:
            world["read_again"].set()
        return service(world["answer"])

    monkeypatch.setattr(follow, "get_application", Console)
    monkeypatch.setattr(follow, "current_actor", lambda _state: OPERATOR)
    monkeypatch.setattr(follow, "read_as", read_as)
    return world


def same(answer):
    if answer is None:
        raise NotFound("It is gone.")
    return answer


def look():
    return aclosing(follow.follow_read(None, same, names=("it",), pause_seconds=0.01, safety_seconds=30))  # type: ignore[arg-type]


def test_many_pages_cost_one_read_and_each_hears_what_moved(world):
    async def main():
        async with look() as first, look() as second:
            assert [await anext(first), await anext(second)] == [1, 1]
            assert world["reads"] == 1
            world["answer"] = 2
            world["signals"].publish("it")
            assert await asyncio.gather(anext(first), anext(second)) == [2, 2]
            assert world["reads"] == 2
        assert not follow._feeds

    asyncio.run(asyncio.wait_for(main(), 10))


def test_an_answer_that_is_the_same_wakes_nobody(world):
    async def main():
        async with look() as page:
            assert await anext(page) == 1
            waiting = asyncio.ensure_future(anext(page))
            world["signals"].publish("it")
            await world["read_again"].wait()
            await asyncio.sleep(0.05)
            assert not waiting.done()
            world["answer"] = 2
            world["signals"].publish("it")
            assert await waiting == 2

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_read_that_fails_tells_each_page_and_the_next_page_asks_anew(world):
    async def main():
        world["answer"] = None
        async with look() as first, look() as second:
            told = await asyncio.gather(anext(first), anext(second), return_exceptions=True)
            assert [type(one) for one in told] == [NotFound, NotFound]
        world["answer"] = 3
        async with look() as page:
            assert await anext(page) == 3

    asyncio.run(asyncio.wait_for(main(), 10))
