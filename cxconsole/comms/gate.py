"""The last look before each single send, in memory.

Messages that are marked and wait their turn on a slow gateway must still stop when a campaign is
stopped or a person unsubscribes. The gate knows what changed in the last half second and costs no query per message.
"""

import threading
from datetime import datetime

from cxconsole.comms.policy import Candidate
from cxconsole.database import Database
from cxconsole.driver import Driver
from models.campaign import CampaignState

PAUSE_FLAG = "sending_paused"
_KEPT = 10_000


class SendGate:
    """What may leave now. Refreshed by the sender from a thread; asked from its loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._last_suppression: int | None = None
        self._suppressed: dict[str | int, list[tuple[str | None, int | None]]] = {}
        self._live: frozenset[int] = frozenset()
        self.paused = False

    def refresh(self, *, now: datetime) -> None:
        """Read the switch, the campaigns that may send, and the suppressions that are new."""
        with self._lock, self._database.read() as session:
            driver = Driver(session)
            flag = driver.run("SELECT value FROM system_flag WHERE name = ?", PAUSE_FLAG).first()
            self.paused = flag is not None and flag[0] not in ("", "0", "false")
            rows = driver.run(
                "SELECT id FROM campaign WHERE state = ? AND (starts_at IS NULL OR starts_at <= ?) "
                "AND (ends_at IS NULL OR ends_at > ?)",
                CampaignState.PUBLISHED.value, now, now,
            )  # fmt: skip
            self._live = frozenset(row[0] for row in rows)
            self._read_suppressions(driver)

    def _read_suppressions(self, driver: Driver) -> None:
        if self._last_suppression is None:  # the older ones are known to the checks before marking
            self._last_suppression = driver.run("SELECT coalesce(max(id), 0) FROM suppression").scalar_one()
        rows = driver.run(
            "SELECT id, address, person_id, channel, campaign_id FROM suppression WHERE id > ? ORDER BY id LIMIT ?",
            self._last_suppression, _KEPT,
        ).all()  # fmt: skip
        if not rows:
            return
        fresh = dict(self._suppressed) if len(self._suppressed) < _KEPT else {}
        for suppression_id, address, person_id, channel, campaign_id in rows:
            self._last_suppression = suppression_id
            key = address if address is not None else person_id
            fresh.setdefault(key, []).append((channel, campaign_id))
        self._suppressed = fresh

    def allows(self, message: Candidate) -> bool:
        """Whether this message may leave. A no sends it back to the checks, which say why."""
        if self.paused or (message.campaign_id is not None and message.campaign_id not in self._live):
            return False
        if not self._suppressed:
            return True
        return not any(
            channel in (None, message.channel) and campaign_id in (None, message.campaign_id)
            for key in (message.target, message.target.lower(), message.person_id)
            for channel, campaign_id in self._suppressed.get(key, ())
        )


__all__ = ["PAUSE_FLAG", "SendGate"]
