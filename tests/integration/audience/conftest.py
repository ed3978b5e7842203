from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from cxconsole.accounts.actor import OPERATOR
from cxconsole.audience.contacts_intake import RowVerdict, add_contacts
from cxconsole.audience.import_run import run_import
from cxconsole.audience.import_undo import run_undo
from cxconsole.audience.imports import (
    ImportOptions,
    ImportView,
    claim_import,
    get_import,
    start_import,
    undo_import,
)
from cxconsole.database import Database
from models.campaign import Campaign, CampaignProgress
from models.contact import CampaignContact, ContactImport, ContactSource, ImportState


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


@pytest.fixture
def start(database: Database, now: datetime, tmp_path: Path):
    """Queue the import of these bytes; answers its id."""

    def start_file(campaign_id: int, data: bytes | str, *, mapping=None, name: str = "people.csv", **options) -> int:
        path = tmp_path / f"upload-{uuid4().hex}.csv"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        with database.write() as session:
            work = start_import(
                session, campaign_id, path=path, file_name=name, mapping=mapping,
                options=ImportOptions(**options), actor=OPERATOR, now=now,
            )  # fmt: skip
            return work.id or 0

    return start_file


@pytest.fixture
def run(database: Database, now: datetime):
    """Work on a queued import or undo in this process, until it ends; answers how it stands."""

    def run_it(import_id: int) -> ImportView:
        with database.write() as session:
            assert claim_import(session, now=now, lease=timedelta(seconds=60)) == import_id
            undoing = session.get_one(ContactImport, import_id).state == ImportState.UNDOING
        work = run_undo if undoing else run_import
        work(database, import_id, tell=lambda: None, should_stop=lambda: False)
        check_numbers(database)
        with database.read() as session:
            return get_import(session, import_id, actor=OPERATOR, now=now)

    return run_it


@pytest.fixture
def undo(database: Database, now: datetime, run):
    """Undo an import that has ended."""

    def undo_it(import_id: int) -> ImportView:
        with database.write() as session:
            undo_import(session, import_id, actor=OPERATOR, now=now)
        return run(import_id)

    return undo_it
