"""Suppressions: who must not be contacted."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from cxconsole.api.call import Body, Call, Caller, Listing, Pages, Search, parse_key, refer
from cxconsole.api.route import ApiRoute
from cxconsole.api.upload import Uploaded, describe_parts, upload_route
from cxconsole.api.views import CampaignId, Id, View
from cxconsole.audience.suppression_files import export_suppressions, import_suppressions
from cxconsole.audience.suppressions import add_suppression, list_suppressions, remove_suppression
from cxconsole.signals import topics
from models.person import Channel
from models.suppression import SuppressionReason

router = APIRouter(prefix="/suppressions", tags=["suppressions"], route_class=ApiRoute)

_PARTS = {
    "channel": "The channel, for rows that name none; without, every channel.",
    "campaign_id": "The campaign they hold for; without, every campaign.",
    "reason": "The reason, for rows that name none; without, manual.",
}
import_router = APIRouter(
    prefix="/suppressions",
    tags=["suppressions"],
    route_class=upload_route(right="suppressions.edit", parts=frozenset(_PARTS)),
)

ReasonFilter = Annotated[SuppressionReason | None, Query(description="Only those with this reason.")]
ChannelFilter = Annotated[Channel | None, Query(description="Only those of this channel.")]
CampaignFilter = Annotated[str | None, Query(description="Only those of this campaign.")]


class NewSuppression(Body):
    """An address or a person. Null `channel` is every channel, null `campaign_id` every campaign."""

    address: str | None = Field(None, examples=["ada@customer.example"])
    person_id: str | None = None
    channel: str | None = None
    campaign_id: str | None = None
    reason: str = Field("manual", description="`unsubscribed`, `complained`, `bounced` or `manual`.")
    note: str = Field("", max_length=500)


class SuppressionReading(View):
    """Someone who must not be contacted."""

    id: Id
    address: str | None
    person_id: Id | None
    channel: str | None
    campaign_id: CampaignId | None
    reason: str
    note: str
    created_at: datetime


class RefusedReading(View):
    """A row that was not taken; `row_number` is what a spreadsheet shows."""

    row_number: int
    value: str
    reason: str
    remedy: str


class ImportReading(View):
    """What came of the file: rows = added + already + rejected. Of the rejected rows the first 100 are told."""

    rows: int
    added: int
    already: int
    rejected: int
    first_rejected: list[RefusedReading]


@router.get("")
def list_all(
    call: Caller,
    pages: Pages,
    q: Search = "",
    reason: ReasonFilter = None,
    channel: ChannelFilter = None,
    campaign: CampaignFilter = None,
    sort: Annotated[
        Literal["id", "-id", "address", "-address", "reason", "-reason", "created_at", "-created_at"],
        Query(description="A field; - in front turns it round."),
    ] = "-id",
) -> Listing[SuppressionReading]:
    """List suppressions; `q` is a part of the address or the note."""
    with call.read() as session:
        page = list_suppressions(
            session, actor=call.actor, q=q, reason=reason, channel=channel, campaign_id=_campaign(campaign), sort=sort,
            limit=pages.limit, offset=pages.offset,
        )  # fmt: skip
    return pages.listing(page, SuppressionReading.of)


@router.post("", status_code=201)
def add(call: Caller, body: NewSuppression, response: Response) -> SuppressionReading:
    """Suppress an address or a person, from now on and for queued messages too. One that is there is returned."""
    data: dict[str, Any] = body.given()
    if body.person_id is not None:
        data["person_id"] = refer("person_id", body.person_id)
    if body.campaign_id is not None:
        data["campaign_id"] = refer("campaign_id", body.campaign_id)
    with call.write() as session:
        added = add_suppression(session, data, actor=call.actor, now=call.now)
    call.publish(topics.SUPPRESSIONS, topics.WORK)
    response.headers["Location"] = f"/api/v1/suppressions/{added.id}"
    return SuppressionReading.of(added)


@router.get("/export.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
def export(
    call: Caller,
    q: Search = "",
    reason: ReasonFilter = None,
    channel: ChannelFilter = None,
    campaign: CampaignFilter = None,
) -> StreamingResponse:
    """Export the list as CSV; cells that a spreadsheet would run as formulas are guarded."""
    call.actor.require("suppressions.read")
    lines = _export(call, q=q, reason=reason, channel=channel, campaign_id=_campaign(campaign))
    return csv_response(lines, "suppressions.csv")


@router.delete("/{suppression_id}", status_code=204)
def remove(call: Caller, suppression_id: str) -> None:
    """Take a suppression away, so that this one may be contacted again."""
    with call.write() as session:
        remove_suppression(session, parse_key(suppression_id, "suppression"), actor=call.actor, now=call.now)
    call.publish(topics.SUPPRESSIONS)


@import_router.post("/import", openapi_extra=describe_parts(_PARTS))
def import_file(call: Caller, upload: Uploaded) -> ImportReading:
    """Suppress every address of a CSV file, 200,000 rows at most.

    The first row names the columns `address`, `channel`, `reason` and `note`, or there is one column, of addresses.
    A file that cannot be read changes nothing. After a break send it again: what was stored is counted as `already`.
    """
    given = upload.fields
    campaign_id = _campaign(given.get("campaign_id") or None)
    with upload.path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        found = import_suppressions(
            call.application.database, lines, channel=given.get("channel") or None, campaign_id=campaign_id,
            reason=given.get("reason") or SuppressionReason.MANUAL, actor=call.actor, now=call.now,
        )  # fmt: skip
    call.publish(topics.SUPPRESSIONS, topics.WORK)
    return ImportReading.of(found)


def csv_response(chunks: Iterator[str], file_name: str) -> StreamingResponse:
    """A CSV file, sent as it is made."""
    return StreamingResponse(
        chunks,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def _export(call: Call, **filters: Any) -> Iterator[str]:
    with call.read() as session:
        yield from export_suppressions(session, actor=call.actor, **filters)


def _campaign(text: str | None) -> int | None:
    return None if text is None else refer("campaign", text)
