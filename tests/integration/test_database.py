"""The database files themselves."""

import sqlite3
import subprocess
import sys
import threading
from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from cxconsole.database import Database, GivenUp
from models.migrate import migrate


def page_size(database: Database) -> int:
    with database.read() as session:
        return session.execute(text("PRAGMA page_size")).scalar_one()


def test_a_new_file_has_large_pages_and_one_made_before_keeps_its_own(tmp_path):
    with sqlite3.connect(tmp_path / "before.db") as before:
        before.execute("PRAGMA page_size=4096")
        before.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY)")
    before.close()
    for name, size in (("new", 8192), ("before", 4096)):
        database = Database(f"sqlite:///{tmp_path / name}.db")
        migrate(database)
        assert page_size(database) == size
        database.dispose()


def test_an_error_says_nothing_of_what_a_statement_was_given(database):
    with database.read() as session, pytest.raises(DBAPIError) as told:
        session.execute(text("SELECT nothing FROM nowhere WHERE a = :a"), {"a": "ada@mail.example"})
    assert "nowhere" in str(told.value) and "ada@" not in str(told.value)


def test_the_folder_of_a_new_file_is_for_its_owner_alone(tmp_path):
    Database(f"sqlite:///{tmp_path}/made/cxconsole.db").dispose()
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700


GREEDY = """
import sys, time
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from cxconsole.database import Database, GivenUp

database = Database(sys.argv[1])
print("ready", flush=True)
while True:
    with database.write() as session:
        session.execute(text("UPDATE turns SET taken = taken + 1 WHERE who = 'greedy'"))
        time.sleep(0.01)
"""


def test_a_process_that_always_wants_to_write_lets_others_in_after_each_turn(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'shared.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE turns (who TEXT, taken INTEGER)"))
        session.execute(text("INSERT INTO turns VALUES ('greedy', 0)"))
    taken = []
    with subprocess.Popen([sys.executable, "-c", GREEDY, database.url], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        for _ in range(30):
            with database.write() as session:
                taken.append(session.execute(text("SELECT taken FROM turns")).scalar_one())
        other.kill()
    between = [after - before for before, after in pairwise(taken)]
    assert sum(one > 2 for one in between) <= 3, between  # who is next waits for who is in, and for nobody else
    database.dispose()


def test_threads_that_wait_together_all_get_their_turn(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'threads.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE numbers (n INTEGER)"))

    def add(number: int) -> None:
        for _ in range(20):
            with database.write() as session:
                session.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM numbers")).scalar_one() == 160
    database.dispose()


def test_a_write_that_fails_gives_the_turn_back(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'failing.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE numbers (n INTEGER NOT NULL)"))
    for _ in range(3):
        with pytest.raises(IntegrityError), database.write() as session:
            session.execute(text("INSERT INTO numbers VALUES (NULL)"))
    with database.write() as session:
        session.execute(text("INSERT INTO numbers VALUES (1)"))
    with database.read() as session:
        assert session.execute(text("SELECT n FROM numbers")).scalars().all() == [1]
    database.dispose()


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(600)",
}


def test_a_read_that_is_given_up_ends_and_its_connection_serves_the_next(database):
    given_up, begun, told = GivenUp(), threading.Event(), []

    def read() -> None:
        try:
            with database.read_until(given_up) as session:
                begun.set()
                session.execute(text(ENDLESS["sqlite" if database.is_sqlite else "postgresql"]))
        except DBAPIError as error:
            told.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert begun.wait(10)
    while thread.is_alive() and not told:
        given_up.now()  # again: the statement may not have begun yet
        thread.join(0.05)
    assert told
    with database.read() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1


def test_a_read_that_was_given_up_before_it_began_does_not_begin(database):
    given_up = GivenUp()
    given_up.now()
    with pytest.raises(InterruptedError), database.read_until(given_up):
        pytest.fail("it was read")
