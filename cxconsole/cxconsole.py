"""Reflex's entry: the pages, the API and what runs beside them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import reflex as rx

from cxconsole.api.app import build_api
from cxconsole.bootstrap import get_application
from cxconsole.engine_beside import engine_beside
from pages import add_pages
from state.faults import tell_fault
from state.gate import Gate


@asynccontextmanager
async def run_beside() -> AsyncIterator[None]:
    """What runs while the console runs."""
    async with engine_beside(get_application()):
        yield


app = rx.App(
    api_transformer=build_api(get_application()),
    stylesheets=[
        f"/css/{name}.css" for name in ("fonts", "base", "shell", "kit", "table", "forms", "campaign", "desk")
    ],
    head_components=[
        rx.el.link(rel="icon", href="/icon.svg", type="image/svg+xml"),
        rx.el.script(src="/boot.js"),
    ],
    toaster=rx.toast.provider(position="bottom-right", expand=False, rich_colors=False),
    backend_exception_handler=tell_fault,
    html_lang="en",
)
app.app_wraps.pop((5, "Overlay"), None)  # the shell says itself when the connection is lost
app.register_lifespan_task(run_beside)
app.add_middleware(Gate(), index=0)  # before hydration, so that nothing of a state is told first
add_pages(app)
