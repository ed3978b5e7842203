"""The last payloads of a webhook, kept so that a person can see what comes: few, short, and without secrets."""

import json
import re
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from models.webhook import WebhookPayload

MOST = 20
MAX_CHARACTERS = 16_000
_MAX_TEXT = 500
_MOST_ITEMS = 10
_MOST_FIELDS = 80
_MAX_DEPTH = 12
_SECRET = re.compile(
    r"passw|secret|token|authoriz|api.?key|private.?key|card.?(no|num)|cvc|cvv|(^|_)pin$|iban|signature", re.IGNORECASE
)
_HIDDEN = "(hidden)"


def shorten(payload: Any) -> dict[str, Any]:
    """What is kept of a payload that is JSON."""
    kept = _shorten(payload, _MAX_DEPTH)
    if len(json.dumps(kept, ensure_ascii=False)) > MAX_CHARACTERS:
        return {"text": f"{json.dumps(kept, ensure_ascii=False)[: MAX_CHARACTERS // 4]}…"}
    return {"json": kept}


def shorten_text(body: bytes) -> dict[str, Any]:
    """What is kept of a body that is not JSON."""
    text = body[: 4 * MAX_CHARACTERS].decode("utf-8", "replace")
    return {"text": "".join(one if one.isprintable() or one == "\n" else "�" for one in text[:2_000])}


def trim_payloads(session: Session, webhook_id: int) -> None:
    """Forget all but the last ones."""
    oldest = session.exec(
        select(WebhookPayload.id)
        .where(WebhookPayload.webhook_id == webhook_id)
        .order_by(col(WebhookPayload.id).desc())
        .offset(MOST - 1)
        .limit(1)
    ).first()
    if oldest is not None:
        old = (col(WebhookPayload.webhook_id) == webhook_id) & (col(WebhookPayload.id) < oldest)
        session.execute(delete(WebhookPayload).where(old).execution_options(synchronize_session=False))


def _shorten(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        clean = value.replace("\x00", "")
        return clean if len(clean) <= _MAX_TEXT else f"{clean[:_MAX_TEXT]}…"
    if isinstance(value, dict):
        if depth == 0:
            return "…"
        return {
            name[:120].replace("\x00", ""): _HIDDEN if _SECRET.search(name) else _shorten(inner, depth - 1)
            for name, inner in list(value.items())[:_MOST_FIELDS]
        }
    if isinstance(value, list):
        return "…" if depth == 0 else [_shorten(inner, depth - 1) for inner in value[:_MOST_ITEMS]]
    return value


__all__ = ["MOST", "shorten", "shorten_text", "trim_payloads"]
