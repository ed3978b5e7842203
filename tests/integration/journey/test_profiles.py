"""Profiles of persons on the Tape: the same on both databases, only for whom they are, fresh when they must be."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxconsole.accounts.actor import ENGINE, OPERATOR, Actor
from cxconsole.audience.merging import merge_persons
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from cxconsole.journey import profile_events
from cxconsole.journey.attribute_reader import read_attributes
from cxconsole.journey.filtering import parse_filter
from cxconsole.journey.profile_cache import Built, ProfileCache
from cxconsole.journey.profile_events import compute_outcomes
from cxconsole.journey.profile_views import delete_view, get_view, list_views, save_view
from cxconsole.journey.profiles import (
    Search,
    preview_profile,
    read_profile,
    read_profile_fields,
    read_profiles,
    read_taken_events,
)
from cxconsole.journey.reading import find_history
from cxconsole.journey.tape import append_events
from tests.integration.campaigns.world import add_person
from tests.unit.journey.profile_reference import nearly, profile_of
from tests.unit.journey.test_aggregation import EVENTS, SEVERAL

AGENT = Actor(kind="key", name="key:1", rights=frozenset({"profiles.read"}))
BILLING = Actor(kind="key", name="key:2", rights=frozenset({"profiles.read", "profile.billing"}))
EDITOR = Actor(kind="key", name="key:3", rights=frozenset({"profiles.*"}))


def count(name="Visits", event="page.viewed", **more):
    return {"displayName": name, "event": event, "aggregationMode": "Count", **more}


def amount(**more):
    return {
        "displayName": "Owed", "event": "invoice", "metadata": "amount", "metadataType": "double",
        "aggregationMode": "Sum", **more,
    }  # fmt: skip


@pytest.fixture
def amira(database, now):
    with database.write() as session:
        return add_person(session, now, first_name="Amira", identities={"email": "amira@posteo.example"}).id


@pytest.fixture
def cache():
    return ProfileCache()


def write(database, person_id, now, *rows):
    """Events of others: (minutes ago, type, data)."""
    write.number = getattr(write, "number", 0)
    made = []
    for ago, kind, data in rows:
        write.number += 1
        made.append(
            {
                "person_id": person_id, "time": now - timedelta(minutes=ago), "type": kind, "source": "shop",
                "event_id": f"e{write.number}", "data": data,
            }
        )  # fmt: skip
    with database.write() as session:
        append_events(session, made)


def save(database, now, *attributes, actor=OPERATOR, **more):
    with database.write() as session:
        return save_view(session, {"id": "service", "attributes": list(attributes), **more}, actor=actor, now=now)


def read(database, person_id, cache, now, actor=OPERATOR, **wish):
    with database.read() as session:
        family = find_history(session, person_id)
        return read_profile(session, family, "service", profiles=cache, actor=actor, now=now, **wish)


def values(profile):
    return {one.attribute.name: list(one.values) for one in profile.results}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, wanted=SEVERAL, split=st.integers(0, 2), first=st.integers(1, 9))
def test_the_database_comes_to_what_plain_python_comes_to(database, now, monkeypatch, events, wanted, split, first):
    monkeypatch.setattr(profile_events, "FIRST_BLOCK", first)
    numbered = []
    with database.write() as session:
        family = [add_person(session, now).id for _ in range(split + 1)]
        for place, (age, kind, data) in enumerate(events):
            time = now - timedelta(minutes=age)
            row = {"person_id": family[place % len(family)], "time": time, "type": kind, "data": data}
            append_events(session, [row])
            numbered.append((time, place, kind, data))
        outcomes = compute_outcomes(session, {family[0]: family}, wanted, now=now)[family[0]]
    for attribute, outcome in zip(wanted, outcomes, strict=True):
        assert list(outcome.values) == nearly(profile_of(attribute, numbered, now)), attribute


def test_a_view_is_kept_changed_listed_and_taken_away(database, now):
    made = save(database, now, count(), name="Service")
    assert (made.key, made.name, made.version, made.datapoint_count) == ("service", "Service", 1, 1)
    assert save(database, now, count(), count("Opened", "comm.opened"), name="Service").version == 2
    with database.write() as session:
        assert [one.name for one in get_view(session, "service", actor=AGENT).attributes] == ["Visits", "Opened"]
        unnamed = save_view(session, {"attributes": [count()], "name": "Good to know"}, actor=EDITOR, now=now)
        assert unnamed.key == "good-to-know"
        with pytest.raises(Conflict):
            save_view(session, {"id": "service", "attributes": [count()]}, version=1, actor=EDITOR, now=now)
        with pytest.raises(Invalid) as told:
            save_view(session, {"attributes": [count(limit=0)], "id": 7, "roles": "x"}, actor=EDITOR, now=now)
        assert {one.loc for one in told.value.errors} == {"attributes[0].limit", "id", "roles"}
        delete_view(session, "service", actor=EDITOR, now=now)
        assert [one.key for one in list_views(session, actor=AGENT)] == ["good-to-know"]
        for call in (get_view, lambda *args, actor: delete_view(*args, actor=actor, now=now)):
            with pytest.raises(NotFound):
                call(session, "service", actor=EDITOR)


def test_who_may_not_is_refused(database, now, amira, cache):
    save(database, now, count())
    nobody = Actor(kind="key", name="key:9", rights=frozenset({"persons.read"}))
    with database.write() as session:
        for call in (
            lambda: save_view(session, {"attributes": [count()]}, actor=AGENT, now=now),
            lambda: delete_view(session, "service", actor=AGENT, now=now),
            lambda: list_views(session, actor=nobody),
            lambda: read_profiles(session, amira, profiles=cache, actor=nobody, now=now),
            lambda: read_profile(session, [amira], "service", profiles=cache, actor=nobody, now=now),
            lambda: preview_profile(session, {"attributes": [count()]}, [amira], actor=nobody, now=now),
        ):
            with pytest.raises(Forbidden):
                call()


def test_the_past_of_who_was_merged_is_part_of_it(database, now, amira, cache):
    with database.write() as session:
        other = add_person(session, now).id
    write(database, other, now, (30, "page.viewed", {"page": "/old"}))
    write(database, amira, now, (10, "page.viewed", {"page": "/new"}), (50, "page.viewed", {"page": "/older"}))
    save(database, now, count(), {**count("Pages"), "aggregationMode": "Value", "metadata": "page"})
    assert values(read(database, amira, cache, now)) == {"Visits": [2], "Pages": ["/new", "/older"]}
    with database.write() as session:
        merge_persons(session, {other: amira}, actor="operator", now=now)
    for person_id in (amira, other):
        assert values(read(database, person_id, cache, now))["Pages"] == ["/new", "/old", "/older"]


def test_a_kept_profile_is_used_until_it_is_too_old_or_something_happens(database, now, amira, cache):
    save(database, now, count(lookbackDurationType="hours", lookbackPeriod=1))
    write(database, amira, now, (50, "page.viewed", {}))
    first = read(database, amira, cache, now)
    later = now + timedelta(minutes=14)
    assert read(database, amira, cache, later) == first, "it would be empty now"
    assert values(read(database, amira, cache, later, max_age=timedelta(minutes=10)))["Visits"] == [0]
    write(database, amira, now, (-1, "page.viewed", {}))
    assert values(read(database, amira, cache, later))["Visits"] == [1], "an event came"


def test_an_event_that_comes_late_is_seen_by_who_watches(database, now, amira, cache):
    save(database, now, count())
    write(database, amira, now, (5, "page.viewed", {}))
    read(database, amira, cache, now)
    write(database, amira, now, (50, "page.viewed", {}))
    assert values(read(database, amira, cache, now))["Visits"] == [1], "its own time is before the newest"
    cache.forget({amira})
    assert values(read(database, amira, cache, now))["Visits"] == [2]
    write(database, amira, now, (60, "page.viewed", {}))
    cache.forget({amira + 1})
    assert values(read(database, amira, cache, now))["Visits"] == [2]
    cache.forget(None)
    assert values(read(database, amira, cache, now))["Visits"] == [3]


def test_a_changed_view_is_built_anew(database, now, amira, cache):
    write(database, amira, now, (5, "page.viewed", {}), (4, "cart", {}))
    save(database, now, count())
    assert values(read(database, amira, cache, now)) == {"Visits": [1]}
    save(database, now, count(event="*"))
    assert values(read(database, amira, cache, now)) == {"Visits": [2]}


def test_a_view_that_was_taken_away_and_made_again_is_built_anew(database, now, amira, cache):
    save(database, now, count())
    write(database, amira, now, (5, "page.viewed", {}), (3, "comm.opened", {}), (2, "comm.opened", {}))
    assert values(read(database, amira, cache, now)) == {"Visits": [1]}
    with database.write() as session:
        delete_view(session, "service", actor=EDITOR, now=now)
    save(database, now + timedelta(seconds=1), count("Opened", "comm.opened"), count())
    assert values(read(database, amira, cache, now)) == {"Opened": [2], "Visits": [1]}


def test_the_cache_stays_small(now):
    cache = ProfileCache(most_values=200)
    for person_id in range(10):
        built = Built(outcomes=(), family=(person_id,), newest=None, built_at=now)
        cache.keep(("view", now, 1, person_id, ""), built)
    found = [
        cache.find(("view", now, 1, one, ""), newest=None, max_age=timedelta(minutes=1), now=now) is not None
        for one in range(10)
    ]
    assert found == [False] * 6 + [True] * 4


def test_a_search_narrows_the_events(database, now, amira, cache):
    save(database, now, count())
    write(database, amira, now, (5, "page.viewed", {"page": "/a"}), (4, "page.viewed", {"page": "/b"}))
    search = Search(text="data/page eq '/a'", tree=parse_filter("data/page eq '/a'"), people={})
    assert values(read(database, amira, cache, now, search=search)) == {"Visits": [1]}
    assert values(read(database, amira, cache, now)) == {"Visits": [2]}


def test_an_attribute_is_shown_only_when_its_rules_hold(database, now, amira, cache):
    rules = {"logic": "AND", "args": ["'page.viewed','','Count' GTE 2", "'cart','name','Value' HAS bike"]}
    name = {"displayName": "Cart", "event": "cart", "metadata": "name", "aggregationMode": "Value"}
    save(database, now, count(), {**name, "rules": rules}, amount())
    write(database, amira, now, (5, "page.viewed", {}), (4, "cart", {"name": "red bike"}))
    assert values(read(database, amira, cache, now)) == {"Visits": [1], "Cart": [], "Owed": [0]}
    write(database, amira, now, (3, "page.viewed", {}))
    assert values(read(database, amira, cache, now))["Cart"] == ["red bike"]


class TestCompartments:
    """Billing sees amounts, level 1 does not, whatever level 1 tries."""

    @pytest.fixture(autouse=True)
    def world(self, database, now, amira):
        save(database, now, count(), amount(compartment="billing"))
        with database.write() as session:
            document = {"id": "money", "roles": ["billing"], "attributes": [count("Invoices", "invoice")]}
            save_view(session, document, actor=OPERATOR, now=now)
        write(database, amira, now, (5, "invoice", {"amount": 100.5, "number": 7}), (4, "page.viewed", {}))

    def test_an_attribute_and_a_view_are_for_whom_they_are(self, database, now, amira, cache):
        def seen(actor):
            with database.read() as session:
                profiles = read_profiles(session, amira, profiles=cache, actor=actor, now=now)
            return {one.key: values(one) for one in profiles}

        assert seen(AGENT) == {"service": {"Visits": [1]}}
        assert seen(BILLING) == {"service": {"Visits": [1], "Owed": [100.5]}, "money": {"Invoices": [1]}}
        assert seen(AGENT) == {"service": {"Visits": [1]}}, "also from what is kept"
        with database.read() as session:
            assert [one.name for one in list_views(session, actor=AGENT)[0].attributes] == ["Visits"]
            with pytest.raises(NotFound):
                read_profile(session, [amira], "money", profiles=cache, actor=AGENT, now=now)

    @pytest.mark.parametrize(
        "attribute",
        [
            amount(), amount(event="*"), amount(event="invoice/*"), amount(metadata="amount[]"),
            amount(aggregationMode="Count"), amount(compartment="other"),
        ],
    )  # fmt: skip
    def test_a_view_of_ones_own_does_not_get_round_it(self, database, now, amira, attribute):
        with database.read() as session:
            for actor, wanted in ((AGENT, {"Visits"}), (OPERATOR, {"Visits", "Owed"})):
                document = {"attributes": [count(), attribute]}
                profile = preview_profile(session, document, [amira], actor=actor, now=now)
                assert set(values(profile)) == wanted

    def test_rules_do_not_tell(self, database, now, amira):
        rules = {"logic": "SINGLE", "args": ["'invoice','amount','Sum' GT 100"]}
        with database.read() as session:
            document = {"attributes": [count(rules=rules), amount()]}
            assert values(preview_profile(session, document, [amira], actor=AGENT, now=now)) == {"Visits": []}
            assert values(preview_profile(session, document, [amira], actor=BILLING, now=now))["Visits"] == [1]

    def test_events_are_told_without_it(self, database, now, amira):
        with database.read() as session:
            document = {"attributes": [count("Invoices", "invoice", verbose=True)]}
            for actor, wanted in ((AGENT, {"number": 7}), (BILLING, {"number": 7, "amount": 100.5})):
                profile = preview_profile(session, document, [amira], actor=actor, now=now)
                [event] = read_taken_events(session, profile, actor=actor).values()
                assert event.data == wanted

    def test_a_search_does_not_tell(self, database, now, amira, cache):
        search = Search(text="x", tree=parse_filter("not (data/amount ge 100 or type eq 'x')"), people={})
        with pytest.raises(Forbidden):
            read(database, amira, cache, now, actor=AGENT, search=search)

    def test_who_does_not_see_it_does_not_change_it(self, database, now):
        for attributes in ([count()], [amount()], [amount(compartment="billing")]):
            with pytest.raises(Forbidden):
                save(database, now, *attributes, actor=EDITOR)
        with database.write() as session, pytest.raises(Forbidden):
            delete_view(session, "service", actor=EDITOR, now=now)

    def test_messages_have_it_and_previews_only_for_whom_it_is(self, database, now, amira):
        with database.read() as session:
            for actor, wanted in ((ENGINE, {"owed": 100.5, "visits": 1}), (AGENT, {"visits": 1})):
                found = read_profile_fields(session, [amira], ["owed", "visits"], actor=actor, now=now)
                assert found == {amira: wanted}


def test_fields_for_messages_are_read_for_many_at_once(database, now, monkeypatch):
    monkeypatch.setattr(profile_events, "_PERSONS_AT_ONCE", 7)
    page = {"displayName": "Last page", "event": "page.viewed", "metadata": "page", "aggregationMode": "Value"}
    save(database, now, count(), {**page, "limit": 1}, {**page, "displayName": "Pages", "limit": 3})
    with database.write() as session:
        ids = [add_person(session, now).id for _ in range(20)]
    for place, person_id in enumerate(ids):
        write(database, person_id, now, *((n, "page.viewed", {"page": f"/{n}"}) for n in range(place)))
    with database.read() as session:
        found = read_profile_fields(session, ids, ["visits", "last_page", "pages", "unknown"], actor=ENGINE, now=now)
    assert found[ids[0]] == {"visits": 0}
    assert found[ids[2]] == {"visits": 2, "last_page": "/0", "pages": ["/0", "/1"]}
    assert [found[one]["visits"] for one in ids] == list(range(20))


def test_views_of_stored_shape_are_read_as_they_were_saved(database, now):
    given = [count(limit=5, verbose=True, widgetAttributes={"type": "table"}), amount(compartment="billing")]
    save(database, now, *given)
    with database.read() as session:
        assert get_view(session, "service", actor=OPERATOR).attributes == read_attributes(given)
