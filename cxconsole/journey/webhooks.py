"""Webhooks that come in: addresses for other systems, each with a mapping from their JSON to an event."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.vault import Vault
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.journey.cloud_event import MAX_SOURCE, OWN_SOURCE
from cxconsole.journey.mapping import BadPayload, compile_mapping
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.webhook import Webhook, WebhookPayload, WebhookState

MAX_NAME = 120
MOST_WEBHOOKS = 200
FIRST_MAPPING = {"type": "webhook.received", "person": "$.email", "data": "$"}
"""What a new webhook begins with; the last payloads show what it should be."""


@dataclass(frozen=True, kw_only=True)
class WebhookView:
    """A webhook as people see it: everything but its secrets."""

    id: int
    name: str
    source: str
    state: str
    signature_header: str | None
    mapping: Mapping[str, str]
    received: int
    stored: int
    failed: int
    last_received_at: datetime | None
    last_problem: str | None
    last_problem_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PayloadView:
    """One of the last payloads, and what the mapping makes of it now."""

    id: int
    status: str
    problem: str | None
    received_at: datetime
    is_json: bool
    payload: Any
    event: Mapping[str, Any] | None
    event_problem: str | None


def hash_token(token: str) -> str:
    """By what a webhook is found."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_webhook(
    session: Session, name: str, source: str = "", *, vault: Vault, actor: Actor, now: datetime
) -> WebhookView:
    """A new webhook with an address that nobody can guess. Raises Invalid, Conflict."""
    actor.require("events.edit")
    name = _check_name(session, name, None)
    if len(session.exec(select(Webhook.id).limit(MOST_WEBHOOKS)).all()) >= MOST_WEBHOOKS:
        raise Conflict(f"There are {MOST_WEBHOOKS} webhooks. Delete one that is not used.")
    token = secrets.token_urlsafe(32)
    row = Webhook(
        name=name, source=_check_source(source or name), token_hash=hash_token(token),
        secrets=vault.seal({"token": token}), mapping=dict(FIRST_MAPPING), created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    append_event(session, EventType.KEY_CREATED, now=now, actor=actor.name, data={"webhook_id": row.id})
    return _view(row)


def list_webhooks(session: Session, *, actor: Actor) -> tuple[WebhookView, ...]:
    """All webhooks, by name."""
    actor.require("events.read")
    return tuple(_view(row) for row in session.exec(select(Webhook).order_by(col(Webhook.name))))


def get_webhook(session: Session, webhook_id: int, *, actor: Actor) -> WebhookView:
    """One webhook. Raises NotFound."""
    actor.require("events.read")
    return _view(_get(session, webhook_id))


def read_token(session: Session, webhook_id: int, *, vault: Vault, actor: Actor) -> str:
    """The secret part of its address; who may change it may see it. Raises NotFound."""
    actor.require("events.edit")
    return vault.open(_get(session, webhook_id).secrets)["token"]


def change_webhook(
    session: Session, webhook_id: int, values: Mapping[str, Any], *, vault: Vault, actor: Actor, now: datetime
) -> WebhookView:
    """Change name, source, state, mapping, signature_header, signing_secret. Raises NotFound, Invalid, Conflict."""
    actor.require("events.edit")
    row = _get(session, webhook_id)
    for name, value in values.items():
        if name == "name":
            row.name = _check_name(session, value, webhook_id)
        elif name == "source":
            row.source = _check_source(value)
        elif name == "state" and value in list(WebhookState):
            row.state = value
        elif name == "mapping" and isinstance(value, dict):
            compile_mapping(row.source, value)
            row.mapping = {key: str(rule).strip() for key, rule in value.items() if str(rule).strip()}
        elif name == "signature_header":
            row.signature_header = _check_header(value)
        elif name == "signing_secret":
            row.secrets = vault.seal({**vault.open(row.secrets), "hmac": str(value)[:500]})
        else:
            raise Invalid.field(name, "This field is not known, or has a value that cannot be used.")
    row.updated_at = now
    session.add(row)
    data = {"webhook_id": webhook_id, "fields": sorted(values)}
    append_event(session, EventType.WEBHOOK_CHANGED, now=now, actor=actor.name, data=data)
    return _view(row)


def change_address(session: Session, webhook_id: int, *, vault: Vault, actor: Actor, now: datetime) -> str:
    """A new secret part of the address; the old one ends at once. Raises NotFound."""
    actor.require("events.edit")
    row = _get(session, webhook_id)
    token = secrets.token_urlsafe(32)
    row.token_hash, row.secrets = hash_token(token), vault.seal({**vault.open(row.secrets), "token": token})
    row.updated_at = now
    session.add(row)
    for kind in (EventType.KEY_REVOKED, EventType.KEY_CREATED):
        append_event(session, kind, now=now, actor=actor.name, data={"webhook_id": row.id})
    return token


def delete_webhook(session: Session, webhook_id: int, *, actor: Actor, now: datetime) -> None:
    """Remove a webhook and the payloads it keeps; what is on the Tape stays. Raises NotFound."""
    actor.require("events.edit")
    row = _get(session, webhook_id)
    session.execute(delete(WebhookPayload).where(col(WebhookPayload.webhook_id) == webhook_id))
    session.delete(row)
    append_event(session, EventType.KEY_REVOKED, now=now, actor=actor.name, data={"webhook_id": webhook_id})


def preview_payloads(
    session: Session, webhook_id: int, mapping: Mapping[str, str] | None = None, *, actor: Actor, now: datetime
) -> tuple[PayloadView, ...]:
    """The last payloads, newest first, with what this mapping, or the one that is saved, makes of each.

    Raises NotFound, and Invalid for a mapping that cannot be used at all.
    """
    actor.require("events.read")
    row = _get(session, webhook_id)
    compiled = compile_mapping(row.source, row.mapping if mapping is None else mapping)
    found = session.exec(
        select(WebhookPayload).where(WebhookPayload.webhook_id == webhook_id).order_by(col(WebhookPayload.id).desc())
    )
    views = []
    for one in found:
        event, problem = None, None
        if "json" in one.payload:
            try:
                made = compiled.make_event(one.payload["json"], b"", now=now)
                event = {
                    "type": made.type, "person": made.person, "previously": made.previously,
                    "time": made.time.isoformat(timespec="seconds"), "data": dict(made.data),
                }  # fmt: skip
            except BadPayload as bad:
                problem = str(bad)
        views.append(
            PayloadView(
                id=one.id or 0,
                status=one.status,
                problem=one.problem,
                received_at=one.received_at,
                is_json="json" in one.payload,
                payload=one.payload.get("json", one.payload.get("text")),
                event=event,
                event_problem=problem,
            )
        )
    return tuple(views)


def _check_name(session: Session, name: Any, webhook_id: int | None) -> str:
    text = str(name).strip()
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise Invalid.field("name", f"Use 1 to {MAX_NAME} characters.")
    taken = session.exec(select(Webhook.id).where(Webhook.name == text)).first()
    if taken not in (None, webhook_id):
        raise Conflict(f"There is a webhook {text!r} already.")
    return text


def _check_source(source: Any) -> str:
    text = str(source).strip()
    if not text or len(text) > MAX_SOURCE or not text.isprintable() or text == OWN_SOURCE:
        raise Invalid.field("source", f"Name the system that sends, in 1 to {MAX_SOURCE} characters.")
    return text


def _check_header(header: Any) -> str | None:
    text = str(header or "").strip()
    if text and not (len(text) <= 100 and text.isascii() and text.replace("-", "").isalnum()):
        raise Invalid.field("signature_header", "Use the name of a header, such as X-Hub-Signature-256.")
    return text or None


def _get(session: Session, webhook_id: int) -> Webhook:
    row = session.get(Webhook, webhook_id)
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    return row


def _view(row: Webhook) -> WebhookView:
    return WebhookView(
        id=row.id or 0, name=row.name, source=row.source, state=row.state, signature_header=row.signature_header,
        mapping=row.mapping, received=row.received, stored=row.stored, failed=row.failed,
        last_received_at=row.last_received_at, last_problem=row.last_problem, last_problem_at=row.last_problem_at,
    )  # fmt: skip


__all__ = [
    "FIRST_MAPPING", "PayloadView", "WebhookView", "change_address", "change_webhook", "create_webhook",
    "delete_webhook", "get_webhook", "hash_token", "list_webhooks", "preview_payloads", "read_token",
]  # fmt: skip
