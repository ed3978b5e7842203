"""What recipients reach from a message, without a key: the way out, the open pixel, and clicks.

The tokens are signed and name one delivery each. Looking changes nothing for a person; only the POST
of the unsubscription does, be it by the page's button or by a mail program (RFC 8058).
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cxconsole import clock
from cxconsole.bootstrap import Application
from cxconsole.campaigns.advance import FlowHooks
from cxconsole.comms.links import Links
from cxconsole.comms.reactions import (
    PIXEL,
    Subscription,
    get_subscription,
    record_click,
    record_open,
    unsubscribe,
    unsubscribe_page,
)
from cxconsole.errors import NotFound
from cxconsole.signals import topics

router = APIRouter(include_in_schema=False)

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
_LOST = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Link not known</title><style>:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
main { max-width: 26rem; margin: 20vh auto; padding: 1.5rem }</style></head>
<body><main><h1>This link is not known</h1><p>%s</p></main></body></html>
"""


@router.api_route("/u/{token}", methods=["GET", "HEAD"])
def show_unsubscription(request: Request, token: str) -> Response:
    """The page that asks whether to unsubscribe. Changes nothing."""
    application, links = _parts(request)
    try:
        with application.database.read() as session:
            return _page(get_subscription(session, token, links=links))
    except NotFound as error:
        return _lost(error)


@router.post("/u/{token}")
def unsubscribe_now(request: Request, token: str) -> Response:
    """Unsubscribe, at once and for queued messages too. Doing it twice is as once."""
    application, links = _parts(request)
    try:
        with application.database.write() as session:
            done = unsubscribe(session, token, links=links, hooks=FlowHooks(), now=clock.now())
    except NotFound as error:
        return _lost(error)
    application.signals.publish(topics.SUPPRESSIONS, topics.WORK, topics.CAMPAIGNS)
    return _page(done.subscription)


@router.get("/o/{token}.gif")
def note_open(request: Request, token: str) -> Response:
    """The pixel. It comes for any token: a broken picture in a message would help nobody."""
    application, links = _parts(request)
    with application.database.write() as session:
        campaign_id = record_open(session, token, links=links, now=clock.now())
    _announce(application, campaign_id)
    return Response(PIXEL, media_type="image/gif", headers=_HEADERS)


@router.api_route("/c/{token}", methods=["GET", "HEAD"])
def follow_link(
    request: Request, token: str, address: Annotated[str, Query(alias="u", max_length=4_000)] = ""
) -> Response:
    """Note the click and go where the link leads; only to the very address that was signed."""
    application, links = _parts(request)
    try:
        with application.database.write() as session:
            campaign_id = record_click(session, token, address, links=links, now=clock.now())
    except NotFound as error:
        return _lost(error)
    _announce(application, campaign_id)
    return RedirectResponse(address, status_code=302, headers=_HEADERS)


def _parts(request: Request) -> tuple[Application, Links]:
    application: Application = request.app.state.application
    return application, Links.build(application.settings, application.vault)


def _announce(application: Application, campaign_id: int | None) -> None:
    if campaign_id is not None:
        application.signals.publish(topics.CAMPAIGNS, topics.campaign(campaign_id))


def _page(subscription: Subscription) -> Response:
    return HTMLResponse(unsubscribe_page(subscription), headers=_HEADERS)


def _lost(error: NotFound) -> Response:
    return HTMLResponse(_LOST % error.detail, status_code=404, headers=_HEADERS)
