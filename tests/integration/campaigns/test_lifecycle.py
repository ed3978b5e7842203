from datetime import timedelta

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR, Actor
from cxconsole.campaigns.lifecycle import (
    clone_campaign,
    create_campaign,
    delete_campaign,
    describe_campaign,
    end_campaign,
    publish_campaign,
    remove_leftovers,
    save_clone,
    unpublish_campaign,
    update_campaign,
)
from cxconsole.comms.templates import delete_template
from cxconsole.errors import Conflict, Forbidden, Invalid, NotFound
from models.campaign import Campaign, CampaignProgress, CampaignState
from models.comm import CommDelivery, DeliveryState
from models.contact import CampaignContact, ContactImport, ContactSource, ImportState
from models.event import Event

ALICE = Actor(kind="person", name="alice")
BOB = Actor(kind="person", name="bob")
VIEWER = Actor(kind="person", name="viewer", rights=frozenset({"campaigns.read"}))


def make_campaign(session, now, step=None, **changes):
    steps = {"steps": [step]} if step else {}
    return create_campaign(session, "Spring offer", changes={**steps, **changes}, actor=ALICE, now=now)


def events_of(session, campaign_id):
    return list(session.exec(select(Event.type).where(Event.campaign_id == campaign_id).order_by(Event.id)).all())


def test_a_new_campaign_is_unpublished_and_open_all_day(database, now):
    with database.write() as session:
        campaign = create_campaign(session, "  Spring offer ", actor=ALICE, now=now)
        assert (campaign.id, campaign.name, campaign.state, campaign.version) == (
            1001,
            "Spring offer",
            "unpublished",
            1,
        )
        assert describe_campaign(session, 1001, actor=ALICE)["execution_window"] == {
            "start": "00:00", "end": "24:00", "in_zone_of": "campaign",
            "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        }  # fmt: skip
        assert session.get_one(CampaignProgress, 1001).planned == 0
        assert events_of(session, 1001) == ["campaign.created"]


def test_what_is_written_is_what_is_read(database, now, make_step):
    with database.write() as session:
        step = make_step(session)
        document = {
            "name": "Autumn", "description": "Second try", "time_zone": "Europe/Berlin",
            "execution_window": {"start": "22:00", "end": "06:00", "days": ["fri", "mon"], "in_zone_of": "person"},
            "validity": {"starts_at": "2026-05-01T00:00:00+02:00", "ends_at": "2026-06-01T00:00:00Z"},
            "dialing_modes": ["progressive"], "queue_id": None,
            "steps": [{**step, "delay": "PT0S"}, {**step, "delay": "P1W", "only_if_not": "opened"}],
            "limits": {"per_minute": 6000, "per_person": {"count": 2, "window": "P7D"}},
        }  # fmt: skip
        campaign = make_campaign(session, now)
        update_campaign(session, campaign.id, document, version=1, actor=ALICE, now=now)
        read = describe_campaign(session, campaign.id, actor=ALICE)
        assert read["execution_window"] == {**document["execution_window"], "days": ["mon", "fri"]}
        assert read["validity"]["starts_at"].isoformat() == "2026-04-30T22:00:00+00:00"
        assert [one["delay"] for one in read["steps"]] == ["PT0S", "P7D"]
        assert read["limits"] == document["limits"]
        again = update_campaign(session, campaign.id, document, version=2, actor=ALICE, now=now)
        assert again.version == 2  # nothing differs, so nothing is a change
        assert events_of(session, campaign.id) == ["campaign.created", "campaign.changed"]


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"nmae": "x"}, "nmae"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"execution_window": {"start": "9:00"}}, "execution_window.start"),
        ({"execution_window": {"start": "24:00"}}, "execution_window.start"),
        ({"execution_window": {"start": "09:00", "end": "09:00"}}, "execution_window.end"),
        ({"execution_window": {"days": ["monday"]}}, "execution_window.days"),
        ({"execution_window": {"days": [["mon"]]}}, "execution_window.days"),
        ({"execution_window": {"days": []}}, "execution_window.days"),
        ({"execution_window": {"in_zone_of": "mars"}}, "execution_window.in_zone_of"),
        ({"execution_window": {"form": "09:00"}}, "execution_window.form"),
        ({"execution_window": "always"}, "execution_window"),
        ({"validity": {"starts_at": "2026-05-01"}}, "validity.starts_at"),
        ({"validity": {"starts_at": "2026-05-02T00:00Z", "ends_at": "2026-05-01T00:00Z"}}, "validity.ends_at"),
        ({"dialing_modes": ["psychic"]}, "dialing_modes"),
        ({"dialing_modes": [{}]}, "dialing_modes"),
        ({"limits": {"per_minute": 0}}, "limits.per_minute"),
        ({"limits": {"per_minute": True}}, "limits.per_minute"),
        ({"limits": {"per_person": {"count": 2, "window": "a week"}}}, "limits.per_person.window"),
        ({"limits": {"per_person": {"count": 2}}}, "limits.per_person.window"),
        ({"limits": {"per_person": {"window": "P7D"}}}, "limits.per_person.count"),
        ({"limits": {"per_hour": 3}}, "limits.per_hour"),
        ({"steps": [{"channel": "smoke"}]}, "steps.0.channel"),
        ({"steps": [{"channel": "email", "template_id": "77"}]}, "steps.0.template_id"),
        ({"steps": "none"}, "steps"),
    ],
)
def test_each_bad_field_is_named(database, now, changes, loc):
    with database.write() as session:
        campaign = make_campaign(session, now)
        with pytest.raises(Invalid) as refused:
            update_campaign(session, campaign.id, changes, version=None, actor=ALICE, now=now)
        assert [problem.loc for problem in refused.value.errors] == [loc]


