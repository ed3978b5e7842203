"""What was set aside can be stored after all, once, or dropped."""

from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.recognition import recognise
from cxconsole.journey.cloud_event import read_event
from cxconsole.journey.quarantine import drop_quarantined, list_quarantined, replay_quarantined
from cxconsole.journey.sources import SourceRules, list_sources, set_aside
from models.event import Event


def test_a_replay_stores_once_as_it_came_and_dropping_forgets(database, now):
    documents = [
        {"id": f"e{n}", "source": "shop", "type": "a", "person": "C-1", "time": "2026-05-01T09:00:00Z",
         "data": {"n": n}, "traceparent": "00"}
        for n in range(3)
    ]  # fmt: skip
    events = [read_event(one, now=now) for one in [*documents, documents[0]]]
    with database.write() as session:
        set_aside(session, events, now=now)
        waiting = [one.id for one in list_quarantined(session, "shop", actor=OPERATOR)]
    assert len(waiting) == 4
    with database.write() as session:
        assert drop_quarantined(session, waiting[2:3], actor=OPERATOR, now=now) == 1
        assert replay_quarantined(session, waiting, recognise=recognise, actor=OPERATOR, now=now) == 2
        assert replay_quarantined(session, waiting, recognise=recognise, actor=OPERATOR, now=now) == 0
        assert list_quarantined(session, "shop", actor=OPERATOR) == []
        stored = session.exec(select(Event).where(Event.source == "shop").order_by(Event.id)).all()
    assert [(one.event_id, one.data, one.extensions) for one in stored] == [
        ("e0", {"n": 0}, {"traceparent": "00"}), ("e1", {"n": 1}, {"traceparent": "00"}),
    ]  # fmt: skip
    assert all(one.time == events[0].time for one in stored)


def test_what_is_set_aside_is_counted_by_source_up_to_a_limit(database, now, monkeypatch):
    monkeypatch.setattr("cxconsole.journey.sources.COUNTED", 3)
    documents = [
        {"id": f"e{n}", "source": source, "type": "a", "person": "C-1", "data": {}}
        for source, count in (("few", 2), ("many", 9), ("none", 0), ("first", 1))
        for n in range(count)
    ]
    with database.write() as session:
        SourceRules().judge(session, [read_event({**documents[0], "source": "none"}, now=now)], now=now)
        events = [read_event(one, now=now) for one in documents]
        SourceRules().judge(session, events, now=now)
        set_aside(session, events, now=now)
        counted = {one.name: one.quarantined for one in list_sources(session, actor=OPERATOR)}
    assert counted == {"few": 2, "first": 1, "many": 4, "none": 0}
