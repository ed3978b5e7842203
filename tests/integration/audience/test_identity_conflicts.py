"""Two known persons of whom an event said that they are one: a person looks at both and decides."""

import pytest
from sqlalchemy import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.audience.conflict_decisions import decide_conflict
from cxconsole.audience.identity_changes import unite_persons
from cxconsole.audience.identity_conflicts import count_open_conflicts, get_conflict, list_conflicts
from cxconsole.audience.recognition import recognise
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from cxconsole.journey.recording import Named
from cxconsole.journey.timeline import read_timeline
from models.journey import IdentityConflict
from models.person import Identity, Person

ADA, BOB = "ada@mail.example", "bob@mail.example"


def name(database, now, *named):
    """Recognise (person, previously) pairs in one batch; the persons."""
    with database.write() as session:
        found = recognise(session, [Named(*one, "shop") for one in named], actor="journey", now=now)
    return [one.person_id for one in found]


@pytest.fixture
def conflict(database, now):
    """Ada and Bob, of whom somebody said that they are one; the ids of conflict, Ada and Bob."""
    ada, bob = name(database, now, (ADA, None), (BOB, None))
    name(database, now, (ADA, BOB))
    with database.read() as session:
        return session.scalars(select(IdentityConflict.id)).one(), ada, bob


def decide(database, conflict_id, decision, now, **wish):
    with database.write() as session:
        return decide_conflict(session, conflict_id, decision, actor=OPERATOR, now=now, **wish)


def open_ones(database):
    with database.read() as session:
        page = list_conflicts(session, actor=OPERATOR)
        assert page.total == count_open_conflicts(session, actor=OPERATOR) == len(page.items)
        return page.items


def test_both_sides_are_shown_as_they_are(database, conflict, now):
    conflict_id, ada, bob = conflict
    [row] = open_ones(database)
    assert (row.id, row.person, row.other, row.identity, row.source) == (conflict_id, ADA, BOB, BOB, "shop")
    with database.read() as session:
        found = get_conflict(session, conflict_id, actor=OPERATOR)
    assert [side.person.id for side in found.sides] == [ada, bob]
    assert [side.has_identity for side in found.sides] == [False, True]
    assert [side.events for side in found.sides] == [1, 1]  # that they came to be known


@pytest.mark.parametrize("stays", [1, 2])
def test_merging_makes_the_chosen_one_stay(database, conflict, now, stays):
    conflict_id, primary = conflict[0], conflict[stays]
    decided = decide(database, conflict_id, "merged", now, primary_id=primary)
    assert (decided.conflict.decision, decided.conflict.decided_by) == ("merged", "operator")
    with database.read() as session:
        assert set(session.scalars(select(Identity.person_id))) == {primary}
        assert [one.id for one in session.scalars(select(Person).where(Person.merged_into.is_(None)))] == [primary]
    assert open_ones(database) == ()


def test_who_is_kept_apart_is_not_asked_about_again(database, conflict, now):
    conflict_id, ada, bob = conflict
    decide(database, conflict_id, "kept", now)
    name(database, now, (ADA, BOB))
    name(database, now, (BOB, ADA))
    assert open_ones(database) == ()
    [cleo] = name(database, now, ("cleo@mail.example", None))
    with database.write() as session:
        unite_persons(session, [bob, cleo], primary_id=cleo, actor=OPERATOR, now=now)
    name(database, now, (ADA, "cleo@mail.example"))
    assert open_ones(database) == ()
    with database.read() as session:
        [decided] = list_conflicts(session, decided=True, actor=OPERATOR).items
    assert (decided.decision, decided.person_id, decided.other_person_id) == ("kept", ada, cleo)


def test_a_decision_is_on_the_timeline_of_both(database, conflict, now):
    conflict_id, *ids = conflict
    decide(database, conflict_id, "kept", now)
    with database.read() as session:
        for one in ids:
            newest = read_timeline(session, one, actor=OPERATOR).events[0]
            assert (newest.title, newest.detail) == (
                "Identity conflict decided by operator", "The two are kept apart"
            )  # fmt: skip


def test_a_pair_that_waits_is_asked_about_once_whichever_way_round(database, conflict, now):
    name(database, now, (BOB, ADA), (ADA, BOB))
    assert len(open_ones(database)) == 1


def test_the_name_moves_to_the_other_one(database, conflict, now):
    conflict_id, ada, bob = conflict
    name(database, now, ("C-2", BOB))
    decide(database, conflict_id, "moved", now)
    with database.read() as session:
        rows = session.execute(select(Identity.value, Identity.person_id, Identity.is_primary)).all()
    assert {tuple(row) for row in rows} == {(ADA, ada, True), (BOB, ada, False), ("C-2", bob, True)}
    assert open_ones(database) == ()
    assert name(database, now, (BOB, None)) == [ada]


def test_the_only_name_of_a_person_cannot_move(database, conflict, now):
    with pytest.raises(Conflict, match="only name"):
        decide(database, conflict[0], "moved", now)
    assert len(open_ones(database)) == 1


def test_a_merge_elsewhere_settles_the_conflict(database, conflict, now):
    conflict_id, ada, bob = conflict
    [cleo] = name(database, now, ("cleo@mail.example", None))
    for pair in ([ada, cleo], [cleo, bob]):
        with database.write() as session:
            unite_persons(session, pair, actor=OPERATOR, now=now)
    assert open_ones(database) == ()
    with pytest.raises(Conflict, match="settled already"):
        decide(database, conflict_id, "kept", now)


def test_two_who_claim_the_same_new_name_in_one_batch_are_a_conflict(database, now):
    ada, bob = name(database, now, (ADA, None), (BOB, None))
    first, second = name(database, now, (ADA, "C-9"), (BOB, "C-9"))
    assert (first, second) == (ada, bob)
    [row] = open_ones(database)
    assert (row.person_id, row.other_person_id, row.identity) == (bob, ada, "C-9")


def test_who_was_removed_is_kept_apart_and_no_more(database, conflict, now):
    conflict_id, _, bob = conflict
    with database.write() as session:
        session.delete(session.get_one(Person, bob))
    [row] = open_ones(database)
    assert row.other == ""
    with pytest.raises(Conflict, match="was removed"):
        decide(database, conflict_id, "merged", now)
    decide(database, conflict_id, "kept", now)
    assert open_ones(database) == ()


def test_a_decision_needs_its_right_a_conflict_and_one_of_the_two(database, conflict, now):
    conflict_id = conflict[0]
    reader = Actor(kind="key", name="key:1", rights=frozenset({"persons.read"}))
    with pytest.raises(Forbidden), database.write() as session:
        decide_conflict(session, conflict_id, "kept", actor=reader, now=now)
    with pytest.raises(NotFound):
        decide(database, conflict_id + 1, "kept", now)
    with pytest.raises(Invalid):
        decide(database, conflict_id, "forgotten", now)
    with pytest.raises(Invalid):
        decide(database, conflict_id, "merged", now, primary_id=999)
