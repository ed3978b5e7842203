"""Putting the browser tag on a company's own pages: the snippet to paste, and whether anything has come from there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from models.journey import EventTypeSeen

TOKEN_PATH = "/cjaas-token"  # noqa: S105 - an address, on the company's own server
_SNIPPET = """\
<script>
  window.cjaas = window.cjaas || function () { (cjaas.q = cjaas.q || []).push(arguments); };
  cjaas.scriptURL = %(base)s + "/cj.js";
  cjaas.baseURL = %(base)s;
  document.head.appendChild(
    Object.assign(document.createElement("script"), { src: cjaas.scriptURL, async: true }));
  cjaas("option", "PAGE_TRACK", true);
  %(token)s
  cjaas("init");
</script>
"""


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """What has come from some sources. Counts may be a second late."""

    count: int
    types: int
    last_type: str
    first_at: datetime
    last_at: datetime


def write_snippet(base_url: str, *, token: str = "") -> str:
    """The lines for the head of each page: with a token to try it with, or with the address that renews tokens."""
    # what is written into a script must not end it
    line = f'cjaas("dsWriteToken", {_quote(token)});' if token else f'cjaas("option", "TOKEN_URL", "{TOKEN_PATH}");'
    return _SNIPPET % {"base": _quote(base_url), "token": line}


def sources_of(origins: Sequence[str]) -> tuple[str, ...]:
    """Under which sources the tag sends from pages of these origins, unless it is told otherwise."""
    return tuple(urlsplit(one).netloc for one in origins if "//" in one)


def find_arrivals(session: Session, sources: tuple[str, ...], *, actor: Actor) -> Arrivals | None:
    """What has come from these sources; None as long as nothing has."""
    actor.require("events.read")
    rows = session.exec(select(EventTypeSeen).where(col(EventTypeSeen.source).in_(sources))).all()
    if not rows:
        return None
    last = max(rows, key=lambda row: row.last_seen_at)
    return Arrivals(
        count=sum(row.count for row in rows),
        types=len({row.type for row in rows}),
        last_type=last.type,
        first_at=min(row.first_seen_at for row in rows),
        last_at=last.last_seen_at,
    )


def _quote(text: str) -> str:
    return json.dumps(text).replace("<", "\\u003c")


__all__ = ["TOKEN_PATH", "Arrivals", "find_arrivals", "sources_of", "write_snippet"]
