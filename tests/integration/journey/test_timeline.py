"""A person's timeline: order, pages, filters, the past of who was merged, and what each event is called."""

from datetime import timedelta

import pytest

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.audience.merging import merge_persons
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from cxconsole.journey import timeline
from cxconsole.journey.activities import end_activity, list_activities, schedule_activity
from cxconsole.journey.notes import add_note, erase_note
from cxconsole.journey.tape import append_events
from cxconsole.journey.timeline import read_latest, read_timeline
from models.event import EventType
from models.template import Template, TemplateVersion
from tests.integration.campaigns.world import add_campaign, add_contact, add_delivery, add_person, add_source


@pytest.fixture
def amira(database, now):
    """The id of a person without any event."""
    with database.write() as session:
        return add_person(session, now, first_name="Amira", identities={"email": "amira@posteo.example"}).id


def write(database, person_id, now, *rows):
    """Events of a person: (minutes ago, type, columns)."""
    with database.write() as session:
        append_events(
            session,
            [
                {"person_id": person_id, "time": now - timedelta(minutes=ago), "type": kind, **columns}
                for ago, kind, columns in rows
            ],
        )


def visit(ago, **data):
    return ago, "page.viewed", {"source": "shop", "event_id": f"e{ago}", "data": data}


def read(database, person_id, **wish):
    with database.read() as session:
        return read_timeline(session, person_id, actor=OPERATOR, **wish)


def all_pages(database, person_id, **wish):
    events, before = [], ""
    while True:
        page = read(database, person_id, before=before, **wish)
        events += page.events
        if not page.next:
            return events
        before = page.next


def test_events_stand_by_their_own_time_and_pages_meet_without_a_gap_or_a_repeat(database, now, amira):
    ages = [5, 3, 3, 3, 9, 1, 7, 3]
    rows = [(ago, EventType.PERSON_CHANGED, {}) for ago in ages]
    write(database, amira, now, *rows)
    for limit in (1, 2, 3, 50):
        events = all_pages(database, amira, limit=limit)
        assert len({one.id for one in events}) == len(ages)
        assert [(one.at, one.id) for one in events] == sorted(((one.at, one.id) for one in events), reverse=True)
    assert read(database, amira, limit=8).next == ""


def test_the_past_of_who_was_merged_is_part_of_the_timeline_and_leads_to_who_they_are_now(database, now, amira):
    with database.write() as session:
        visitor = add_person(session, now, identities={"temporary_id": "t-83af"}).id
        older = add_person(session, now - timedelta(days=900), first_name="Amira").id
    write(database, visitor, now, visit(10))
    write(database, amira, now, visit(20))
    with database.write() as session:
        merge_persons(session, {visitor: amira}, actor="x", now=now)
        merge_persons(session, {amira: older}, actor="x", now=now)
    for person_id in (visitor, amira, older):
        page = read(database, person_id)
        assert page.person_id == older
        assert [one.type for one in page.events] == ["person.merged", "person.merged", "page.viewed", "page.viewed"]


@pytest.mark.parametrize(
    ("only", "types"),
    [
        ("email", ["comm.opened", "comm.sent"]),
        ("sms", ["comm.not_sent"]),
        ("voice", ["call.ended"]),
        ("web", ["page.viewed"]),
        ("agent", ["note.added"]),
        ("record", ["contact.added"]),
    ],
)
def test_a_timeline_can_be_narrowed(database, now, only, types):
    with database.write() as session:
        campaign = add_campaign(session, now)
        person = add_person(session, now)
        contact = add_contact(session, campaign, person, add_source(session, campaign, now), now)
        delivery = add_delivery(session, contact, now)
        of_delivery = {"delivery_id": delivery.id, "campaign_id": campaign.id}
        add_note(session, person.id, "Asks about the move", actor=OPERATOR, now=now)
    write(
        database, person.id, now,
        (9, EventType.CONTACT_ADDED, {"campaign_id": campaign.id, "data": {"source_id": contact.source_id}}),
        (8, EventType.COMM_SENT, {**of_delivery, "data": {"channel": "email"}}),
        (7, EventType.COMM_OPENED, of_delivery),
        (6, EventType.COMM_NOT_SENT, {"data": {"channel": "sms", "reason": "no_phone"}}),
        visit(5, page="/prices"), (4, "call.ended", {"source": "pbx", "event_id": "1", "data": {"channel": "voice"}}),
    )  # fmt: skip
    assert [one.type for one in read(database, person.id, only=only).events] == types


