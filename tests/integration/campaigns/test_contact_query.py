import random
import re
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.search import drain_person_search_queue, queue_persons
from cxconsole.campaigns import contact_query
from cxconsole.campaigns.contact_filter import AllOf, AnyOf, FilterOp, fold, parse_filter
from cxconsole.campaigns.contact_query import CONTACT_SORTS
from cxconsole.campaigns.contacts import list_contacts
from cxconsole.errors import Invalid, NotFound
from models.campaign import CampaignChannel
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactSource, ContactStatus, HoldReason
from models.person import Identity, Person
from tests.integration.campaigns.world import add_campaign, add_contact, add_delivery, add_person, add_source

NAMES = [None, "Amira", "amira", "Åsa", "Bo", "Zoë", "O'Neil", "100%", "a_b"]
WORDS = ["premium", "basic", "42", "7", "-3.5", "007", "1e3", "Größe", "", True, False, 12, 2.5, None]
KEYS = ["plan", "größe", "order total"]
CAMPAIGN = 1001


@pytest.fixture
def crowd(database, now):
    """Sixty contacts of all kinds in one campaign, and ten in another."""
    rng = random.Random(5)
    with database.write() as session:
        campaigns = [add_campaign(session, now, name) for name in ("Spring", "Other")]
        sources = [add_source(session, campaigns[0], now, name) for name in ("south.csv", "north.csv")]
        other = add_source(session, campaigns[1], now)
        sent = 0
        for n in range(70):
            kinds = [kind for kind in ("email", "phone", "customer_id") if rng.random() < 0.7]
            values = {"email": f"P{n % 7}.{n}@example.com", "phone": f"+4670{n:05d}", "customer_id": f"C{n * 37 % 100}"}
            person = add_person(
                session, now, identities={kind: values[kind] for kind in kinds}, first_name=rng.choice(NAMES),
                last_name=rng.choice(NAMES), language=rng.choice([None, "de", "sv", "EN"]),
                time_zone=rng.choice([None, "Europe/Berlin"]), external_ref=rng.choice([None, f"X{n}"]),
                attributes={key: rng.choice(WORDS) for key in KEYS if rng.random() < 0.8},
            )  # fmt: skip
            queue_persons(session, (person.id,))
            status = rng.choice(list(ContactStatus))
            contact = add_contact(
                session, campaigns[n >= 60], person, other if n >= 60 else rng.choice(sources), now, status=status,
                hold_reason=rng.choice(list(HoldReason)) if status is ContactStatus.HELD else None,
                reason=rng.choice([None, "bounced"]) if status is ContactStatus.FAILED else None,
                due_at=rng.choice([None, now + timedelta(hours=n)]),
                last_activity_at=rng.choice([None, now - timedelta(minutes=n % 5)]),
            )  # fmt: skip
            if n < 60 and n % 2:
                reached = rng.choice([(), ("opened_at",), ("opened_at", "clicked_at"), ("unsubscribed_at",)])
                state = rng.choice([DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.ERROR])
                add_delivery(session, contact, now, reached=reached, state=state)
                sent += 1
        session.add(CampaignChannel(
            campaign_id=CAMPAIGN, channel="email", sent=sent, delivered=sent, opened=sent, clicked=sent, failed=sent,
            unsubscribed=sent, bounced=sent,
        ))  # fmt: skip
    with database.write() as session:
        while drain_person_search_queue(session, now=now, limit=50):
            pass
    return database


def choose(monkeypatch, way):
    """The few are gathered, the many are walked or driven by an index; here each way must do with the same contacts."""
    monkeypatch.setattr(contact_query, "GATHER_LIMIT", -1 if way == "walk" else 20_000)
    monkeypatch.setattr(contact_query, "SMALL_CAMPAIGN", 10_000 if way == "gather" else -1)


@pytest.fixture(params=["gather", "drive", "walk"])
def way(request, monkeypatch):
    """Each of the ways in turn."""
    choose(monkeypatch, request.param)
    return request.param


def facts(session):
    """What each contact of the campaign has, as plain Python."""
    addresses = {(one.person_id, one.kind): one.value for one in session.exec(select(Identity))}
    sources = {one.id: one.name for one in session.exec(select(ContactSource))}
    rows = session.exec(
        select(CampaignContact, Person)
        .join(Person, Person.id == CampaignContact.person_id)
        .where(CampaignContact.campaign_id == CAMPAIGN)
    )
    found = {}
    for contact, person in rows:
        values = {name: getattr(person, name) for name in ("first_name", "last_name", "language", "time_zone",
                                                           "preferred_channel", "external_ref")}  # fmt: skip
        values |= {kind: addresses.get((person.id, kind)) for kind in ("email", "phone", "customer_id")}
        values |= {name: getattr(contact, name) for name in ("status", "hold_reason", "reason", "created_at", "due_at",
                                                             "last_activity_at")}  # fmt: skip
        values["name"] = f"{person.first_name or ''} {person.last_name or ''}".strip(" ")
        values["source"] = sources[contact.source_id]
        values |= {f"attributes.{key}": value for key, value in person.attributes.items()}
        found[contact.id] = values
    return found


