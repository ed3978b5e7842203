"""Who may add identities, so that no two make the same person at the same time.

On SQLite a writer is alone anyway. On PostgreSQL there are two advisory locks. The first is taken by every
transaction that adds identities: exclusively by most, in common by the blocks of an import, of which two are stored
side by side and keep out of each other's way (see `store_rows`). The second is held by an import as long as
blocks of it are on their way, so that "in common" never means two imports. Waiting for the first one is seen by the
database as part of a deadlock; the second is taken when nothing else is held, so it is never part of one.
"""

from sqlalchemy import text
from sqlmodel import Session

from cxconsole.database import Database

_ADDING, _IMPORTING = 7046029254386353131, 7046029254386353132


def lock_identities(session: Session) -> None:
    """Until the transaction ends nobody else adds identities."""
    _lock(session, "pg_advisory_xact_lock", _ADDING)


def share_identities(session: Session) -> None:
    """Until the transaction ends only blocks of the same import add identities. Who waits comes first."""
    _lock(session, "pg_advisory_xact_lock_shared", _ADDING)


class ImportTurn:
    """The right of one import to store blocks, which it hands on to another that waits for it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: Session | None = None

    def __enter__(self) -> "ImportTurn":
        return self

    def __exit__(self, *_error: object) -> None:
        self.hand_on()

    def take(self) -> None:
        """Wait for it, unless this import has it."""
        if self._session is None and not self._database.is_sqlite:
            self._session = Session(self._database.writer)
            _lock(self._session, "pg_advisory_xact_lock", _IMPORTING)

    def is_wanted(self) -> bool:
        """Whether another import waits for its turn."""
        if self._session is None:
            return False
        waiting = text(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 1 "
            "AND (classid::bigint << 32) + objid::bigint = :key AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        return bool(self._session.scalar(waiting, {"key": _IMPORTING}))

    def hand_on(self) -> None:
        """Let another import go on. No block of this one may be on its way."""
        if self._session is not None:
            self._session.close()
            self._session = None


def _lock(session: Session, function: str, key: int) -> None:
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text(f"SELECT {function}({key})"))
