"""Whether the links of a message answer: asked for once each, a few at a time, and only public addresses."""

import asyncio
from collections.abc import Sequence

import httpx

from cxconsole.comms.content_check import ContentFinding, FindingKind, Severity, find_link_problem
from cxconsole.gateways.outgoing import NameNotFound, OutgoingGuard, OutgoingRefused
from cxconsole.settings import Settings

MAX_LINKS = 50
_AT_ONCE = 8
_SECONDS = 8.0
_HEADERS = {"User-Agent": "cxconsole link check", "Accept": "*/*"}
_LIVES = frozenset({401, 403, 405, 406, 429, 503, 999})  # there, but not for a machine that asks


async def find_dead_links(links: Sequence[str], *, settings: Settings) -> list[ContentFinding]:
    """Findings for those of the first 50 web links that do not answer, or answer that nothing is there."""
    asked = [one for one in dict.fromkeys(links) if one.startswith(("http://", "https://")) and "{" not in one]
    asked = [one for one in asked if find_link_problem(one) is None][:MAX_LINKS]
    guard, turnstile = OutgoingGuard(settings), asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:

        async def ask(address: str) -> ContentFinding | None:
            async with turnstile:
                problem = await _find_problem(client, guard, address)
            if problem is None:
                return None
            return ContentFinding(
                kind=FindingKind.BROKEN_LINK, severity=Severity.WARNING, part="html",
                detail=f"The link “{address[:200]}” does not work: {problem}",
                remedy="Open it in a browser; correct or remove it.",
            )  # fmt: skip

        findings = await asyncio.gather(*(ask(one) for one in asked))
    return [one for one in findings if one]


async def _find_problem(client: httpx.AsyncClient, guard: OutgoingGuard, address: str) -> str | None:
    """Why the address does not work, None when it does. A redirect counts as an answer."""
    try:
        url = httpx.URL(address)
        pinned = await guard.pin(url)
        for method in ("HEAD", "GET"):
            request = client.build_request(
                method, pinned.url, headers={**_HEADERS, **pinned.headers}, extensions=pinned.extensions
            )
            answer = await client.send(request, stream=True)  # the head alone says enough
            await answer.aclose()
            if answer.status_code < 400 or answer.status_code in _LIVES:
                return None
    except (NameNotFound, OutgoingRefused) as error:
        return str(error)
    except httpx.TimeoutException:
        return f"no answer within {_SECONDS:.0f} seconds."
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"{type(error).__name__}: {error}"[:300]
    return f"the server says {answer.status_code}."
