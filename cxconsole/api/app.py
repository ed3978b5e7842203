"""The HTTP interface of the product, beside the pages: its routes win over theirs."""

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from cxconsole.api import (
    campaigns,
    comms,
    conflicts,
    contact_bulk,
    contacts,
    demo_shop,
    downloads,
    event_types,
    events,
    gateways,
    health,
    hooks,
    identity_imports,
    imports,
    jobs,
    persons,
    recipients,
    suppressions,
    templates,
    web_files,
)
from cxconsole.api.docs import add_docs
from cxconsole.api.problems import add_problem_handlers
from cxconsole.api.route import ApiRoute
from cxconsole.bootstrap import Application

VERSION = "1.0.0"
PREFIX = "/api/v1"
RESOURCES: tuple[APIRouter, ...] = (
    campaigns.router,
    imports.upload_router,
    imports.router,
    contacts.rows_router,
    contact_bulk.router,
    contacts.router,
    persons.router,
    conflicts.router,
    identity_imports.upload_router,
    identity_imports.router,
    templates.router,
    gateways.router,
    suppressions.import_router,
    suppressions.router,
    comms.router,
    event_types.router,
    events.router,
    jobs.router,
)


def build_api(application: Application) -> FastAPI:
    """The API on this application."""
    api = FastAPI(
        title="cxconsole", version=VERSION, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
        redirect_slashes=False,
    )  # fmt: skip
    api.state.application = application
    add_problem_handlers(api)
    api.include_router(health.router)
    api.include_router(recipients.router)
    api.include_router(downloads.router)
    api.include_router(web_files.router)
    api.include_router(hooks.router)
    api.include_router(demo_shop.router)
    for router in RESOURCES:
        api.include_router(router, prefix=PREFIX)
    add_docs(api)
    api.add_route("/api/{path:path}", _answer_unknown, methods=_METHODS, include_in_schema=False)
    return api


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def _answer_unknown(request: Request) -> Response:
    """What is under /api and is not ours must not become a page of the front end."""
    allowed = {
        method
        for router in RESOURCES
        for route in router.routes
        if isinstance(route, ApiRoute) and compile_path(PREFIX + route.path)[0].match(request.url.path)
        for method in route.methods or ()
    }
    if allowed:
        raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
    raise HTTPException(404)
