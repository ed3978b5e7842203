"""The API's own description: `/api/openapi.json`, and the page that shows it, from files that are served here."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from cxconsole.api.problems import MEDIA_TYPE, Problem
from cxconsole.api.route import IDEMPOTENCY_HEADER, MAX_IDEMPOTENCY_KEY

FILES = Path(__file__).parent / "swagger"
ABOUT = """\
Everything the console can do, for other systems and scripts.

Send `Authorization: Bearer <key>`. Times are RFC 3339 with offset, durations ISO 8601, ids opaque strings.
Errors are `application/problem+json` (RFC 9457). Lists take `limit` and `cursor`. A POST with an
`Idempotency-Key` can be repeated without harm for 24 hours. Unknown fields and parameters are refused.
"""
_PROBLEMS = {
    400: "Malformed: the request cannot be read.",
    401: "No key, or one that is not known any more.",
    403: "The key lacks the right.",
    404: "Not found.",
    409: "An illegal transition, a duplicate, an old version, or a repeat while the first still runs.",
    413: "Too large.",
    415: "A kind of content that is not read here.",
    422: "Invalid: `errors` names each bad field.",
    429: "Too often; `Retry-After` says when it is free again.",
    500: "An error of the console itself.",
}


def add_docs(api: FastAPI) -> None:
    """Serve the description and the page."""

    @api.get("/api/docs", include_in_schema=False)
    def show_docs() -> HTMLResponse:
        """The page to browse and try the API."""
        return get_swagger_ui_html(
            openapi_url="/api/openapi.json",
            title="cxconsole API",
            swagger_js_url="/api/docs/files/swagger-ui-bundle.js",
            swagger_css_url="/api/docs/files/swagger-ui.css",
            swagger_favicon_url="/api/docs/files/favicon-32x32.png",
            swagger_ui_parameters={"validatorUrl": None, "persistAuthorization": True, "docExpansion": "none"},
        )

    api.mount("/api/docs/files", StaticFiles(directory=FILES), name="swagger")
    api.openapi = lambda: _describe(api)  # type: ignore[method-assign]


def _describe(api: FastAPI) -> dict[str, Any]:
    if api.openapi_schema is None:
        document = get_openapi(title=api.title, version=api.version, description=ABOUT, routes=api.routes)
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas.update(_problem_schemas())
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        components["responses"] = {f"Problem{status}": _problem_response(text) for status, text in _PROBLEMS.items()}
        for path, operations in document["paths"].items():
            if path.startswith("/api/v1/"):
                for method, operation in operations.items():
                    _complete(path, method, operation)
        api.openapi_schema = document
    return api.openapi_schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Name all errors of a call; which can happen follows from what it takes."""
    statuses = {400, 401, 403, 422, 429, 500}
    if "{" in path:
        statuses.add(404)
    if method != "get":
        statuses.add(409)
    if "requestBody" in operation:
        statuses |= {413, 415}
    responses = operation["responses"]
    for status in sorted(statuses):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    if method == "post":
        operation.setdefault("parameters", []).append(
            {
                "name": IDEMPOTENCY_HEADER,
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
                "description": "Repeats with the same key get the first answer, for 24 hours.",
            }
        )


def _problem_schemas() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    parts = schema.pop("$defs")
    return {"Problem": schema, **parts}


def _problem_response(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
