"""The database files themselves."""

import sqlite3

from sqlalchemy import text

from cxconsole.database import Database
from models.migrate import migrate


def page_size(database: Database) -> int:
    with database.read() as session:
        return session.execute(text("PRAGMA page_size")).scalar_one()


def test_a_new_file_has_large_pages_and_one_made_before_keeps_its_own(tmp_path):
    with sqlite3.connect(tmp_path / "before.db") as before:
        before.execute("PRAGMA page_size=4096")
        before.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY)")
    before.close()
    for name, size in (("new", 8192), ("before", 4096)):
        database = Database(f"sqlite:///{tmp_path / name}.db")
        migrate(database)
        assert page_size(database) == size
        database.dispose()
