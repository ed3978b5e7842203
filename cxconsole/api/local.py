"""Addresses that answer whom the pages answer: people at the console, not systems with keys."""

from urllib.parse import urlsplit

from fastapi import Request

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.local import actor_of
from cxconsole.bootstrap import Application
from cxconsole.errors import Forbidden


def require_local(request: Request) -> Actor:
    """Who asks. Raises Forbidden for who may not see the console, and under a name that is not the console's."""
    application: Application = request.app.state.application
    actor = actor_of(request.client.host if request.client else "")
    # another site may point its own name at this machine; only by our names are we asked by our own pages
    names = {urlsplit(origin).hostname for origin in application.settings.browser_origins}
    if actor is None or request.url.hostname not in names:
        raise Forbidden("Only who may see the console may have this, under the console's own address.")
    return actor
