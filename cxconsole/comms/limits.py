"""Limits as true rolling windows, spread evenly: in no span of 60 seconds more than was allowed.

Within the window messages leave at an even pace, as from a bucket that fills by a sixtieth of the limit each
second and holds BURST_SECONDS of it; a limit is not used up at once with a long silence after.

What was sent is kept by second and scope in the database, so both hold over restarts and over several
senders. The second in which a window begins is counted whole, which errs towards less.
"""

from collections import defaultdict
from datetime import UTC, datetime

from sqlmodel import Session

from cxconsole.driver import Driver

WINDOW_SECONDS = 60
BURST_SECONDS = 5
"""So much of the pace may be made up for at once, after a moment in which less was sent."""
_KEPT_SECONDS = 3600


def gateway_scope(gateway_id: int) -> str:
    """All messages of one gateway."""
    return f"gateway:{gateway_id}"


def domain_scope(gateway_id: int, domain: str) -> str:
    """Messages of one gateway to one mail domain."""
    return f"domain:{gateway_id}:{domain}"


def campaign_scope(campaign_id: int) -> str:
    """Messages of one campaign, over all gateways."""
    return f"campaign:{campaign_id}"


class RollingLimits:
    """The windows of some scopes within one transaction: read once, taken from in memory, written once."""

    def __init__(self, session: Session, *, now: datetime) -> None:
        self._driver = Driver(session)
        self._second = int(now.timestamp())
        self._limits: dict[str, int] = {}
        self._used: dict[str, dict[int, int]] = {}
        self._level: dict[str, int] = {}  # of the bucket, in sixtieths of a message, so that a second fills it by N
        self._free: dict[str, int] = {}
        self._taken: dict[str, int] = defaultdict(int)
        self._waiting: dict[str, int] = defaultdict(int)

    def load(self, limits: dict[str, int]) -> None:
        """Read the windows of these scopes; other senders that want one of them wait for this transaction."""
        new = sorted(limits.keys() - self._limits.keys())
        if not new:
            return
        self._limits.update(limits)
        if not self._driver.sqlite:
            self._driver.run(
                "SELECT pg_advisory_xact_lock(hashtextextended(scope, 0)) "
                "FROM (SELECT unnest(?::text[]) AS scope ORDER BY 1) AS wanted",
                new,
            )
        rows = self._driver.run(
            f"SELECT scope, second, used FROM rate_usage WHERE scope {self._driver.among_texts} AND second >= ?",  # noqa: S608
            new, self._second - WINDOW_SECONDS,
        )  # fmt: skip
        self._used.update({scope: {} for scope in new})
        for scope, second, used in rows:
            self._used[scope][second] = used
        for scope in new:
            level = self._level[scope] = self._fill(scope)
            left = self._limits[scope] - sum(self._used[scope].values())
            self._free[scope] = min(left, level // WINDOW_SECONDS)

    def _fill(self, scope: str) -> int:
        """The level of the bucket now, from what was taken from it in the last minute."""
        limit = self._limits[scope]
        most = max(WINDOW_SECONDS, limit * BURST_SECONDS)
        level, before = most, 0
        for second, used in sorted(self._used[scope].items()):
            level = max(0, min(most, level + limit * (second - before)) - used * WINDOW_SECONDS)
            before = second
        return min(most, level + limit * (self._second - before))

    def free(self, scope: str) -> int:
        """How many more may go now."""
        return max(0, self._free[scope] - self._taken[scope])

    def take(self, scope: str, count: int = 1) -> None:
        """Use some of what is free; nothing happens for a scope without a limit."""
        if scope in self._limits:
            self._taken[scope] += count

    def next_free(self, scope: str) -> datetime:
        """When the next one may go; each further call speaks for one more behind it."""
        limit = max(1, self._limits[scope])
        place = self._waiting[scope]
        self._waiting[scope] += 1
        lacking = (place + 1 + self._taken[scope]) * WINDOW_SECONDS - self._level[scope]
        second = self._second + max(1, -(-lacking // limit))
        leaving = [second for second, used in sorted(self._used[scope].items()) for _ in range(used)]
        leaving += [self._second] * self._taken[scope]
        behind = place - (limit - len(leaving))  # it waits for this one to leave the window
        if 0 <= behind < len(leaving):
            second = max(second, leaving[behind] + WINDOW_SECONDS + 1)
        return datetime.fromtimestamp(second, UTC)

    def store(self) -> None:
        """Write what was taken."""
        self._driver.run_many(
            "INSERT INTO rate_usage (scope, second, used) VALUES (?, ?, ?) "
            "ON CONFLICT (scope, second) DO UPDATE SET used = rate_usage.used + excluded.used",
            [(scope, self._second, count) for scope, count in sorted(self._taken.items()) if count],
        )
        self._taken.clear()


def purge_usage(session: Session, *, now: datetime, limit: int) -> int:
    """The job: forget seconds that no window reaches any more."""
    cutoff = int(now.timestamp()) - _KEPT_SECONDS
    keys = "SELECT scope, second FROM rate_usage WHERE second < ? LIMIT ?"
    driver = Driver(session)
    return driver.run(f"DELETE FROM rate_usage WHERE (scope, second) IN ({keys})", cutoff, limit).rowcount  # noqa: S608


__all__ = [
    "BURST_SECONDS", "WINDOW_SECONDS", "RollingLimits", "campaign_scope", "domain_scope", "gateway_scope",
    "purge_usage",
]  # fmt: skip
