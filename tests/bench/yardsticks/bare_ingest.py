"""The yardstick of the ingest: a plain Starlette route, fast validation, and a group commit into one bare table.

`python bare_ingest.py PORT DATABASE_URL` serves it. It knows no persons, no rights, no registry and no streams: it
parses, checks that the fields are there, and answers when the insert is committed, all that waits at once. One source
and id are stored once, by a unique index.
"""

import asyncio
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from pydantic_core import from_json, to_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_NAMES = ("id", "source", "type", "person", "time")
_TABLE = (
    "CREATE TABLE bare_event ({key}, event_id TEXT NOT NULL, source TEXT NOT NULL, type TEXT NOT NULL, "
    "person TEXT NOT NULL, time TEXT NOT NULL, data {json} NOT NULL)"
)
_INDEX = "CREATE UNIQUE INDEX uq_bare_event ON bare_event (source, event_id)"


class SqliteStore:
    """One file, written by one thread."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(_TABLE.format(key="n INTEGER PRIMARY KEY", json="TEXT"))
        self._connection.execute(_INDEX)
        self.read = as_tuple

    def write(self, rows: list) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT INTO bare_event (event_id, source, type, person, time, data) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            rows,
        )
        self._connection.execute("COMMIT")


class PostgresStore:
    """One connection, written by one thread."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        self._connection.execute(_TABLE.format(key="n bigserial PRIMARY KEY", json="jsonb"))
        self._connection.execute(_INDEX)
        self.read = as_json

    def write(self, rows: list) -> None:
        self._connection.execute(
            "INSERT INTO bare_event (event_id, source, type, person, time, data) "
            "SELECT i, s, t, p, at, d FROM json_to_recordset(%s::json) "
            "AS g (i text, s text, t text, p text, at text, d jsonb) ON CONFLICT DO NOTHING",
            ["[" + ",".join(rows) + "]"],
        )


class Writer:
    """Commits all that waits as soon as the last commit is done."""

    def __init__(self, store: SqliteStore | PostgresStore) -> None:
        self._store = store
        self._waiting: list[tuple[list, asyncio.Future[None]]] = []
        self._has_work = asyncio.Event()
        self._thread = ThreadPoolExecutor(1)

    async def submit(self, rows: list) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, future))
        self._has_work.set()
        await future

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            batch, self._waiting = self._waiting, []
            rows = [row for some, _ in batch for row in some]
            await loop.run_in_executor(self._thread, self._store.write, rows)
            for _, future in batch:
                future.set_result(None)


def check(document: dict) -> list[str]:
    values = [document[name] for name in _NAMES]
    if not all(type(value) is str and value for value in values) or type(document["data"]) is not dict:
        raise ValueError("bad event")
    return values


def as_tuple(document: dict) -> tuple:
    return (*check(document), to_json(document["data"]).decode())


def as_json(document: dict) -> str:
    """The fastest way found to hand many rows to PostgreSQL is one document with all of them."""
    row = dict(zip("istp", check(document), strict=False)) | {"at": document["time"], "d": document["data"]}
    return to_json(row).decode()


async def main(port: int, url: str) -> None:
    sqlite_path = url.removeprefix("sqlite:///")
    store = SqliteStore(sqlite_path) if sqlite_path != url else PostgresStore(url)
    writer = Writer(store)

    async def take(request: Request) -> Response:
        try:
            document = from_json(await request.body())
            rows = [store.read(one) for one in document] if isinstance(document, list) else [store.read(document)]
        except (ValueError, KeyError, TypeError):
            return Response(status_code=400)
        await writer.submit(rows)
        return Response(b"{}", 202, media_type="application/json")

    app = Starlette(routes=[Route("/v1/journey/events", take, methods=["POST"])])
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    running = asyncio.create_task(writer.run())
    await server.serve()
    running.cancel()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
