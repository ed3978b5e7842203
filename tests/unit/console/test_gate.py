"""Who may raise events: the local operator, and nobody else."""

import pytest

from state.gate import actor_of


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
