"""What all tests share: a migrated database of each kind, and a clock that stands still."""

import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Playwright, sync_playwright
from sqlalchemy.engine import make_url

from cxconsole.accounts.vault import Vault
from cxconsole.database import Database
from cxconsole.journey.personal import know_personal
from models.migrate import migrate
from tests.find_browser import HELP, find_browser

QUIET = [
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--disable-gpu", "--no-first-run", "--no-default-browser-check",
]  # fmt: skip
# how long an example takes says how busy the machine is, and nothing about what is tested
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
POSTGRES_URL = os.environ.get("CXCONSOLE_TEST_DATABASE_URL", "")
BACKENDS = ["sqlite", "postgresql"] if POSTGRES_URL else ["sqlite"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser."""
    for item in items:
        if "playwright" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def now() -> datetime:
    """A Tuesday, 10:00 UTC."""
    return datetime(2026, 5, 19, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy from."""
    path = tmp_path_factory.mktemp("template") / "cxconsole.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.writer.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    database.dispose()
    return path


def _admin() -> psycopg.Connection:
    return psycopg.connect(
        make_url(POSTGRES_URL).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    )


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a migrated, empty PostgreSQL database to copy from."""
    name = f"cxconsole_template_{uuid.uuid4().hex[:8]}"
    with _admin() as admin:
        admin.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    database = Database(make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False))
    migrate(database)
    database.dispose()
    yield name
    with _admin() as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated database of this test's own; each test runs on every backend."""
    if request.param == "sqlite":
        path = tmp_path / "data" / "cxconsole.db"
        path.parent.mkdir()
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("postgres_template")
    name = f"cxconsole_test_{uuid.uuid4().hex[:8]}"
    with _admin() as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')  # type: ignore[arg-type]
    yield make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
    with _admin() as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty, migrated database."""
    database = Database(database_url)
    know_personal(database, Vault(b"of the tests"))
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright, once."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all tests."""
    path = find_browser()
    assert path, HELP
    browser = playwright.chromium.launch(
        executable_path=path, args=[*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    )
    yield browser
    browser.close()
