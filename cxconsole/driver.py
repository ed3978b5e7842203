"""SQL by the hundred rows, straight to the driver.

The pipeline's hot path writes many rows with few statements; building them through the ORM costs
more than the database needs to run them. SQL is written once, with `?` for a parameter; the words
that differ between SQLite and PostgreSQL are attributes here.

The driver of SQLite lets other threads in at each row it reads and at each statement it runs, and then
waits for its turn again. Beside a busy sender that wait is longer than the work, so many rows are read
as one JSON document and written some dozens at a time.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlmodel import Session

Row = Sequence[Any]

_BLOCKS = (64, 32, 16, 8, 4, 2, 1)
"""So many rows one INSERT takes on SQLite; a few sizes only, because each is prepared once."""


@cache
def _for_psycopg(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


@cache
def _insert_block(table: str, names: str, row: str, size: int, conflict: str) -> str:
    return f"INSERT INTO {table} ({names}) VALUES {', '.join([row] * size)} {conflict}"  # noqa: S608


_write_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump(value: Any) -> str:
    """A JSON document as compact text; both databases take it as it is."""
    return _write_json(value)


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

    def run_many(self, sql: str, rows: Iterable[Row]) -> int:
        """One statement for each row, and how many rows of the table that touched.

        Times must have gone through `bind` (convert a shared one once).
        """
        batch = rows if isinstance(rows, list) else list(rows)
        if not batch:
            return 0
        return self._connection.exec_driver_sql(sql if self.sqlite else _for_psycopg(sql), batch).rowcount

    def fetch(self, width: int, sql: str, *parameters: Any) -> list[Any]:
        """All rows of a SELECT of so many columns. Parameters as for `run`, documents and times as for a row."""
        if not self.sqlite:
            return list(self.run(sql, *parameters))
        names = ", ".join(f"c{number}" for number in range(width))
        rows = self.run(
            f"WITH found ({names}) AS ({sql}) SELECT json_group_array(json_array({names})) FROM found",  # noqa: S608
            *parameters,
        )
        return json.loads(rows.scalar_one())

    def change(
        self, table: str, ids: list[int], change: str, *values: Any, only: str, given: Sequence[Any] = ()
    ) -> set[int]:
        """Change those of these rows for which a condition with the `given` parameters holds; their ids."""
        where = f"WHERE id {self.among_ids} AND {only}"
        if not self.sqlite:
            found = self.run(f"UPDATE {table} SET {change} {where} RETURNING id", *values, ids, *given)  # noqa: S608
            return {row[0] for row in found}
        # mostly the condition holds for all, and a count is had for nothing
        self.run("SAVEPOINT change")
        changed = set(ids)
        if self.run(f"UPDATE {table} SET {change} {where}", *values, ids, *given).rowcount != len(changed):  # noqa: S608
            self.run("ROLLBACK TO change")
            found = self.run(f"SELECT json_group_array(id) FROM {table} {where}", ids, *given)  # noqa: S608
            changed = set(json.loads(found.scalar_one()))
            self.run(f"UPDATE {table} SET {change} {where}", *values, ids, *given)  # noqa: S608
        self.run("RELEASE change")
        return changed

    def insert(self, table: str, columns: Sequence[str], rows: list[Row]) -> None:
        """Add rows: prepared inserts on SQLite, COPY on PostgreSQL. Values as for `run_many`."""
        if not rows:
            return
        if self.sqlite:
            self.insert_blocks(table, columns, rows)
            return
        names = ", ".join(columns)
        raw: Any = self._connection.connection.driver_connection
        with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for one in rows:
                copy.write_row(one)

    def insert_blocks(self, table: str, columns: Sequence[str], rows: list[Row], conflict: str = "") -> int:
        """Add rows to SQLite, some dozens a statement; how many that were. `conflict` is an ON CONFLICT clause."""
        raw: Any = self._connection.connection.driver_connection
        names, row = ", ".join(columns), f"({', '.join('?' * len(columns))})"
        done = added = 0
        for size in _BLOCKS:
            while len(rows) - done >= size:
                values = [value for one in rows[done : done + size] for value in one]
                added += raw.execute(_insert_block(table, names, row, size, conflict), values).rowcount
                done += size
        return added

    def copy_new(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> bool:
        """Add rows to PostgreSQL by COPY, the cheapest way; False, with nothing added, when one of them cannot be."""
        from psycopg import Error  # here, because a console on SQLite never needs it

        raw: Any = self._connection.connection.driver_connection
        self.run("SAVEPOINT copy_new")
        try:
            with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for one in rows:
                    copy.write_row(one)
            added = True
        except Error:  # what it was shows when the rows are added in another way
            added = False
            self.run("ROLLBACK TO copy_new")
        self.run("RELEASE copy_new")
        return added

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

    def commit_later(self) -> None:
        """Let this transaction last with the next one: for what is simply made again if a power cut takes it.

        On SQLite, where the log is one for all, each transaction is written through.
        """
        if not self.sqlite:
            self.run("SET LOCAL synchronous_commit = off")

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
