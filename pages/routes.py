"""Which page is at which route."""

import reflex as rx

from pages.home import home


def add_pages(app: rx.App) -> None:
    """Add every page to the app."""
    app.add_page(home, route="/", title="Home · cxconsole")
