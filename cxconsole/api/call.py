"""What a router is given for one call, and how it answers with lists."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from cxconsole import clock
from cxconsole.accounts.actor import Actor
from cxconsole.bootstrap import Application
from cxconsole.errors import Invalid, NotFound
from cxconsole.paging import MAX_LIMIT, Page

Item = TypeVar("Item")
Row = TypeVar("Row")

MAX_KEY = 2**63 - 1
MAX_SMALL_KEY = 2**31 - 1
MAX_TEXT = 500

_bearer = HTTPBearer(
    auto_error=False, scheme_name="API key", description="A key from `python -m cxconsole apikey create`."
)  # the route checks it before it reads anything; here it is described


@dataclass(frozen=True, kw_only=True)
class Call:
    """Who calls, when, and the way to the rows."""

    actor: Actor
    application: Application
    now: datetime

    def read(self) -> AbstractContextManager[Session]:
        """A session for reading."""
        return self.application.database.read()

    def write(self) -> AbstractContextManager[Session]:
        """One transaction."""
        return self.application.database.write()

    def publish(self, *names: str) -> None:
        """Signal, after the commit."""
        self.application.signals.publish(*names)


def _make_call(request: Request, _key: Annotated[Any, Security(_bearer)]) -> Call:
    return Call(actor=request.state.actor, application=request.app.state.application, now=clock.now())


Caller = Annotated[Call, Depends(_make_call)]


class Body(BaseModel):
    """A body: unknown fields are refused, and values are of the type they claim to be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def given(self) -> dict[str, Any]:
        """What was sent, and nothing that was not."""
        return self.model_dump(exclude_unset=True)


class Listing(BaseModel, Generic[Item]):
    """A page of a list. `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None = Field(description="Give it as `cursor` to get the next page.")
    total: int = Field(description="How many there are; under a filter, 10001 stands for more than 10,000.")


@dataclass(frozen=True, kw_only=True)
class Paging:
    """Which part of a list is asked for."""

    limit: int
    offset: int
    list_id: str

    def listing(self, page: Page[Row], view: Callable[[Row], Item]) -> Listing[Item]:
        """The page as it is answered."""
        after = None if page.next_offset is None else _pack(page.next_offset, self.list_id)
        return Listing[Any](items=[view(row) for row in page.items], next_cursor=after, total=page.total)

    def listing_all(self, rows: list[Row], view: Callable[[Row], Item]) -> Listing[Item]:
        """A part of rows that are all at hand, because there are few."""
        end = self.offset + self.limit
        part = Page(items=tuple(rows[self.offset : end]), total=len(rows), next_offset=end if end < len(rows) else None)
        return self.listing(part, view)


def _make_paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page has at most.")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> Paging:
    chosen = [(name, value) for name, value in request.query_params.multi_items() if name not in ("limit", "cursor")]
    asked = json.dumps([request.url.path, sorted(chosen)])
    list_id = hashlib.sha256(asked.encode()).hexdigest()[:10]
    return Paging(limit=limit, offset=_unpack(cursor, list_id) if cursor else 0, list_id=list_id)


Pages = Annotated[Paging, Depends(_make_paging)]
Search = Annotated[str, Query(max_length=MAX_TEXT, description="Free text.")]


def parse_key(text: str, noun: str, *, most: int = MAX_KEY) -> int:
    """The key behind an opaque id. Raises NotFound for a text that was never given out as one."""
    if text.isascii() and text.isdecimal() and text[0] != "0" and len(text) < 20 and int(text) <= most:
        return int(text)
    raise NotFound(f"There is no {noun} {text[:40]!r}.")


def parse_campaign_id(text: str) -> int:
    """The key behind `CMP-1001`. Raises NotFound."""
    return parse_key(text.removeprefix("CMP-") if text.startswith("CMP-") else "", "campaign", most=MAX_SMALL_KEY)


def refer(loc: str, text: str, *, noun: str = "", most: int = MAX_KEY) -> int:
    """The key of what a parameter or field names, such as `person_id`. Raises Invalid: a bad one is its fault."""
    noun = noun or loc.removesuffix("_id")
    try:
        return parse_campaign_id(text) if noun == "campaign" else parse_key(text, noun, most=most)
    except NotFound as error:
        raise Invalid.field(loc, error.detail) from None


def _pack(offset: int, list_id: str) -> str:
    return base64.urlsafe_b64encode(f"{offset}.{list_id}".encode()).decode().rstrip("=")


def _unpack(cursor: str, list_id: str) -> int:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    offset, _, owner = text.partition(".")
    if owner != list_id or not offset.isascii() or not offset.isdecimal() or int(offset) > MAX_SMALL_KEY:
        raise Invalid.field(
            "cursor", "This cursor is of another list. Begin without one, then use next_cursor as given."
        )
    return int(offset)
