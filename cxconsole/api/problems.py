"""Errors as they go over the wire: RFC 9457 `application/problem+json`."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from cxconsole.errors import Conflict, CxError, FieldProblem, Invalid, Malformed, TooMany, Unauthorized

log = logging.getLogger("cxconsole.api")

MEDIA_TYPE = "application/problem+json"


class ProblemField(BaseModel):
    """One bad field: `loc` is its path in the document, such as `execution_window.start`."""

    loc: str
    msg: str


class Problem(BaseModel):
    """What went wrong, in words a person can act on (RFC 9457)."""

    type: str = Field(examples=["urn:cxconsole:problem:invalid"])
    title: str = Field(examples=["Invalid"])
    status: int = Field(examples=[422])
    detail: str
    errors: list[ProblemField] = Field(default_factory=list, description="The bad fields, where it is about fields.")


class ProblemResponse(JSONResponse):
    """A problem as a response."""

    media_type = MEDIA_TYPE


def problem_of(error: Exception) -> ProblemResponse:
    """The answer for anything that was raised; what is not known is logged and says nothing of itself."""
    if isinstance(error, CxError):
        return _respond(error)
    if isinstance(error, RequestValidationError):
        return _respond(_from_validation(error))
    if isinstance(error, HTTPException):
        return _from_http(error)
    if isinstance(error, IntegrityError):
        log.warning("action=request_collided %s", type(error.orig).__name__)
        return _respond(Conflict("Somebody else changed the same thing at this moment. Look again and repeat."))
    log.error("action=request_failed", exc_info=error)
    return _respond(CxError("This is an error of the console itself; it has been logged."))


def add_problem_handlers(api: FastAPI) -> None:
    """Answer every error of the application in this form."""

    async def handle(_request: Request, error: Exception) -> ProblemResponse:
        return problem_of(error)

    for kind in (CxError, RequestValidationError, HTTPException, IntegrityError):
        api.add_exception_handler(kind, handle)


def _respond(error: CxError) -> ProblemResponse:
    headers: dict[str, str] = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="cxconsole"'
    return ProblemResponse(_document(error), status_code=error.status, headers=headers)


def _document(error: CxError) -> dict[str, Any]:
    name = HTTPStatus(error.status).phrase if type(error) is CxError else error.title
    return {
        "type": f"urn:cxconsole:problem:{name.lower().replace(' ', '-')}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "errors": [{"loc": one.loc, "msg": one.msg} for one in error.errors],
    }


def problems_in(found: Sequence[Any], *, under: str = "") -> list[FieldProblem]:
    """What a model found, in our words; `under` is where its document stands in a larger one."""
    return [
        FieldProblem(
            loc=".".join(str(part) for part in ([under] if under else []) + list(one["loc"])), msg=_message(one)
        )
        for one in found
    ]


def _from_validation(error: RequestValidationError) -> CxError:
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        where = found[0].get("ctx", {}).get("error", "")
        return Malformed(f"The body is not JSON: {where or 'it cannot be read'}.")
    # the first part says body, query or path; what remains is the path in the document
    problems = problems_in([{**one, "loc": one["loc"][1:] or one["loc"]} for one in found])
    detail = f"{problems[0].loc}: {problems[0].msg}" if len(problems) == 1 else f"{len(problems)} fields need a look."
    return Invalid(detail, errors=problems)


_MESSAGES = {
    "extra_forbidden": "This field is not known.",
    "missing": "This field is needed.",
    "timezone_aware": "Write a date and time with its offset, such as 2026-05-19T09:00:00+02:00.",
}


def _message(one: Any) -> str:
    return _MESSAGES.get(one["type"]) or f"{one['msg'].removeprefix('Value error, ').rstrip('.')}."


def _from_http(error: HTTPException) -> ProblemResponse:
    status = HTTPStatus(error.status_code)
    document = {
        "type": f"urn:cxconsole:problem:{status.phrase.lower().replace(' ', '-')}",
        "title": status.phrase,
        "status": int(status),
        "detail": error.detail if error.detail != status.phrase else _HTTP_DETAILS.get(int(status), status.phrase),
        "errors": [],
    }
    return ProblemResponse(document, status_code=int(status), headers=dict(error.headers or {}))


_HTTP_DETAILS = {
    404: "There is nothing at this address. /api/docs lists what there is.",
    405: "This address does not take this method; the header Allow names those it takes.",
}
