"""How large the steps of an import are, and what a database that takes millions of rows needs besides.

A larger step touches a page of an index once where smaller ones touch it again and again; but while a step is
written to SQLite nobody else can write. So a step is as large as may be written in the time that others can spare.
"""

import sqlite3
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlmodel import Session

from cxconsole.database import Database

FIRST_BLOCK = 256 * 1024
SMALLEST_BLOCK, LARGEST_BLOCK = 32 * 1024, 8 * 1024 * 1024
MOST_ROWS = 40_000
_SHARED_SECONDS = 0.12
_ALONE_SECONDS = 1.5
_POSTGRES_SECONDS = 1.5
_CACHE_KB = 40_000
_LONG_LOG, _LONGEST_LOG = 64 << 20, 320 << 20


class Pace:
    """The size of the next block, from how long the last one took to write."""

    def __init__(self) -> None:
        self.size = FIRST_BLOCK
        self._version: int | None = None
        self._spare = _SHARED_SECONDS

    def begin_step(self, session: Session) -> None:
        """At the begin of a write: when somebody else has written since the last one, leave them more room."""
        if session.get_bind().dialect.name != "sqlite":  # there only who adds identities too waits for us
            session.execute(text("SET LOCAL synchronous_commit = off"))  # as in tune_writer, and as safe
            self._spare = _POSTGRES_SECONDS
            return
        raw: Any = session.connection().connection.driver_connection
        version = raw.execute("PRAGMA data_version").fetchone()[0]
        self._spare = _ALONE_SECONDS if version == self._version else _SHARED_SECONDS
        self._version = version

    def end_step(self, *, size: int, rows: int, seconds: float) -> None:
        """At the end of a write: how many bytes and rows it was and how long it took.

        What it was counts and not what is read now: of two blocks that are stored side by side each would be taken for
        as large as the other one had made the next, and the sizes would swing, so that one waits for the other.
        """
        fits = self._spare / max(seconds, 0.001)
        fits = min(fits, MOST_ROWS / max(rows, 1), 2.0)  # grow step by step: the first one says little
        self.size = int(min(LARGEST_BLOCK, max(SMALLEST_BLOCK, size * fits)))


MANY_ROWS = 10_000
_FILLED = "person, identity, campaign_contact, event"


def describe_tables(database: Database) -> None:
    """Let PostgreSQL look at what an import of many rows has filled, so that the next list is read by the right index.

    By itself it looks a minute later, and on some servers never.
    """
    if not database.is_sqlite:
        with database.write() as session:
            session.execute(text(f"ANALYZE {_FILLED}"))


def tune_writer(database: Database) -> None:
    """For a process that does nothing but import: call before its first write."""
    if not database.is_sqlite:
        return

    @event.listens_for(database.writer, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # A power cut may take the last blocks, never half of one: the import goes on where the file then stands.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")  # done beside the writing, see LogKeeper
        connection.execute(f"PRAGMA journal_size_limit={_LONG_LOG}")  # so that the file's size tells how long it is
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
        connection.execute("PRAGMA mmap_size=0")  # random pages of a large file, and it would count as memory


class LogKeeper:
    """Brings SQLite's write-ahead log into the file on a thread of its own, so that nobody's commit has to.

    The log begins anew only when all of it is in the file and nobody writes, so past a size writing waits for that.
    The longer it may grow, the more often a page that changes in several blocks is written only once.
    """

    def __init__(self, database: Database) -> None:
        self._path = make_url(database.url).database if database.is_sqlite else None
        self._asked = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._ended = False
        self._thread = threading.Thread(target=self._keep, name="log-keeper", daemon=True)

    def __enter__(self) -> "LogKeeper":
        if self._path is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._asked.set()
        if self._path is not None:
            self._thread.join()

    def after_commit(self) -> None:
        """Have the log emptied when it is long; wait for it when it is too long. Never within a write."""
        size = self._read_size()
        if size > _LONG_LOG:
            self._idle.clear()
            self._asked.set()
        if size > _LONGEST_LOG:
            self._idle.wait()

    def _read_size(self) -> int:
        if self._path is None:
            return 0
        log = Path(self._path + "-wal")
        return log.stat().st_size if log.exists() else 0

    def _keep(self) -> None:
        connection = sqlite3.connect(self._path or "", isolation_level=None, timeout=1)
        try:
            while not self._ended:
                self._asked.wait()
                self._asked.clear()
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()  # waits for nobody
                if not self._asked.is_set():
                    self._idle.set()
        finally:
            self._idle.set()
            connection.close()
