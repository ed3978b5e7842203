"""All calls of the journey contract."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cxconsole.api.journey import apps, identities, ingest, streams, tape
from cxconsole.api.journey.wire import refuse

_ALL = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ROUTES = [*ingest.ROUTES, *tape.ROUTES, *streams.ROUTES, *identities.ROUTES, *apps.ROUTES]


def add_journey_routes(api: FastAPI) -> None:
    """The contract's routes, in front of all others: the ingest is the busiest of the product."""
    api.router.routes[:0] = ROUTES
    api.router.routes.append(Route("/v1/{path:path}", _answer_unknown, methods=_ALL, include_in_schema=False))


async def _answer_unknown(request: Request) -> Response:
    """What is under /v1 and is not of the contract must not become a page of the front end."""
    taken = {method for route in ROUTES if route.path_regex.match(request.url.path) for method in route.methods or ()}
    return refuse(HTTPException(405, "This address does not take this method.") if taken else HTTPException(404))
