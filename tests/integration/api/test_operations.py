"""What supervisors ask: whether the console can work, and its numbers."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.api import health
from cxconsole.bootstrap import build_jobs
from cxconsole.comms.pause import pause_sending
from cxconsole.jobs import JobRunner, beat
from models.campaign import Campaign, CampaignChannel, CampaignProgress

GOOD = {"database": "ok", "schema": "ok", "jobs": "ok", "disk": "ok"}


@pytest.fixture
def alive(application):
    """An engine has just run its jobs."""
    jobs = [job for job in build_jobs(application) if job.name == "beat"]
    JobRunner(jobs, database=application.database, signals=application.signals).run_once(jobs[0])


def failing(stranger):
    answer = stranger.get("/readyz")
    body = answer.json()
    bad = [name for name, said in body["checks"].items() if said == "failed"]
    assert (answer.status_code, body["status"]) == ((503, "unavailable") if bad else (200, "ok"))
    return bad


def test_with_an_engine_and_room_it_is_ready(stranger, alive):
    assert stranger.get("/readyz").json() == {"status": "ok", "checks": GOOD}


def test_without_an_engine_it_is_not(stranger, application):
    assert failing(stranger) == ["jobs"]
    with application.database.write() as session:
        beat(session, now=clock.now() - timedelta(minutes=2), limit=1)
    assert failing(stranger) == ["jobs"]


def test_a_full_disk_is_told(stranger, alive, monkeypatch):
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _path: SimpleNamespace(free=0))
    assert failing(stranger) == ["disk"]


def test_a_schema_that_is_not_the_newest_is_told(stranger, application, alive):
    with application.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert failing(stranger) == ["schema", "jobs"]


def read_metrics(stranger):
    answer = stranger.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_numbers_are_those_of_the_rows(stranger, application, alive):
    before = read_metrics(stranger)
    now = clock.now()
    with application.database.write() as session:
        for number in (1, 2):
            campaign = Campaign(name=f"C{number}", state="published", created_at=now, updated_at=now)
            session.add(campaign)
            session.flush()
            key = campaign.id or 0
            session.add(CampaignProgress(campaign_id=key, planned=7, pending=4, held_expired=3))
            session.add(CampaignChannel(campaign_id=key, channel="sms", sent=5, delivered=2))
        pause_sending(session, actor=OPERATOR, now=now)
    found = read_metrics(stranger)
    assert found["cxconsole_campaigns", "published"] == 2
    assert found["cxconsole_contacts", "pending"] == 8
    assert found["cxconsole_contacts", "held_expired"] == 6
    assert found["cxconsole_deliveries", "sms", "sent"] == 10
    assert (before["cxconsole_sending_paused",], found["cxconsole_sending_paused",]) == (0, 1)
    assert found["cxconsole_engine_alive",] == 1
    assert found["cxconsole_tape_last_event_id",] > before["cxconsole_tape_last_event_id",]
    assert found["cxconsole_data_free_bytes",] > 0
    assert found["process_resident_memory_bytes",] > 0


def test_a_job_that_fails_is_counted(stranger, application):
    [job] = [job for job in build_jobs(application) if job.name == "purge_usage"]

    def fail(_session, **_given):
        raise ValueError("no")

    broken = JobRunner([], database=application.database, signals=application.signals)
    with pytest.raises(ValueError, match="no"):
        broken.run_once(type(job)(name=job.name, drain=fail, every_seconds=1))
    assert read_metrics(stranger)["cxconsole_job_errors_total", "purge_usage"] == 1
