"""`python -m cxconsole backup` and `restore`: all that a console knows, in one file, taken while it runs.

The file is a tar of a manifest, one consistent picture of the database and the uploads that wait. The key that opens
stored secrets is not in it, so that who finds a backup cannot read them: keep it elsewhere. Restoring proves first that
the key at hand is the right one.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import make_url

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.bootstrap import Application
from cxconsole.comms.gate import PAUSE_FLAG
from cxconsole.comms.pause import pause_sending
from cxconsole.database import Database
from cxconsole.errors import CxError
from models.migrate import find_revision, migrate, newest_revision

_MANIFEST = "cxconsole.json"
_FORMAT = 1
_DATABASE = {"sqlite": "database.sqlite", "postgresql": "database.sql"}
_UPLOADS = "imports"
_PAUSE = (
    f"INSERT INTO system_flag (name, value, updated_at) VALUES ('{PAUSE_FLAG}', '1', CURRENT_TIMESTAMP) "  # noqa: S608
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"
)
_LEAVING_SECONDS = 2.0
"""So long PostgreSQL may count connections that were closed just now."""


class BackupFailed(CxError):
    """A backup was not made or not restored; what was there before is as it was."""

    title = "Not done"


def make_backup(application: Application, path: Path) -> None:
    """Write a backup to a new file, readable by its owner alone. Raises BackupFailed."""
    if path.exists():
        raise BackupFailed(f"{path} is there already. Give a name that is free.")
    database, settings = application.database, application.settings
    kind = _kind(database)
    try:
        with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=f".{path.name}.") as name:
            folder = Path(name)  # beside the file, so that it is there whole or not at all
            manifest = {
                "format": _FORMAT, "version": _version(), "database": kind, "made_at": clock.now().isoformat(),
                "revision": _find_revision(database), "proof": application.vault.prove(),
            }  # fmt: skip
            (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1))
            _copy_out(database, folder / _DATABASE[kind])
            made = folder / "backup.tar.gz"
            with open(made, "xb", opener=_for_owner) as file:
                with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
                    for part in (_MANIFEST, _DATABASE[kind]):
                        tar.add(folder / part, arcname=part)
                    if settings.import_dir.is_dir():
                        tar.add(settings.import_dir, arcname=_UPLOADS)
                os.fsync(file.fileno())
            os.link(made, path)  # unlike a rename it never writes over what came in between
    except OSError as error:
        raise BackupFailed(f"The backup could not be written to {path.parent}: {error.strerror or error}.") from error


def restore_backup(application: Application, path: Path, *, replace: bool) -> None:
    """Put a backup in the place of the database. Raises BackupFailed; then nothing has changed.

    The console and its workers must be stopped. A database with anything in it is replaced only when told to. All
    sending is paused then, as the backup does not know what left after it was made.
    """
    database, settings = application.database, application.settings
    kind = _kind(database)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = _sqlite_path(database).parent if database.is_sqlite else settings.data_dir
    try:
        with tempfile.TemporaryDirectory(dir=beside, prefix=".restore.") as name:
            folder = Path(name)
            manifest = _read_backup(path, folder)
            _check_manifest(manifest, kind)
            application.vault.check(str(manifest.get("proof")))
            if not replace and _find_revision(database) is not None:
                raise BackupFailed("The database is not empty. Add --replace to put the backup in its place.")
            _copy_in(database, folder / _DATABASE[kind])
            _take_uploads(folder / _UPLOADS, settings.import_dir)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise BackupFailed(f"{path} could not be restored: {error}.") from error
    migrate(database)
    with database.write() as session:  # paused it is since the backup is in its place; this tells so on the Tape
        pause_sending(session, actor=OPERATOR, now=clock.now())


def _read_backup(path: Path, folder: Path) -> Mapping[str, Any]:
    with tarfile.open(path, "r:gz") as tar:
        tar.extractall(folder, filter="data")  # names that lead out of the folder are refused
    try:
        return json.loads((folder / _MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise BackupFailed(f"{path} is no backup of cxconsole.") from error


def _check_manifest(manifest: Mapping[str, Any], kind: str) -> None:
    if manifest.get("format") != _FORMAT or str(manifest.get("revision")) > newest_revision():
        raise BackupFailed("The backup was made by a newer cxconsole. Restore it with that version or a newer one.")
    if manifest.get("database") != kind:
        raise BackupFailed(
            f"The backup is of {manifest.get('database')}, the database here is {kind}."
            " Set CXCONSOLE_DATABASE_URL to one of that kind."
        )


def _kind(database: Database) -> str:
    return "sqlite" if database.is_sqlite else "postgresql"


def _version() -> str:
    try:
        return version("cxconsole")
    except PackageNotFoundError:
        return "unknown"


def _find_revision(database: Database) -> str | None:
    with database.read() as session:
        return find_revision(session.connection())


def _copy_out(database: Database, target: Path) -> None:
    if database.is_sqlite:
        with database.reader.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("VACUUM INTO ?", (str(target),))  # one snapshot; writers go on meanwhile
    else:
        _run_tool(database, "pg_dump", "--no-owner", "--no-privileges", "--no-comments", f"--file={target}")


def _copy_in(database: Database, source: Path) -> None:
    if not source.is_file():
        raise BackupFailed("The backup holds no database. Was it cut short?")
    if database.is_sqlite:
        _replace_sqlite(database, source)
    else:
        _replace_postgresql(database, source)
    database.dispose()


def _replace_postgresql(database: Database, source: Path) -> None:
    database.dispose()
    deadline = time.monotonic() + _LEAVING_SECONDS
    while _count_others(database):
        if time.monotonic() > deadline:
            raise _still_runs()
        time.sleep(0.1)
    database.dispose()
    # one transaction: what was there goes only when all of the backup is there
    _run_tool(
        database, "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
        "--command=DROP SCHEMA public CASCADE", "--command=CREATE SCHEMA public", f"--file={source}",
        f"--command=SET search_path = public; {_PAUSE}",
    )  # fmt: skip


def _count_others(database: Database) -> int:
    """Connections of others to the same database."""
    with database.read() as session:
        return session.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            )
        ).scalar_one()


def _replace_sqlite(database: Database, source: Path) -> None:
    with closing(sqlite3.connect(source)) as copy:
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise BackupFailed("The database in the backup is damaged.")
        copy.execute(_PAUSE)
        copy.commit()
    with source.open("rb") as file:
        os.fsync(file.fileno())
    database.dispose()
    path = _sqlite_path(database)
    with _alone(path):
        for rest in ("-wal", "-shm"):  # of the database that goes; all that was in them is in its file by now
            path.with_name(path.name + rest).unlink(missing_ok=True)
        source.replace(path)


def _sqlite_path(database: Database) -> Path:
    return Path(make_url(database.url).database or "")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While nobody else has the database open."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise _still_runs() from error
        yield


def _still_runs() -> BackupFailed:
    return BackupFailed("Somebody still uses the database. Stop the console and its workers first.")


def _take_uploads(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _run_tool(database: Database, tool: str, *arguments: str) -> None:
    """A client tool of PostgreSQL. Where it connects to is told by the environment, which others cannot list."""
    url = make_url(database.url)
    places = {
        "PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password,
        "PGDATABASE": url.database, "PGSSLMODE": url.query.get("sslmode"),
    }  # fmt: skip
    environment = {**os.environ, **{name: str(value) for name, value in places.items() if value is not None}}
    try:
        done = subprocess.run([tool, *arguments], env=environment, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise BackupFailed(
            f"{tool} is not installed. Install the client tools of PostgreSQL, of the server's version or newer."
        ) from error
    if done.returncode != 0:
        raise BackupFailed(f"{tool} failed: {done.stderr.strip().splitlines()[0] if done.stderr else 'no reason told'}")


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


__all__ = ["BackupFailed", "make_backup", "restore_backup"]
