"""The end of the Tape as it grows: every event once, in the order of its key, and none left out.

On SQLite keys follow commits. On PostgreSQL a key is drawn before the commit, so a higher one can be seen while a lower
one is still on its way. A reader who went past it would never see it. So a hole is waited for until every transaction
that could fill it has ended; those are known, because whoever writes to a table holds a lock on it until then.
"""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from cxconsole.driver import Driver
from cxconsole.journey.reading import last_id, read_after

_WRITERS = (
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = 'event'::regclass "
    "AND mode = 'RowExclusiveLock' AND granted"
)


class Tail:
    """Reads on from where it is. Used by one thread at a time."""

    def __init__(self) -> None:
        self.end: int | None = None
        """The last key that was read; None until the first look."""
        self._solid_below = 0
        self._hole: tuple[int, frozenset[str]] | None = None

    def read(self, session: Session, limit: int) -> Sequence[Any]:
        """What has come since, as rows for `view_rows`; the first time nothing, as long as that cannot be said."""
        driver = Driver(session)
        if self.end is None:
            self._find_end(session, driver)
            return ()
        self._settle_hole(driver)
        rows = read_after(session, self.end, limit)
        good = len(rows) if driver.sqlite else self._count_solid(rows)
        if good < len(rows) and self._hole is None:
            # whoever may fill a hole below the last row drew its key before that row did, so is a writer now or done
            self._hole = (rows[-1][0], _find_writers(driver))
        if good:
            self.end = rows[good - 1][0]
        return rows[:good]

    @property
    def waits(self) -> bool:
        """Whether there is something that cannot be told yet, because something before it is on its way."""
        return self._hole is not None or self.end is None

    def _find_end(self, session: Session, driver: Driver) -> None:
        if driver.sqlite:
            self.end = last_id(session)
            return
        if self._hole is None:
            drawn = driver.run("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_id_seq").scalar_one()
            self._hole = (drawn, _find_writers(driver))
        self._settle_hole(driver)
        if self._hole is None:
            self.end = self._solid_below

    def _settle_hole(self, driver: Driver) -> None:
        if self._hole is not None and not self._hole[1] & _find_writers(driver):
            self._solid_below, self._hole = self._hole[0], None

    def _count_solid(self, rows: Sequence[Any]) -> int:
        expected = (self.end or 0) + 1
        for at, row in enumerate(rows):
            if row[0] != expected and row[0] > self._solid_below:
                return at
            expected = row[0] + 1
        return len(rows)


def _find_writers(driver: Driver) -> frozenset[str]:
    return frozenset() if driver.sqlite else frozenset(row[0] for row in driver.run(_WRITERS))


__all__ = ["Tail"]