def test_a_filter_that_finds_little_looks_through_so_many_and_says_where_to_go_on(database, now, amira, monkeypatch):
    monkeypatch.setattr(timeline, "WINDOW", 10)
    write(database, amira, now, *(visit(ago) for ago in range(1, 36)), (40, EventType.PERSON_CHANGED, {}))
    first = read(database, amira, only="record")
    assert (first.events, first.next != "") == ((), True)
    assert [one.type for one in all_pages(database, amira, only="record")] == ["person.changed"]
    assert len(all_pages(database, amira, only="web", limit=4)) == 35


def test_own_events_are_told_in_words_with_what_they_refer_to(database, now):
    with database.write() as session:
        campaign = add_campaign(session, now, name="Spring tariff change")
        person = add_person(session, now, first_name="Amira")
        contact = add_contact(session, campaign, person, add_source(session, campaign, now), now)
        template = Template(name="Your price", channel="email", created_at=now, updated_at=now)
        session.add(template)
        session.flush()
        version = TemplateVersion(template_id=template.id, version=1, created_at=now)
        session.add(version)
        session.flush()
        delivery = add_delivery(session, contact, now, target="amira@posteo.example", template_version_id=version.id)
    about = {"campaign_id": campaign.id, "contact_id": contact.id, "delivery_id": delivery.id}
    write(
        database, person.id, now,
        (1, EventType.COMM_OPENED, about), (2, EventType.COMM_SENT, about),
        (3, EventType.CONTACT_ADDED, {"campaign_id": campaign.id, "data": {"source_id": contact.source_id}}),
        (4, EventType.COMM_NOT_SENT, {"data": {"channel": "sms", "reason": "no_phone"}}),
        (5, EventType.PERSON_CHANGED, {"data": {"fields": ["last_name", "language"]}}),
    )  # fmt: skip
    assert [(one.title, one.detail, one.icon) for one in read(database, person.id).events] == [
        ("Opened “Your price”", "Spring tariff change", "mail-open"),
        ("E-mail sent to amira@posteo.example", "Spring tariff change", "mail"),
        ("Added to Spring tariff change", "north.csv", "user-plus"),
        ("SMS not sent", "No phone number", "circle-slash"),
        ("Details changed", "Last name, language", "user-pen"),
    ]


@pytest.mark.parametrize(
    ("kind", "data", "title", "detail"),
    [
        ("page.viewed", {"page": "/prices", "seconds": 12, "nested": {"a": 1}}, "Page viewed",
         "page: /prices, seconds: 12"),
        ("Visited {page}", {"note_id": "x", "channel": {}, "reason": ["odd"]}, "Visited {page}",
         "note_id: x"),
        ("x" * 40, {}, "X" + "x" * 39, ""),
    ],
)  # fmt: skip
def test_an_event_of_others_is_told_by_its_own_name_and_data(database, now, amira, kind, data, title, detail):
    write(database, amira, now, (1, kind, {"source": "shop", "event_id": "1", "data": data}))
    [event] = read(database, amira).events
    assert (event.title, event.detail, event.icon, event.source) == (title, detail, "globe", "shop")


def test_the_newest_of_several_persons_are_read_at_once(database, now, amira):
    with database.write() as session:
        jonas = add_person(session, now).id
    write(database, amira, now, *(visit(ago) for ago in (5, 1, 3)))
    with database.read() as session:
        latest = read_latest(session, [amira, jonas, 999], actor=OPERATOR, limit=2)
        assert read_latest(session, [], actor=OPERATOR) == {}
    assert {key: [one.at for one in events] for key, events in latest.items()} == {
        amira: [now - timedelta(minutes=1), now - timedelta(minutes=3)], jonas: [],
    }  # fmt: skip


