"""Blocks stored side by side, imports at the same time, and the API meanwhile: all as if one came after the other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience import import_pace, import_run
from cxconsole.audience.contacts_intake import add_contacts
from cxconsole.audience.identity_lock import ImportTurn
from cxconsole.audience.import_run import run_import
from cxconsole.audience.imports import claim_import, get_import
from models.contact import CampaignContact, ContactImport
from models.person import Identity, Person

from .conftest import check_numbers


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Some 40 rows a block, so that much of what belongs together is in neighbouring ones."""
    for name in ("FIRST_BLOCK", "SMALLEST_BLOCK", "LARGEST_BLOCK"):
        monkeypatch.setattr(import_pace, name, 1_500)


def persons_of(database) -> dict[str, int]:
    with database.read() as session:
        return dict(session.execute(select(Identity.value, Identity.person_id)).all())


def count_persons(database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).where(Person.merged_into.is_(None)))


def test_who_is_named_in_neighbouring_blocks_is_one_person(database, campaign_id, start, run):
    lines = []
    for n in range(1_000):
        lines.append(f"p{n}@example.com,+4670{n:07d},first{n}")
        if n % 3 == 0 and n > 60:
            lines.append(f"p{n - 50}@example.com,+4671{n:07d},again{n}")  # known by one, brings another
    view = run(start(campaign_id, "email,phone,first_name\n" + "\n".join(lines) + "\n"))
    assert (view.state, view.created, view.duplicates) == ("done", 1_000, len(lines) - 1_000)
    persons = persons_of(database)
    assert all(persons[f"p{n - 50}@example.com"] == persons[f"+4671{n:07d}"] for n in range(63, 1_000, 3))
    assert count_persons(database) == 1_000
    with database.read() as session:
        name = session.get_one(Person, persons["p949@example.com"]).first_name
    assert name == "again999"  # the later row wins


def test_a_row_that_ties_persons_of_blocks_under_way_merges_them(database, campaign_id, start, run):
    lines = []
    for n in range(400):
        lines += [f"p{n}@example.com,", f",+4670{n:07d}"]
        if n >= 20:
            lines.append(f"p{n - 20}@example.com,+4670{n - 20:07d}")
    view = run(start(campaign_id, "email,phone\n" + "\n".join(lines) + "\n"))
    assert (view.state, view.rows_read, view.contacts) == ("done", len(lines), 420)
    persons = persons_of(database)
    assert all(persons[f"p{n}@example.com"] == persons[f"+4670{n:07d}"] for n in range(380))
    assert all(persons[f"p{n}@example.com"] != persons[f"+4670{n:07d}"] for n in range(380, 400))
    assert count_persons(database) == 420


def test_the_same_people_in_many_blocks_again_are_only_updated(database, campaign_id, start, run):
    data = "email,customer_id\n" + "".join(f"p{n}@example.com,C{n}\n" for n in range(500))
    run(start(campaign_id, data))
    again = run(start(campaign_id, data))
    assert (again.created, again.merged, again.duplicates) == (0, 500, 0)


def test_two_imports_and_the_api_at_once_make_nobody_twice(database, campaign_id, make_campaign, start, now):
    numbers = range(1_200)
    one = start(campaign_id, "email\n" + "".join(f"p{n}@example.com\n" for n in numbers))
    two = start(make_campaign("Other"), "email\n" + "".join(f"p{n}@example.com\n" for n in reversed(numbers)))
    for _ in (one, two):
        with database.write() as session:
            assert claim_import(session, now=now, lease=timedelta(seconds=60)) is not None
    with ThreadPoolExecutor(2) as pool:
        works = [
            pool.submit(run_import, database, import_id, tell=lambda: None, should_stop=lambda: False)
            for import_id in (one, two)
        ]
        for n in numbers[::40]:
            with database.write() as session:
                add_contacts(session, campaign_id, [{"email": f"p{n}@example.com"}], actor=OPERATOR, now=clock.now())
        for work in works:
            work.result()
    check_numbers(database)
    assert count_persons(database) == len(numbers) == len(persons_of(database))
    with database.read() as session:
        for import_id in (one, two):
            view = get_import(session, import_id, actor=OPERATOR, now=now)
            assert (view.state, view.rows_read) == ("done", len(numbers))
        assert session.scalar(select(func.count()).select_from(CampaignContact)) == 2 * len(numbers)


def test_a_block_that_is_not_stored_takes_those_behind_it_along(database, campaign_id, start, now):
    import_id = start(campaign_id, "email\n" + "".join(f"p{n}@example.com\n" for n in range(1_000)))
    with database.write() as session:
        claim_import(session, now=now, lease=timedelta(seconds=60))
    told = []

    def lose_the_place() -> None:
        told.append(1)
        if len(told) == 2:
            with database.write() as session:  # as another worker would that took the import over
                session.execute(update(ContactImport).values(bytes_done=ContactImport.bytes_done + 1))

    run_import(database, import_id, tell=lose_the_place, should_stop=lambda: False)
    check_numbers(database)
    with database.read() as session:
        view = get_import(session, import_id, actor=OPERATOR, now=now)
        stored = session.scalar(select(func.count()).select_from(Person))
    assert 0 < view.rows_read == stored < 1_000


def test_a_turn_is_handed_on_to_the_import_that_waits(database):
    if database.is_sqlite:
        with ImportTurn(database) as turn:  # there the writers' gate does this
            turn.take()
            assert not turn.is_wanted()
        return
    taken = threading.Event()

    def wait_for_it() -> None:
        with ImportTurn(database) as other:
            other.take()
            taken.set()

    with ImportTurn(database) as turn:
        turn.take()
        assert not turn.is_wanted()
        waiting = threading.Thread(target=wait_for_it)
        waiting.start()
        while not turn.is_wanted():
            assert not taken.is_set()
        turn.hand_on()
        assert taken.wait(30)
    waiting.join()


@pytest.mark.parametrize(("rows", "is_described"), [(30, False), (60, True)])
def test_postgresql_knows_the_size_of_what_many_rows_have_filled(
    database, campaign_id, start, run, monkeypatch, rows, is_described
):
    monkeypatch.setattr(import_run, "MANY_ROWS", 50)
    view = run(start(campaign_id, "email\n" + "".join(f"p{n}@example.com\n" for n in range(rows))))
    assert (view.state, view.created) == ("done", rows)
    if not database.is_sqlite:
        with database.read() as session:
            known = session.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'campaign_contact'"))
        assert (known == rows) is is_described
