"""What a kind of gateway tells the registry about itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from cxconsole.database import Database
from cxconsole.gateways.port import Gateway
from cxconsole.settings import Settings


class GatewaySettings(BaseModel):
    """The base of every kind's settings and secrets: unknown names are mistakes, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, kw_only=True)
class GatewayContext:
    """What a gateway is built from besides its own settings."""

    gateway_id: int
    channel: str
    database: Database
    console: Settings


@dataclass(frozen=True, kw_only=True)
class GatewayKind:
    """One kind. `build(settings, secrets, context)` makes a gateway from checked models.

    `sandbox`: nothing leaves this machine.
    """

    kind: str
    title: str
    channels: tuple[str, ...]
    settings: type[GatewaySettings]
    secrets: type[GatewaySettings]
    build: Callable[[Any, Any, GatewayContext], Gateway]
    sandbox: bool = False
