"""SQL by the hundred rows, straight to the driver.

The pipeline's hot path writes many rows with few statements; building them through the ORM costs
more than the database needs to run them. SQL is written once, with `?` for a parameter; the words
that differ between SQLite and PostgreSQL are attributes here.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlmodel import Session

Row = Sequence[Any]


@cache
def _for_psycopg(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def dump(value: Any) -> str:
    """A JSON document as compact text; both databases take it as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Driver:
    """One session's connection, without the ORM."""

    def __init__(self, session: Session) -> None:
        self._connection = session.connection()
        self.sqlite = self._connection.dialect.name == "sqlite"
        self.among_ids = "IN (SELECT value FROM json_each(?))" if self.sqlite else "= ANY(?::bigint[])"
        self.among_texts = "IN (SELECT value FROM json_each(?))" if self.sqlite else "= ANY(?::text[])"
        self.for_update = "" if self.sqlite else "FOR UPDATE"
        self.skip_locked = "" if self.sqlite else "SKIP LOCKED"

    def run(self, sql: str, *parameters: Any) -> Any:
        """One statement; its CursorResult. Times and lists among the parameters are bound as the database wants."""
        values = tuple(self.bind(one) for one in parameters)
        return self._connection.exec_driver_sql(sql if self.sqlite else _for_psycopg(sql), values)

    def run_many(self, sql: str, rows: Iterable[Row]) -> None:
        """One statement for each row; times must have gone through `bind` (convert a shared one once)."""
        batch = rows if isinstance(rows, list) else list(rows)
        if batch:
            self._connection.exec_driver_sql(sql if self.sqlite else _for_psycopg(sql), batch)

    def insert(self, table: str, columns: Sequence[str], rows: list[Row]) -> None:
        """Add rows: prepared inserts on SQLite, COPY on PostgreSQL. Values as for `run_many`."""
        if not rows:
            return
        names = ", ".join(columns)
        if self.sqlite:
            marks = ", ".join("?" * len(columns))
            self._connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # type: ignore[arg-type]  # noqa: S608
            return
        raw: Any = self._connection.connection.driver_connection
        with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def reserve_ids(self, table: str, count: int) -> list[int]:
        """Keys for rows about to be inserted, never given before. SQLite has one writer, so the next ones are ours."""
        if self.sqlite:
            last = self.run(
                "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?), 0), "  # noqa: S608
                f"coalesce((SELECT max(id) FROM {table}), 0))",
                table,
            ).scalar_one()
            return list(range(last + 1, last + 1 + count))
        found = self.run("SELECT nextval(?::regclass) FROM generate_series(1, ?)", f"{table}_id_seq", count)
        return [row[0] for row in found]

    def bind(self, value: Any) -> Any:
        """A parameter as this database takes it."""
        if isinstance(value, datetime):
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if self.sqlite else value
        if isinstance(value, list):
            return dump(value) if self.sqlite else value
        return value

    @staticmethod
    def moment(value: Any) -> datetime | None:
        """A stored moment, aware UTC."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return value.astimezone(UTC)

    @staticmethod
    def document(value: Any) -> Any:
        """A stored JSON document."""
        return json.loads(value) if isinstance(value, str) else value


__all__ = ["Driver", "dump"]
