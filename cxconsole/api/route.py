"""What every call of the API goes through, in this order: key, names of the query, body, repeats, the call itself."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from cxconsole import clock
from cxconsole.accounts.doorkeeper import admit_key
from cxconsole.accounts.idempotency import KeptAnswer, claim_answer, keep_answer, release_answer
from cxconsole.api.body import MAX_JSON_BYTES, JsonRequest, check_json_type, parse_json, read_body, replay
from cxconsole.api.problems import problem_of
from cxconsole.bootstrap import Application
from cxconsole.errors import FieldProblem, Invalid, Malformed

log = logging.getLogger("cxconsole.api")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

IDEMPOTENCY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
MAX_IDEMPOTENCY_KEY = 255


class ApiRoute(APIRoute):
    """A route of `/api/v1`."""

    any_text = False
    """Whether the call itself says which of its rows hold text that cannot be stored."""

    def get_route_handler(self) -> Handler:
        """The framework's handler, with ours around it."""
        inner = super().get_route_handler()
        known = _query_names(self.dependant)

        async def handle(request: Request) -> Response:
            try:
                response = await self._serve(request, inner, known)
            except Exception as error:
                response = problem_of(error)
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers["X-Content-Type-Options"] = "nosniff"
            return response

        return handle

    async def _serve(self, request: Request, inner: Handler, known: set[str]) -> Response:
        application: Application = request.app.state.application
        header = request.headers.get("authorization")
        request.state.actor = await run_in_threadpool(admit_key, application.database, header)
        _check_query(request, known)
        return await self.serve_body(request, inner, application)

    async def serve_body(self, request: Request, inner: Handler, application: Application) -> Response:
        """Read the body as JSON and answer. Overridden by routes whose body is something else."""
        body = await read_body(request, MAX_JSON_BYTES)
        parsed = JsonRequest(request.scope, replay(body))
        if body:
            check_json_type(request)
            parsed.document = parse_json(body, any_text=self.any_text)

        async def call() -> Response:
            return await inner(parsed)

        if request.method != "POST" or IDEMPOTENCY_HEADER not in request.headers:
            return await call()
        return await answer_once(request, application, hashlib.sha256(body).hexdigest(), call)


async def answer_once(
    request: Request, application: Application, body_hash: str, call: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer of `call`, or the one that a request with the same Idempotency-Key got before.

    A failure of our own, and being told to wait, are not kept: a repeat may do better.
    """
    given = request.headers[IDEMPOTENCY_HEADER]
    if not 0 < len(given) <= MAX_IDEMPOTENCY_KEY or not given.isascii() or not given.isprintable():
        raise Malformed(f"An {IDEMPOTENCY_HEADER} is 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters.")
    key = f"{request.state.actor.name}:{given}"
    target = f"{request.method} {request.url.path}?{request.url.query} {body_hash}"
    fingerprint = hashlib.sha256(target.encode()).hexdigest()
    kept = await run_in_threadpool(_claim, application, key, fingerprint)
    if kept is not None:
        return _replayed(kept)
    try:
        response = await call()
    except Exception as error:
        response = problem_of(error)
    await run_in_threadpool(_settle, application, key, response)
    return response


def _claim(application: Application, key: str, fingerprint: str) -> KeptAnswer | None:
    with application.database.write() as session:
        return claim_answer(session, key, fingerprint, now=clock.now())


def _settle(application: Application, key: str, response: Response) -> None:
    with application.database.write() as session:
        if response.status_code >= 500 or response.status_code == 429:
            release_answer(session, key)
            return
        headers = {name: value for name, value in response.headers.items() if name in ("content-type", "location")}
        body = {"text": bytes(response.body).decode(), "headers": headers}
        keep_answer(session, key, KeptAnswer(status=response.status_code, body=body))


def _replayed(kept: KeptAnswer) -> Response:
    return Response(
        kept.body["text"] or None, status_code=kept.status, headers={**kept.body["headers"], REPLAYED_HEADER: "true"}
    )


def _query_names(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(one) for one in dependant.dependencies))


def _check_query(request: Request, known: set[str]) -> None:
    """Refuse what no parameter takes, so that a typo never widens a list, and what no database can compare."""
    problems = [
        FieldProblem(loc=name, msg="This parameter is not known.")
        for name in dict.fromkeys(request.query_params.keys())
        if name not in known
    ]
    problems += [
        FieldProblem(loc=name, msg="This is no text: it holds the character NUL.")
        for name, value in request.query_params.multi_items()
        if "\x00" in value
    ]
    if problems:
        raise Invalid("The query has parameters that cannot be used.", errors=problems)


__all__ = ["IDEMPOTENCY_HEADER", "REPLAYED_HEADER", "ApiRoute", "Handler", "answer_once"]
