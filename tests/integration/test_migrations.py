"""What the migrations make is what the models say."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from models.migrate import SCRIPTS, find_revision, migrate, newest_revision
from models.tables import metadata

BY_HAND = "person_search"


def test_the_migrations_make_the_tables_of_the_models(database):
    with database.reader.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: not (kind == "table" and name in by_hand(connection)),
            },
        )
        assert compare_metadata(context, metadata) == []


def by_hand(connection) -> set[str]:
    names = inspect(connection).get_table_names()
    return {name for name in names if name == BY_HAND or name.startswith(f"{BY_HAND}_fts")} | {"alembic_version"}


def test_a_second_migration_changes_nothing(database):
    before = sorted(inspect(database.reader).get_table_names())
    migrate(database)
    assert sorted(inspect(database.reader).get_table_names()) == before


def test_the_newest_migration_is_known_without_loading_any(database):
    assert newest_revision() == ScriptDirectory(str(SCRIPTS)).get_current_head()
    with database.reader.connect() as connection:
        assert find_revision(connection) == newest_revision()
