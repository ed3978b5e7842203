"""Lists over a million contacts: milliseconds of each kind of action, on SQLite and PostgreSQL.

The time is that of the whole service call, all its SQL and the making of the rows. PostgreSQL is
measured when CXCONSOLE_TEST_DATABASE_URL names a server. CXCONSOLE_BENCH_PEOPLE makes it smaller.
`bench_lists.py URL` measures a world that is there already.
"""

import os
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from harness import report, spread
from lists_world import BIG, MIDDLE, SMALL, build_world, index_people, last_names
from sqlalchemy.engine import make_url

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.people import search_everything
from cxconsole.campaigns.contact_filter import parse_filter
from cxconsole.campaigns.contacts import list_contacts
from cxconsole.campaigns.directory import list_campaigns
from cxconsole.campaigns.home import get_home
from cxconsole.campaigns.progress import get_progress
from cxconsole.campaigns.trail import get_trail
from cxconsole.database import Database

PEOPLE = int(os.environ.get("CXCONSOLE_BENCH_PEOPLE", "1000000"))
ROUNDS = int(os.environ.get("CXCONSOLE_BENCH_ROUNDS", "15"))
SORTS = ("id", "created_at", "name", "first_name", "email", "phone", "customer_id", "language", "status", "source",
         "due_at", "last_activity_at")  # fmt: skip


def _contacts(campaign_id: int = BIG, **query: Any) -> Callable[[Any, random.Random], Any]:
    def call(session: Any, rng: random.Random) -> Any:
        given = {name: value(rng) if callable(value) else value for name, value in query.items()}
        return list_contacts(session, campaign_id, actor=OPERATOR, **given)

    return call


def _filter(*conditions: dict[str, str], join: str = "and") -> Any:
    return parse_filter({join: list(conditions)})


