"""What a service raises when it cannot do what was asked.

The REST API turns each class into one status code (RFC 9457), a page into a message beside
the place where it happened. Gateways have a family of their own, in `gateways/port.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FieldProblem:
    """One bad field: `loc` is its path ("execution_window.start"), `msg` says what to do."""

    loc: str
    msg: str


class CxError(Exception):
    """The base of what people are told; `detail` is a sentence they can act on."""

    status = 500
    title = "Something went wrong"

    def __init__(self, detail: str, *, errors: list[FieldProblem] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []


class Malformed(CxError):
    """The request cannot be read at all."""

    status = 400
    title = "Malformed request"


class Unauthorized(CxError):
    """Nobody known is asking."""

    status = 401
    title = "Sign-in needed"


class Forbidden(CxError):
    """Somebody known is asking for what they may not do."""

    status = 403
    title = "Not allowed"


class NotFound(CxError):
    """The thing asked for is not there."""

    status = 404
    title = "Not found"


class Conflict(CxError):
    """An illegal transition, a duplicate, or a change based on an old version."""

    status = 409
    title = "Conflict"


class TooLarge(CxError):
    """More than the product takes in one go."""

    status = 413
    title = "Too large"


class Unsupported(CxError):
    """A kind of content the product does not read."""

    status = 415
    title = "Unsupported content"


class Invalid(CxError):
    """Readable, but with values that cannot be used; `errors` names each of them."""

    status = 422
    title = "Invalid"

    @classmethod
    def field(cls, loc: str, msg: str) -> "Invalid":
        """One bad field, whose message is also the whole message."""
        return cls(msg, errors=[FieldProblem(loc=loc, msg=msg)])


class TooMany(CxError):
    """Too often; `retry_after_seconds` says when it is free again."""

    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class TooSlow(CxError):
    """The database would need longer than anybody waits."""

    status = 422
    title = "Too slow"
