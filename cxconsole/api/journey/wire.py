"""What all calls of the journey contract share: who calls, the envelope, the errors."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cxconsole.accounts.apps import Holder
from cxconsole.api.body import check_json_type, parse_json, read_body
from cxconsole.bootstrap import Application
from cxconsole.errors import CxError, FieldProblem, TooMany
from cxconsole.journey.intake import Unavailable

log = logging.getLogger("cxconsole.api")

MAX_BODY = 8 * 1024 * 1024
MAX_SMALL_BODY = 256 * 1024
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Endpoint = Callable[["WireCall"], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class WireCall:
    """One call: who, and the way to everything."""

    request: Request
    holder: Holder
    application: Application

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


def wire_route(path: str, method: str, service: str, letter: str) -> Callable[[Endpoint], Route]:
    """A route of the contract that needs a token for this service with r or w, or a key with the like right."""

    def make(endpoint: Endpoint) -> Route:
        async def handle(request: Request) -> Response:
            try:
                application: Application = request.app.state.application
                holder = await application.doorkeeper.admit(_credentials(request, service))
                holder.require(service, letter)
                return await endpoint(WireCall(request=request, holder=holder, application=application))
            except Exception as error:
                return refuse(error)

        return Route(path, handle, methods=[method], include_in_schema=False)

    return make


def _credentials(request: Request, service: str) -> str | None:
    """The header; for a stream also the query, because a browser's EventSource sends no headers."""
    header = request.headers.get("authorization")
    if header is None and service == "stream" and (given := request.query_params.get("sig")):
        return given if given.startswith("SharedAccessSignature") else f"SharedAccessSignature {given}"
    return header


def respond(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document as JSON."""
    return Response(to_json(document), status, {**_HEADERS, **(headers or {})}, "application/json")


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


__all__ = ["MAX_BODY", "WireCall", "bad_fields", "refuse", "respond", "wire_route"]
