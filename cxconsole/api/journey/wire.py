"""What all calls of the journey contract share: who calls, the envelope, the errors."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from cxconsole.accounts.apps import OWN_PAGES, Holder
from cxconsole.accounts.shared_access import find_token
from cxconsole.api.body import check_json_type, parse_json, read_body
from cxconsole.bootstrap import Application
from cxconsole.errors import CxError, FieldProblem, Forbidden, TooMany, Unauthorized
from cxconsole.journey.intake import Unavailable

log = logging.getLogger("cxconsole.api")

MAX_BODY = 8 * 1024 * 1024
MAX_SMALL_BODY = 256 * 1024
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Endpoint = Callable[["WireCall"], Awaitable[Response]]
Asked = TypeVar("Asked", bound=HTTPConnection)


@dataclass(frozen=True, kw_only=True)
class Caller(Generic[Asked]):
    """Who asks, by HTTP or for a WebSocket, and the way to everything."""

    request: Asked
    holder: Holder
    application: Application


class WireCall(Caller[Request]):
    """One call."""

    @property
    def meta(self) -> dict[str, str]:
        """The head of every answer."""
        return {"orgId": self.holder.organization}

    async def read_json(self, limit: int = MAX_SMALL_BODY) -> Any:
        """The body. Raises Malformed, TooLarge, Unsupported."""
        body = await read_body(self.request, limit)
        check_json_type(self.request)
        return parse_json(body)

    def answer(self, data: Any, *, status: int = 200) -> Response:
        """`{meta, data}`."""
        return respond({"meta": self.meta, "data": data}, status)


def wire_route(path: str, method: str, service: str, letters: str, *, also: str = "") -> Callable[[Endpoint], Route]:
    """A route of the contract that needs a token for this service with r or w, or a key with the like right.

    With "rw" a token for either will do, and one for the service `also`.
    """

    return lambda endpoint: Route(path, _Guarded(endpoint, service, letters, also), methods=[method])


class _Guarded:
    """A call behind its check of rights. As an ASGI application it is spared what Starlette wraps around functions."""

    def __init__(self, endpoint: Endpoint, service: str, letters: str, also: str) -> None:
        self._endpoint = endpoint
        self._service = service
        self._letters = letters
        self._also = also

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        request = Request(scope, receive, send)
        try:
            application: Application = request.app.state.application
            holder = await _admit(request, application, self._service, self._letters, self._also)
            answer = await self._endpoint(WireCall(request=request, holder=holder, application=application))
        except ClientDisconnect:
            return  # nobody is there to be told
        except Exception as error:
            answer = refuse(error)
        await answer(scope, receive, send)


def wire_socket(
    path: str, service: str, letters: str
) -> Callable[[Callable[[Caller[WebSocket]], Awaitable[None]]], WebSocketRoute]:
    """A WebSocket of the contract, for whom `wire_route` admits; who is refused is told so as there."""

    def make(endpoint: Callable[[Caller[WebSocket]], Awaitable[None]]) -> WebSocketRoute:
        async def handle(socket: WebSocket) -> None:
            try:
                application: Application = socket.app.state.application
                holder = await _admit(socket, application, service, letters)
                await endpoint(Caller(request=socket, holder=holder, application=application))
            except WebSocketDisconnect:
                return
            except Exception as error:
                answer = refuse(error)
                if socket.application_state is WebSocketState.CONNECTING:
                    await socket.send_denial_response(answer)
                else:
                    await socket.close(1011, "This is an error of the console itself; it has been logged.")

        return WebSocketRoute(path, handle)

    return make


async def _admit(
    request: HTTPConnection, application: Application, service: str, letters: str, also: str = ""
) -> Holder:
    holder = await application.doorkeeper.admit(_credentials(request, service))
    holder.require(service, letters, also=also)
    if holder.origins is not None:
        _check_origin(request, holder.origins, application)
    return holder


async def is_still_admitted(call: Caller[Any], service: str) -> bool:
    """Whether who was admitted would be so now: a key or an app may have been taken back."""
    try:
        await call.application.doorkeeper.admit(_credentials(call.request, service))
    except (Forbidden, Unauthorized):
        return False
    return True


def _credentials(request: HTTPConnection, service: str) -> str | None:
    """The header; also the query, where a browser sends no headers: its EventSource, and a beacon on leaving a page."""
    header = request.headers.get("authorization")
    if header is None and service in ("stream", "ds"):
        return find_token(request.url.query)
    return header


def _check_origin(request: HTTPConnection, origins: frozenset[str], application: Application) -> None:
    """Raise Forbidden unless a page of one of these origins asks. A browser does not let a page lie about it."""
    own = application.settings.browser_origins if OWN_PAGES in origins else ()
    origin = request.headers.get("origin")
    if origin is None and request.headers.get("sec-fetch-site") == "same-origin":
        origin = f"{request.url.scheme}://{request.url.netloc}"  # of what it reads of its own site it says no origin
    if origin not in origins and origin not in own:
        raise Forbidden("This token is for pages of other origins. Add this one to the app's allowedOrigins.")


def respond(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document as JSON."""
    return Response(to_json(document), status, {**_HEADERS, **(headers or {})}, "application/json")


def say_time(at: datetime) -> str:
    """A time as the contract writes it: ISO 8601 with milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def refuse(error: Exception) -> Response:
    """The answer for anything that was raised; what nobody foresaw is logged under the trackingId."""
    tracking_id = str(uuid.uuid4())
    if isinstance(error, HTTPException):
        error = _from_http(error)
    if not isinstance(error, CxError):
        log.error("action=request_failed tracking_id=%s", tracking_id, exc_info=error)
        error = CxError("This is an error of the console itself; it has been logged.")
    headers: dict[str, str] = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    told = [f"{one.loc}: {one.msg}" for one in error.errors] or [error.detail]
    document = {
        "error": {"key": error.status, "message": [{"description": text} for text in told]},
        "trackingId": tracking_id,
    }
    return respond(document, error.status, headers)


def _from_http(error: HTTPException) -> CxError:
    made = CxError("There is nothing at this address." if error.status_code == 404 else str(error.detail))
    made.status = error.status_code
    return made


def bad_fields(problems: list[FieldProblem], detail: str) -> CxError:
    """Readable, but with fields that cannot be used: 400 in this contract."""
    made = CxError(detail, errors=problems)
    made.status = 400
    return made


__all__ = [
    "MAX_BODY", "Caller", "WireCall", "bad_fields", "is_still_admitted", "refuse", "respond", "say_time",
    "wire_route", "wire_socket",
]  # fmt: skip
