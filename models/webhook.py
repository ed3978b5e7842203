"""Webhooks that come in: where other systems send their own JSON, and what becomes of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Table, at_field, code_field, count_field, id_field, json_field


class WebhookState(StrEnum):
    """What becomes of what is sent."""

    OPEN = "open"
    PAUSED = "paused"  # refused, so that the sender keeps it and tries again


class PayloadStatus(StrEnum):
    """What became of one payload."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    HELD = "held"  # by the rules of its source: set aside, or left out of a sample
    FAILED = "failed"


class Webhook(Table, table=True):
    """An address of ours for one other system. Its secrets are sealed; only a hash finds it."""

    __tablename__ = "webhook"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, index=True)
    source: str  # the CloudEvents `source` of what comes
    state: str = code_field(WebhookState.OPEN)
    token_hash: str = Field(unique=True, index=True)  # SHA-256 of the secret part of the address
    secrets: str  # sealed by the vault: token, and hmac if bodies are signed
    signature_header: str | None = None  # in which header the signature of a body comes
    mapping: dict[str, Any] = json_field()  # attribute of the event -> path, expression or plain text
    received: int = count_field()
    stored: int = count_field()
    failed: int = count_field()
    last_received_at: datetime | None = at_field(nullable=True)
    last_problem: str | None = None
    last_problem_at: datetime | None = at_field(nullable=True)
    created_at: datetime = at_field()
    updated_at: datetime = at_field()


class WebhookPayload(Table, table=True):
    """One of the last payloads of a webhook, shortened and without what looks like a secret."""

    __tablename__ = "webhook_payload"
    __table_args__ = (Index("ix_webhook_payload", "webhook_id", "id"),)

    id: int | None = id_field()
    webhook_id: int
    status: str = code_field()
    problem: str | None = None
    payload: dict[str, Any] = json_field()  # {"json": ...}, or {"text": ...} of what is not JSON
    received_at: datetime = at_field()


__all__ = ["PayloadStatus", "Webhook", "WebhookPayload", "WebhookState"]
