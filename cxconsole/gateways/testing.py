"""The test button: try a gateway as it is configured, and keep what was found."""

import asyncio
from datetime import datetime
from typing import Protocol

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.vault import Vault
from cxconsole.database import Database
from cxconsole.errors import CxError
from cxconsole.gateways.port import TestStep
from cxconsole.gateways.registry import build_gateway
from cxconsole.gateways.service import find_gateway, record_test
from cxconsole.settings import Settings
from cxconsole.signals import Signals, topics
from models.gateway import Gateway

_LONGEST_SECONDS = 90


class Console(Protocol):
    """The parts of the running application that a test, of a gateway or of content, needs."""

    @property
    def database(self) -> Database:
        """Where gateways, templates and people are."""
        ...

    @property
    def vault(self) -> Vault:
        """Opens the gateway's secrets, signs the links."""
        ...

    @property
    def settings(self) -> Settings:
        """What may be reached, and the console's own address."""
        ...

    @property
    def signals(self) -> Signals:
        """Tells the pages."""
        ...


async def test_gateway(
    console: Console, gateway_id: int, target: str | None, *, actor: Actor, now: datetime
) -> list[TestStep]:
    """Try each step; the result is stored with the gateway and on the Tape. With a target a test message is sent.

    Takes at most 90 seconds. Raises NotFound and Forbidden, nothing else: what fails is a step.
    """
    actor.require("gateways.edit")
    row = await asyncio.to_thread(_read, console, gateway_id)
    steps = await _try(console, row, (target or "").strip() or None)
    await asyncio.to_thread(_keep, console, gateway_id, steps, actor, now)
    console.signals.publish(topics.GATEWAYS, topics.SANDBOX)
    return steps


test_gateway.__test__ = False  # type: ignore[attr-defined]  # for pytest: this is the product, not a test


async def _try(console: Console, row: Gateway, target: str | None) -> list[TestStep]:
    try:
        gateway = build_gateway(row, vault=console.vault, database=console.database, settings=console.settings)
    except CxError as error:
        return [TestStep(name="Settings read", ok=False, detail=error.detail, milliseconds=0)]
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await gateway.test(target)
    except TimeoutError:
        detail = f"The test did not end within {_LONGEST_SECONDS} seconds. Shorten the gateway's time-outs."
        return [TestStep(name="Test", ok=False, detail=detail, milliseconds=_LONGEST_SECONDS * 1000)]
    finally:
        await gateway.close()


def _read(console: Console, gateway_id: int) -> Gateway:
    with console.database.read() as session:
        return find_gateway(session, gateway_id)


def _keep(console: Console, gateway_id: int, steps: list[TestStep], actor: Actor, now: datetime) -> None:
    with console.database.write() as session:
        record_test(session, gateway_id, steps, actor=actor, now=now)