def test_a_note_is_told_by_its_text_and_the_tape_never_holds_it(database, now, amira):
    with database.write() as session:
        note_id = add_note(session, amira, "  Moves in May ", actor=OPERATOR, now=now)
    [event] = read(database, amira).events
    assert (event.title, event.detail) == ("Note by operator", "Moves in May")
    with database.write() as session:
        erase_note(session, note_id, actor=OPERATOR, now=now + timedelta(minutes=1))
    erased, event = read(database, amira).events
    assert (erased.title, event.detail) == ("A note was erased by operator", "The text was erased")
    with database.write() as session, pytest.raises(NotFound):
        erase_note(session, note_id, actor=OPERATOR, now=now)


@pytest.mark.parametrize("text", ["", " \n\x00", "x" * 4001])
def test_a_note_needs_a_text_that_fits(database, now, amira, text):
    with database.write() as session, pytest.raises(Invalid):
        add_note(session, amira, text, actor=OPERATOR, now=now)


def test_a_follow_up_is_planned_and_ends_once(database, now, amira):
    later, sooner = now + timedelta(days=2), now + timedelta(days=1)
    with database.write() as session:
        for due_at, subject in ((later, "Send papers"), (sooner, "Call about the move")):
            schedule_activity(session, amira, channel="voice", due_at=due_at, subject=subject, actor=OPERATOR, now=now)
    with database.write() as session:
        first, second = list_activities(session, amira, actor=OPERATOR)
        assert [first.subject, second.subject] == ["Call about the move", "Send papers"]
        end_activity(session, first.id, "done", actor=OPERATOR, now=now)
        end_activity(session, second.id, "cancelled", actor=OPERATOR, now=now)
    with database.write() as session, pytest.raises(Conflict):
        end_activity(session, first.id, "cancelled", actor=OPERATOR, now=now)
    assert [one.title for one in read(database, amira).events] == [
        "Not followed up: Send papers", "Followed up: Call about the move", "Follow-up: Call about the move",
        "Follow-up: Send papers",
    ]  # fmt: skip
    with database.read() as session:
        assert list_activities(session, amira, actor=OPERATOR) == ()


@pytest.mark.parametrize(
    "wish", [{"channel": "pigeon"}, {"due_at": timedelta()}, {"due_at": -timedelta(days=1)}, {"subject": "  "}]
)
def test_a_follow_up_that_cannot_be_is_refused(database, now, amira, wish):
    wish = {"channel": "voice", "due_at": timedelta(days=1), "subject": "Call"} | wish
    with database.write() as session, pytest.raises(Invalid):
        schedule_activity(session, amira, actor=OPERATOR, now=now, **wish | {"due_at": now + wish["due_at"]})


def test_notes_and_follow_ups_go_along_when_persons_are_merged(database, now, amira):
    with database.write() as session:
        other = add_person(session, now).id
        add_note(session, other, "Has two contracts", actor=OPERATOR, now=now)
        schedule_activity(
            session, other, channel="email", due_at=now + timedelta(1), subject="Write", actor=OPERATOR, now=now
        )
        merge_persons(session, {other: amira}, actor="x", now=now)
        assert [one.subject for one in list_activities(session, amira, actor=OPERATOR)] == ["Write"]
    assert "Has two contracts" in [one.detail for one in read(database, amira).events]


@pytest.mark.parametrize("before", ["x", "2026-05-19T10:00:00~1", "2026-05-19T10:00:00+00:00~", "~", "a~1"])
def test_a_place_that_is_none_is_refused(database, amira, before):
    with pytest.raises(Invalid):
        read(database, amira, before=before)


def test_nobody_reads_without_the_right_or_about_nobody(database, amira):
    nobody = Actor(kind="key", name="key:1", rights=frozenset({"campaigns.read"}))
    with database.read() as session:
        with pytest.raises(Forbidden):
            read_timeline(session, amira, actor=nobody)
        with pytest.raises(NotFound):
            read_timeline(session, 999, actor=OPERATOR)
        with pytest.raises(Invalid):
            read_timeline(session, amira, actor=OPERATOR, only="fax")
