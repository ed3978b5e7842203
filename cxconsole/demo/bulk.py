"""Many rows at once: `executemany` on SQLite, COPY on PostgreSQL, past the object layer.

Values come in the database's own form: `moment()` for times, `document()` for JSON, 0 or 1 for truth.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, func, select, text
from sqlmodel import Session, SQLModel


def moment(value: datetime | None) -> str | None:
    """A moment as both databases read it; on SQLite it is the very text `UtcDateTime` writes."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def document(value: Any) -> str:
    """A JSON document as text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def take_keys(session: Session, model: type[SQLModel], count: int) -> Sequence[int]:
    """So many free keys of a table, ascending. A key that was ever given is not given again."""
    table = _table(model)
    if session.connection().dialect.name == "sqlite":  # the session holds the only right to write
        given = session.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        ).scalar()
        newest = session.execute(select(func.max(table.c.id))).scalar()
        first = max(given or 0, newest or 0) + 1
        return range(first, first + count)
    take = text(f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id')) FROM generate_series(1, :count)")  # noqa: S608
    return session.execute(take, {"count": count}).scalars().all()


def next_key(session: Session, model: type[SQLModel]) -> int:
    """The first key of a table that is filled by nobody else now; `advance_key` afterwards."""
    return take_keys(session, model, 1)[0]


def write_rows(session: Session, model: type[SQLModel], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert tuples, in the order of `columns`, in the session's transaction. Columns left out are NULL."""
    table = _table(model)
    names = ", ".join(f'"{name}"' for name in columns)
    session.flush()
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)  # noqa: S608
        return
    session.execute(text("SET LOCAL TIME ZONE 'UTC'"))  # moments are written without a zone
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def advance_key(session: Session, *models: type[SQLModel]) -> None:
    """Let PostgreSQL's sequences follow keys that were given by hand; SQLite follows by itself."""
    if session.connection().dialect.name == "sqlite":
        return
    for model in models:
        name = _table(model).name
        newest = f"(SELECT COALESCE(max(id), 0) + 1 FROM {name})"  # noqa: S608
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {newest}, false)"))


def _table(model: type[SQLModel]) -> Table:
    return model.__table__  # type: ignore[attr-defined]