def test_two_people_do_not_overwrite_each_other(database, now):
    with database.write() as session:
        campaign = make_campaign(session, now)
        update_campaign(session, campaign.id, {"description": "Bob's"}, version=1, actor=BOB, now=now)
        with pytest.raises(Conflict, match=r"changed by bob at 10:00:00 UTC .*\(description\)"):
            update_campaign(session, campaign.id, {"description": "Alice's"}, version=1, actor=ALICE, now=now)


def test_a_published_campaign_is_only_changed_by_who_read_it(database, now, make_step):
    with database.write() as session:
        campaign = make_campaign(session, now, make_step(session))
        publish_campaign(session, campaign.id, actor=ALICE, now=now)
        with pytest.raises(Conflict, match="naming the version"):
            update_campaign(session, campaign.id, {"name": "New"}, version=None, actor=ALICE, now=now)
        changed = update_campaign(session, campaign.id, {"name": "New"}, version=campaign.version, actor=ALICE, now=now)
        assert changed.name == "New"


MOVES = {
    "publish": (publish_campaign, {"unpublished"}, "published"),
    "unpublish": (unpublish_campaign, {"published"}, "unpublished"),
    "end": (end_campaign, {"unpublished", "published"}, "ended"),
}


@pytest.mark.parametrize("state", list(CampaignState))
@pytest.mark.parametrize("verb", MOVES)
def test_only_the_moves_of_the_table_are_possible(database, now, make_step, state, verb):
    move, allowed, after = MOVES[verb]
    with database.write() as session:
        campaign = make_campaign(session, now, make_step(session))
        campaign.state = state
        session.flush()
        if state in allowed:
            assert move(session, campaign.id, actor=ALICE, now=now).state == after
            assert events_of(session, campaign.id)[-1] == f"campaign.{after}"
        else:
            with pytest.raises(Conflict):
                move(session, campaign.id, actor=ALICE, now=now)
            assert campaign.state == state


def test_an_ended_campaign_is_not_changed_any_more(database, now):
    with database.write() as session:
        campaign = make_campaign(session, now)
        end_campaign(session, campaign.id, actor=ALICE, now=now)
        with pytest.raises(Conflict, match="has ended"):
            update_campaign(session, campaign.id, {"name": "New"}, version=1, actor=ALICE, now=now)


def test_publishing_is_refused_with_what_prevents_it(database, now):
    with database.write() as session:
        campaign = make_campaign(session, now, validity={"ends_at": now - timedelta(days=1)})
        with pytest.raises(Conflict) as refused:
            publish_campaign(session, campaign.id, actor=ALICE, now=now)
        assert {problem.loc for problem in refused.value.errors} == {"steps", "validity"}
        assert campaign.state == "unpublished" and campaign.first_published_at is None


def test_a_clone_is_nothing_until_it_is_saved(database, now, make_step):
    with database.write() as session:
        campaign = make_campaign(session, now, make_step(session), time_zone="Europe/Berlin")
        draft = clone_campaign(session, campaign.id, actor=ALICE)
        assert len(session.exec(select(Campaign)).all()) == 1
        copy = save_clone(session, draft, actor=ALICE, now=now)
        assert (copy.name, copy.state) == ("Copy of Spring offer", "unpublished")
        first, second = (describe_campaign(session, one, actor=ALICE) for one in (campaign.id, copy.id))
        assert {**first, "name": None} == {**second, "name": None}


