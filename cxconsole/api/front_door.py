"""The one port: the journey contract's calls go straight to their routes, everything else to the API and the pages.

The ingest is the busiest call of the product, and what stands around the pages would cost more than taking an event.
It also speaks for the console's own origins only, while pages of other sites send events.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from cxconsole.api.journey.routes import build_journey
from cxconsole.bootstrap import Application

PREFIX = "/v1/"
_PAGES = "/_event/"
"""Where the pages talk with the console; who stands there checks the origin itself."""


class FrontDoor:
    """Everything the console serves."""

    def __init__(self, others: ASGIApp, application: Application) -> None:
        self._others = others
        self._journey = build_journey(application)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on that the server starts and stops."""
        if scope["type"] == "websocket" and not scope["path"].startswith((PREFIX, _PAGES)):
            return await send({"type": "websocket.close", "code": 1008})  # there is no other
        is_journey = scope["type"] != "lifespan" and scope["path"].startswith(PREFIX)
        return await (self._journey if is_journey else self._others)(scope, receive, send)


__all__ = ["FrontDoor"]
