"""Looking at content before it is sent: does it work for these people, and is what must be in it in it?"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from cxconsole.comms.links import is_web_address
from cxconsole.comms.rendering import (
    CompiledTemplate,
    RenderProblem,
    TemplateContent,
    TemplateProblem,
    compile_template,
    describe_fields,
    render_with_gaps,
)
from models.person import Channel

SAMPLE_CAMPAIGN = {"id": "CMP-1001", "name": "This campaign"}
SAMPLE_URL = "https://unsubscribe.example/u/sample"
MAX_HTML_BYTES = 102_000
"""Gmail shows no more of a mail than this and hides the rest, the link to unsubscribe included."""


class FindingKind(StrEnum):
    """What was found."""

    SYNTAX = "syntax"
    EMPTY = "empty"
    MISSING_FIELD = "missing_field"
    NO_UNSUBSCRIBE = "no_unsubscribe"
    BROKEN_LINK = "broken_link"
    TOO_LONG = "too_long"


class Severity(StrEnum):
    """An error keeps every message from being sent as it should; a warning some, or some of it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class ContentFinding:
    """One finding, where it is (`part`, `line` from 1), and what to do about it."""

    kind: FindingKind
    severity: Severity
    detail: str
    remedy: str
    part: str = ""
    line: int | None = None
    field: str = ""


def check_content(
    content: TemplateContent, *, channel: str, samples: Sequence[Mapping[str, Any]] = ()
) -> list[ContentFinding]:
    """All findings, the worst first. `samples` are the fields of some recipients (see `merge_fields.load_fields`)."""
    try:
        compiled = compile_template(content)
    except TemplateProblem as problem:
        finding = ContentFinding(
            kind=FindingKind.SYNTAX, severity=Severity.ERROR, part=problem.part, line=problem.line,
            detail=f"The {problem.part} cannot be read. {problem.detail}",
            remedy="Mend it; nothing can be sent with it.",
        )  # fmt: skip
        return [finding]
    findings = [*_check_empty(content, channel), *_check_fields(compiled, samples)]
    if channel == Channel.EMAIL:
        findings += _check_unsubscribe(compiled, content)
        findings += _check_links(content)
        if len((content.html or "").encode()) > MAX_HTML_BYTES:
            findings.append(_TOO_LONG)
    return sorted(findings, key=lambda one: one.severity != Severity.ERROR)


_TOO_LONG = ContentFinding(
    kind=FindingKind.TOO_LONG, severity=Severity.WARNING, part="html",
    detail="The HTML is larger than 102 kB: Gmail cuts it off there, and hides what comes after.",
    remedy="Take out styles and comments that are not needed, or link to a page.",
)  # fmt: skip


def list_links(html: str) -> list[str]:
    """The addresses that the HTML's links and pictures lead to, each once, as they are written."""
    tree = LexborHTMLParser(html)
    found: dict[str, None] = {}
    for selector, name in (("a[href], area[href]", "href"), ("img[src]", "src")):
        for node in tree.css(selector):
            found[(node.attributes.get(name) or "").strip()] = None
    for node in tree.css("a:not([href])"):
        if not node.attributes.get("name") and not node.attributes.get("id"):
            found[""] = None
    return list(found)


def _check_empty(content: TemplateContent, channel: str) -> Iterable[ContentFinding]:
    def empty(part: str, detail: str, severity: Severity = Severity.ERROR) -> ContentFinding:
        return ContentFinding(
            kind=FindingKind.EMPTY, severity=severity, part=part, detail=detail, remedy=f"Write the {part}."
        )

    if not (content.html or "").strip() and not (content.text or "").strip():
        yield empty("html" if channel == Channel.EMAIL else "text", "There is nothing in it.")
    if channel == Channel.EMAIL and not (content.subject or "").strip():
        yield empty("subject", "The subject is empty.", Severity.WARNING)


