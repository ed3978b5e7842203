from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.contacts_intake import RowVerdict, add_contacts
from cxconsole.database import Database
from models.campaign import Campaign, CampaignProgress
from models.contact import CampaignContact, ContactSource


@pytest.fixture
def make_campaign(database: Database, now: datetime):
    """A new campaign with its counters; answers its id."""

    def make(name: str = "Spring offer", **columns) -> int:
        with database.write() as session:
            campaign = Campaign(name=name, created_at=now, updated_at=now, **columns)
            session.add(campaign)
            session.flush()
            assert campaign.id is not None
            session.add(CampaignProgress(campaign_id=campaign.id))
            return campaign.id

    return make


@pytest.fixture
def campaign_id(make_campaign) -> int:
    return make_campaign()


@pytest.fixture
def add(database: Database, now: datetime):
    """Add rows to a campaign as the REST API does, and check that its numbers still hold."""

    def add_rows(campaign_id: int, *rows: dict, **options) -> list[RowVerdict]:
        with database.write() as session:
            verdicts = add_contacts(session, campaign_id, rows, actor=OPERATOR, now=now, **options)
        check_numbers(database)
        return verdicts

    return add_rows


def check_numbers(database: Database) -> None:
    """Every counter says what the rows say."""
    with database.read() as session:
        for progress in session.scalars(select(CampaignProgress)):
            counted = _count_contacts(session, progress.campaign_id)
            assert progress.planned == sum(counted.values())
            for status in ("pending", "in_progress", "completed", "failed", "suppressed"):
                assert getattr(progress, status) == counted.get(status, 0), status
            held = progress.held_unpublished + progress.held_expired + progress.held_ended
            assert held == counted.get("held", 0)
        for source in session.scalars(select(ContactSource)):
            assert source.rows_read == source.created + source.merged + source.duplicates + source.rejected
            assert source.contacts == session.scalar(select(func.count()).where(CampaignContact.source_id == source.id))


def _count_contacts(session: Session, campaign_id: int) -> dict[str, int]:
    rows = session.execute(
        select(CampaignContact.status, func.count())
        .where(CampaignContact.campaign_id == campaign_id)
        .group_by(CampaignContact.status)
    )
    return dict(rows.all())
