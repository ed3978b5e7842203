"""One change to many contacts of a campaign."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cxconsole.api.call import Body, Caller, parse_campaign_id, parse_key
from cxconsole.api.route import ApiRoute
from cxconsole.campaigns.contact_bulk import BulkAction, ContactVerdict, change_contacts
from cxconsole.campaigns.contact_selection import CHUNK
from cxconsole.errors import Invalid, NotFound, TooLarge
from cxconsole.signals import topics

MOST_IDS = 10_000
_DONE = {BulkAction.UPDATE: "updated", BulkAction.REMOVE: "removed", BulkAction.RETRY: "retried"}

router = APIRouter(prefix="/campaigns/{campaign_id}/contacts", tags=["contacts"], route_class=ApiRoute)


class BulkChange(Body):
    """What to do with which contacts."""

    action: BulkAction = Field(strict=False)
    ids: list[str] = Field(description="Up to 10,000 ids of contacts.")
    changes: dict[str, Any] | None = Field(
        None,
        description="For update: known columns of a contact row, any other name is an attribute; null clears. "
        "Addresses are changed for one contact at a time.",
        examples=[{"language": "sv", "plan": "gold"}],
    )


class BulkVerdict(BaseModel):
    """What became of one contact: `updated`, `removed`, `retried`, or `rejected` for the reason given."""

    index: int
    id: str
    status: str
    reason: str | None


@router.post("/bulk", status_code=207)
def change_many(call: Caller, campaign_id: str, body: BulkChange) -> list[BulkVerdict]:
    """Update, remove or retry contacts. A verdict for each; one that cannot be done rejects no other."""
    if len(body.ids) > MOST_IDS:
        raise TooLarge(f"At most {MOST_IDS:,} contacts at a time.")
    if (body.action is BulkAction.UPDATE) != bool(body.changes):
        raise Invalid.field("changes", "An update needs changes, and only an update has them.")
    key = parse_campaign_id(campaign_id)
    wanted = [_parse(one) for one in body.ids]
    known = sorted({one for one in wanted if one is not None})
    verdicts: dict[int | None, ContactVerdict] = {}
    for start in range(0, max(len(known), 1), CHUNK):  # once at least, for what is wrong with the whole request
        with call.write() as session:
            part = known[start : start + CHUNK]
            verdicts |= change_contacts(
                session, key, part, body.action, body.changes or {}, actor=call.actor, now=call.now
            )
    call.publish(topics.WORK, topics.CAMPAIGNS, topics.campaign(key))
    unknown = ContactVerdict(done=False, reason="The campaign has no such contact.")
    found = [verdicts.get(one, unknown) for one in wanted]
    return [
        BulkVerdict(index=at, id=body.ids[at], status=_DONE[body.action] if one.done else "rejected", reason=one.reason)
        for at, one in enumerate(found)
    ]


def _parse(text: str) -> int | None:
    try:
        return parse_key(text, "contact")
    except NotFound:
        return None