def test_a_clone_leaves_what_is_gone_to_be_chosen(database, now, make_step):
    with database.write() as session:
        step = make_step(session)
        campaign = make_campaign(session, now, step)
        end_campaign(session, campaign.id, actor=ALICE, now=now)
        delete_template(session, int(step["template_id"]), actor=ALICE, now=now)
        copy = save_clone(session, clone_campaign(session, campaign.id, actor=ALICE), actor=ALICE, now=now)
        [kept] = describe_campaign(session, copy.id, actor=ALICE)["steps"]
        assert (kept["template_id"], kept["gateway_id"]) == (None, int(step["gateway_id"]))


def test_deleting_takes_the_contacts_and_keeps_the_tape(database, now, add_contacts):
    with database.write() as session:
        campaign = make_campaign(session, now)
        add_contacts(session, campaign.id, 3)
        assert delete_campaign(session, campaign.id, actor=ALICE, now=now) == 3
        assert session.exec(select(CampaignContact)).all() == []
        assert events_of(session, campaign.id) == ["campaign.created", "campaign.deleted"]
        with pytest.raises(NotFound):
            delete_campaign(session, campaign.id, actor=ALICE, now=now)
    with database.write() as session:
        assert make_campaign(session, now).id == campaign.id + 1


def test_many_contacts_of_a_deleted_campaign_go_in_turns(database, now, add_contacts, monkeypatch):
    monkeypatch.setattr("cxconsole.campaigns.lifecycle.CHUNK", 2)
    with database.write() as session:
        campaign, other = make_campaign(session, now), make_campaign(session, now)
        add_contacts(session, campaign.id, 5)
        add_contacts(session, other.id, 1)
        delete_campaign(session, campaign.id, actor=ALICE, now=now)
    with database.write() as session:
        assert [remove_leftovers(session, now=now, limit=2) for _ in range(3)] == [2, 1, 0]
        assert [one.campaign_id for one in session.exec(select(CampaignContact)).all()] == [other.id]


def make_delivery(session, now, campaign_id, state):
    session.add(
        CommDelivery(
            request_id=1, campaign_id=campaign_id, person_id=1, channel="email", target="a@example.com", gateway_id=1,
            template_version_id=1, state=state, not_before=now, created_at=now,
        )
    )  # fmt: skip
    session.flush()


@pytest.mark.parametrize(
    ("state", "message"), [(DeliveryState.SENT, "End it instead"), (DeliveryState.AWAITING_DISTRIBUTION, "shortly")]
)
def test_a_campaign_that_contacted_people_is_not_deleted(database, now, state, message):
    with database.write() as session:
        campaign = make_campaign(session, now)
        make_delivery(session, now, campaign.id, DeliveryState.CANCELLED)
        make_delivery(session, now, campaign.id, state)
        with pytest.raises(Conflict, match=message):
            delete_campaign(session, campaign.id, actor=ALICE, now=now)


def test_a_campaign_is_not_deleted_under_an_import(database, now):
    with database.write() as session:
        campaign = make_campaign(session, now)
        source = ContactSource(campaign_id=campaign.id, kind="file", name="a.csv", created_at=now)
        session.add(source)
        session.flush()
        session.add(
            ContactImport(
                source_id=source.id, campaign_id=campaign.id, state=ImportState.RUNNING, file_name="a", path="a",
                created_at=now,
            )
        )  # fmt: skip
        session.flush()
        with pytest.raises(Conflict, match="Cancel the import"):
            delete_campaign(session, campaign.id, actor=ALICE, now=now)


def test_a_published_campaign_is_not_deleted(database, now, make_step):
    with database.write() as session:
        campaign = make_campaign(session, now, make_step(session))
        publish_campaign(session, campaign.id, actor=ALICE, now=now)
        with pytest.raises(Conflict, match="Unpublish it"):
            delete_campaign(session, campaign.id, actor=ALICE, now=now)


@pytest.mark.parametrize("move", [publish_campaign, unpublish_campaign, end_campaign, delete_campaign])
def test_a_viewer_moves_nothing(database, now, move):
    with database.write() as session:
        campaign = make_campaign(session, now)
        with pytest.raises(Forbidden):
            move(session, campaign.id, actor=VIEWER, now=now)


def test_a_campaign_that_is_not_there_is_not_found(database, now):
    with database.read() as session, pytest.raises(NotFound, match="CMP-7"):
        describe_campaign(session, 7, actor=OPERATOR)
