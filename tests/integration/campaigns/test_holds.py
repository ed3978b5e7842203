from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import select

from cxconsole.accounts.actor import OPERATOR
from cxconsole.campaigns.holds import settle_holds
from cxconsole.campaigns.lifecycle import (
    create_campaign,
    end_campaign,
    publish_campaign,
    unpublish_campaign,
    update_campaign,
)
from models.campaign import Campaign, CampaignProgress
from models.contact import CampaignContact, ContactStatus
from models.event import Event, EventType

COLUMNS = ("pending", "in_progress", "completed", "failed", "suppressed")


def counted(session, campaign_id):
    """(status, hold reason) of each contact, after checking that the counters say the same."""
    session.expire_all()
    found = Counter(
        (one.status, one.hold_reason)
        for one in session.exec(select(CampaignContact).where(CampaignContact.campaign_id == campaign_id)).all()
    )
    progress = session.get_one(CampaignProgress, campaign_id)
    said = {(name, None): getattr(progress, name) for name in COLUMNS} | {
        ("held", "campaign-unpublished"): progress.held_unpublished,
        ("held", "validity-period-expired"): progress.held_expired,
        ("held", "campaign-ended"): progress.held_ended,
    }
    assert found == Counter({key: number for key, number in said.items() if number})
    assert progress.planned == found.total()
    return dict(found)


@pytest.fixture
def campaign_id(database, now, make_step, add_contacts):
    with database.write() as session:
        campaign = create_campaign(session, "A", changes={"steps": [make_step(session)]}, actor=OPERATOR, now=now)
        add_contacts(session, campaign.id, 5)
    return campaign.id


def test_contacts_of_a_campaign_that_was_never_published_are_not_held(database, now, campaign_id):
    with database.write() as session:
        assert settle_holds(session, now=now) == 0
        assert counted(session, campaign_id) == {("pending", None): 5}


def test_a_pause_holds_and_publishing_again_lets_go(database, now, campaign_id):
    with database.write() as session:
        publish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        unpublish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        assert counted(session, campaign_id) == {("held", "campaign-unpublished"): 5}
        publish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        assert counted(session, campaign_id) == {("pending", None): 5}


def test_what_comes_in_later_is_held_by_the_job(database, now, campaign_id, add_contacts):
    with database.write() as session:
        publish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        unpublish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        add_contacts(session, campaign_id, 2, first_person=100)
        assert settle_holds(session, now=now) == 2
        assert settle_holds(session, now=now) == 0
        assert counted(session, campaign_id) == {("held", "campaign-unpublished"): 7}


def test_the_end_of_the_validity_holds_and_moving_it_lets_go(database, now, campaign_id):
    later = now + timedelta(hours=2)
    with database.write() as session:
        update_campaign(
            session,
            campaign_id,
            {"validity": {"ends_at": now + timedelta(hours=1)}},
            version=1,
            actor=OPERATOR,
            now=now,
        )
        publish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        assert settle_holds(session, now=now) == 0
        assert settle_holds(session, now=later) == 5
        assert counted(session, campaign_id) == {("held", "validity-period-expired"): 5}
        campaign = session.get_one(Campaign, campaign_id)
        changes = {"validity": {"ends_at": later + timedelta(hours=1)}}
        update_campaign(session, campaign_id, changes, version=campaign.version, actor=OPERATOR, now=later)
        assert counted(session, campaign_id) == {("pending", None): 5}


def test_an_end_changes_every_reason_and_is_final(database, now, campaign_id, add_contacts):
    with database.write() as session:
        publish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        unpublish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        add_contacts(session, campaign_id, 2, first_person=100)
        end_campaign(session, campaign_id, actor=OPERATOR, now=now)
        assert counted(session, campaign_id) == {("held", "campaign-ended"): 7}
        assert settle_holds(session, now=now) == 0


def test_on_an_end_those_who_only_waited_for_a_further_step_are_complete(database, now, campaign_id, add_contacts):
    with database.write() as session:
        waiting = add_contacts(
            session, campaign_id, 2, first_person=100, status=ContactStatus.IN_PROGRESS, node="s1",
            due_at=now + timedelta(days=1),
        )  # fmt: skip
        add_contacts(
            session, campaign_id, 1, first_person=200, status=ContactStatus.IN_PROGRESS, node="s1", due_at=None
        )
        end_campaign(session, campaign_id, actor=OPERATOR, now=now)
        assert counted(session, campaign_id) == {
            ("held", "campaign-ended"): 5, ("completed", None): 2, ("in_progress", None): 1,
        }  # fmt: skip
        told = session.exec(select(Event.contact_id).where(Event.type == EventType.CONTACT_COMPLETED)).all()
        assert set(told) == {one.id for one in waiting}


def test_a_large_campaign_settles_in_chunks_that_each_add_up(database, now, campaign_id, add_contacts):
    with database.write() as session:
        publish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        campaign = session.get_one(Campaign, campaign_id)
        campaign.state = "unpublished"
        session.add(campaign)
    seen = []
    for _ in range(4):
        with database.write() as session:
            moved = settle_holds(session, now=now, limit=2)
            seen.append((moved, counted(session, campaign_id).get(("held", "campaign-unpublished"), 0)))
    assert seen == [(2, 2), (2, 4), (1, 5), (0, 5)]


def test_a_chunk_that_is_cut_short_stays_within_its_limit(database, now, campaign_id, add_contacts):
    with database.write() as session:
        publish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        unpublish_campaign(session, campaign_id, actor=OPERATOR, now=now)
        add_contacts(session, campaign_id, 3, first_person=100)
        campaign = session.get_one(Campaign, campaign_id)
        campaign.state = "ended"
        session.add(campaign)
        session.flush()
        assert [settle_holds(session, now=now, limit=4) for _ in range(3)] == [4, 4, 0]
        assert counted(session, campaign_id) == {("held", "campaign-ended"): 8}
