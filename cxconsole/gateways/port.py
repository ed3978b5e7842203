"""What the engine asks of a gateway, and what a gateway may answer.

Every kind lives in a folder of its own and implements `Gateway`; the engine knows no more than this.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

FAILURES_TO_OPEN = 5
"""Failures of the whole gateway in a row after which nothing is sent through it for a while."""


class GatewayError(Exception):
    """A send that did not work, with its verdict.

    permanent: trying this message again is useless.
    slow_down: the other side asked for less (SMTP 421/450/451/454, HTTP 429); not a failure.
    whole_gateway: it speaks about the gateway (refused, wrong password), not about this message;
        enough of these in a row open the circuit.
    in_doubt: the other side may have taken the message although it did not say so; a retry is
        flagged `possible_duplicate`.
    """

    def __init__(
        self,
        detail: str,
        *,
        permanent: bool,
        code: str = "",
        retry_after_seconds: float | None = None,
        slow_down: bool = False,
        whole_gateway: bool = False,
        in_doubt: bool = False,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.permanent = permanent
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        self.slow_down = slow_down
        self.whole_gateway = whole_gateway
        self.in_doubt = in_doubt


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingMessage:
    """One rendered message to one target.

    `message_id` is deterministic (the same for every attempt of a delivery) and looks like an
    e-mail message id without the angle brackets: "d42.c1001@host". `html` is None for SMS.
    """

    delivery_id: int | None
    message_id: str
    target: str
    subject: str = ""
    html: str | None = None
    text: str = ""
    unsubscribe_url: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The other side took the message. `detail` is its answer in its own words."""

    provider_id: str | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class TestStep:
    """One step of a gateway test. `detail` says what was found, or what failed, why, and how to mend it.

    `warning`: it works, but not as well as the settings ask for.
    """

    __test__ = False

    name: str
    ok: bool
    detail: str
    milliseconds: int
    warning: bool = False


class Gateway(Protocol):
    """A way out. Made from its row, used from one event loop."""

    concurrency: int
    """How many `send` calls may run at once."""

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand one message over. Raises GatewayError."""
        ...

    async def test(self, target: str | None) -> list[TestStep]:
        """Try each step on the way to a delivery; stops at the first that fails. Never raises GatewayError.

        With a target, the last step sends a real test message to it.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
