"""Links in messages that name one delivery, and cannot be made up: unsubscribe."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

_SIGNATURE_BYTES = 12


def make_token(delivery_id: int, key: bytes) -> str:
    """A signed token of a delivery: its id and an HMAC over it, URL-safe."""
    number = delivery_id.to_bytes(8, "big").lstrip(b"\0")
    return urlsafe_b64encode(number + _sign(number, key)).rstrip(b"=").decode()


def read_token(token: str, key: bytes) -> int | None:
    """The delivery of a token that we made; None for any other."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (NotBase64, ValueError):
        return None
    number, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    return int.from_bytes(number, "big") if hmac.compare_digest(signature, _sign(number, key)) else None


def unsubscribe_url(base_url: str, delivery_id: int, key: bytes) -> str:
    """Where the recipient of this delivery can unsubscribe."""
    return f"{base_url}/u/{make_token(delivery_id, key)}"


def _sign(number: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"delivery:" + number, "sha256")[:_SIGNATURE_BYTES]


__all__ = ["make_token", "read_token", "unsubscribe_url"]
