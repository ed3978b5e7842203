"""What another system sends to a webhook: found by its address, checked, mapped, and noted with what became of it."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from cxconsole.accounts.vault import Vault
from cxconsole.errors import CxError, Forbidden, Invalid, Malformed, NotFound, TooMany
from cxconsole.journey.cloud_event import GivenEvent
from cxconsole.journey.kept_payloads import shorten, shorten_text, trim_payloads
from cxconsole.journey.mapping import BadPayload, compile_mapping
from cxconsole.journey.webhooks import hash_token
from models.webhook import PayloadStatus, Webhook, WebhookPayload, WebhookState

MAX_BODY = 512 * 1024
_PAUSED_SECONDS = 60

Parse = Callable[[bytes], Any]
"""From a body to its document; raises Malformed."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """One request to a webhook: an event, or why there is none, and what is kept to look at."""

    webhook_id: int
    event: GivenEvent | None = None
    error: CxError | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Empty: nothing is kept, because nobody proved to be the sender."""


def read_delivery(
    session: Session, token: str, body: bytes, headers: Mapping[str, str], *, parse: Parse, vault: Vault, now: datetime
) -> Delivered:
    """The event of a body that came to this address. Raises NotFound for an address that is none."""
    row = session.exec(select(Webhook).where(Webhook.token_hash == hash_token(token))).first()
    if row is None:
        raise NotFound("There is no webhook at this address.")
    webhook_id = row.id or 0
    if row.state == WebhookState.PAUSED:
        paused = TooMany("This webhook is paused. Send it again later.", retry_after_seconds=_PAUSED_SECONDS)
        return Delivered(webhook_id=webhook_id, error=paused)
    if row.signature_header and not _is_signed(body, headers.get(row.signature_header), vault.open(row.secrets)):
        wrong = Forbidden(f"The signature in {row.signature_header} is missing or wrong.")
        return Delivered(webhook_id=webhook_id, error=wrong)
    try:
        payload = parse(body)
    except Malformed as error:
        return Delivered(webhook_id=webhook_id, error=error, kept=shorten_text(body))
    kept = shorten(payload)
    try:
        event = compile_mapping(row.source, row.mapping).make_event(payload, body, now=now)
    except BadPayload as bad:
        return Delivered(webhook_id=webhook_id, error=Invalid(str(bad), errors=[bad.problem]), kept=kept)
    except Invalid as error:  # a mapping of an older version
        return Delivered(webhook_id=webhook_id, error=error, kept=kept)
    return Delivered(webhook_id=webhook_id, event=event, kept=kept)


def note_delivery(
    session: Session, delivered: Delivered, status: PayloadStatus, problem: str | None = None, *, now: datetime
) -> None:
    """Count it, and keep it among the last ones."""
    is_stored, is_failed = status is PayloadStatus.STORED, status is PayloadStatus.FAILED
    row = col(Webhook.id) == delivered.webhook_id
    values: dict[str, Any] = {
        "received": col(Webhook.received) + 1, "stored": col(Webhook.stored) + int(is_stored),
        "failed": col(Webhook.failed) + int(is_failed), "last_received_at": now,
    }  # fmt: skip
    if is_failed:
        values |= {"last_problem": problem, "last_problem_at": now}
    session.execute(update(Webhook).where(row).values(**values).execution_options(synchronize_session=False))
    if delivered.kept:
        session.add(
            WebhookPayload(
                webhook_id=delivered.webhook_id,
                status=status,
                problem=problem,
                payload=dict(delivered.kept),
                received_at=now,
            )
        )
        session.flush()
        trim_payloads(session, delivered.webhook_id)


def note_refusal(session: Session, token: str, problem: str, *, now: datetime) -> None:
    """Count what was refused before it was read; nothing happens for an address that is none."""
    webhook_id = session.exec(select(Webhook.id).where(Webhook.token_hash == hash_token(token))).first()
    if webhook_id is not None:
        note_delivery(session, Delivered(webhook_id=webhook_id), PayloadStatus.FAILED, problem, now=now)


def _is_signed(body: bytes, given: str | None, secrets: Mapping[str, str]) -> bool:
    """Whether the header holds HMAC-SHA256 of the body, as hex (with or without `sha256=`) or base64."""
    secret = secrets.get("hmac", "")
    if not secret or not given or not given.isascii():
        return False
    digest = hmac.digest(secret.encode(), body, hashlib.sha256)
    text = given.strip().removeprefix("sha256=")
    return hmac.compare_digest(text.lower(), digest.hex()) or hmac.compare_digest(
        text, base64.b64encode(digest).decode()
    )


__all__ = ["MAX_BODY", "Delivered", "note_delivery", "note_refusal", "read_delivery"]
