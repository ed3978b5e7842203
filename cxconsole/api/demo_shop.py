"""`/demo/shop`: the demo world's web shop, as long as there is a demo world."""

import asyncio
from collections.abc import Callable, Coroutine
from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute

from cxconsole import clock
from cxconsole.accounts.actor import Actor
from cxconsole.accounts.page_tokens import make_page_token, make_person_token
from cxconsole.api.local import require_local
from cxconsole.api.problems import problem_of
from cxconsole.api.web_files import send_script
from cxconsole.bootstrap import Application
from cxconsole.demo.remove import SHOP_APP
from cxconsole.demo.shop_app import FOLDER, has_app, is_open, open_app, suggest_customer
from cxconsole.demo.views import SHOP_VIEW
from cxconsole.errors import NotFound

_FILES = {
    "shop.js": "text/javascript",
    "shop.css": "text/css",
    "products.json": "application/json",
    "timeline.css": "text/css",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # the tag needs nothing that a strict page does not allow
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class ShopRoute(APIRoute):
    """Answers whom the pages answer, and only while the demo world is there."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, with ours around it."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                require_local(request)
                await asyncio.to_thread(_require_open, request.app.state.application)
                return await inner(request)
            except Exception as error:
                return problem_of(error)

        return handle


router = APIRouter(prefix="/demo/shop", include_in_schema=False, route_class=ShopRoute)


@router.post("/token")
def make_token(request: Request) -> Response:
    """A fresh token for the shop's pages, as a company's own server would hand it out."""
    application: Application = request.app.state.application
    actor, now, vault = require_local(request), clock.now(), application.vault
    _open_app(application, actor)
    with application.database.read() as session:
        token = make_page_token(session, SHOP_APP, vault=vault, actor=actor, now=now)
    return JSONResponse({"token": token.text}, headers=_HEADERS)


@router.post("/timeline-token")
def make_timeline_token(request: Request) -> Response:
    """A fresh token that reads the one customer whom the page with the components shows, and one view of them."""
    application: Application = request.app.state.application
    actor, now, vault = require_local(request), clock.now(), application.vault
    _open_app(application, actor)
    with application.database.read() as session:
        person = suggest_customer(session)
        token = make_person_token(session, SHOP_APP, person, views=[SHOP_VIEW], vault=vault, actor=actor, now=now)
    return JSONResponse({"token": token.text}, headers=_HEADERS)


@router.get("/timeline")
def show_timeline(request: Request) -> Response:
    """A plain page of another system, with the components in it."""
    return _page(request, "timeline.html")


@router.get("/{name:path}")
def show_shop(request: Request, name: str) -> Response:
    """A file of the shop; every other address is a page of it, which its script finds."""
    if name in _FILES:
        return send_script(request, FOLDER / name, media_type=_FILES[name])
    return _page(request, "shop.html")


@router.get("")
def show_front(request: Request) -> Response:
    """The first page."""
    return _page(request, "shop.html")


def _page(request: Request, name: str) -> Response:
    application: Application = request.app.state.application
    with application.database.read() as session:
        customer = suggest_customer(session)
    text = (FOLDER / name).read_text(encoding="utf-8")
    return HTMLResponse(text.replace("CUSTOMER", escape(customer)).replace("VIEW", SHOP_VIEW), headers=_HEADERS)


def _open_app(application: Application, actor: Actor) -> None:
    with application.database.read() as session:
        is_new = not has_app(session)
    if is_new:
        with application.database.write() as session:
            open_app(session, vault=application.vault, actor=actor, now=clock.now())


def _require_open(application: Application) -> None:
    with application.database.read() as session:
        if not is_open(session):
            raise NotFound("The demo shop is closed: there is no demo data.")


__all__ = ["router"]
