"""Brings a database to the newest schema; does nothing when it is there already."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from cxconsole.database import Database

_SCRIPTS = Path(__file__).parent / "migrations"


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def migrate(database: Database) -> None:
    """Run the migrations that are missing, in one transaction. Safe to call from two processes at once."""
    with database.write() as session:
        connection = session.connection()
        if not database.is_sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(6364136223846793)")
        config = _config(connection)
        newest = ScriptDirectory.from_config(config).get_current_head()
        if MigrationContext.configure(connection).get_current_revision() != newest:
            command.upgrade(config, "head")


def is_migrated(database: Database) -> bool:
    """Whether the schema is the newest. Raises SQLAlchemyError when the database does not answer."""
    with database.read() as session:
        present = MigrationContext.configure(session.connection()).get_current_revision()
    return present == ScriptDirectory(str(_SCRIPTS)).get_current_head()
