"""The tables of the search for people: made by hand, because each database has its own kind of index.

`person_search` holds one text a person: all values in lower case, see `cxconsole/audience/search.py`.
Both indexes are of trigrams, so that any part of a word of three letters or more is found.
"""

from sqlalchemy import Connection, text

TABLE = "person_search"
FTS = "person_search_fts"


def make_fts(detail: str) -> str:
    """The statement that makes SQLite's index.

    With `full` it knows where in a text each trigram stands, and finds words by itself. With `none` it is a third
    of the size, but each text that may hold a word has to be read, which is most of the time of a search.
    """
    return (
        f"CREATE VIRTUAL TABLE {FTS} USING fts5(body, content='{TABLE}', content_rowid='person_id', "
        f"tokenize='trigram', detail='{detail}', columnsize=0)"
    )


_SQLITE = (
    f"CREATE TABLE {TABLE} (person_id INTEGER NOT NULL PRIMARY KEY, body TEXT NOT NULL)",
    make_fts("full"),
)
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f'CREATE TABLE {TABLE} (person_id BIGINT NOT NULL PRIMARY KEY, body TEXT COLLATE "C" NOT NULL)',
    f"CREATE INDEX ix_{TABLE}_body ON {TABLE} USING gin (body gin_trgm_ops)",
)


def create_person_search(connection: Connection) -> None:
    """Create the tables, in the migration's transaction."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.execute(text(statement))
