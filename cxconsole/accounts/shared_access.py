"""Tokens of the journey contract: `SharedAccessSignature so=..&sn=..&ss=..&sp=..&se=..&sk=..&sig=..`.

An app signs them itself with its secret; nothing of them is stored here.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote, unquote_plus

from cxconsole.errors import Forbidden

SCHEME = "SharedAccessSignature"
SERVICES = ("profile", "stream", "tape", "ds", "idmt", "action", "account")
"""Profiles, live streams, reading the Tape, the data sink (ingest), identities, actions, and apps."""
_MAX_LENGTH = 4_000
_PARTS = ("so", "sn", "ss", "sp", "se", "sk")
_SIGNATURE = "sig"
_PERSON = "pe"
"""Ours, and only in a token that reads one person: by which name that person is asked for."""
_VIEWS = "pv"
"""Ours, in such a token: which profile views of that person it reads, with commas between."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a token says of itself; true only once its signature was checked."""

    organization: str
    namespace: str
    services: frozenset[str]
    permission: str
    expires_at: datetime
    key_name: str
    person: str | None
    views: frozenset[str]
    signed: str
    signature: bytes

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature was made with this secret; takes the same time for every wrong one."""
        return hmac.compare_digest(_sign(secret, self.signed), self.signature)


def find_token(query: str) -> str | None:
    """The token in a query, given as `sig=<token>`, or laid out in it: `so=..&sn=..&...&sig=<signature>`."""
    parts = [part for part in query.split("&") if part.partition("=")[0] in (*_PARTS, _PERSON, _VIEWS, _SIGNATURE)]
    if len(parts) > 1:
        return f"{SCHEME} {'&'.join(parts)}"
    given = next((unquote_plus(part.partition("=")[2]) for part in parts if part.startswith(f"{_SIGNATURE}=")), "")
    return f"{SCHEME} {given.removeprefix(SCHEME).strip()}" if given else None


def parse_token(text: str) -> Token:
    """The parts of a token, with or without its scheme in front. Raises Forbidden."""
    text = text.strip().removeprefix(SCHEME).strip()
    signed, mark, signature = text.partition("&sig=")
    pairs = [part.partition("=")[::2] for part in signed.split("&")]
    parts = {name: unquote(value) for name, value in pairs}
    if len(text) > _MAX_LENGTH or not mark or len(parts) != len(pairs) or not all(parts.get(one) for one in _PARTS):
        raise Forbidden("The token is not of the form so=..&sn=..&ss=..&sp=..&se=..&sk=..&sig=..")
    try:
        expires_at = datetime.fromisoformat(parts["se"])
        digest = base64.b64decode(unquote(signature), validate=True)
    except (ValueError, binascii.Error) as error:
        raise Forbidden("The token's expiry or signature cannot be read.") from error
    if expires_at.tzinfo is None:
        raise Forbidden("The token's expiry has no zone: write it as 2026-05-19T09:00:00.000Z.")
    return Token(
        organization=parts["so"],
        namespace=parts["sn"],
        services=frozenset(parts["ss"].split(",")),
        permission=parts["sp"],
        expires_at=expires_at,
        key_name=parts["sk"],
        person=parts.get(_PERSON) or None,
        views=frozenset(parts[_VIEWS].split(",")) if parts.get(_VIEWS) else frozenset(),
        signed=signed,
        signature=digest,
    )


def make_token(
    *,
    organization: str,
    namespace: str,
    service: str,
    permission: str,
    expires_at: datetime,
    key_name: str,
    secret: str,
    person: str | None = None,
    views: Sequence[str] = (),
) -> str:
    """A signed token with its scheme, as an app makes it; with a `person` it reads that one only, and these views."""
    expiry = expires_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    names = (organization, namespace, service, permission, expiry, key_name)
    signed = "&".join(f"{part}={value}" for part, value in zip(_PARTS, names, strict=True))
    if person is not None:
        signed += f"&{_PERSON}={quote(person, safe='')}"
    if views:
        signed += f"&{_VIEWS}={quote(','.join(views), safe='')}"
    signature = quote(base64.b64encode(_sign(secret, signed)).decode(), safe="")
    return f"{SCHEME} {signed}&sig={signature}"


def _sign(secret: str, signed: str) -> bytes:
    return hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
