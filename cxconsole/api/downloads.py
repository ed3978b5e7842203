"""Files that pages offer for download: CSV, streamed row by row, guarded against formulas; JSON of one person.

These are for people at the console, not for systems: they answer whom the pages answer.
"""

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic import AwareDatetime

from cxconsole import clock
from cxconsole.api.local import require_local
from cxconsole.api.problems import problem_of
from cxconsole.audience.identity_imports import rejected_identities_csv
from cxconsole.audience.imports import rejected_csv
from cxconsole.audience.suppression_files import export_suppressions
from cxconsole.bootstrap import Application
from cxconsole.campaigns.contact_filter import ContactQuery, Selection, parse_filter
from cxconsole.campaigns.contacts import export_contacts
from cxconsole.campaigns.exports import export_campaigns, export_trail
from cxconsole.campaigns.person_export import export_person
from cxconsole.errors import Invalid
from cxconsole.journey.explorer import EventQuery, export_events


class DownloadRoute(APIRoute):
    """Tells what went wrong as the API does, and logs what nobody foresaw."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, with ours around it."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except Exception as error:
                return problem_of(error)

        return handle


router = APIRouter(prefix="/download", include_in_schema=False, route_class=DownloadRoute)


@router.get("/campaigns.csv")
def download_campaigns(request: Request) -> StreamingResponse:
    """All campaigns."""
    return _stream(request, "campaigns.csv", export_campaigns, now=clock.now())


@router.get("/campaigns/CMP-{campaign_id}/contacts.csv")
def download_contacts(
    request: Request,
    campaign_id: int,
    q: str = "",
    status: str = "",
    hold: str = "",
    source: int | None = None,
    delivery: str = "",
    filter: str = "",
) -> StreamingResponse:
    """The contacts of a campaign, as the list is filtered."""
    wanted = dict(part.split(":", 1) for part in delivery.split(",") if ":" in part)
    tree = parse_filter(_json(filter)) if filter else None
    query = ContactQuery(
        q=q, status=status or None, hold_reason=hold or None, source_id=source, delivery=wanted, filter=tree
    )
    name = f"CMP-{campaign_id}-contacts.csv"
    return _stream(request, name, export_contacts, campaign_id, Selection(matching=query))


@router.get("/campaigns/CMP-{campaign_id}/contacts/{contact_id}/trail.csv")
def download_trail(request: Request, campaign_id: int, contact_id: int) -> StreamingResponse:
    """The trail of one contact."""
    name = f"CMP-{campaign_id}-{contact_id}-trail.csv"
    return _stream(request, name, export_trail, campaign_id, contact_id, now=clock.now())


@router.get("/imports/{import_id}/rejected.csv")
def download_rejected(request: Request, import_id: int) -> StreamingResponse:
    """The rows an import did not store, with why and how to mend each."""
    return _stream(request, f"rejected-{import_id}.csv", rejected_csv, import_id)


@router.get("/identity-imports/{import_id}/rejected.csv")
def download_rejected_identities(request: Request, import_id: int) -> StreamingResponse:
    """The rows of a file of identities that were not taken, with why and how to mend each."""
    return _stream(request, f"rejected-identities-{import_id}.csv", rejected_identities_csv, import_id)


@router.get("/suppressions.csv")
def download_suppressions(request: Request) -> StreamingResponse:
    """Everyone who must not be contacted."""
    return _stream(request, "suppressions.csv", export_suppressions)


@router.get("/events.csv")
def download_events(
    request: Request,
    type: str = "",
    source: str = "",
    person_id: int | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    field: str = "",
    value: str = "",
) -> StreamingResponse:
    """Events of the Tape, as the explorer is searched."""
    query = EventQuery(
        type=type, source=source, person_id=person_id, since=since, until=until, field=field, value=value
    )
    return _stream(request, "events.csv", export_events, query)


@router.get("/persons/{person_id}.json")
def download_person(request: Request, person_id: int) -> StreamingResponse:
    """All about one person."""
    return _stream(request, f"person-{person_id}.json", export_person, person_id, media_type="application/json")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Invalid.field("filter", "The filter is not JSON.") from None


def _stream(
    request: Request,
    name: str,
    service: Callable[..., Iterator[str]],
    *args: Any,
    media_type: str = "text/csv; charset=utf-8",
    **wish: Any,
) -> StreamingResponse:
    application: Application = request.app.state.application
    actor = require_local(request)
    lines = _lines(application, service, args, {**wish, "actor": actor})
    first = next(lines, "")  # what the service refuses is said before the answer begins
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_chain(first, lines), media_type=media_type, headers=headers)


def _lines(
    application: Application, service: Callable[..., Iterator[str]], args: tuple[Any, ...], wish: dict[str, Any]
) -> Iterator[str]:
    with application.database.read() as session:
        yield from service(session, *args, **wish)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
