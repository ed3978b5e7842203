"""All calls of the journey contract."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cxconsole.api.journey import apps, identities, ingest, profiles, sockets, streams, tape
from cxconsole.api.journey.cross_origin import CrossOrigin
from cxconsole.api.journey.wire import refuse
from cxconsole.bootstrap import Application

_ALL = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# the ingest is the busiest call of the product, so it is the first that is looked at
ROUTES = [*ingest.ROUTES, *tape.ROUTES, *streams.ROUTES, *identities.ROUTES, *apps.ROUTES, *profiles.ROUTES]


def build_journey(application: Application) -> CrossOrigin:
    """The calls of the contract on this application; everything under /v1 is answered here."""
    unknown = Route("/v1/{path:path}", _answer_unknown, methods=_ALL)
    journey = Starlette(routes=[*ROUTES, *sockets.SOCKETS, unknown])
    journey.state.application = application
    return CrossOrigin(journey, application)


async def _answer_unknown(request: Request) -> Response:
    """What is under /v1 and is not of the contract must not become a page of the front end."""
    taken = {method for route in ROUTES if route.path_regex.match(request.url.path) for method in route.methods or ()}
    return refuse(HTTPException(405, "This address does not take this method.") if taken else HTTPException(404))
