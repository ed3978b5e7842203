"""A profile of 10 attributes over a person with 10,000 events: built anew, and kept; on both databases.

`python tests/bench/bench_profiles.py [--events N] [--rounds N] [--database-url URL ...]`. The time is that of the whole
service call: rights, views, the person's ids, the pass over the events. Beside it, in turns within the same run, a
plain SELECT of the same rows with each event's data parsed, which anybody needs who computes in Python.
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench_import import new_database
from harness import percentile, report
from pydantic_core import from_json
from sqlmodel import Session

from cxconsole.accounts.actor import OPERATOR
from cxconsole.database import Database
from cxconsole.driver import Driver, dump
from cxconsole.journey.profile_cache import ProfileCache
from cxconsole.journey.profile_views import save_view
from cxconsole.journey.profiles import read_profile
from cxconsole.journey.reading import find_history
from models.person import Person

POSTGRES_URL = os.environ.get("CXCONSOLE_TEST_DATABASE_URL", "")
NOW = datetime(2026, 5, 19, 10, tzinfo=UTC)
TYPES = ("page.visited", "page.left", "cart.added", "cart.removed", "order.placed", "search.done", "app.opened")
OTHERS = 1_000
SHARE = 20
VISIT = 20


def attributes() -> list[dict[str, Any]]:
    """Ten, of all seven aggregations; most have to see every event."""

    def one(name: str, event: str, mode: str, path: str = "", kind: str = "string", **more: Any) -> dict[str, Any]:
        return {
            "displayName": name, "event": event, "aggregationMode": mode, "metadata": path, "metadataType": kind,
            "limit": 10_000, **more,
        }  # fmt: skip

    week = {"lookbackDurationType": "days", "lookbackPeriod": 7}
    return [
        one("Events", "*", "Count"),
        one("Visits", "page.visited", "Count", **week),
        one("Last pages", "page.visited", "Value", "page", limit=10),
        one("Pages", "page/*", "Distinct", "page"),
        one("Spent", "order.placed", "Sum", "cart.total", "double"),
        one("Mean order", "order.placed", "Average", "cart.total", "double"),
        one("Largest cart", "cart/*", "Max", "cart.total", "double"),
        one("Fewest items", "cart.added", "Min", "cart.items", "integer"),
        one("Currencies", "*", "Distinct", "cart.currency"),
        one("Last search", "search.done", "Value", "query", limit=1),
    ]


def fill(database: Database, events: int) -> int:
    """One person with so many events of about 500 bytes, in visits of twenty between others' visits; the person."""
    rng = random.Random(7)
    with database.write() as session:
        session.add_all([Person(created_at=NOW, updated_at=NOW) for _ in range(OTHERS + 1)])
        session.flush()
        driver = Driver(session)
        rows = []
        for number in range(events * SHARE):
            kind = rng.choice(TYPES)
            data = {
                "page": f"/p/{rng.randrange(200)}", "title": "Checkout, step 3", "query": f"lamp {number % 50}",
                "cart": {"items": rng.randrange(9), "total": rng.randrange(40_000) / 100, "currency": "EUR"},
                "referrer": "https://shop.example/cart?from=mail", "session": f"s-{rng.randrange(10**9)}",
                "agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0",
            }  # fmt: skip
            person = 2 + number // VISIT % OTHERS if number // VISIT % SHARE else 1
            at = driver.bind(NOW - timedelta(days=60) * (1 - number / events / SHARE))
            rows.append(("shop", f"e{number}", kind, person, at, "bench", dump(data)))
        driver.insert("event", ("source", "event_id", "type", "person_id", "time", "actor", "data"), rows)
        driver.run("ANALYZE")  # a server in use has done that itself
        save_view(session, {"id": "bench", "attributes": attributes()}, actor=OPERATOR, now=NOW)
    return 1


def build(session: Session, person_id: int, profiles: ProfileCache) -> Any:
    """The whole call."""
    family = find_history(session, person_id)
    return read_profile(session, family, "bench", profiles=profiles, actor=OPERATOR, now=NOW)


def read_plainly(session: Session, person_id: int) -> list[Any]:
    """The yardstick: the rows, and their data."""
    driver = Driver(session)
    text = "data" if driver.sqlite else "data::text"
    sql = f"SELECT type, time, {text} FROM event WHERE person_id = ? ORDER BY time DESC, id DESC"
    return [(row[0], row[1], from_json(row[2])) for row in driver.run(sql, person_id).all()]


def measure(url: str, events: int, rounds: int, folder: Path) -> None:
    """All three in turns, each on a session of its own."""
    with new_database(folder, url) as database:
        person_id = fill(database, events)
        kept = ProfileCache()
        calls: dict[str, Callable[[Session], Any]] = {
            "cold": lambda session: build(session, person_id, ProfileCache()),
            "cached": lambda session: build(session, person_id, kept),
            "plain": lambda session: read_plainly(session, person_id),
        }
        times: dict[str, list[float]] = {name: [] for name in calls}
        for turn in range(rounds + 1):
            for name, call in calls.items():
                with database.read() as session:
                    begun = time.perf_counter()
                    call(session)
                    spent = (time.perf_counter() - begun) * 1000
                if turn:  # the first prepares the statements, and builds what is kept
                    times[name].append(spent)
        cold, cached, plain = (percentile(times[name], 0.95) for name in ("cold", "cached", "plain"))
        report(
            "profiles", database="sqlite" if database.is_sqlite else "postgresql", events=events, attributes=10,
            cold_p50_ms=percentile(times["cold"], 0.5), cold_p95_ms=cold, limit_cold_p95_ms=30,
            cached_p50_ms=percentile(times["cached"], 0.5), cached_p95_ms=cached, limit_cached_p95_ms=3,
            plain_p50_ms=percentile(times["plain"], 0.5), plain_p95_ms=plain, cold_ratio_to_plain=cold / plain,
            rounds=rounds, load_average=os.getloadavg()[0],
        )  # fmt: skip


def main() -> None:
    """Print one JSON line a database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--database-url", action="append", default=[])
    options = parser.parse_args()
    for url in options.database_url or ["sqlite://", *([POSTGRES_URL] if POSTGRES_URL else [])]:
        with tempfile.TemporaryDirectory() as home:
            measure(url, options.events, options.rounds, Path(home))


if __name__ == "__main__":
    main()
