"""The filter language says in SQL, on each database, what it means in plain Python."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from cxconsole.driver import Driver
from cxconsole.journey.filtering import Both, Compare, Not, find_person, parse_filter, say_sql
from models.event import Event

START = datetime(2026, 5, 19, tzinfo=UTC)
TEXTS = ["", "a", "b", "A", "ä", "it's", "z'z", "10"]
VALUES = [None, True, False, 0, 1, -1, 10, 2.5, *TEXTS, {"x": 1}, [1]]
PEOPLE = {"ada": [1, 3], "bob": [2]}


def events():
    """Some of every kind: with and without fields, one that is about nobody."""
    made = []
    for n, value in enumerate(VALUES):
        made.append((n % 4 or None, f"t.{n % 3}", f"s{n % 2}", f"e{n}", n, {"v": value, "deep": {"w": VALUES[-n]}}))
    made.append((1, "t.0", "s0", "last", 99, {}))
    return made


@pytest.fixture
def tape(database):
    rows = [
        {
            "person_id": person, "type": type_, "source": source, "event_id": event_id, "actor": "x",
            "time": START + timedelta(hours=hours), "data": data,
        }
        for person, type_, source, event_id, hours, data in events()
    ]  # fmt: skip
    with database.write() as session:
        session.execute(insert(Event), rows)
    return database


def ask(database, tree):
    with database.read() as session:
        driver = Driver(session)
        condition, values = say_sql(tree, PEOPLE, driver)
        return {row[0] for row in driver.run(f"SELECT event_id FROM event WHERE {condition}", *values)}


def holds(tree, event):
    """The reference: what a filter means."""
    if isinstance(tree, Not):
        return not holds(tree.part, event)
    if isinstance(tree, Both):
        return (all if tree.word == "and" else any)(holds(part, event) for part in tree.parts)
    if tree.operator == "ne":
        return not holds(Compare(tree.field, tree.path, "eq", tree.value), event)
    person, type_, source, event_id, hours, data = event
    if tree.field == "person":
        return person is None if tree.value is None else person in PEOPLE.get(tree.value, [])
    if tree.field == "data":
        found = data
        for name in tree.path:
            found = found.get(name) if isinstance(found, dict) else None
    else:
        found = {"type": type_, "source": source, "id": event_id, "time": START + timedelta(hours=hours)}[tree.field]
    if tree.value is None or found is None:
        return found is tree.value
    if kind_of(found) != kind_of(tree.value):
        return False
    return {
        "eq": found == tree.value, "gt": found > tree.value, "ge": found >= tree.value,
        "lt": found < tree.value, "le": found <= tree.value,
    }[tree.operator]  # fmt: skip


def kind_of(value):
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def write(tree):
    """A tree as text again."""
    if isinstance(tree, Not):
        return f"not ({write(tree.part)})"
    if isinstance(tree, Both):
        return f"({f' {tree.word} '.join(write(part) for part in tree.parts)})"
    value = tree.value
    if isinstance(value, str):
        said = "'" + value.replace("'", "''") + "'"
    elif isinstance(value, datetime):
        said = value.isoformat().replace("+00:00", "Z")
    else:
        said = json.dumps(value)
    return f"{'/'.join((tree.field, *tree.path))} {tree.operator} {said}"


ORDERED = st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"])
EQUAL = st.sampled_from(["eq", "ne"])
CONDITIONS = st.one_of(
    st.builds(Compare, st.just("person"), st.just(()), EQUAL, st.sampled_from([None, "ada", "bob", "nobody"])),
    st.builds(Compare, st.sampled_from(["type", "source", "id"]), st.just(()), ORDERED,
              st.sampled_from(["t.1", "s0", "e5", "e3", *TEXTS])),
    st.builds(Compare, st.just("time"), st.just(()), ORDERED,
              st.integers(-5, 30).map(lambda hours: START + timedelta(hours=hours))),
    st.builds(Compare, st.just("data"), st.sampled_from([("v",), ("deep", "w"), ("none",), ("v", "x")]), ORDERED,
              st.sampled_from([0, 1, -1, 10, 2.5, *TEXTS])),
    st.builds(Compare, st.just("data"), st.sampled_from([("v",), ("deep", "w"), ("none",)]), EQUAL,
              st.sampled_from([None, True, False])),
)  # fmt: skip
TREES = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Both, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_a_filter_finds_what_plain_python_finds(tape, tree):
    assert ask(tape, tree) == {event[3] for event in events() if holds(tree, event)}


@settings(max_examples=300, deadline=None)
@given(tree=TREES)
def test_a_filter_is_read_as_it_is_written(tree):
    again = parse_filter(write(tree))
    assert {event[3] for event in events() if holds(again, event)} == {e[3] for e in events() if holds(tree, e)}


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("person eq 'a'", "a"),
        ("type eq 'x' and person eq 'a'", "a"),
        ("(time ge 2026-01-01T00:00:00Z and (person eq 'a' and type eq 'x'))", "a"),
        ("person eq 'a' or type eq 'x'", None),
        ("not person eq 'a'", None),
        ("person ne 'a'", None),
        ("person eq null", None),
    ],
)
def test_a_filter_of_one_person_is_known_as_such(text, person):
    assert find_person(parse_filter(text)) == person
