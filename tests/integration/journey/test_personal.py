"""Personal fields are sealed on the Tape and opened for readers; without the key of the person they read "erased"."""

import json
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.vault import Vault
from cxconsole.audience.recognition import recognise
from cxconsole.errors import CxError, Invalid, NotFound
from cxconsole.journey.cloud_event import read_event
from cxconsole.journey.event_view import get_event
from cxconsole.journey.explorer import EventQuery, export_events
from cxconsole.journey.explorer import search_events as explore
from cxconsole.journey.filtering import parse_filter
from cxconsole.journey.personal import ERASED, SEALED, know_personal, open_documents
from cxconsole.journey.personal_fields import load_personal, mark_field
from cxconsole.journey.profiles import preview_profile
from cxconsole.journey.reading import search_events
from cxconsole.journey.recording import record_events
from cxconsole.journey.registry import Registry
from cxconsole.journey.timeline import read_timeline
from models.event import Event
from models.person import Person, PersonKey

NUMBERS = count()
KIND = ("order.placed", "shop")


@pytest.fixture
def store(database, now):
    """Puts events with these data on the Tape; their keys."""

    def put(*data, person="C-1", at=now, type=KIND[0], **more):
        given = {"source": "shop", "type": type, "person": person, **more}
        documents = [{**given, "id": f"p{next(NUMBERS)}", "data": one} for one in data]
        events = [read_event(one, now=at) for one in documents]
        with database.write() as session:
            record_events(session, events, ["test"] * len(events), recognise=recognise, now=at)
            registry = Registry()
            registry.note(events)
            registry.write(session, now=at)
            rows = session.exec(select(Event.id).where(Event.source == "shop").order_by(Event.id))
            return list(rows)[-len(data) :]

    return put


def raw_data(database, key, column="data"):
    """As the database has it."""
    with database.read() as session:
        found = session.execute(text(f"SELECT {column} FROM event WHERE id = :key"), {"key": key}).scalar_one()
    return json.loads(found) if isinstance(found, str) else found


def read_back(database, key):
    with database.read() as session:
        return get_event(session, key, actor=OPERATOR).data


def mark(database, path, now, *, is_personal=True, kind=KIND):
    with database.write() as session:
        return mark_field(session, kind, path, is_personal=is_personal, actor=OPERATOR, now=now)


def test_what_looks_personal_is_sealed_from_the_very_first_event_on(database, store):
    data = {"customer": {"email": "ada@mail.example", "id": 7}, "total": 12.5, "phones": ["+46701442108", "none"]}
    [key] = store(data)
    raw = raw_data(database, key)
    assert raw["total"] == 12.5 and raw["customer"]["id"] == 7
    assert raw["customer"]["email"].startswith(SEALED)
    assert all(one.startswith(SEALED) for one in raw["phones"])
    assert "ada@" not in json.dumps(raw)
    assert read_back(database, key) == data
    with database.read() as session:
        assert load_personal(session) == {KIND: ("customer.email", "phones[]")}


@pytest.mark.parametrize("empty", [None, "", []])
def test_a_field_that_was_empty_at_first_is_noticed_when_something_is_in_it(database, store, empty):
    store({"email": empty, "id": 1})
    [key] = store({"email": "ada@mail.example", "id": 2})
    assert raw_data(database, key)["email"].startswith(SEALED)


@pytest.mark.parametrize("late", ["ada@mail.example", " ada@mail.example ", "+46 70 144 21 08"])
@pytest.mark.parametrize("first", ["none yet", 7, False, "write to ada@mail.example", "/contact"])
@pytest.mark.parametrize("beside", [{}, {"email": "bob@mail.example"}], ids=["alone", "beside one that is marked"])
def test_a_field_that_was_harmless_at_first_is_noticed_by_what_comes(database, store, beside, first, late):
    [before] = store({"caller": first, "items": [{"to": first}], **beside})
    [key] = store({"caller": late, "items": [{"to": late}], **beside})
    raw = raw_data(database, key)
    assert all(
        one.startswith(SEALED) for one in (raw["caller"], raw["items"][0]["to"], *(raw[name] for name in beside))
    )
    assert read_back(database, key) == {"caller": late, "items": [{"to": late}], **beside}
    assert read_back(database, before)["caller"] == first
    [again] = store({"caller": "none", "items": [], **beside})
    assert raw_data(database, again)["caller"].startswith(SEALED)


@pytest.mark.parametrize("harmless", ["write to ada@mail.example", "@ada", "1 + 1", "+", '"@"', "a@b"])
def test_a_text_with_such_a_sign_is_not_yet_an_address(database, store, harmless):
    for _ in range(2):
        [key] = store({"said": harmless})
        assert raw_data(database, key) == {"said": harmless}


