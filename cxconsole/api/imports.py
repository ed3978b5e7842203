"""Imports: a file of contacts, read in the background; and the sources of a campaign's contacts."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from cxconsole import clock
from cxconsole.accounts.actor import ENGINE
from cxconsole.api.body import parse_json
from cxconsole.api.call import MAX_SMALL_KEY, Call, Caller, Listing, Pages, parse_campaign_id, parse_key
from cxconsole.api.problems import problems_in
from cxconsole.api.route import ApiRoute
from cxconsole.api.suppressions import csv_response
from cxconsole.api.upload import Upload, Uploaded, describe_parts, upload_route
from cxconsole.api.views import CampaignId, Id, View
from cxconsole.audience.dry_run import dry_run
from cxconsole.audience.import_checks import CheckView, get_check, keep_check
from cxconsole.audience.imports import (
    ImportOptions,
    cancel_import,
    get_import,
    list_sources,
    rejected_csv,
    start_import,
    undo_import,
)
from cxconsole.audience.inspect import DryRun
from cxconsole.audience.sources import check_takes_contacts
from cxconsole.campaigns.contacts import check_campaign
from cxconsole.errors import Invalid, Malformed
from cxconsole.processes import run_apart
from cxconsole.signals import topics

_PARTS = {
    "mapping": 'JSON: `{"<header in the file>": "<known column or attribute name>" | null}`; null leaves it out, a '
    "header that is not named becomes an attribute.",
    "options": 'JSON: `{"default_region": "US", "has_header": null, "delimiter": null, "encoding": null, "dry_run": '
    "false}`; null is found out, a dry run says what an import would do and changes nothing.",
}
router = APIRouter(tags=["imports"], route_class=ApiRoute)
upload_router = APIRouter(tags=["imports"], route_class=upload_route(right="contacts.edit", parts=frozenset(_PARTS)))


_DRY = "dry-"
"""How the ids of dry runs begin."""


class Options(BaseModel):
    """How to read the file; null is found out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    default_region: str = "US"
    has_header: bool | None = None
    delimiter: str | None = None
    encoding: str | None = None
    dry_run: bool = False


class ImportStarted(BaseModel):
    """The import, to be followed at `/imports/{id}`."""

    id: str


class ImportReading(View):
    """An import and how far it is; the four counts add up to `rows_read`."""

    id: Id
    campaign_id: CampaignId
    state: str
    file_name: str
    bytes_done: int
    bytes_total: int
    rows_read: int
    created: int
    merged: int
    duplicates: int
    rejected: int
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None

    @classmethod
    def of_check(cls, one: CheckView) -> "ImportReading":
        """From a dry run."""
        return cls(**{**asdict(one), "id": f"{_DRY}{one.id}", "state": "done", "error": None})


class SourceReading(View):
    """Where contacts came from. `state` is that of its import, or `open` for a source without an end."""

    id: Id
    kind: str
    name: str
    import_id: Id | None
    state: str
    rows_read: int
    created: int
    merged: int
    duplicates: int
    rejected: int
    contacts: int
    created_at: datetime
    last_row_at: datetime | None


@upload_router.post("/campaigns/{campaign_id}/imports", status_code=202, openapi_extra=describe_parts(_PARTS))
async def start(call: Caller, campaign_id: str, upload: Uploaded) -> ImportStarted:
    """Import a CSV file into the campaign, in the background.

    A dry run is done when this answers, its counts are read at `/imports/{id}` for a day. Of a file of more than
    200,000 rows it checks the beginning.
    """
    key = parse_campaign_id(campaign_id)
    options = _read_part(upload.fields, "options", TypeAdapter(Options)) or Options()
    mapping = _read_part(upload.fields, "mapping", TypeAdapter(dict[str, str | None]))
    asked = ImportOptions(**options.model_dump(exclude={"dry_run"}))
    if options.dry_run:
        return ImportStarted(id=await _check(call, key, upload, mapping, asked))
    return ImportStarted(id=await run_in_threadpool(_start, call, key, upload, mapping, asked))


