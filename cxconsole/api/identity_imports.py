"""Files of identities: which names belong to one person, checked before anything is changed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from cxconsole.api.call import MAX_SMALL_KEY, Call, Caller, parse_key
from cxconsole.api.route import ApiRoute
from cxconsole.api.suppressions import csv_response
from cxconsole.api.upload import Uploaded, describe_parts, upload_route
from cxconsole.api.views import Id, View
from cxconsole.audience.identity_imports import (
    cancel_identity_import,
    confirm_identity_import,
    get_identity_import,
    read_head,
    rejected_identities_csv,
    start_identity_import,
)
from cxconsole.signals import topics

_PREFIX: dict[str, Any] = {"prefix": "/identity-imports", "tags": ["identity imports"]}
router = APIRouter(**_PREFIX, route_class=ApiRoute)
upload_router = APIRouter(**_PREFIX, route_class=upload_route(right="persons.edit", parts=frozenset()))


class IdentityImportReading(View):
    """A file of identities. rows_read = added + merged + known + rejected; until it runs they say what it would do."""

    id: Id
    state: str
    file_name: str
    bytes_done: int
    bytes_total: int
    rows_read: int
    added: int
    merged: int
    known: int
    rejected: int
    error: str | None
    created_at: datetime
    changed_at: datetime


@upload_router.post("", status_code=202, openapi_extra=describe_parts({}))
def upload(call: Caller, upload: Uploaded) -> IdentityImportReading:
    """Check a CSV file with the columns `identity`, `alias` and `kind`, in the background; nothing is changed yet."""
    head = read_head(upload.path, actor=call.actor)
    with call.write() as session:
        queued = start_identity_import(
            session, path=upload.path, head=head, file_name=upload.file_name, actor=call.actor, now=call.now
        )
    upload.kept = True
    call.publish(topics.IMPORTS)
    return IdentityImportReading.of(queued)


@router.get("/{import_id}")
def get_one(call: Caller, import_id: str) -> IdentityImportReading:
    """Read how far a file is: `checking`, `checked`, `running`, `done`, `failed` or `cancelled`, and its counts."""
    with call.read() as session:
        return IdentityImportReading.of(get_identity_import(session, _key(import_id), actor=call.actor))


@router.post("/{import_id}/start", status_code=202)
def start(call: Caller, import_id: str) -> IdentityImportReading:
    """Do what the check has shown, in the background."""
    with call.write() as session:
        started = confirm_identity_import(session, _key(import_id), actor=call.actor, now=call.now)
    call.publish(topics.IMPORTS)
    return IdentityImportReading.of(started)


@router.post("/{import_id}/cancel")
def cancel(call: Caller, import_id: str) -> IdentityImportReading:
    """Stop it; what was done stays."""
    with call.write() as session:
        cancelled = cancel_identity_import(session, _key(import_id), actor=call.actor, now=call.now)
    call.publish(topics.IMPORTS)
    return IdentityImportReading.of(cancelled)


@router.get(
    "/{import_id}/rejected.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
def export_rejected(call: Caller, import_id: str) -> StreamingResponse:
    """Export the rows that were not taken, with why and how to mend each; mended, upload the file as it is."""
    key = _key(import_id)
    with call.read() as session:
        get_identity_import(session, key, actor=call.actor)
    return csv_response(_export(call, key), f"rejected-identities-{key}.csv")


def _export(call: Call, key: int) -> Iterator[str]:
    with call.read() as session:
        yield from rejected_identities_csv(session, key, actor=call.actor)


def _key(text: str) -> int:
    return parse_key(text, "import of identities", most=MAX_SMALL_KEY)