def test_what_people_decided_is_not_marked_by_what_comes(database, now, store):
    store({"sender": "nobody"})
    mark(database, "sender", now, is_personal=False)
    [key] = store({"sender": "info@shop.example"}, at=now + timedelta(seconds=2))
    assert raw_data(database, key) == {"sender": "info@shop.example"}


def test_attributes_beside_the_data_are_sealed_too(database, now, store):
    given = {"traceparent": "00-abc", "email": "ada@mail.example", "calledby": "+46701442108", "level": 3, "gone": None}
    [key] = store({"total": 3}, **given)
    raw = raw_data(database, key, "extensions")
    assert {name for name, value in raw.items() if str(value).startswith(SEALED)} == {"email", "calledby"}
    assert search_shop(database)[0].extensions == given
    mark(database, "traceparent", now)
    mark(database, "email", now, is_personal=False)
    [later] = store({"total": 3}, at=now + timedelta(seconds=2), **given)
    raw = raw_data(database, later, "extensions")
    assert {name for name, value in raw.items() if str(value).startswith(SEALED)} == {"traceparent", "calledby"}
    with database.write() as session:
        session.execute(text("DELETE FROM person_key"))
        session.execute(text("UPDATE person SET erased_at = created_at"))
    told = search_shop(database)[-1].extensions
    assert told == {**given, "email": ERASED, "calledby": ERASED}


def search_shop(database):
    with database.read() as session:
        return search_events(session, filter=parse_filter("source eq 'shop'"), actor=OPERATOR)


def test_a_nested_field_that_comes_later_is_noticed(database, store):
    store({"customer": {"id": 1}})
    [key] = store({"customer": {"id": 1, "email": "ada@mail.example"}})
    assert raw_data(database, key)["customer"]["email"].startswith(SEALED)


def test_a_mark_that_was_rolled_back_is_made_again(database, now, store):
    event = read_event(
        {"id": "x", "source": "shop", "type": "a", "person": "C-1", "data": {"email": "a@b.example"}}, now=now
    )
    with pytest.raises(RuntimeError), database.write() as session:
        record_events(session, [event], ["test"], recognise=recognise, now=now)
        raise RuntimeError
    [key] = store({"email": "a@b.example"}, type="a")
    assert raw_data(database, key)["email"].startswith(SEALED)
    assert read_back(database, key) == {"email": "a@b.example"}


def test_a_shape_that_was_seen_twice_before_a_roll_back_is_looked_at_again(database, now, store):
    documents = [
        {"id": f"x{n}", "source": "shop", "type": "a", "person": "C-1", "data": {"email": "a@b.example"}}
        for n in range(2)
    ]
    with pytest.raises(RuntimeError), database.write() as session:
        for one in documents:
            record_events(session, [read_event(one, now=now)], ["test"], recognise=recognise, now=now)
        raise RuntimeError
    [key] = store({"email": "a@b.example"}, type="a")
    assert raw_data(database, key)["email"].startswith(SEALED)


def test_without_a_personal_field_nothing_is_sealed_and_nobody_gets_a_key(database, store):
    [key] = store({"page": "/cart", "total": 3})
    assert raw_data(database, key) == {"page": "/cart", "total": 3}
    with database.read() as session:
        assert session.exec(select(PersonKey)).all() == []


def test_a_person_has_one_key_and_two_persons_have_two(database, store):
    store({"email": "a@b.example"}, {"email": "c@d.example"})
    store({"email": "a@b.example"}, person="C-2")
    with database.read() as session:
        keys = session.exec(select(PersonKey)).all()
    assert len(keys) == len({one.person_id for one in keys}) == len({one.sealed for one in keys}) == 2


def test_a_mark_holds_for_events_from_then_on_and_the_last_word_is_the_peoples(database, now, store):
    [before] = store({"email": "a@b.example", "colour": "red"})
    assert mark(database, "colour", now) == ("colour", "email")
    assert mark(database, "email", now, is_personal=False) == ("colour",)
    later = now + timedelta(seconds=2)
    [after] = store({"email": "a@b.example", "colour": "red"}, at=later)
    assert raw_data(database, before)["colour"] == "red"
    raw = raw_data(database, after)
    assert raw["email"] == "a@b.example" and raw["colour"].startswith(SEALED)
    assert read_back(database, before) == read_back(database, after)
    for wrong, error in ((("none", "shop"), NotFound), (KIND, Invalid)):
        with pytest.raises(error):
            mark(database, "" if error is Invalid else "colour", now, kind=wrong)


