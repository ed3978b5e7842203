"""A person is found by any identity in any writing, and by name."""

import pytest

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.finding import find_person
from cxconsole.audience.search import drain_person_search_queue, queue_persons
from tests.integration.campaigns.world import add_person


@pytest.fixture
def people(database, now):
    with database.write() as session:
        amira = add_person(
            session, now, first_name="Amira", last_name="Lindqvist",
            identities={
                "email": "Amira.L@posteo.example", "phone": "+46701442108", "customer_id": "884210",
                "temporary_id": "t-83af",
            },
        )  # fmt: skip
        jonas = add_person(
            session, now, first_name="Jonas", last_name="Lindqvist", identities={"phone": "+14155550123"}
        )
        for one in (amira, jonas):
            queue_persons(session, (one.id,))
        session.flush()
        drain_person_search_queue(session, now=now, limit=10)
    return {amira.id: "Amira", jonas.id: "Jonas"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Amira.L@posteo.example", ["Amira"]),
        (" Amira.L@POSTEO.example ", ["Amira"]),
        ("amira.l@posteo.example", ["Amira"]),
        ("+46 70-144 21 08", ["Amira"]),
        ("0046701442108", ["Amira"]),
        (" 46701442108", ["Amira"]),  # the + of an address bar
        ("070-144 21 08", ["Amira"]),
        ("(415) 555-0123", ["Jonas"]),
        ("884210", ["Amira"]),
        ("t-83af", ["Amira"]),
        ("lindqvist", ["Amira", "Jonas"]),
        ("jonas lind", ["Jonas"]),
        ("nobody@posteo.example", []),
        ("' OR 1=1 --", []),
        ("\x00", []),
        ("", []),
    ],
)
def test_a_person_is_found(database, people, text, names):
    with database.read() as session:
        assert [people[one.id] for one in find_person(session, text, actor=OPERATOR)] == names
