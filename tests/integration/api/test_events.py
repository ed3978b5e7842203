"""`POST /api/v1/events`: a verdict for each event."""

import uuid

from sqlmodel import select

from models.event import Event
from models.journey import EventSource, QuarantinedEvent

URL = "/api/v1/events"


def event(**more):
    return {"id": str(uuid.uuid4()), "source": "shop", "type": "order.placed", "person": "C-1", "data": {}} | more


def test_each_event_gets_its_verdict(client):
    good = event()
    answer = client.post(URL, json=[good, good, event(type=""), event(colour="red"), 7])
    assert answer.status_code == 207
    assert [(one["index"], one["id"] is not None, one["status"]) for one in answer.json()] == [
        (0, True, "accepted"), (1, True, "duplicate"), (2, True, "rejected"), (3, True, "rejected"),
        (4, False, "rejected"),
    ]  # fmt: skip
    assert [one["reason"] for one in answer.json()][2:] == [
        "type: This needs 1 to 120 printable characters.", "colour: This field is not known.",
        "An event is a JSON object.",
    ]  # fmt: skip


def test_a_key_needs_the_right_and_a_list_its_bounds(stranger, key_for):
    assert stranger.post(URL, json=[event()], headers=key_for("events.read")).status_code == 403
    assert stranger.post(URL, json=[event()], headers=key_for("events.write")).status_code == 207
    assert stranger.post(URL, json=[], headers=key_for("all")).status_code == 422
    assert stranger.post(URL, json=[{}] * 1_001, headers=key_for("all")).status_code == 413


def test_the_rules_of_a_source_hold(client, application):
    def with_rules(name, **rules):
        client.post(URL, json=[event(source=name)])
        with application.database.write() as session:
            row = session.exec(select(EventSource).where(EventSource.name == name)).one()
            for key, value in rules.items():
                setattr(row, key, value)
            session.add(row)
        application.intake.forget_rules()
        sent = [event(source=name, id=f"{name}-{n}", type=f"t.{n % 2}") for n in range(10)]
        return [one["status"] for one in client.post(URL, json=sent).json()]

    assert set(with_rules("blocked", state="blocked")) == {"rejected"}
    assert set(with_rules("held", state="quarantined")) == {"quarantined"}
    assert with_rules("typed", allowed_types=["t.0"]) == ["accepted", "rejected"] * 5
    assert with_rules("fast", per_second=3) == ["accepted"] * 3 + ["rejected"] * 7
    assert with_rules("aside", per_second=3, excess="quarantine") == ["accepted"] * 3 + ["quarantined"] * 7
    sampled = with_rules("sampled", sample_percent=50)
    assert set(sampled) == {"accepted", "sampled_out"}
    again = [event(source="sampled", id=f"sampled-{n}", type=f"t.{n % 2}") for n in range(10)]
    repeated = [one["status"] for one in client.post(URL, json=again).json()]
    assert repeated == ["duplicate" if one == "accepted" else one for one in sampled]
    with application.database.read() as session:
        assert len(session.exec(select(QuarantinedEvent)).all()) == 17
        stored = session.exec(select(Event.source).where(Event.source != "cxconsole")).all()
    assert {name: stored.count(name) for name in set(stored)} == {
        "blocked": 1, "held": 1, "typed": 6, "fast": 4, "aside": 4, "sampled": 1 + sampled.count("accepted"),
    }  # fmt: skip