def actions() -> Iterator[tuple[str, str, Callable[[Any, random.Random], Any]]]:
    """(kind, name, call): what people do with lists."""
    yield "list", "first page", _contacts()
    yield "list", "small campaign", _contacts(SMALL, sort="name")
    yield "list", "middle campaign by e-mail", _contacts(MIDDLE, sort="email")
    for sort in SORTS:
        for sign in ("", "-"):
            yield "sort", sign + sort, _contacts(sort=sign + sort)
    for sort in ("id", "name", "email", "status", "last_activity_at"):
        yield "next page", sort, _contacts(sort=sort, offset=lambda rng: 50 * rng.randrange(1, 40))
        yield "deep page", sort, _contacts(sort=sort, offset=lambda rng: rng.randrange(PEOPLE // 4, PEOPLE // 2))
    for status in ("pending", "completed", "failed", "held"):
        yield "filter", f"status {status}", _contacts(status=status)
        yield "filter", f"status {status} by name", _contacts(status=status, sort="name")
    yield "filter", "source", _contacts(source_id=2)
    yield "filter", "source by e-mail", _contacts(source_id=2, sort="email")
    for state in ("sent", "delivered", "bounced", "opened", "clicked", "unsubscribed", "failed", "none"):
        yield "filter", f"delivery {state}", _contacts(delivery={"email": state})
        yield "filter", f"delivery {state} by name", _contacts(delivery={"email": state}, sort="name")
    german = {"field": "language", "op": "eq", "value": "de"}
    premium = {"field": "attributes.plan", "op": "eq", "value": "premium"}
    platinum = {"field": "attributes.plan", "op": "eq", "value": "platinum"}
    many = {"field": "attributes.points", "op": "gt", "value": "990"}
    company = {"field": "email", "op": "contains", "value": "posteo"}
    yield "filter", "language", _contacts(filter=_filter(german))
    yield "filter", "language and plan", _contacts(filter=_filter(german, premium), sort="name")
    yield "filter", "language or plan", _contacts(filter=_filter(german, premium, join="or"), sort="-id")
    yield "filter", "rare attribute", _contacts(filter=_filter(platinum))
    yield "filter", "attribute greater than", _contacts(filter=_filter(many))
    yield "filter", "e-mail contains, and status", _contacts(filter=_filter(company), status="completed")
    names = last_names()
    yield "search", "a last name", _contacts(q=lambda rng: rng.choice(names))
    yield "search", "a last name, by e-mail", _contacts(q=lambda rng: rng.choice(names), sort="email")
    yield "search", "three letters", _contacts(q=lambda rng: rng.choice(names)[:3])
    yield "search", "two letters", _contacts(q=lambda rng: rng.choice(names)[:2])
    yield "search", "part of a number", _contacts(q=lambda rng: str(rng.randrange(10**5, 10**6)))
    yield "search", "what everybody has", _contacts(q="example")
    yield "search", "what nobody has", _contacts(q="zzzqqq")
    yield "search", "two rare letters", _contacts(q="zq")
    yield "search", "a name and a filter", _contacts(q=lambda rng: rng.choice(names), filter=_filter(german))
    yield "search", "everything", lambda session, rng: search_everything(session, rng.choice(names), actor=OPERATOR)
    for sort in ("created_at", "name", "progress", "-last_activity_at"):
        yield (
            "campaigns",
            sort,
            lambda session, _rng, sort=sort: list_campaigns(session, actor=OPERATOR, now=clock.now(), sort=sort),
        )
    yield (
        "read",
        "progress",
        lambda session, _rng: get_progress(session, BIG, actor=OPERATOR, now=clock.now(), outlook=False),
    )
    yield (
        "read",
        "progress with outlook",
        lambda session, _rng: get_progress(session, BIG, actor=OPERATOR, now=clock.now()),
    )
    yield "read", "home", lambda session, _rng: get_home(session, actor=OPERATOR, now=clock.now())
    yield (
        "read",
        "trail",
        lambda session, rng: get_trail(session, BIG, rng.randrange(1, PEOPLE), actor=OPERATOR, now=clock.now()),
    )


def measure(database: Database, backend: str) -> None:
    """One line an action, one a kind."""
    kinds: dict[str, list[float]] = {}
    for kind, name, call in actions():
        rng = random.Random(f"{kind} {name}")
        times = []
        for turn in range(ROUNDS + 1):
            with database.read() as session:
                began = time.perf_counter()
                call(session, rng)
                spent = (time.perf_counter() - began) * 1000
            if turn:  # the first compiles the statement
                times.append(spent)
            if spent > 3000:
                break
        kinds.setdefault(kind, []).extend(times or [spent])
        report("lists", database=backend, people=PEOPLE, kind=kind, action=name, **spread(times or [spent]))
    for kind, times in kinds.items():
        report("lists", database=backend, people=PEOPLE, kind=kind, action="all", **spread(times))


@contextmanager
def _world(url: str, backend: str) -> Iterator[Database]:
    database = Database(url)
    began = time.perf_counter()
    build_world(database, PEOPLE)
    built = time.perf_counter() - began
    report("lists", database=backend, built_seconds=built, indexed_per_second=index_people(database, PEOPLE))
    yield database
    database.dispose()


def main() -> None:
    """Build and measure a world on each database."""
    if len(sys.argv) > 1:
        database = Database(sys.argv[1])
        measure(database, "sqlite" if database.is_sqlite else "postgresql")
        return
    with tempfile.TemporaryDirectory() as folder, _world(f"sqlite:///{Path(folder) / 'lists.db'}", "sqlite") as one:
        measure(one, "sqlite")
    server = os.environ.get("CXCONSOLE_TEST_DATABASE_URL")
    if not server:
        return
    name = f"cxconsole_bench_{uuid.uuid4().hex[:8]}"
    address = make_url(server)
    admin = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        try:
            with _world(address.set(database=name).render_as_string(hide_password=False), "postgresql") as other:
                measure(other, "postgresql")
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
