"""What a gateway's no means for one delivery: pure decisions, no rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cxconsole.gateways.port import GatewayError

MOST_ATTEMPTS = 5
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=6)
_AFTER_SLOW_DOWN = timedelta(seconds=10)
_AFTER_GATEWAY_FAILURE = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryDecision:
    """Again at `not_before`, or never when that is None.

    counts: whether this try used up one of the attempts. possible_duplicate: whether the other side
    may have the message already.
    """

    not_before: datetime | None
    counts: bool
    possible_duplicate: bool


def decide_retry(error: GatewayError, *, attempts: int, now: datetime) -> RetryDecision:
    """`attempts` includes the one that just failed. Delays: 30 s, 2 min, 8 min, 32 min, or what was asked for."""
    asked = timedelta(seconds=error.retry_after_seconds or 0)
    if error.permanent:
        return RetryDecision(not_before=None, counts=True, possible_duplicate=error.in_doubt)
    if error.slow_down and not error.in_doubt:
        delay = max(asked, _AFTER_SLOW_DOWN)
        return RetryDecision(not_before=now + min(delay, LONGEST_DELAY), counts=False, possible_duplicate=False)
    if error.whole_gateway and not error.in_doubt:
        delay = max(asked, _AFTER_GATEWAY_FAILURE)
        return RetryDecision(not_before=now + min(delay, LONGEST_DELAY), counts=False, possible_duplicate=False)
    if attempts >= MOST_ATTEMPTS:
        return RetryDecision(not_before=None, counts=True, possible_duplicate=error.in_doubt)
    delay = max(asked, FIRST_DELAY * 4 ** max(0, attempts - 1))
    return RetryDecision(not_before=now + min(delay, LONGEST_DELAY), counts=True, possible_duplicate=error.in_doubt)


__all__ = ["FIRST_DELAY", "LONGEST_DELAY", "MOST_ATTEMPTS", "RetryDecision", "decide_retry"]
