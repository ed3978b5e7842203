"""Where a person was last met: the newest contact of each."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from models.contact import CampaignContact


def find_latest_contacts(session: Session, person_ids: Sequence[int], *, actor: Actor) -> dict[int, tuple[int, int]]:
    """Person -> (campaign id, contact id) of the newest contact; who is in no campaign is left out."""
    actor.require("contacts.read")
    newest = (
        select(func.max(CampaignContact.id))
        .where(col(CampaignContact.person_id).in_(person_ids))
        .group_by(col(CampaignContact.person_id))
    )
    rows = session.exec(
        select(CampaignContact.person_id, CampaignContact.campaign_id, CampaignContact.id).where(
            col(CampaignContact.id).in_(newest)
        )
    )
    return {person_id: (campaign_id, contact_id or 0) for person_id, campaign_id, contact_id in rows}
