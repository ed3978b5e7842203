"""Who changed what may come in, and what is personal in it, is told by the Tape, by ids alone."""

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.accounts.apps import change_attributes, create_app
from cxconsole.accounts.vault import Vault
from cxconsole.audience.recognition import recognise
from cxconsole.errors import CxError
from cxconsole.journey.cloud_event import read_event
from cxconsole.journey.personal_fields import mark_field
from cxconsole.journey.quarantine import drop_quarantined, list_quarantined, replay_quarantined
from cxconsole.journey.registry import Registry
from cxconsole.journey.sources import SourceRules, change_source, list_sources, set_aside
from cxconsole.journey.webhooks import change_webhook, create_webhook
from models.event import Event
from models.journey import PersonalField

VAULT = Vault(b"x" * 32)
READER = Actor(kind="key", name="key:1", rights=frozenset({"events.read"}))


@pytest.fixture
def change(database, now):
    """Do it, and tell the events of the product that this left."""

    def run(work, actor=OPERATOR):
        with database.write() as session:
            work(session, actor)
        with database.read() as session:
            own = select(Event).where(Event.source == "cxconsole").order_by(Event.id)
            return [(one.type, one.actor, one.data) for one in session.exec(own)]

    return run


@pytest.fixture
def source(database, now):
    """A source that has sent two events which wait in quarantine; its id."""
    events = [
        read_event({"id": str(n), "source": "shop", "type": "order.placed", "person": "C-1", "data": {"a": 1}}, now=now)
        for n in range(2)
    ]
    with database.write() as session:
        SourceRules().judge(session, events, now=now)
        registry = Registry()
        registry.note(events)
        registry.write(session, now=now)
        set_aside(session, events, now=now)
        return list_sources(session, actor=OPERATOR)[0].id


def test_the_rules_of_a_source(change, source, now):
    def block(session, actor):
        change_source(session, source, {"state": "blocked", "per_second": 5}, actor=actor, now=now)

    told = change(block)
    assert told == [
        ("source.changed", "operator", {"event_source_id": source, "fields": ["per_second", "state"]})
    ]  # fmt: skip
    with pytest.raises(CxError):
        change(block, READER)


def test_a_field_that_is_marked_and_one_that_is_not(change, database, source, now):
    def mark(is_personal):
        return lambda session, actor: mark_field(
            session, ("order.placed", "shop"), "a", is_personal=is_personal, actor=actor, now=now
        )

    change(mark(True))
    told = change(mark(False))
    with database.read() as session:
        row = session.exec(select(PersonalField)).one()
    assert [(kind, data["personal_field_id"], data["is_personal"]) for kind, _, data in told] == [
        ("source.changed", row.id, True), ("source.changed", row.id, False),
    ]  # fmt: skip


def test_what_was_set_aside_and_is_stored_or_dropped(change, source, now):
    def settle(session, actor):
        first, second = (one.id for one in list_quarantined(session, "shop", actor=actor))
        drop_quarantined(session, [first], actor=actor, now=now)
        replay_quarantined(session, [second], recognise=recognise, actor=actor, now=now)
        drop_quarantined(session, [first], actor=actor, now=now)  # it is gone, so nothing is done

    told = [data for kind, _, data in change(settle) if kind == "source.changed"]
    assert told == [{"change": "dropped", "count": 1}, {"change": "replayed", "count": 1}]


def test_a_webhook_and_an_app(change, now):
    def work(session, actor):
        hook = create_webhook(session, "Hook", "crm", vault=VAULT, actor=actor, now=now)
        change_webhook(session, hook.id, {"state": "paused"}, vault=VAULT, actor=actor, now=now)
        create_app(session, "shop", vault=VAULT, actor=actor, now=now)
        change_attributes(session, "shop", {"allowedOrigins": ["https://shop.example"]}, actor=actor, now=now)

    told = change(work)
    assert [kind for kind, _, _ in told] == ["key.created", "webhook.changed", "key.created", "key.changed"]
    assert told[1][2]["fields"] == ["state"]
    assert "shop.example" not in str(told)
