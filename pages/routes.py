"""The route map: every page, and which of them stand in the rail. Add yours to PAGES."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from components.shell import NavItem, shell
from pages.home import home
from state.shell import ShellState


@dataclass(frozen=True, kw_only=True)
class Page:
    """One route. `show` returns the page without the shell; `nav` is the href of its entry in the rail.

    `on_load` runs at each visit, after the shell's own: first `load`, then `follow` for what is live.
    """

    route: str
    title: str
    show: Callable[[], rx.Component]
    nav: str
    on_load: tuple[Any, ...] = ()


NAV = (NavItem(word="Home", icon_name="layout-dashboard", href="/"),)

PAGES: tuple[Page, ...] = (Page(route="/", title="Home", show=home, nav="/"),)


def add_pages(app: rx.App) -> None:
    """Add every page to the app, with the shell around it."""
    for page in PAGES:
        app.add_page(
            _around(page),
            route=page.route,
            title=f"{page.title} · cxconsole",
            on_load=[ShellState.enter, *page.on_load],
        )


def _around(page: Page) -> Callable[[], rx.Component]:
    return lambda: shell(page.show(), nav=NAV, active=page.nav)
