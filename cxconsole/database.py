"""One database, two kinds of sessions: `read()` and `write()`.

SQLite allows one writer at a time and lets waiting writers poll, so a busy writer starves the
others. Here writers queue on a file lock beside the database, across threads and processes, and
begin with `BEGIN IMMEDIATE`, so that a transaction never fails half-way with "database is locked".
PostgreSQL needs none of this.
"""

import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Engine, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

log = logging.getLogger("cxconsole.database")

_TURN_SECONDS = 0.1
"""How long the threads of one process may follow each other through the gate while another process waits."""

_TELL_SECONDS = 5.0
"""How long PostgreSQL may take to hear that a statement is given up."""

JsonType = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment. PostgreSQL keeps it as such, SQLite as UTC text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times at the door."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _WriterGate:
    """Hands the right to write from one writer to the next, over threads and processes.

    Between processes it goes in turns: who waits for the gate holds the place next to it, which who leaves the gate
    has to take before it can come in again. So an import that writes block after block lets others in after each.
    A process that has the gate lets all of its threads through that wait, for as long as others can spare.
    """

    def __init__(self, path: Path) -> None:
        self._gate_path = path
        self._next_path = path.with_name(path.name + ".next")
        self._lock = threading.Lock()
        self._count_lock = threading.Lock()
        self._waiting = 0
        self._gate: int | None = None
        self._until = 0.0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._count_lock:
            self._waiting += 1
        with self._lock:
            with self._count_lock:
                self._waiting -= 1
            if self._gate is None:
                self._take()
            try:
                yield
            finally:
                if self._waiting == 0 or time.monotonic() > self._until:
                    self._give()

    def _take(self) -> None:
        next_place = _lock_file(self._next_path)
        try:
            self._gate = _lock_file(self._gate_path)
        finally:
            os.close(next_place)
        self._until = time.monotonic() + _TURN_SECONDS

    def _give(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            os.close(gate)


def _lock_file(path: Path) -> int:
    """An open descriptor that holds the file's lock until it is closed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


class Database:
    """The way to the rows. Build one per process; it is safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.info: dict[str, Any] = {}
        """What every session carries along as its `info`: what the rows need to be read, such as keys."""
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            path = Path(make_url(url).database or "")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._gate: _WriterGate | None = _WriterGate(path.with_name(path.name + ".writer"))
            # The one writer gets the large cache: random inserts live on it. Readers are many and share the
            # system's cache; each keeps little, so that the process stays small however large the file is.
            self.reader = _sqlite_engine(url, "BEGIN", cache_kb=4_000, mapped_mb=16)
            self.writer = _sqlite_engine(url, "BEGIN IMMEDIATE", cache_kb=32_000, mapped_mb=16)
        else:
            self._gate = None
            self.reader = self.writer = create_engine(
                url, pool_size=12, max_overflow=20, pool_pre_ping=True, hide_parameters=True
            )

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot; nothing it does is kept."""
        with Session(self.reader, expire_on_commit=False, autoflush=False, info=self.info) as session:
            yield session

    @contextmanager
    def read_until(self, given_up: "GivenUp") -> Iterator[Session]:
        """As `read`, until another thread gives it up: what it does then fails with OperationalError."""
        with self.read() as session, given_up.ends(session):
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        if self._gate is None:
            with Session(self.writer, expire_on_commit=False, info=self.info) as session, session.begin():
                yield session
        else:
            with (
                self._gate(),
                Session(self.writer, expire_on_commit=False, info=self.info) as session,
                session.begin(),
            ):
                yield session

    @contextmanager
    def keep_writing(self) -> Iterator[Callable[[], AbstractContextManager[Session]]]:
        """As `write`, for one transaction after another on one connection: what is prepared stays prepared."""
        with self.writer.connect() as connection:

            @contextmanager
            def write() -> Iterator[Session]:
                gate = nullcontext() if self._gate is None else self._gate()
                with gate, Session(connection, expire_on_commit=False, info=self.info) as session, session.begin():
                    yield session

            yield write

    def scrub(self) -> None:
        """Take what was deleted out of SQLite's log, too, unless somebody reads there just now."""
        if self._gate is None:
            return
        with self._gate(), self.writer.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA busy_timeout=1000")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            driver.execute("PRAGMA busy_timeout=60000")

    def dispose(self) -> None:
        """Close all connections."""
        self.reader.dispose()
        self.writer.dispose()


class GivenUp:
    """Ends a read that nobody waits for any more, from another thread, so that it costs nobody else a turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # a connection is not given back, and lent to others, while it is being told
        self._connection: Any = None
        self._is_over = False

    @contextmanager
    def ends(self, session: Session) -> Iterator[None]:
        """While the block runs, `now` ends the statement that this session is at."""
        connection = session.connection().connection.driver_connection
        with self._lock:
            if self._is_over:
                raise InterruptedError("nobody waits for this read any more")
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def now(self) -> None:
        """End it. PostgreSQL is told over a connection of its own, so call this where that may take a moment."""
        with self._lock:
            self._is_over = True
            if isinstance(self._connection, sqlite3.Connection):
                self._connection.interrupt()
            elif self._connection is not None:
                try:
                    self._connection.cancel_safe(timeout=_TELL_SECONDS)
                except Exception:
                    log.info("action=give_up_failed The statement runs to its end.", exc_info=True)


def _sqlite_engine(url: str, begin: str, *, cache_kb: int, mapped_mb: int) -> Engine:
    engine = create_engine(
        url, pool_size=16, max_overflow=32, pool_use_lifo=True, hide_parameters=True,
        connect_args={"timeout": 60, "check_same_thread": False},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy, not the driver, says BEGIN
        cursor = connection.cursor()
        cursor.execute("PRAGMA page_size=8192")  # of a new file, hence before WAL: random inserts share more pages
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # what was sent must survive a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA busy_timeout=60000")
        cursor.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten; some builds do so by themselves
        cursor.execute(f"PRAGMA cache_size=-{cache_kb}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute(f"PRAGMA mmap_size={mapped_mb * 2**20}")
        cursor.execute("PRAGMA wal_autocheckpoint=2000")  # 16 MB: what changes often is written back less often
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