def as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def holds(tree, values):
    """The reference: what a filter means."""
    if isinstance(tree, AllOf):
        return all(holds(part, values) for part in tree.parts)
    if isinstance(tree, AnyOf):
        return any(holds(part, values) for part in tree.parts)
    value = values.get(tree.field)
    if tree.field.endswith("_at"):
        return {
            FilterOp.EMPTY: value is None,
            FilterOp.FILLED: value is not None,
            FilterOp.GT: value is not None and tree.value != "" and value > tree.value,
            FilterOp.LT: value is not None and tree.value != "" and value < tree.value,
        }[tree.op] if tree.value != "" or tree.op in (FilterOp.EMPTY, FilterOp.FILLED) else False  # fmt: skip
    text, wanted = as_text(value), tree.value
    if tree.op in (FilterOp.GT, FilterOp.LT):
        sign = 1 if tree.op is FilterOp.GT else -1
        if NUMBER.fullmatch(wanted):
            return bool(NUMBER.fullmatch(text)) and sign * float(text) > sign * float(wanted)
        low, high = sorted([fold(text), fold(wanted)])
        return text != "" and low != high and fold(text) == (high if sign > 0 else low)
    return {
        FilterOp.EQ: fold(text) == fold(wanted),
        FilterOp.NE: fold(text) != fold(wanted),
        FilterOp.CONTAINS: fold(wanted) in fold(text),
        FilterOp.STARTS: fold(text).startswith(fold(wanted)),
        FilterOp.EMPTY: text == "",
        FilterOp.FILLED: text != "",
    }[tree.op]


