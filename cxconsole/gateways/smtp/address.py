"""Addresses as SMTP and headers want them: domain in ASCII, nothing that could end a line."""

import re
from dataclasses import dataclass
from functools import lru_cache

import idna

# RFC 5321 dot-string, with RFC 6531's letters beyond ASCII; quoted local parts are not sent to
_LOCAL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010FFFF]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010FFFF]+)*"
)
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-.]*[A-Za-z0-9_])?")
_LITERAL = re.compile(r"\[(?:IPv6:)?[0-9A-Fa-f.:]+\]")
_HIDDEN = re.compile(r"[\u0080-\u009f\u2028\u2029\ufeff\s]")
_SENDER = re.compile(r"(?P<name>.*)<(?P<address>[^<>\s]+)>|(?P<bare>[^<>\s]+)")
_ESCAPED = re.compile(r"\\(.)")


class BadAddress(ValueError):
    """Not an address that a message can be sent to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """A name and an address, as in a From header."""

    name: str
    address: str


def clean_address(address: str) -> str:
    """The address with its domain in ASCII. Raises BadAddress."""
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or (not local.isascii() and _HIDDEN.search(local)):
        raise BadAddress(f"“{_shown(address)}” is not an e-mail address.")
    if not domain.isascii():
        domain = _ascii_domain(domain)
    if not _DOMAIN.fullmatch(domain) and not _LITERAL.fullmatch(domain):
        raise BadAddress(f"“{_shown(domain)}” is not a mail domain.")
    if len(local.encode()) > 64 or len(domain) > 255:
        raise BadAddress(f"“{_shown(address)}” is longer than mail servers take.")
    return f"{local}@{domain}"


def parse_sender(text: str) -> Sender:
    """“Acme <hello@acme.example>” or a bare address. Raises BadAddress."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise BadAddress("A sender is one line.")
    # people write “Acme, Inc. <hello@acme.example>” without the quotes that RFC 5322 wants round the comma
    found = _SENDER.fullmatch(text.strip())
    if not found:
        raise BadAddress(f"“{_shown(text)}” is not a sender: write it as Acme <hello@acme.example>.")
    name, address = (found["name"] or "").strip(), found["address"] or found["bare"]
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = _ESCAPED.sub(r"\1", name[1:-1])
    return Sender(name=name, address=clean_address(address))


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise BadAddress(f"“{_shown(domain)}” is not a mail domain.") from None


def _shown(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text[:80])
