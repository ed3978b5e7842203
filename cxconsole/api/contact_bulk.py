"""One change to many contacts of a campaign."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlmodel import Session

from cxconsole.api.call import MAX_SMALL_KEY, MAX_TEXT, Body, Call, Caller, parse_campaign_id, parse_key, refer
from cxconsole.api.route import ApiRoute
from cxconsole.campaigns.contact_bulk import BulkAction, ContactVerdict, apply_change, change_contacts
from cxconsole.campaigns.contact_filter import ContactQuery, Selection, parse_filter
from cxconsole.campaigns.contact_selection import CHUNK, change_in_chunks
from cxconsole.errors import Invalid, NotFound, TooLarge
from cxconsole.signals import topics

MOST_IDS = 10_000
_DONE = {BulkAction.UPDATE: "updated", BulkAction.REMOVE: "removed", BulkAction.RETRY: "retried"}

router = APIRouter(prefix="/campaigns/{campaign_id}/contacts", tags=["contacts"], route_class=ApiRoute)


class Matching(Body):
    """All contacts of the campaign for which everything that is given holds, as in the list of contacts."""

    q: str = Field("", max_length=MAX_TEXT)
    source: str | None = None
    status: str | None = None
    filter: dict[str, Any] | None = None


class BulkChange(Body):
    """What to do with which contacts: those named by `ids`, or all that match."""

    action: BulkAction = Field(strict=False)
    ids: list[str] | None = Field(None, description="Up to 10,000 ids of contacts.")
    matching: Matching | None = Field(None, examples=[{"status": "failed"}])
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


class BulkCount(BaseModel):
    """To how many of the contacts that match it was done."""

    changed: int


@router.post("/bulk", status_code=207, responses={200: {"model": BulkCount, "description": "For `matching`."}})
def change_many(call: Caller, campaign_id: str, body: BulkChange, response: Response) -> list[BulkVerdict] | BulkCount:
    """Update, remove or retry contacts: a verdict for each that is named, or the count of those that match.

    One that cannot be done rejects no other. It is done in parts, so that nobody waits behind it.
    """
    if (body.ids is None) == (body.matching is None):
        raise Invalid.field("ids", "Name the contacts by `ids`, or say which by `matching`.")
    if (body.action is BulkAction.UPDATE) != bool(body.changes):
        raise Invalid.field("changes", "An update needs changes, and only an update has them.")
    key = parse_campaign_id(campaign_id)
    try:
        if body.matching is None:
            return _change_named(call, key, body.ids or [], body)
        response.status_code = 200
        return BulkCount(changed=_change_matching(call, key, body.matching, body))
    finally:
        call.publish(topics.WORK, topics.CAMPAIGNS, topics.campaign(key))


def _change_named(call: Call, key: int, ids: list[str], body: BulkChange) -> list[BulkVerdict]:
    if len(ids) > MOST_IDS:
        raise TooLarge(f"At most {MOST_IDS:,} contacts at a time.")
    wanted = [_parse(one) for one in ids]
    known = sorted({one for one in wanted if one is not None})
    verdicts: dict[int | None, ContactVerdict] = {}
    for start in range(0, max(len(known), 1), CHUNK):  # once at least, for what is wrong with the whole request
        with call.write() as session:
            part = known[start : start + CHUNK]
            verdicts |= change_contacts(
                session, key, part, body.action, body.changes or {}, actor=call.actor, now=call.now
            )
    unknown = ContactVerdict(done=False, reason="The campaign has no such contact.")
    found = [verdicts.get(one, unknown) for one in wanted]
    return [
        BulkVerdict(index=at, id=ids[at], status=_DONE[body.action] if one.done else "rejected", reason=one.reason)
        for at, one in enumerate(found)
    ]


def _change_matching(call: Call, key: int, matching: Matching, body: BulkChange) -> int:
    query = ContactQuery(
        q=matching.q,
        source_id=None
        if matching.source is None
        else refer("matching.source", matching.source, noun="source", most=MAX_SMALL_KEY),
        status=matching.status,
        filter=None if matching.filter is None else parse_filter(matching.filter, loc="matching.filter"),
    )

    def change(session: Session, part: Selection) -> int:
        return apply_change(session, key, part, body.action, body.changes or {}, actor=call.actor, now=call.now)

    with call.write() as session:
        change(session, Selection(ids=()))  # says what is wrong with the whole request
    return change_in_chunks(call.application.database, key, Selection(matching=query), change)


def _parse(text: str) -> int | None:
    try:
        return parse_key(text, "contact")
    except NotFound:
        return None
