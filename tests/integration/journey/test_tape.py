import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from cxconsole.journey.tape import append_event
from models.event import Event, EventType


@pytest.mark.parametrize("statement", ["UPDATE event SET type = 'x'", "DELETE FROM event"])
def test_the_database_refuses_to_change_the_tape(database, now, statement):
    with database.write() as session:
        append_event(session, EventType.CAMPAIGN_CREATED, now=now, campaign_id=1001)
    with pytest.raises(DBAPIError, match="immutable"), database.write() as session:
        session.execute(text(statement))
    with database.read() as session:
        assert session.exec(select(Event)).one().type == EventType.CAMPAIGN_CREATED
