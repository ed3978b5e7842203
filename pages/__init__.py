"""The route map: `add_pages` gives the app every page of `pages.routes`."""

from pages.routes import add_pages

__all__ = ["add_pages"]
