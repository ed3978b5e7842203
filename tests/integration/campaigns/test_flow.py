import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.directory import get_campaign
from cxconsole.campaigns.flow import Step, graph_of, graph_problems, set_steps, steps_of
from cxconsole.campaigns.lifecycle import create_campaign
from cxconsole.errors import Conflict, Invalid
from models.campaign import Flow


@pytest.fixture
def campaign_id(database, now):
    with database.write() as session:
        return create_campaign(session, "A", actor=OPERATOR, now=now).id


def locs_of(refused):
    return [one.loc for one in refused.value.errors]


def test_steps_become_a_graph_and_are_read_as_a_line_again(database, now, campaign_id, make_step):
    with database.write() as session:
        mail, text = make_step(session), make_step(session, channel="sms")
        set_steps(
            session, campaign_id, [mail, {**text, "delay": "P2D", "only_if_not": "opened"}], actor=OPERATOR, now=now
        )
        graph = session.exec(select(Flow)).one().graph
        assert graph["start"] == "s1" and [node["id"] for node in graph["nodes"]] == ["s1", "s2"]
        assert graph["edges"] == [{"source": "s1", "target": "s2", "delay": "P2D", "unless": "opened"}]
        assert list(get_campaign(session, campaign_id, actor=OPERATOR).steps) == [
            Step(id="s1", channel="email", template_id=int(mail["template_id"]), gateway_id=int(mail["gateway_id"])),
            Step(
                id="s2", channel="sms", template_id=int(text["template_id"]), gateway_id=int(text["gateway_id"]),
                delay="P2D", only_if_not="opened",
            ),
        ]  # fmt: skip


def test_every_change_is_a_version_and_none_is_changed(database, now, campaign_id, make_step):
    with database.write() as session:
        step = make_step(session)
        set_steps(session, campaign_id, [step], actor=OPERATOR, now=now)
        campaign = set_steps(session, campaign_id, [step], actor=OPERATOR, now=now)
        assert (campaign.flow_version, campaign.version) == (1, 2)  # the same again is no change
        set_steps(session, campaign_id, [], version=2, actor=OPERATOR, now=now)
        assert [len(one.graph["nodes"]) for one in session.exec(select(Flow).order_by(Flow.version)).all()] == [1, 0]
        with pytest.raises(Conflict):
            set_steps(session, campaign_id, [step], version=2, actor=OPERATOR, now=now)


def test_a_step_may_be_unfinished(database, now, campaign_id):
    with database.write() as session:
        set_steps(session, campaign_id, [{"channel": "email", "template_id": None}], actor=OPERATOR, now=now)
        assert get_campaign(session, campaign_id, actor=OPERATOR).steps[0].template_id is None


def test_each_bad_field_of_a_step_is_named(database, now, campaign_id, make_step):
    with database.write() as session:
        mail, text = make_step(session), make_step(session, channel="sms")
        steps = [
            {**mail, "delay": "P1D", "only_if_not": "sent"},
            {**mail, "delay": "soon", "only_if_not": "laughed"},
            {**mail, "template_id": text["template_id"], "gateway_id": "999"},
            {**mail, "template_id": "x", "gateway_id": True, "colour": "red"},
            {**mail, "channel": "letter", "delay": "P400D"},
            "mail",
        ]
        with pytest.raises(Invalid) as refused:
            set_steps(session, campaign_id, steps, actor=OPERATOR, now=now)
        assert sorted(locs_of(refused)) == [
            "steps.0.delay", "steps.0.only_if_not", "steps.1.delay", "steps.1.only_if_not", "steps.2.gateway_id",
            "steps.2.template_id", "steps.3.colour", "steps.3.gateway_id", "steps.3.template_id", "steps.4.channel",
            "steps.4.delay", "steps.5",
        ]  # fmt: skip
        assert session.exec(select(Flow)).all() == []


def test_there_is_an_end_to_the_number_of_steps(database, now, campaign_id, make_step):
    with database.write() as session, pytest.raises(Invalid, match="At most 50"):
        set_steps(session, campaign_id, [make_step(session)] * 51, actor=OPERATOR, now=now)


LINE = graph_of([Step(id=f"s{n}", channel="email", template_id=1, gateway_id=1) for n in (1, 2, 3)])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"start": None, "nodes": [], "edges": []}, None),
        ({"start": "s9"}, "not one of the steps"),
        ({"nodes": [*LINE["nodes"], LINE["nodes"][0]]}, "same id"),
        ({"edges": [*LINE["edges"], {"source": "s3", "target": "s1"}]}, "loop"),
        ({"edges": [*LINE["edges"], {"source": "s3", "target": "s9"}]}, "not there"),
        ({"edges": [*LINE["edges"], {"source": "s1", "target": "s3"}]}, "more than one way"),
        ({"edges": LINE["edges"][:1]}, "never reached: s3"),
    ],
)
def test_a_graph_that_cannot_be_run_says_why(change, problem):
    found = graph_problems({**LINE, **change})
    assert found == [] if problem is None else problem in " ".join(found)


def test_a_loop_in_a_stored_graph_does_not_hang_its_readers():
    steps = steps_of({**LINE, "edges": [*LINE["edges"], {"source": "s3", "target": "s1"}]})
    assert [step.id for step in steps] == ["s1", "s2", "s3"]


def test_no_graph_is_no_steps():
    assert steps_of({}) == steps_of(graph_of([])) == []
