"""What a server's no means for the message and for the gateway."""

import re

from cxconsole.gateways.port import GatewayError
from cxconsole.gateways.smtp.dialogue import Interrupted, Refused, Reply

SLOW_DOWN = frozenset({421, 450, 451, 454})
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")
_AFTER = re.compile(
    r"(?:in|after|for|within)\s+(\d{1,5})\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?)\b", re.IGNORECASE
)
_WRONG_SENDER = "Check the gateway's sender and sign-in: every message would be refused."
_TOO_BIG = frozenset({523, 552})  # RFC 1870: this message is too large, the next may not be


def refused_verdict(refused: Refused) -> GatewayError:
    """The error to raise for a no within a transaction."""
    reply = refused.reply
    words = said(reply)
    if 400 <= reply.code < 500:
        return temporary_verdict(reply)
    if refused.stage == "sender" and reply.code not in _TOO_BIG:
        return GatewayError(
            f"The server refused the sender: {words} {_WRONG_SENDER}",
            permanent=False, code=code_of(reply), whole_gateway=True,
        )  # fmt: skip
    if reply.code in (530, 535):
        return GatewayError(
            f"The server wants a sign-in: {words}", permanent=False, code=code_of(reply), whole_gateway=True
        )
    what = "recipient" if refused.stage == "recipient" else "message"
    return GatewayError(f"The server refused the {what}: {words}", permanent=True, code=code_of(reply))


def temporary_verdict(reply: Reply) -> GatewayError:
    """The error for a 4xx answer: later, and slower when it is one of those that ask for it."""
    slow = reply.code in SLOW_DOWN
    return GatewayError(
        f"The server asked to {'slow down' if slow else 'try later'}: {said(reply)}",
        permanent=False, code=code_of(reply), slow_down=slow, retry_after_seconds=_seconds(reply.words),
    )  # fmt: skip


def interrupted_verdict(broken: Interrupted) -> GatewayError:
    """The error for a connection that broke or hung during a transaction."""
    when = (
        "after the whole message was sent, so it may have arrived" if broken.in_doubt else "before the message was sent"
    )
    return GatewayError(
        f"The connection broke off {when}: {broken}.", permanent=False, whole_gateway=True, in_doubt=broken.in_doubt
    )


def said(reply: Reply) -> str:
    """The server's own words."""
    return f"“{reply.code} {reply.words}”."


def code_of(reply: Reply) -> str:
    """“550 5.1.1”, or “550” when there is no enhanced code."""
    enhanced = _ENHANCED.match(reply.words)
    return f"{reply.code} {enhanced[1]}" if enhanced else str(reply.code)


def _seconds(words: str) -> float | None:
    found = _AFTER.search(words)
    if not found:
        return None
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2][0].lower()]
