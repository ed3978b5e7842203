"""How long one piece of work keeps all other writers of SQLite waiting, with 1,000,000 contacts in one campaign.

`python tests/bench/bench_locks.py [--contacts N] [--data FOLDER]`, on a world as `bench_pages` keeps it. For each
thing that people do: how long it took in all, and the longest that it held the right to write.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench_pages import WORLD, take_world
from console import prepare
from harness import report
from sqlalchemy import text
from sqlmodel import Session

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.import_undo import run_undo
from cxconsole.campaigns.contact_changes import remove_contacts, retry_contacts, update_contacts
from cxconsole.campaigns.contact_filter import ContactQuery, Selection
from cxconsole.campaigns.contact_selection import change_in_chunks
from cxconsole.campaigns.holds import has_unsettled, settle_holds
from cxconsole.campaigns.lifecycle import end_campaign, publish_campaign, unpublish_campaign
from cxconsole.database import Database
from cxconsole.demo.remove import remove_demo
from models.contact import ContactImport, ImportState

SECONDS = 20
"""No action is looked at for longer; what is left of it goes on as it began."""


class _Watched(Database):
    """Says how long the right to write was held, and ends what takes too long to be looked at."""

    held: list[float]
    ends: float

    @contextmanager
    def write(self) -> Iterator[Session]:
        if time.perf_counter() > self.ends:
            raise _Enough
        with super().write() as session:
            begun = time.perf_counter()
            yield session
            session.commit()
            self.held.append((time.perf_counter() - begun) * 1000)


class _Enough(Exception):
    """It was looked at for long enough."""


def _settle(database: Database) -> None:
    """As the job does."""
    while True:
        with database.write() as session:
            if not has_unsettled(session, clock.now()):
                return
            settle_holds(session, now=clock.now())


def _lifecycle(database: Database, campaign_id: int, service: Callable[..., Any]) -> None:
    with database.write() as session:
        service(session, campaign_id, actor=OPERATOR, now=clock.now())
    _settle(database)


def _in_bulk(database: Database, campaign_id: int, service: Callable[..., int], status: str, *args: Any) -> None:
    def change(session: Session, part: Selection) -> int:
        return service(session, campaign_id, part, *args, actor=OPERATOR, now=clock.now())

    change_in_chunks(database, campaign_id, Selection(matching=ContactQuery(status=status)), change)


def _undo(database: _Watched, campaign_id: int) -> None:
    now = clock.now()
    with database.write() as session:
        source = session.execute(
            text("SELECT id FROM contact_source WHERE campaign_id = :id"), {"id": campaign_id}
        ).scalar_one()
        session.execute(text("UPDATE person SET created_by_source = :id WHERE id <= 100000"), {"id": source})
        work = ContactImport(
            source_id=source, campaign_id=campaign_id, state=ImportState.UNDOING, file_name="bench.csv", path="none",
            created_at=now,
        )  # fmt: skip
        session.add(work)
        session.flush()
        import_id = work.id or 0
    database.held.clear()  # that was the bench's own
    run_undo(database, import_id, tell=lambda: None, should_stop=lambda: False)


def actions(large: int, sending: int) -> Iterator[tuple[str, Callable[[_Watched], object]]]:
    """(name, work), in an order in which each finds what it needs."""
    yield "retry", lambda database: _in_bulk(database, large, retry_contacts, "suppressed")
    yield "update", lambda database: _in_bulk(database, large, update_contacts, "pending", {"language": "sv"})
    yield "publish", lambda database: _lifecycle(database, sending, publish_campaign)
    yield "unpublish", lambda database: _lifecycle(database, sending, unpublish_campaign)
    yield "publish_again", lambda database: _lifecycle(database, sending, publish_campaign)
    yield "end", lambda database: _lifecycle(database, sending, end_campaign)
    yield "end_large", lambda database: _lifecycle(database, large, end_campaign)
    yield "undo_import", lambda database: _undo(database, large)
    yield "remove", lambda database: _in_bulk(database, large, remove_contacts, "held")
    yield "remove_demo", lambda database: remove_demo(database, actor=OPERATOR, now=clock.now())


def measure(database: _Watched, name: str, work: Callable[[_Watched], object]) -> None:
    """One line."""
    database.held = []
    begun = time.perf_counter()
    database.ends = begun + SECONDS
    done = True
    try:
        work(database)
    except _Enough:
        done = False
    held = database.held
    report(
        "locks", action=name, longest_ms=max(held), parts=len(held), held_seconds=sum(held) / 1000,
        seconds=time.perf_counter() - begun, to_the_end=done, limit_longest_ms=1000,
    )  # fmt: skip


def main() -> None:
    """All of them, on a copy of the world."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=WORLD, help="where the world is kept")
    parser.add_argument("--only", nargs="*", default=())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large, sending = take_world(folder, given.data, given.contacts)
        prepare(folder).database.dispose()
        database = _Watched(f"sqlite:///{folder / 'cxconsole.db'}")
        for action, work in actions(large, sending):
            if not given.only or action in given.only:
                measure(database, action, work)
        database.dispose()


if __name__ == "__main__":
    main()