TEXT = [
    "name", "first_name", "last_name", "email", "phone", "customer_id", "language", "time_zone", "external_ref",
    "status", "hold_reason", "reason", "source", *(f"attributes.{key}" for key in KEYS), "attributes.none",
]  # fmt: skip
VALUES = [
    "a", "A", "amira", "AMIRA", "å", "Å", "ö", "de", "en", "p1.", "example", "42", "0", "-3.5", "7.0", "true", "%", "_",
    "'", '"', "prem", "premium", "held", "pending", "north", "c3", "+4670", "größe", "e/b", "\\", "2.5",
]  # fmt: skip
text_conditions = st.builds(
    lambda field, op, value: {"field": field, "op": op, "value": value},
    st.sampled_from(TEXT),
    st.sampled_from(list(FilterOp)).map(str),
    st.sampled_from(VALUES) | st.text("aAåÅ%_ö1.", min_size=1, max_size=3),
)
time_conditions = st.builds(
    lambda field, op, value: {"field": field, "op": op, "value": value},
    st.sampled_from(["created_at", "due_at", "last_activity_at"]), st.sampled_from(["gt", "lt", "empty", "filled"]),
    st.sampled_from(["2026-05-19T10:00:00Z", "2026-05-19T11:58:00+02:00", "2026-05-20"]),
)  # fmt: skip
trees = st.recursive(
    text_conditions | time_conditions,
    lambda inner: st.builds(
        lambda word, parts: {word: parts}, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


def test_a_filter_finds_exactly_whom_it_means(crowd, way):
    with crowd.read() as session:
        everybody = facts(session)

        @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(trees)
        def check(raw):
            tree = parse_filter(raw)
            page = list_contacts(session, CAMPAIGN, actor=OPERATOR, filter=tree, limit=200)
            expected = sorted((key for key, values in everybody.items() if holds(tree, values)), reverse=True)
            assert [row.id for row in page.items] == expected
            assert page.total == len(expected)
            assert not page.total_is_capped

        check()


def list_ids(session, **query):
    page = list_contacts(session, CAMPAIGN, actor=OPERATOR, **{"limit": 200, **query})
    assert page.total == len(page.items)
    return [row.id for row in page.items]


def test_each_sort_orders_by_value_with_the_empty_ones_last(crowd, way):
    with crowd.read() as session:
        everybody = facts(session)
        for sort, sign in product(CONTACT_SORTS, ("", "-")):
            ids = list_ids(session, sort=sign + sort)
            assert sorted(ids) == sorted(everybody)
            field = "last_name" if sort == "name" else sort
            values = [everybody[key].get(field) if sort != "id" else key for key in ids]
            filled = [value for value in values if value is not None]
            assert values[len(filled) :] == [None] * (len(values) - len(filled)), sort
            # how text with other letters is ordered is the database's matter
            if sort in ("id", "phone", "customer_id", "due_at", "created_at", "last_activity_at", "status", "source"):
                assert filled == sorted(filled, reverse=bool(sign)), sort


def test_all_ways_give_one_order_and_pages_leave_nobody_out(crowd, monkeypatch):
    german = parse_filter({"field": "language", "op": "ne", "value": "de"})
    queries = ({}, {"filter": german}, {"status": "pending"}, {"source_id": 1}, {"delivery": {"email": "sent"}})
    with crowd.read() as session:
        for sort, sign, query in product(CONTACT_SORTS, ("", "-"), queries):
            choose(monkeypatch, "gather")
            gathered = list_ids(session, sort=sign + sort, **query)
            choose(monkeypatch, "walk")
            walked, offset = [], 0
            while offset is not None:
                page = list_contacts(
                    session, CAMPAIGN, actor=OPERATOR, sort=sign + sort, limit=17, offset=offset, **query
                )
                walked += [row.id for row in page.items]
                offset = page.next_offset
            assert sorted(walked) == sorted(gathered)
            if sort not in ("status", "source"):
                assert walked == gathered, (sort, query)


def test_queries_by_status_source_hold_and_delivery_find_whom_they_name(crowd, way):
    with crowd.read() as session:
        everybody = facts(session)
        deliveries = {one.contact_id: one for one in session.exec(select(CommDelivery))}
        for status in ContactStatus:
            assert set(list_ids(session, status=status)) == {k for k, v in everybody.items() if v["status"] == status}
        for reason in HoldReason:
            found = {k for k, v in everybody.items() if v["hold_reason"] == reason}
            assert set(list_ids(session, hold_reason=reason)) == found
        south = {k for k, v in everybody.items() if v["source"] == "south.csv"}
        assert set(list_ids(session, source_id=1)) == south
        assert set(list_ids(session, source_id=1, status="pending")) == {
            k for k in south if everybody[k]["status"] == "pending"
        }
        assert list_ids(session, source_id=3) == []
        made = {k: d for k, d in deliveries.items() if k in everybody}
        expected = {
            "none": everybody.keys() - made.keys(),
            "failed": {k for k, d in made.items() if d.state == "E"},
            "sent": {k for k, d in made.items() if d.state in ("S", "delivered")},
            "delivered": {k for k, d in made.items() if d.state == "delivered"},
            "opened": {k for k, d in made.items() if d.opened_at},
            "clicked": {k for k, d in made.items() if d.clicked_at},
            "unsubscribed": {k for k, d in made.items() if d.unsubscribed_at},
            "waiting": set(),
        }
        for state, ids in expected.items():
            assert set(list_ids(session, delivery={"email": state})) == ids, state
        assert list_ids(session, delivery={"sms": "sent"}) == []


SEARCHES = {
    "AMIRA": lambda v: "amira" in v["name"].lower(),
    "asa": lambda v: "Åsa" in v["name"],
    "zoe": lambda v: "Zoë" in v["name"],
    "p3. example": lambda v: (v["email"] or "").startswith("P3."),
    "00042": lambda v: (v["phone"] or "").endswith("00042"),
    "o'n": lambda v: "O'Neil" in v["name"],
    "00%": lambda v: "100%" in v["name"],
    "a_b": lambda v: "a_b" in v["name"],
    "bo": lambda v: "Bo" in v["name"],
    "premium": lambda v: "premium" in [v.get(f"attributes.{key}") for key in KEYS],
    "amira bo": lambda v: "amira" in v["name"].lower() and "Bo" in v["name"],
    "nobody at all": lambda v: False,
}


def test_a_search_looks_at_every_field_for_each_word(crowd, way):
    with crowd.read() as session:
        everybody = facts(session)
        for q, fits in SEARCHES.items():
            expected = sorted((key for key, values in everybody.items() if fits(values)), reverse=True)
            assert list_ids(session, q=q) == expected, q
            assert list_ids(session, q=q, sort="id") == expected[::-1], q


def test_a_long_list_counts_to_ten_thousand_and_says_so(crowd, monkeypatch):
    choose(monkeypatch, "walk")
    monkeypatch.setattr(contact_query, "COUNT_CAP", 5)
    some = parse_filter({"field": "created_at", "op": "filled"})
    with crowd.read() as session:
        page = list_contacts(session, CAMPAIGN, actor=OPERATOR, filter=some, limit=10, offset=20)
        assert (page.total, page.total_is_capped, page.next_offset, len(page.items)) == (30, True, 30, 10)
        assert list_contacts(session, CAMPAIGN, actor=OPERATOR).total == 60


def test_what_is_asked_wrongly_is_refused(crowd):
    with crowd.read() as session:
        with pytest.raises(Invalid) as caught:
            list_contacts(session, CAMPAIGN, actor=OPERATOR, status="gone")
        assert caught.value.errors[0].loc == "status"
        for wrong in ({"hold_reason": "x"}, {"delivery": {"fax": "sent"}}, {"delivery": {"email": "x"}}, {"sort": "x"}):
            with pytest.raises(Invalid):
                list_contacts(session, CAMPAIGN, actor=OPERATOR, **wrong)
        with pytest.raises(NotFound):
            list_contacts(session, 77, actor=OPERATOR)
