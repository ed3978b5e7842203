"""Many rows with few statements: whole, in order, and as the databases themselves have them."""

from cxconsole.driver import Driver
from models.comm import CommRequest

COLUMNS = ("scope", "second", "used")


def test_inserts_every_row_whatever_their_number(database):
    for count in (0, 1, 7, 8, 63, 64, 65, 200):
        with database.write() as session:
            Driver(session).insert("rate_usage", COLUMNS, [(f"gateway:{count}", second, 1) for second in range(count)])
    with database.read() as session:
        found = dict(Driver(session).fetch(2, "SELECT scope, count(*) FROM rate_usage GROUP BY scope"))
    assert found == {f"gateway:{count}": count for count in (1, 7, 8, 63, 64, 65, 200)}


def test_fetches_rows_in_their_order_with_any_text(database):
    rows = [('“quoted" \\ 雪', 3, 1), ("", 2, 2), ("a'b", 1, 3)]
    with database.write() as session:
        driver = Driver(session)
        driver.insert("rate_usage", COLUMNS, rows)
        sql = "SELECT scope, second, NULL FROM rate_usage WHERE second > ? ORDER BY second DESC LIMIT ?"
        assert [tuple(row) for row in driver.fetch(3, sql, 0, 2)] == [(rows[0][0], 3, None), ("", 2, None)]
        assert driver.fetch(3, sql, 9, 2) == []


def test_changes_what_the_condition_finds_and_says_which(database, now):
    with database.write() as session:
        session.add_all(
            CommRequest(trigger_kind="test", person_id=person, created_at=now, updated_at=now) for person in (1, 2, 3)
        )
    with database.write() as session:
        driver = Driver(session)
        ids = [row[0] for row in driver.fetch(1, "SELECT id FROM comm_request")]
        changed = driver.change(
            "comm_request", ids, "state = ?, reason = ?", "C", "cancelled", only="person_id > ?", given=(1,)
        )
        assert driver.change("comm_request", ids, "state = ?", "E", only="person_id > ?", given=(3,)) == set()
        assert driver.change("comm_request", ids, "priority = ?", 1, only="person_id > ?", given=(0,)) == set(ids)
    with database.read() as session:
        rows = Driver(session).fetch(3, "SELECT id, state, reason FROM comm_request ORDER BY person_id")
    assert [tuple(row[1:]) for row in rows] == [("A", None), ("C", "cancelled"), ("C", "cancelled")]
    assert changed == {rows[1][0], rows[2][0]}