@router.get("/imports/{import_id}")
def get_one(call: Caller, import_id: str) -> ImportReading:
    """Read how far an import is."""
    with call.read() as session:
        if import_id.startswith(_DRY):
            check_id = parse_key(import_id.removeprefix(_DRY), "import", most=MAX_SMALL_KEY)
            return ImportReading.of_check(get_check(session, check_id, actor=call.actor))
        return ImportReading.of(get_import(session, _key(import_id), actor=call.actor, now=call.now))


@router.get(
    "/imports/{import_id}/rejected.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "The rows, each with why and how to mend it."}},
)
def export_rejected(call: Caller, import_id: str) -> StreamingResponse:
    """Export the rows that were not stored; mended, the file can be imported as it is."""
    call.actor.require("contacts.export")
    key = _key(import_id)
    with call.read() as session:
        get_import(session, key, actor=ENGINE, now=call.now)  # so that one that is not there is a 404, not half a file
    return csv_response(_export(call, key), f"rejected-{key}.csv")


@router.post("/imports/{import_id}/cancel")
def cancel(call: Caller, import_id: str) -> ImportReading:
    """Stop an import; what it stored stays, and can be undone."""
    key = _key(import_id)
    with call.write() as session:
        cancel_import(session, key, actor=call.actor, now=call.now)
    return _moved(call, key)


@router.post("/imports/{import_id}/undo")
def undo(call: Caller, import_id: str) -> ImportReading:
    """Take back what an import added and nobody has contacted yet, in the background."""
    key = _key(import_id)
    with call.write() as session:
        undo_import(session, key, actor=call.actor, now=call.now)
    return _moved(call, key)


@router.get("/campaigns/{campaign_id}/sources")
def list_all_sources(call: Caller, pages: Pages, campaign_id: str) -> Listing[SourceReading]:
    """List where the campaign's contacts came from, with the counts of each."""
    key = parse_campaign_id(campaign_id)
    with call.read() as session:
        check_campaign(session, key)
        return pages.listing_all(list_sources(session, key, actor=call.actor), SourceReading.of)


def _read_part(fields: dict[str, str], name: str, shape: TypeAdapter[Any]) -> Any:
    """A JSON part of the upload; None when it is not there. Raises Invalid."""
    text = fields.get(name, "")
    if not text.strip():
        return None
    try:
        return shape.validate_python(parse_json(text.encode()), strict=True)
    except Malformed as error:
        raise Invalid.field(name, error.detail.replace("The body", "This part")) from None
    except ValidationError as error:
        problems = problems_in(error.errors(), under=name)
        raise Invalid(problems[0].msg, errors=problems) from None


Mapping = dict[str, str | None] | None


def _start(call: Call, key: int, upload: Upload, mapping: Mapping, options: ImportOptions) -> str:
    with call.write() as session:
        work = start_import(
            session, key, path=upload.path, file_name=upload.file_name, mapping=mapping, options=options,
            actor=call.actor, now=call.now,
        )  # fmt: skip
        upload.kept = True
    call.publish(topics.IMPORTS, topics.campaign(key))
    return str(work.id)


async def _check(call: Call, key: int, upload: Upload, mapping: Mapping, options: ImportOptions) -> str:
    await run_in_threadpool(_check_campaign, call, key)
    url = call.application.database.url
    found = await run_apart(dry_run, url, str(upload.path), mapping, options.default_region, key, options)
    return await run_in_threadpool(_keep, call, key, upload, found)


def _check_campaign(call: Call, key: int) -> None:
    with call.read() as session:
        check_takes_contacts(session, key)


def _keep(call: Call, key: int, upload: Upload, found: DryRun) -> str:
    with call.write() as session:
        check_id = keep_check(
            session, key, found, file_name=upload.file_name, size=upload.size, started_at=call.now, actor=call.actor,
            now=clock.now(),
        )  # fmt: skip
    return f"{_DRY}{check_id}"


def _moved(call: Call, key: int) -> ImportReading:
    with call.read() as session:
        view = get_import(session, key, actor=ENGINE, now=call.now)
    call.publish(topics.IMPORTS, topics.campaign(view.campaign_id))
    return ImportReading.of(view)


def _export(call: Call, key: int) -> Iterator[str]:
    with call.read() as session:
        yield from rejected_csv(session, key, actor=call.actor)


def _key(import_id: str) -> int:
    return parse_key(import_id, "import", most=MAX_SMALL_KEY)
