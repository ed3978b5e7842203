"""What a start needs, and what one that finds everything done leaves alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from cxconsole import clock
from cxconsole.bootstrap import Application, build_application, prepare_database
from cxconsole.errors import CxError
from cxconsole.serve import ROOT
from cxconsole.settings import Settings
from models.gateway import Gateway

START = """
import sys
from cxconsole.serve import get_application, prepare_data
prepare_data(get_application())
import cxconsole.cxconsole
print(*sys.modules)
"""


def test_a_second_start_loads_nothing_that_only_the_first_needs(tmp_path: Path) -> None:
    first, second = (_load(tmp_path) for _ in range(2))
    only_first = {"alembic", "faker"}
    assert only_first <= first
    assert not second & {*only_first, "psycopg"}


def _load(folder: Path) -> set[str]:
    environment = {**os.environ, "CXCONSOLE_DATA_DIR": str(folder), "CXCONSOLE_DATABASE_URL": "", "CXCONSOLE_DEMO": "1"}
    command = [sys.executable, "-c", START]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def build(folder: Path, database_url: str, key: str = "") -> Application:
    return build_application(Settings(data_dir=folder, database_url=database_url, secret_key=key, demo=False))  # type: ignore[call-arg]


@pytest.fixture
def started(database_url: str, tmp_path: Path) -> Path:
    """The folder of a console that was started once, with a gateway that has a password."""
    application = build(tmp_path / "console", database_url)
    prepare_database(application)
    with application.database.write() as session:
        now, sealed = clock.now(), application.vault.seal({"password": "x"})
        session.add(Gateway(name="G", kind="smtp", channel="email", secrets=sealed, created_at=now, updated_at=now))
    application.close()
    return tmp_path / "console"


def test_the_right_key_starts_again(started, database_url):
    application = build(started, database_url)
    prepare_database(application)
    with application.database.read() as session:
        sealed = session.execute(text("SELECT secrets FROM gateway")).scalar_one()
    assert application.vault.open(sealed) == {"password": "x"}
    application.close()


@pytest.mark.parametrize("kept_no_proof", [False, True])
def test_another_key_does_not_start_and_touches_nothing(started, database_url, kept_no_proof):
    application = build(started, database_url, key="another")
    with application.database.write() as session:
        session.execute(text("CREATE TABLE found (id INTEGER)"))
        if kept_no_proof:
            session.execute(text("DELETE FROM system_flag"))
        else:
            session.execute(text("UPDATE alembic_version SET version_num = 'not looked at'"))
    with pytest.raises(CxError, match="CXCONSOLE_SECRET_KEY"):
        prepare_database(application)
    with application.database.read() as session:
        assert len(session.execute(text("SELECT name FROM system_flag")).all()) == (0 if kept_no_proof else 1)
    application.close()


def test_a_key_file_that_is_missing_is_told_and_no_new_one_left(started, database_url):
    (started / "secret.key").unlink()
    application = build(started, database_url)
    with pytest.raises(CxError, match=r"secret\.key"):
        prepare_database(application)
    assert not (started / "secret.key").exists()
    application.close()
