"""The configured ways out of the house."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Field

from models.base import Table, at_field, code_field, id_field, json_field, ref_field


class GatewayHealth(StrEnum):
    """`ok` sends, `degraded` was asked to slow down, `open` has stopped after repeated failure."""

    OK = "ok"
    DEGRADED = "degraded"
    OPEN = "open"


class Gateway(Table, table=True):
    """A way out. `kind` names the folder in `cxconsole/gateways/` that knows its settings."""

    __tablename__ = "gateway"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    kind: str = code_field()
    channel: str = code_field()
    settings: dict[str, Any] = json_field()
    secrets: str = ""  # encrypted JSON; never leaves the engine
    per_minute: int | None = None
    per_domain_per_minute: int | None = None
    active: bool = True
    health: str = code_field(GatewayHealth.OK)
    health_error: str | None = None
    health_since: datetime | None = at_field(nullable=True)
    health_retry_at: datetime | None = at_field(nullable=True)  # when an open circuit tries again
    slowed_to_per_minute: int | None = None  # the pace after being asked to slow down
    pace_before_slowing: int | None = None  # messages a minute it made before; reached again, it is well
    paced_at: datetime | None = at_field(nullable=True)  # when the slowed pace was last changed
    failures_in_a_row: int = 0
    tested_at: datetime | None = at_field(nullable=True)
    test_passed: bool | None = None
    test_steps: list[dict[str, Any]] = json_field(list)  # [{"name", "ok", "detail", "milliseconds"}]
    is_demo: bool = False
    version: int = 1
    created_at: datetime = at_field()
    updated_at: datetime = at_field()


class SandboxMessage(Table, table=True):
    """A message in the sandbox inbox, as the customer would see it."""

    __tablename__ = "sandbox_message"

    id: int | None = id_field()
    gateway_id: int = Field(index=True)
    delivery_id: int | None = ref_field(nullable=True)  # null for a test message
    channel: str = code_field()
    target: str
    sender: str = ""
    subject: str = ""
    html: str | None = None
    text: str | None = None
    received_at: datetime = at_field()


class SandboxReceipt(Table, table=True):
    """What the simulated world will answer, and when; drained by the job `play_sandbox`."""

    __tablename__ = "sandbox_receipt"

    id: int | None = id_field()
    delivery_id: int = ref_field()
    status: str = code_field()  # delivered | bounced | opened | clicked | replied | unsubscribed | complained
    reason: str | None = None
    due_at: datetime = at_field(index=True)


__all__ = ["Gateway", "GatewayHealth", "SandboxMessage", "SandboxReceipt"]