def test_every_reader_gets_it_opened(database, now, store):
    [key] = store({"email": "ada@mail.example", "total": 3})
    with database.read() as session:
        person_id = session.exec(select(Person.id)).one()
        assert "ada@mail.example" in read_timeline(session, person_id, actor=OPERATOR).events[0].detail
        [found] = explore(session, EventQuery(source="shop"), actor=OPERATOR).events
        assert (found.told.id, found.data["email"]) == (key, "ada@mail.example")
        assert "ada@mail.example" in "".join(export_events(session, EventQuery(source="shop"), actor=OPERATOR))
        tree = parse_filter("source eq 'shop'")
        assert search_events(session, filter=tree, actor=OPERATOR)[0].data["email"] == "ada@mail.example"
        view = {"id": "v", "name": "V", "attributes": [
            {"event": KIND[0], "metadata": path, "displayName": path, "aggregationMode": mode, "metadataType": kind}
            for path, mode, kind in (("email", "Value", "string"), ("total", "Sum", "integer"))
        ]}  # fmt: skip
        results = preview_profile(session, view, [person_id], actor=OPERATOR, now=now).results
        assert [one.values for one in results] == [("ada@mail.example",), (3,)]


def test_sums_over_a_sealed_number_are_right(database, now, store):
    store({"amount": 2})
    mark(database, "amount", now)
    store({"amount": 40}, {"amount": 100}, at=now + timedelta(seconds=2))
    view = {"id": "v", "name": "V", "attributes": [
        {"event": "*", "metadata": "amount", "displayName": "a", "aggregationMode": "Sum", "metadataType": "integer"}
    ]}  # fmt: skip
    with database.read() as session:
        person_id = session.exec(select(Person.id)).one()
        [one] = preview_profile(session, view, [person_id], actor=OPERATOR, now=now + timedelta(seconds=3)).results
    assert one.values == (142,)


def test_a_search_in_a_personal_field_says_why_it_cannot_be(database, store):
    store({"customer": {"email": "ada@mail.example"}})
    store({"customer": {"email": 5}}, type="other.thing")
    with database.read() as session:
        for wish in ("data/customer/email eq 'x'", "type eq 'order.placed' and not data/customer/email eq null"):
            with pytest.raises(Invalid, match=r"personal in order\.placed of shop"):
                search_events(session, filter=parse_filter(wish), actor=OPERATOR)
        with pytest.raises(Invalid, match="cannot be searched"):
            explore(session, EventQuery(field="customer.email", value="x"), actor=OPERATOR)
        other = parse_filter("type eq 'never.seen' and data/customer/email eq 'x'")
        assert search_events(session, filter=other, actor=OPERATOR) == []
        assert explore(session, EventQuery(field="total", value="x"), actor=OPERATOR).events == ()


def test_without_the_key_an_event_reads_erased_and_never_fails(database, now, store):
    [key] = store({"email": "ada@mail.example", "total": 3})
    with database.write() as session:
        session.exec(select(PersonKey)).one()
        session.execute(text("DELETE FROM person_key"))
        session.execute(text("UPDATE person SET erased_at = created_at"))
    assert read_back(database, key) == {"email": ERASED, "total": 3}
    [late] = store({"email": "ada@mail.example", "total": 4})
    assert raw_data(database, late)["email"].startswith(SEALED)
    assert read_back(database, late) == {"email": ERASED, "total": 4}
    with database.read() as session:
        assert session.exec(select(PersonKey)).all() == []


def test_a_text_that_only_looks_sealed_stays_as_it_came(database, store):
    texts = [f"{SEALED}1:aaaa", f"{SEALED}999999:aaaa", f"{SEALED}x", SEALED, f"{SEALED}1:a"]
    store({"email": "ada@mail.example"})
    [key] = store({"texts": texts})
    told = read_back(database, key)["texts"]
    assert [told[0], *told[2:]] == [texts[0], *texts[2:]]
    assert told[1] == ERASED  # of a person who is not there


def test_another_vault_key_opens_nothing_and_says_so(database, store):
    [key] = store({"email": "ada@mail.example"})
    know_personal(database, Vault(b"another"))
    with pytest.raises(CxError, match="Put the right key back"):
        read_back(database, key)


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "é"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES)
def test_whatever_is_sealed_comes_back(database, now, store, value):
    if not read_marks(database):
        store({"secret": "x"})
        mark(database, "secret", now)
    [key] = store({"secret": value, "plain": 1}, at=now + timedelta(seconds=2))
    raw = raw_data(database, key)
    assert isinstance(raw["secret"], str) and raw["secret"].startswith(SEALED)
    with database.read() as session:
        assert open_documents(session, [raw]) == [{"secret": value, "plain": 1}]


def read_marks(database):
    with database.read() as session:
        return load_personal(session)
