"""Brings a database to the newest schema; does nothing when it is there already."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from cxconsole.database import Database

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Run the migrations that are missing, in one transaction. Safe to call from two processes at once."""
    with database.write() as session:
        connection = session.connection()
        if not database.is_sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(6364136223846793)")
        if find_revision(connection) != newest_revision():
            _upgrade(connection)


def is_migrated(database: Database) -> bool:
    """Whether the schema is the newest. Raises SQLAlchemyError when the database does not answer."""
    with database.read() as session:
        return find_revision(session.connection()) == newest_revision()


def newest_revision() -> str:
    """The newest migration; the name of its file begins with it."""
    return max(path.name for path in (SCRIPTS / "versions").glob("[0-9]*.py")).partition("_")[0]


def find_revision(connection: Connection) -> str | None:
    """The last migration that was run on this database; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _upgrade(connection: Connection) -> None:
    # here, because they are slow to load and most starts find nothing to migrate
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
