"""Reading a request's body: within a limit, and as JSON that every database can store."""

import json
from collections.abc import AsyncIterator
from email.message import Message
from typing import Any, NoReturn

from fastapi import Request
from starlette.types import Receive

from cxconsole.errors import Malformed, TooLarge, Unsupported

MAX_JSON_BYTES = 16 * 1024 * 1024
"""10,000 contacts with 1.6 kB each."""


class JsonRequest(Request):
    """A request whose body was read and parsed before, so that its errors are ours and not the framework's."""

    document: Any = None

    async def json(self) -> Any:
        """The document."""
        return self.document


def parse_json(body: bytes, *, any_text: bool = False) -> Any:
    """The document. Raises Malformed for what is not JSON, and for NaN.

    Unless `any_text`, also for half a surrogate pair and NUL, which no database stores.
    """
    try:
        document = json.loads(body, parse_constant=_refuse)
        if not any_text and b"\\u" in body:  # only escapes can bring in what UTF-8 or PostgreSQL cannot hold
            json.dumps(document, ensure_ascii=False).encode()
            if _holds_nul(document):
                raise Malformed("The body holds the character NUL (\\u0000), which cannot be stored.")
    except (UnicodeError, RecursionError) as error:
        raise Malformed("The body is not JSON that can be read: broken text, or nested too deeply.") from error
    except ValueError as error:
        raise Malformed(f"The body is not JSON: {error}.") from error
    return document


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be longer than `limit` bytes."""
    chunks = [chunk async for chunk in limited_stream(request, limit)]
    return b"".join(chunks)


async def limited_stream(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in pieces. Raises TooLarge, before the first one when the request says its length."""
    message = f"A request may be {limit // (1024 * 1024):,} MB at most. Send it in several parts."
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(message)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(message)
        yield chunk


def check_json_type(request: Request) -> None:
    """Raise Unsupported unless the body says that it is JSON."""
    given = request.headers.get("content-type", "")
    message = Message()
    message["content-type"] = given
    kind = message.get_content_type() if given else ""
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Unsupported(f"This takes application/json, not {given or 'a body without Content-Type'}.")


def replay(body: bytes) -> Receive:
    """A `receive` that hands out a body that was read before."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _refuse(constant: str) -> NoReturn:
    raise Malformed(f"The body is not JSON: {constant} is not a number.")


def _holds_nul(value: Any) -> bool:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            if "\x00" in one:
                return True
        elif isinstance(one, dict):
            stack.extend(one.keys())
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
    return False
