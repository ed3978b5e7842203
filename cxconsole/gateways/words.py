"""Limits and health in plain words."""

from typing import Any

from cxconsole.gateways.port import FAILURES_TO_OPEN
from models.gateway import Gateway, GatewayHealth


def limits_in_words(row: Gateway, *, sandbox: bool) -> str:
    """One line: “About 600 a minute, 10 to one domain”."""
    parts = []
    if row.per_minute:
        parts.append(f"About {row.per_minute:,} a minute")
    if row.per_domain_per_minute:
        one = _one_target(row.channel)
        parts.append(
            f"{row.per_domain_per_minute:,} to one {one}"
            if parts
            else f"{row.per_domain_per_minute:,} a minute to one {one}"
        )
    if not parts:
        return "No limit, nothing leaves this machine" if sandbox else "No limit"
    return ", ".join(parts)


def limits_as_list(row: Gateway, settings: dict[str, Any]) -> tuple[str, ...]:
    """Each limit as a sentence of its own, for the gateway's panel."""
    sentences = [
        f"About {row.per_minute:,} messages a minute, in any 60 seconds" if row.per_minute else "No limit a minute"
    ]
    if row.per_domain_per_minute:
        sentences.append(f"At most {row.per_domain_per_minute:,} a minute to one {_one_target(row.channel)}")
    at_once = settings.get("connections") or settings.get("concurrency")
    if at_once:
        noun = "connection" if "connections" in settings else "message"
        sentences.append(f"{at_once} {noun}{'s' if at_once != 1 else ''} at once")
    asked = "421 or 450" if row.channel == "email" else "429"
    sentences.append(f"Slows by half on {asked}, then sends a tenth more each minute")
    sentences.append(f"Stops itself after {FAILURES_TO_OPEN} errors in a row, and tries again by itself")
    return tuple(sentences)


ILL = ("stopped", "failing", "slowed")
"""The badges that ask somebody to look."""


def badge_of(row: Gateway, *, sandbox: bool) -> str:
    """The one word that a list shows: off, stopped, failing, slowed, sandbox or healthy.

    Failing: its last test failed, and no message was taken since (that takes the place of the test, see the outbox).
    """
    if not row.active:
        return "off"
    if row.health == GatewayHealth.OPEN:
        return "stopped"
    if row.test_passed is False:
        return "failing"
    if row.health == GatewayHealth.DEGRADED:
        return "slowed"
    return "sandbox" if sandbox else "healthy"


def trouble_of(row: Gateway) -> str:
    """What was said when it stopped, slowed or failed its test; empty for one that is well, or off."""
    if not row.active:
        return ""
    failed = next((one["detail"] for one in row.test_steps if not one["ok"]), "") if row.test_passed is False else ""
    return row.health_error or failed if row.health == GatewayHealth.OPEN else failed or row.health_error or ""


def advice_of(row: Gateway, settings: dict[str, Any]) -> str:
    """What goes on and what a person can do about it, for a gateway that is slowed or stopped; else empty."""
    if not row.active:
        return ""
    if row.health == GatewayHealth.OPEN:
        return "Nothing is sent through it now. It is tried again by itself; mending its settings tries at once."
    if row.health != GatewayHealth.DEGRADED:
        return ""
    advice = "We halved the pace and raise it by 10% each minute."
    connections = settings.get("connections")
    if connections and connections > 1 and "connection" in (row.health_error or "").lower():
        advice += f" Lower “connections at once” to {max(1, connections * 3 // 4)} to stop this."
    return advice


def _one_target(channel: str) -> str:
    return "domain" if channel == "email" else "country"
