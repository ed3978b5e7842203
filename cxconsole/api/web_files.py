"""Scripts for pages of other sites, at addresses that stay: the browser tag and the web components."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "web"
TAG = tuple(FOLDER / "tag" / f"{name}.js" for name in ("visitor", "sending", "page"))
COMPONENTS = tuple(FOLDER / "components" / f"{name}.js" for name in ("live", "timeline", "profile"))
_MAX_AGE_SECONDS = 3_600
"""So long a visitor's browser keeps a script without asking; then it asks whether it has changed."""

router = APIRouter(include_in_schema=False)


@router.api_route("/cj.js", methods=["GET", "HEAD"])
def send_tag(request: Request) -> Response:
    """The browser tag."""
    return send_script(request, *TAG)


@router.api_route("/cx-components.js", methods=["GET", "HEAD"])
def send_components(request: Request) -> Response:
    """The web components."""
    return send_script(request, *COMPONENTS)


def send_script(request: Request, *paths: Path, media_type: str = "text/javascript") -> Response:
    """A file of ours, or several as one script, packed, and with a mark by which a browser sees that it is the same."""
    plain, packed, mark = read_script(paths)
    headers = {
        "Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}",
        "ETag": mark,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if mark in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = plain
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = packed
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=headers)


@cache
def read_script(paths: tuple[Path, ...]) -> tuple[bytes, bytes, str]:
    """The script, the same packed, and its mark; read once, for it changes only with a new version of the console."""
    plain = b"".join(path.read_bytes() for path in paths)
    if len(paths) > 1:  # they share names among each other, and none with the page
        plain = b'(function () {\n"use strict";\n%s})();\n' % plain
    return plain, gzip.compress(plain, 9, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:20]}"'


__all__ = ["TAG", "read_script", "router", "send_script"]
