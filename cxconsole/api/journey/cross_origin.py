"""Browsers on pages of other sites: for the journey calls, and no others, they may ask if their origin is allowed.

Before a WebSocket a browser asks nobody, so one for a page that is neither ours nor any app's is refused here.
"""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxconsole.bootstrap import Application

PREFIX = "/v1/journey/"
_REMEMBERED_SECONDS = 7_200
"""So long a browser need not ask again; more than that none remembers."""


class CrossOrigin:
    """The calls of the journey contract, with what browsers must be told about them."""

    def __init__(self, app: ASGIApp, application: Application) -> None:
        self._app = app
        self._doorkeeper = application.doorkeeper
        self._own = frozenset(application.settings.browser_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is not from a page of another site is passed on as it is."""
        if scope["type"] == "websocket" and not await self._may_open(scope):
            return await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            return await self._app(scope, receive, send)
        origin = _read_origin(scope)
        if origin is None:
            return await self._app(scope, receive, send)
        is_known = await self._doorkeeper.knows_origin(origin.decode("latin-1"))
        if scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope):
            return await _answer_question(origin.decode("latin-1"), is_known)(scope, receive, send)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"vary", b"Origin")]
                if is_known:
                    headers.append((b"access-control-allow-origin", origin))
                    headers.append((b"access-control-expose-headers", b"Retry-After"))
                message["headers"] = headers
            await send(message)

        return await self._app(scope, receive, tell)

    async def _may_open(self, scope: Scope) -> bool:
        """Whether pages of this origin may open a WebSocket; who is no page has no origin."""
        origin = _read_origin(scope)
        if origin is None or origin.decode("latin-1") in self._own:
            return True
        return await self._doorkeeper.knows_origin(origin.decode("latin-1"))


def _read_origin(scope: Scope) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == b"origin"), None)


def _answer_question(origin: str, is_known: bool) -> Response:
    headers = {"Vary": "Origin", "Cache-Control": "no-store"}
    if not is_known:
        return Response(status_code=403, headers=headers)
    return Response(
        status_code=204,
        headers={
            **headers,
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "authorization, content-type, last-event-id",
            "Access-Control-Max-Age": str(_REMEMBERED_SECONDS),
        },
    )


__all__ = ["CrossOrigin"]
