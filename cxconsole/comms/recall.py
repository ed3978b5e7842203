"""A stopped campaign takes back what was made ready but never tried."""

from datetime import datetime

from sqlmodel import Session

from cxconsole.comms.hooks import CampaignHooks
from cxconsole.comms.outbox import OPEN_STATES, write_judgements
from cxconsole.comms.policy import Candidate, Judgement, Ruling
from cxconsole.driver import Driver
from models.campaign import CampaignState

_STOPPED = (
    f"FROM comm_delivery d JOIN campaign c ON c.id = d.campaign_id WHERE d.{OPEN_STATES} "
    "AND ((d.state = 'D' AND d.attempts = 0 AND (c.state <> 'published' OR c.ends_at <= ?)) "
    "OR (d.state <> 'sending' AND c.state = 'ended'))"
)


def has_stopped(session: Session, now: datetime) -> bool:
    """Whether `recall_deliveries` would find anything."""
    return Driver(session).run(f"SELECT 1 {_STOPPED} LIMIT 1", now).first() is not None


def recall_deliveries(session: Session, *, hooks: CampaignHooks, now: datetime, limit: int) -> int:
    """The job: untried deliveries of campaigns that may not send are cancelled, their contacts go back to pending.

    A campaign that ended for good also takes back what waits for a retry.
    """
    driver = Driver(session)
    rows = driver.run(
        "SELECT d.id, d.request_id, d.campaign_id, d.contact_id, d.person_id, d.node, d.channel, d.target, "
        f"d.state, d.attempts, c.state {_STOPPED} ORDER BY d.id LIMIT ? "
        + ("" if driver.sqlite else "FOR UPDATE OF d SKIP LOCKED"),
        now, limit,
    ).all()  # fmt: skip
    reasons = {
        CampaignState.ENDED.value: "campaign-ended",
        CampaignState.UNPUBLISHED.value: "campaign-unpublished",
        CampaignState.PUBLISHED.value: "validity-period-expired",
    }
    judged = [
        (
            Candidate(
                id=row[0], request_id=row[1], campaign_id=row[2], contact_id=row[3], person_id=row[4], node=row[5],
                channel=row[6], target=row[7], template_version_id=0, merge=None, is_retry=row[8] == "R",
                attempts=row[9], possible_duplicate=False, contact_status=None, zone=None, consents=None,
            ),
            Judgement(ruling=Ruling.RECALL, check="campaign", reason=reasons[row[10]]),
        )
        for row in rows
    ]  # fmt: skip
    write_judgements(session, judged, hooks=hooks, now=now)
    return len(judged)


__all__ = ["has_stopped", "recall_deliveries"]
