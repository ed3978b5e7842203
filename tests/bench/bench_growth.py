"""What a long Tape costs: ingest at 20,000,000 events beside 1,000,000, and a page of a timeline at 10,000,000.

`python tests/bench/bench_growth.py [--small N] [--middle N] [--large N] [--database-url URL ...]`. The Tape is filled
by the database itself, without its indexes, which are then made anew: minutes instead of an hour. The yardstick of
the timeline is the bare SELECT of the same fifty rows in the same run.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from statistics import median

from bench_import import new_database
from bench_ingest import PERSONS, POSTGRES_URL, introduce, load
from console import make_key, running_console
from harness import percentile, report, run_async
from sqlalchemy import text

from cxconsole.accounts.actor import OPERATOR
from cxconsole.database import Database
from cxconsole.journey.timeline import read_timeline
from models.event import Event

BLOCK = 500_000
PAGES = 400
DATA = (
    '{"page": "/checkout/step/3", "title": "Checkout", "cart": {"items": 3, "total": 129.5}, "session": "s-1234567890"}'
)
_FILL = (
    "INSERT INTO event (event_id, source, type, person_id, identity_id, time, actor, data) SELECT {id}, 'shop.web', "
    "'page.visited', 1 + (i * 104729) % {persons}, 1 + (i * 104729) % {persons}, {time}, 'bench', {data} FROM {numbers}"
)
_SQLITE = _FILL.format(
    id="printf('%032x', i)", persons=PERSONS, data=f"'{DATA}'",
    time="strftime('%Y-%m-%d %H:%M:%S', 1760000000 + i / 4, 'unixepoch') || '.000000'",
    numbers="(WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) SELECT i FROM n)",
)  # fmt: skip
_POSTGRESQL = _FILL.format(
    id="lpad(to_hex(i), 32, '0')", persons=PERSONS, data=f"'{DATA}'::jsonb", time="to_timestamp(1760000000 + i / 4)",
    numbers="generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i",
)  # fmt: skip
_BARE = "SELECT id, type, source, time, data FROM event WHERE person_id = :id ORDER BY time DESC, id DESC LIMIT 50"


def fill(database: Database, to: int) -> int:
    """Let the Tape hold so many events; how many it holds."""
    indexes = Event.__table__.indexes  # type: ignore[attr-defined]
    with database.write() as session:
        count = session.execute(text("SELECT count(*) FROM event")).scalar_one()
        for index in indexes:
            index.drop(session.connection())
    statement = text(_SQLITE if database.is_sqlite else _POSTGRESQL)
    for first in range(count + 1, to + 1, BLOCK):
        with database.write() as session:
            session.execute(statement, {"first": first, "last": min(first + BLOCK - 1, to)})
    with database.write() as session:
        for index in indexes:
            index.create(session.connection())
        session.execute(text("ANALYZE event"))
        return session.execute(text("SELECT count(*) FROM event")).scalar_one()


def measure_ingest(database: Database, folder: Path, key: str, seconds: float) -> dict[int, float]:
    """Events a second, by events a request."""
    with running_console(folder, database_url=database.url) as console:
        port, header = int(console.url.rpartition(":")[2]), f"Bearer {key}"
        found = {}
        for events in (1, 100):
            run_async(load(port, header, events, 2))
            found[events] = median(run_async(load(port, header, events, seconds))[0] for _ in range(3))
        return found


def measure_timeline(database: Database, count: int) -> None:
    """First pages of people at random, each beside the bare statement."""
    rng, ours, bare = random.Random(5), [], []
    for person_id in (rng.randint(1, PERSONS) for _ in range(PAGES)):
        with database.read() as session:
            begun = time.perf_counter()
            session.execute(text(_BARE), {"id": person_id}).all()
            bare.append((time.perf_counter() - begun) * 1000)
        with database.read() as session:
            begun = time.perf_counter()
            page = read_timeline(session, person_id, actor=OPERATOR)
            ours.append((time.perf_counter() - begun) * 1000)
            assert len(page.events) == 50
    p95 = percentile(ours, 0.95)
    report(
        "timeline_page", database=_kind(database), events=count, p50_ms=median(ours), p95_ms=p95, limit_p95_ms=20,
        ratio_to_limit=p95 / 20, bare_p50_ms=median(bare), bare_p95_ms=percentile(bare, 0.95),
        ratio_to_bare=median(ours) / median(bare),
    )  # fmt: skip


def measure(url: str, sizes: tuple[int, int, int], seconds: float, folder: Path) -> None:
    """One kind of database, as it grows."""
    small, middle, large = sizes
    with new_database(folder, url) as database:
        key = make_key(folder, database.url)
        with running_console(folder, database_url=database.url) as console:
            run_async(introduce(int(console.url.rpartition(":")[2]), f"Bearer {key}"))
        fill(database, small)
        at_small = measure_ingest(database, folder, key, seconds)
        measure_timeline(database, fill(database, middle))
        count = fill(database, large)
        at_large = measure_ingest(database, folder, key, seconds)
        for events, speed in at_large.items():
            report(
                "ingest_growth", database=_kind(database), events_per_request=events, tape=count, beside_tape=small,
                events_per_second=speed, beside_events_per_second=at_small[events], limit_cost=1.5,
                cost_ratio=at_small[events] / speed,
            )  # fmt: skip


def _kind(database: Database) -> str:
    return "sqlite" if database.is_sqlite else "postgresql"


def main() -> None:
    """Print three JSON lines a database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=1_000_000)
    parser.add_argument("--middle", type=int, default=10_000_000)
    parser.add_argument("--large", type=int, default=20_000_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--database-url", action="append", default=[])
    given = parser.parse_args()
    for url in given.database_url or ["sqlite://", *([POSTGRES_URL] if POSTGRES_URL else [])]:
        with tempfile.TemporaryDirectory() as folder:
            measure(url, (given.small, given.middle, given.large), given.seconds, Path(folder))


if __name__ == "__main__":
    main()
