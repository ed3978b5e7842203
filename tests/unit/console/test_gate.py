"""Who may raise events: the local operator, and nobody else."""

import asyncio

import pytest
import reflex as rx
from reflex.istate.data import SessionData
from reflex.state import StateUpdate
from reflex_base.event import Event

from cxconsole.accounts.local import actor_of
from state.gate import Gate


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_who_sits_at_this_machine_is_the_operator(address: str) -> None:
    actor = actor_of(address)
    assert actor is not None
    assert actor.kind == "operator"


@pytest.mark.parametrize(
    "address", ["", "192.168.1.7", "8.8.8.8", "::ffff:10.0.0.1", "localhost", "127.0.0.1, 8.8.8.8"]
)
def test_everyone_else_is_nobody(address: str) -> None:
    assert actor_of(address) is None


@pytest.mark.parametrize("name", ["reflex___state____state.hydrate", "anything.at_all"])
def test_who_is_not_known_is_told_nothing_of_a_state(name: str) -> None:
    refused = asyncio.run(_ask("8.8.8.8", name))
    assert refused is not None
    assert not refused.delta
    assert [event.name for event in refused.events] == ["_redirect"]


def test_the_operator_passes() -> None:
    assert asyncio.run(_ask("127.0.0.1", "reflex___state____state.hydrate")) is None


async def _ask(address: str, name: str) -> StateUpdate | None:
    root = rx.State(_reflex_internal_init=True)  # type: ignore[call-arg]
    root.rx_router_session = SessionData(client_ip=address)
    return await Gate().preprocess(None, root, Event(name=name))  # type: ignore[arg-type]
