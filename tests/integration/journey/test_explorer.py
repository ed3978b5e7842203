"""The whole Tape is searched, a stretch at a time."""

import csv
import io
from datetime import timedelta

import pytest

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.merging import merge_persons
from cxconsole.errors import Invalid, NotFound
from cxconsole.journey import explorer
from cxconsole.journey.event_view import get_event
from cxconsole.journey.explorer import EventQuery, export_events, search_events
from cxconsole.journey.tape import append_events
from models.event import EventType
from tests.integration.campaigns.world import add_person


@pytest.fixture
def tape(database, now):
    """Six events: of Amira, of the visitor she was, of nobody."""
    with database.write() as session:
        amira = add_person(session, now, first_name="Amira").id
        visitor = add_person(session, now, identities={"temporary_id": "t-83af"}).id
        shop = {"source": "shop", "person_id": visitor}
        append_events(
            session,
            [
                {"type": EventType.CAMPAIGN_CREATED, "time": now - timedelta(hours=9)},
                {"type": "page.viewed", "time": now - timedelta(hours=8), "data": {"page": "/a", "new": True}, **shop},
                {"type": "cart.changed", "time": now - timedelta(hours=7), "data": {"cart": {"total": 12}}, **shop},
                {"type": "page.left", "time": now - timedelta(hours=6), "data": {"page": "=1+1"}, **shop},
                {"type": EventType.PERSON_CHANGED, "time": now, "person_id": amira, "data": {"fields": ["language"]}},
            ],
        )
        merge_persons(session, {visitor: amira}, actor="x", now=now)
    return amira, visitor


def find(database, *, limit=50, before=None, **query):
    with database.read() as session:
        return search_events(session, EventQuery(**query), actor=OPERATOR, limit=limit, before=before)


def types(page):
    return [one.told.type for one in page.events]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["person.merged", "person.changed", "page.left", "cart.changed", "page.viewed", "campaign.created"]),
        ({"type": "page.viewed"}, ["page.viewed"]),
        ({"type": "page.*"}, ["page.left", "page.viewed"]),
        ({"type": "page%*"}, []),
        ({"source": "shop"}, ["page.left", "cart.changed", "page.viewed"]),
        ({"field": "cart.total", "value": "12"}, ["cart.changed"]),
        ({"field": "cart.total", "value": "13"}, []),
        ({"field": "page"}, ["page.left", "page.viewed"]),
        ({"field": "new", "value": "true"}, ["page.viewed"]),
        ({"field": "page", "value": "/a", "source": "shop"}, ["page.viewed"]),
        ({"field": "page", "value": "' OR 1=1 --"}, []),
    ],
)
def test_events_are_found(database, tape, query, expected):
    assert types(find(database, **query)) == expected


def test_by_person_and_time(database, now, tape):
    _, visitor = tape
    for person_id in tape:
        found = find(database, person_id=person_id, type="page.*")
        assert types(found) == ["page.left", "page.viewed"]
        assert {one.person_id for one in found.events} == {visitor}
    assert types(find(database, since=now - timedelta(hours=7), until=now - timedelta(hours=6))) == [
        "page.left", "cart.changed",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        find(database, person_id=999)


@pytest.mark.parametrize("stretch", [1, 2, 3, 50])
def test_pages_and_stretches_meet_without_a_gap_or_a_repeat(database, tape, monkeypatch, stretch):
    monkeypatch.setattr(explorer, "STRETCH", stretch)
    seen, before = [], None
    for _ in range(20):
        page = find(database, type="page.*", limit=1, before=before)
        seen += types(page)
        before = page.next
        if before is None:
            break
    assert seen == ["page.left", "page.viewed"]


@pytest.mark.parametrize(
    "query", [{"field": "a..b"}, {"field": "."}, {"field": ".".join("abcdefghij")}, {"field": "\"' OR 1=1"}]
)
def test_a_field_that_is_none_is_refused(database, query):
    with pytest.raises(Invalid):
        find(database, **query)


def test_what_is_found_is_exported_without_formulas(database, tape):
    with database.read() as session:
        text = "".join(export_events(session, EventQuery(source="shop", type="page.left"), actor=OPERATOR))
    header, row = csv.reader(io.StringIO(text))
    assert dict(zip(header, row, strict=True))["type"] == "page.left"
    assert not any(cell.startswith("=") for cell in row)


def test_one_event_is_shown_in_full(database, tape):
    [found] = find(database, type="cart.changed").events
    with database.read() as session:
        event = get_event(session, found.told.id, actor=OPERATOR)
        assert (event.title, event.data, event.source) == ("Cart changed", {"cart": {"total": 12}}, "shop")
        with pytest.raises(NotFound):
            get_event(session, 10**12, actor=OPERATOR)
