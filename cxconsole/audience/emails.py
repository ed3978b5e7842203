"""E-mail addresses as they are stored: trimmed, the domain in lower case."""

import re

from email_validator import EmailSyntaxError, validate_email

from cxconsole.audience.problems import Problem

# What nearly every address looks like. A match is what `email-validator` would answer too; all else goes there.
_PLAIN = re.compile(
    r"(?P<local>[A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]+)*)@"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?P<top>[a-z]{2,18})",
    re.ASCII,
)
_RESERVED = frozenset({"local", "localhost", "invalid", "arpa", "onion", "alt", "internal"})
_SPECIAL = ("\N{ZERO WIDTH SPACE}", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH NO-BREAK SPACE}", "<", ">")


def normalise_email(raw: str) -> str | Problem:
    """The address as it is stored, or what is wrong with it. `raw` is not empty."""
    found = _PLAIN.fullmatch(raw)
    if found is None:
        local, at, domain = raw.strip().rpartition("@")
        raw = local + at + domain.lower()
        found = _PLAIN.fullmatch(raw)
    if found is not None and len(raw) <= 254 and found.end("local") <= 64 and "--" not in raw:
        return raw if found["top"] not in _RESERVED else _explain(raw)
    return _parse(raw)


def _parse(raw: str) -> str | Problem:
    cleaned = raw
    for special in _SPECIAL:
        cleaned = cleaned.replace(special, "")
    cleaned = cleaned.removeprefix("mailto:").strip()
    try:
        found = validate_email(cleaned, check_deliverability=False, test_environment=True, strict=True)
    except (EmailSyntaxError, ValueError):
        return _explain(cleaned)
    return f"{found.local_part}@{found.domain.lower()}"


def _explain(raw: str) -> Problem:
    """The first thing that a person would change."""
    local, at, domain = raw.rpartition("@")
    if raw.count("@") > 1:
        separated = any(mark in raw for mark in ",; ")
        return Problem("Two addresses in one cell", "Keep one address") if separated else _TWO_SIGNS
    if not at:
        return Problem("No @ sign", "Write the address as name@example.com")
    if not local:
        return Problem("Nothing before the @", "Add the name before the @")
    if not domain:
        return Problem("Nothing after the @", "Add the domain after the @")
    if re.search(r"\s", raw):
        return Problem("A space in the address", "Remove the space")
    if "." not in domain:
        return Problem("The domain has no dot", "Add the ending, such as .com")
    if ".." in raw:
        return Problem("Two dots in a row", "Remove one dot")
    if raw.startswith(".") or local.endswith(".") or domain.startswith(".") or domain.endswith("."):
        return Problem("A dot at the wrong place", "Remove the dot at the start or end")
    if domain.rpartition(".")[2].lower() in _RESERVED:
        return Problem("Domain cannot receive mail", "Use a public address")
    if len(local) > 64 or len(raw) > 254:
        return Problem("Longer than an address may be", "Check the address: at most 64 characters before the @")
    return Problem("Not a well-formed e-mail address", "Check it for characters that do not belong there")


_TWO_SIGNS = Problem("Two @ signs", "Remove one @")
