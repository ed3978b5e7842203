import asyncio

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.errors import Forbidden, NotFound
from cxconsole.gateways.port import GatewayError
from cxconsole.gateways.registry import build_gateway
from cxconsole.gateways.sandbox.inbox import clear_sandbox_messages, get_sandbox_message, list_sandbox_messages
from cxconsole.gateways.service import create_gateway, get_gateway
from cxconsole.gateways.testing import test_gateway as run_test
from cxconsole.settings import Settings
from cxconsole.signals import Signals, topics
from models.event import Event, EventType
from models.gateway import Gateway, SandboxReceipt


class Console:
    def __init__(self, database, vault):
        self.database, self.vault, self.settings, self.signals = database, vault, Settings(), Signals()


@pytest.fixture
def console(database, vault):
    return Console(database, vault)


@pytest.fixture
def sandbox(database, vault, now):
    """Makes a stored sandbox gateway and builds it."""

    def make(channel="email", **settings):
        data = {"name": f"Sandbox {channel}", "kind": "sandbox", "channel": channel, "settings": settings}
        with database.write() as session:
            made = create_gateway(session, data, vault=vault, actor=OPERATOR, now=now)
            row = session.get(Gateway, made.id)
            return build_gateway(row, vault=vault, database=database, settings=Settings())

    return make


def send(gateway, *messages):
    async def go():
        try:
            return await asyncio.gather(*(gateway.send(one) for one in messages), return_exceptions=True)
        finally:
            await gateway.close()

    return asyncio.run(go())


def test_messages_land_in_the_inbox_newest_first(database, sandbox, message):
    send(sandbox(), *(message(number, subject=f"Hello {number}") for number in range(1, 31)))
    with database.read() as session:
        page = list_sandbox_messages(session, actor=OPERATOR, limit=10)
        assert (len(page.items), page.total, page.next_offset) == (10, 30, 10)
        assert page.items[0].id > page.items[-1].id
        found = list_sandbox_messages(session, actor=OPERATOR, q="PERSON7@")
        assert [(one.target, one.subject, one.gateway_name) for one in found.items] == [
            ("person7@example.com", "Hello 7", "Sandbox email")
        ]
        whole = get_sandbox_message(session, found.items[0].id, actor=OPERATOR)
        assert (whole.html, whole.text, whole.delivery_id) == ("<p>Hello</p>", "Hello", 7)


def test_each_delivery_gets_its_answers_planned_and_a_test_message_none(database, sandbox, message):
    send(sandbox(bounced=0), message(7), message(delivery_id=None, target="test@example.com"))
    with database.read() as session:
        assert {one.delivery_id for one in session.exec(select(SandboxReceipt))} == {7}


def test_the_inbox_can_be_switched_off_and_cleared(database, sandbox, message):
    send(sandbox(), message(1))
    send(sandbox("sms", keep_messages=False), message(2))
    with database.write() as session:
        assert clear_sandbox_messages(session, actor=OPERATOR) == 1
        with pytest.raises(NotFound):
            get_sandbox_message(session, 1, actor=OPERATOR)
        viewer = Actor(kind="user", name="viewer", rights=frozenset({"gateways.read"}))
        with pytest.raises(Forbidden):
            clear_sandbox_messages(session, actor=viewer)


@pytest.mark.parametrize(
    ("settings", "target", "flags"),
    [
        ({"slow_down_every": 1}, "a@example.com", {"slow_down"}),
        ({"fail_every": 1}, "a@example.com", set()),
        ({"down": True}, "a@example.com", {"whole_gateway"}),
        ({}, "a+reject@example.com", {"permanent"}),
    ],
)
def test_it_fails_as_told(sandbox, message, settings, target, flags):
    (error,) = send(sandbox(**settings), message(target=target))
    assert isinstance(error, GatewayError)
    assert {name for name in ("permanent", "slow_down", "whole_gateway", "in_doubt") if getattr(error, name)} == flags


def test_every_third_message_is_slowed(sandbox, message):
    answers = send(sandbox(slow_down_every=3), *(message(number) for number in range(9)))
    assert [isinstance(one, GatewayError) for one in answers] == [False, False, True] * 3


def test_a_test_is_stored_told_and_on_the_tape(console, sandbox, database, vault, now):
    sandbox()

    async def go():
        with console.signals.subscribe(topics.GATEWAYS) as news:
            steps = await run_test(console, 1, "me@example.com", actor=OPERATOR, now=now)
            return steps, await news.wait(1)

    steps, told = asyncio.run(go())
    assert [one.ok for one in steps] == [True, True] and told
    with database.read() as session:
        view = get_gateway(session, 1, vault=vault, actor=OPERATOR, now=now)
        assert (view.test_passed, view.tested_at, view.test_words) == (True, now, "Passed")
        assert view.test_steps[1].name == "Test message accepted"
        event = session.exec(select(Event).where(Event.type == EventType.GATEWAY_TESTED)).one()
        assert event.data["passed"] is True and "me@example.com" not in str(event.data)
        assert list_sandbox_messages(session, actor=OPERATOR).items[0].delivery_id is None


def test_settings_that_no_longer_fit_fail_the_test_in_words(console, sandbox, database, now):
    sandbox()
    with database.write() as session:
        session.get(Gateway, 1).settings = {"colour": "red"}
    steps = asyncio.run(run_test(console, 1, None, actor=OPERATOR, now=now))
    assert [(one.name, one.ok) for one in steps] == [("Settings read", False)]
    assert "settings.colour" in steps[0].detail
