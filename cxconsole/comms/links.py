"""The links in messages: the way out, the open pixel and clicks, each with a signed token.

A token names one delivery and one use, and carries no personal data. A click's token also signs
the address it leads to, so that it cannot be made to lead elsewhere.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from urllib.parse import quote, urlsplit

from cxconsole.accounts.vault import Vault
from cxconsole.errors import NotFound
from cxconsole.settings import Settings

UNSUBSCRIBE, OPEN, CLICK = b"u", b"o", b"c"
MAX_ADDRESS = 2_000
_MAC_BYTES = 12
_HREF = re.compile(r"""(<a\b[^>]*?\shref\s*=\s*)(["'])(https?://[^"'<>]*)\2""", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Makes and reads links. `tracks` is whether recipients can reach this console to say they opened or clicked."""

    base_url: str
    key: bytes
    tracks: bool = False

    @classmethod
    def build(cls, settings: Settings, vault: Vault) -> "Links":
        """The links of this console. Without a public address nothing is tracked: such links would lead nowhere."""
        return cls(base_url=settings.base_url, key=vault.signing_key, tracks=settings.is_public)

    def unsubscribe_url(self, delivery_id: int) -> str:
        """Where the recipient of a delivery can unsubscribe."""
        return f"{self.base_url}/u/{self._token(UNSUBSCRIBE, delivery_id)}"

    def open_url(self, delivery_id: int) -> str:
        """The picture whose loading says that the delivery was opened."""
        return f"{self.base_url}/o/{self._token(OPEN, delivery_id)}.gif"

    def click_url(self, delivery_id: int, address: str) -> str:
        """The way to an address over this console, which notes the click."""
        return f"{self.base_url}/c/{self._token(CLICK, delivery_id, address)}?u={quote(address, safe='')}"

    def track(self, html: str, delivery_id: int) -> str:
        """The HTML with its web links led over this console and the open pixel at its end; as it was if not tracked."""
        if not self.tracks:
            return html

        def lead(match: re.Match[str]) -> str:
            address, quoted = _read_href(match[3])
            if not address or address.startswith(self.base_url + "/"):
                return match[0]
            token = self._token(CLICK, delivery_id, address)
            return f"{match[1]}{match[2]}{base}/c/{token}?u={quoted}{match[2]}"

        base = escape(self.base_url)
        html = _HREF.sub(lead, html)
        end = html.rfind("</body>")
        end = len(html) if end < 0 else end
        pixel = f'<img src="{self.open_url(delivery_id)}" width="1" height="1" alt="" style="display:none">'
        return f"{html[:end]}{pixel}{html[end:]}"

    def read_token(self, use: bytes, token: str, address: str = "") -> int:
        """The delivery a token was made for. Raises NotFound for one that was not made here, or for another use."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)) if len(token) <= 40 else b""
        except ValueError:
            raw = b""
        number, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not number or not hmac.compare_digest(mac, self._mac(use, number, address)):
            raise NotFound("This link is not one of ours, or not complete. Copy it from the message as a whole.")
        return int.from_bytes(number, "big")

    def _token(self, use: bytes, delivery_id: int, address: str = "") -> str:
        number = delivery_id.to_bytes((delivery_id.bit_length() + 7) // 8 or 1, "big")
        return base64.urlsafe_b64encode(number + self._mac(use, number, address)).decode().rstrip("=")

    def _mac(self, use: bytes, number: bytes, address: str) -> bytes:
        mac = _keyed(self.key).copy()
        mac.update(use + b":" + number + b":" + address.encode())
        return mac.digest()[:_MAC_BYTES]


@lru_cache(maxsize=4)
def _keyed(key: bytes) -> hmac.HMAC:
    """Ready to be copied: `hmac.digest` lets other threads in, and waiting for them costs more than the sum."""
    return hmac.new(key, digestmod="sha256")


@lru_cache(maxsize=4096)
def _read_href(href: str) -> tuple[str, str]:
    """The address an attribute means, and the same quoted for a query; both empty when it is not one to follow."""
    address = unescape(href)
    return (address, quote(address, safe="")) if is_web_address(address) else ("", "")


def is_web_address(address: str) -> bool:
    """Whether it is an http or https address with a host, fit to be redirected to."""
    if len(address) > MAX_ADDRESS or any(ord(char) <= 32 or char == "\\" for char in address):
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