def _check_fields(compiled: CompiledTemplate, samples: Sequence[Mapping[str, Any]]) -> Iterable[ContentFinding]:
    """Render for each sample: what fails, by the field's name or the reason, and for how many."""
    missing: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for sample in samples:
        try:
            values = describe_fields(sample, campaign=SAMPLE_CAMPAIGN, unsubscribe_url=SAMPLE_URL)
            missing.update(render_with_gaps(compiled, values)[1])
        except RenderProblem as problem:
            broken[problem.detail] += 1
    for name, count in missing.most_common():
        part = next((use.part for use in compiled.uses if use.name == name), "")
        yield ContentFinding(
            kind=FindingKind.MISSING_FIELD, severity=_how_bad(count, samples), part=part, field=name,
            detail=f"{_how_many(count, samples)} no value for {name}, and the template has no fall-back for it.",
            remedy=f"Write {{{{ {name} | default('…') }}}}, or complete the data. Their messages fail otherwise.",
        )  # fmt: skip
    for detail, count in broken.most_common(5):
        yield ContentFinding(
            kind=FindingKind.SYNTAX, severity=_how_bad(count, samples),
            detail=f"{_how_many(count, samples)} data it cannot be made with: {detail}",
            remedy="Mend the template. Their messages fail otherwise.",
        )  # fmt: skip
    if not samples:
        for use in compiled.uses:
            if not use.has_fallback and use.name not in _ALWAYS_THERE:
                yield ContentFinding(
                    kind=FindingKind.MISSING_FIELD, severity=Severity.WARNING, part=use.part, field=use.name,
                    detail=f"{use.name} has no fall-back; whoever has no value for it gets no message.",
                    remedy=f"Write {{{{ {use.name} | default('…') }}}}, or see to it that everyone has a value.",
                )  # fmt: skip


_ALWAYS_THERE = frozenset({"unsubscribe_url", "campaign", "campaign.id", "campaign.name", "person"})


def _how_bad(count: int, samples: Sequence[object]) -> Severity:
    return Severity.ERROR if count == len(samples) else Severity.WARNING


def _how_many(count: int, samples: Sequence[object]) -> str:
    if len(samples) == 1:
        return "This person has"
    if count == len(samples):
        return f"All {count:,} people looked at have"
    return f"{count:,} of {len(samples):,} people looked at {'has' if count == 1 else 'have'}"


def _check_unsubscribe(compiled: CompiledTemplate, content: TemplateContent) -> Iterable[ContentFinding]:
    for part, source in (("html", content.html), ("text", content.text)):
        if source and not any(use.name == "unsubscribe_url" and use.part == part for use in compiled.uses):
            code = '<a href="{{ unsubscribe_url }}">Unsubscribe</a>' if part == "html" else "{{ unsubscribe_url }}"
            yield ContentFinding(
                kind=FindingKind.NO_UNSUBSCRIBE, severity=Severity.WARNING, part=part,
                detail=f"The {part} has no link to unsubscribe. Mail programs show one of their own, but the law of "
                "many countries asks for one that can be seen.",
                remedy=f"Put in: {code}",
            )  # fmt: skip


def _check_links(content: TemplateContent) -> Iterable[ContentFinding]:
    for address in list_links(content.html or ""):
        problem = find_link_problem(address)
        if problem:
            yield ContentFinding(
                kind=FindingKind.BROKEN_LINK, severity=Severity.WARNING, part="html",
                detail=f"The link “{address[:200]}” leads nowhere: {problem[0]}", remedy=problem[1],
                line=_line_of(content.html or "", address),
            )  # fmt: skip


def find_link_problem(address: str) -> tuple[str, str] | None:
    """What is wrong with an address as it is written, and how to mend it; None for one that may work."""
    if address in ("", "#"):
        return "it is empty.", "Fill in where it leads, or take the link away."
    if "{{" in address or "{%" in address or address.startswith("#"):
        return None  # filled in for each person; or a place in this message
    scheme, colon, rest = address.partition(":")
    if colon and scheme.lower() in ("mailto", "tel", "sms", "cid", "data"):
        return None if rest else ("it is empty.", f"Write what comes after {scheme}:")
    if scheme.lower() not in ("http", "https"):
        return "a message needs the whole address.", f"Write https:// before it, such as https://{address.lstrip('/')}"
    if not is_web_address(address):
        return "it is not a well-formed address.", "Look for spaces, a missing // or a missing name."
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.startswith("127.") or ("." not in host and ":" not in host):
        return f"{host} is known to this machine only.", "Write the address that recipients can reach."
    return None


def _line_of(source: str, address: str) -> int | None:
    at = source.find(f'"{address}"') if address else -1
    return source.count("\n", 0, at) + 1 if at >= 0 else None
