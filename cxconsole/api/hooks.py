"""`/hooks/{token}`: where other systems send their own JSON. The address is the secret; bodies can be signed."""

import asyncio
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from cxconsole import clock
from cxconsole.api.body import parse_json, read_body
from cxconsole.api.journey.ingest import WORDS
from cxconsole.api.problems import problem_of
from cxconsole.bootstrap import Application
from cxconsole.errors import CxError, Forbidden, TooLarge, TooMany
from cxconsole.journey.sources import REFUSALS, Verdict
from cxconsole.journey.webhook_intake import MAX_BODY, Delivered, note_delivery, note_refusal, read_delivery
from cxconsole.signals import topics
from models.webhook import PayloadStatus

router = APIRouter(include_in_schema=False)

_STATUSES = {
    Verdict.ACCEPTED: PayloadStatus.STORED,
    Verdict.DUPLICATE: PayloadStatus.DUPLICATE,
    Verdict.QUARANTINED: PayloadStatus.HELD,
    Verdict.SAMPLED_OUT: PayloadStatus.HELD,
}
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@router.post("/hooks/{token}")
async def take_payload(request: Request, token: str) -> Response:
    """Store the event of this payload; 202 when it is on the Tape."""
    application: Application = request.app.state.application
    try:
        return await _take(application, token, request)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    except Exception as error:
        return problem_of(error)


@router.api_route("/hooks/{token}", methods=["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def refuse_others(token: str) -> Response:
    """Only POST."""
    return problem_of(HTTPException(405, headers={"Allow": "POST"}))


async def _take(application: Application, token: str, request: Request) -> Response:
    now = clock.now()
    try:
        body = await read_body(request, MAX_BODY)
    except TooLarge as error:
        size = TooLarge(f"A payload may be {MAX_BODY // 1024} kB at most.")
        await _write(application, partial(note_refusal, token=token, problem=size.detail, now=now))
        raise size from error

    def read() -> Delivered:
        with application.database.read() as session:
            return read_delivery(
                session, token, body, request.headers, parse=parse_json, vault=application.vault, now=now
            )

    delivered = await asyncio.to_thread(read)
    status, error = PayloadStatus.FAILED, delivered.error
    if delivered.event is not None:
        status, error = await _submit(application, delivered)
    problem = None if error is None else error.detail
    await _write(application, partial(note_delivery, delivered=delivered, status=status, problem=problem, now=now))
    if error is not None:
        raise error
    return JSONResponse({"status": status.value}, status_code=202, headers=_HEADERS)


async def _submit(application: Application, delivered: Delivered) -> tuple[PayloadStatus, CxError | None]:
    assert delivered.event is not None
    try:
        [verdict] = await application.intake.submit([delivered.event], actor=f"webhook:{delivered.webhook_id}")
    except CxError as error:
        return PayloadStatus.FAILED, error
    if verdict is Verdict.TOO_FAST:
        return PayloadStatus.FAILED, TooMany(WORDS[verdict], retry_after_seconds=1)
    if verdict in REFUSALS:
        return PayloadStatus.FAILED, Forbidden(WORDS[verdict])
    return _STATUSES[verdict], None


async def _write(application: Application, note: partial[None]) -> None:
    def run() -> None:
        with application.database.write() as session:
            note(session)

    await asyncio.to_thread(run)
    application.signals.publish(topics.HOOKS)


__all__ = ["router"]
