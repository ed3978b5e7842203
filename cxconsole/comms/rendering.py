"""From a template and one person's fields to what is sent.

A text is compiled once per process; a render then is a few string joins. Fields that
have no value are left out of the fields, so that `default(...)` and tests see them as missing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, Protocol

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables

from cxconsole.comms.plain_text import template_text_from_html, text_from_html
from cxconsole.errors import CxError
from cxconsole.template_guard import (
    BUDGET,
    MAX_LOOP_TURNS,
    MAX_OUTPUT,
    MissingValue,
    ProfileFields,
    TooMuch,
    build_environment,
    parse_guarded,
)

CACHED_TEXTS = 256
_MOST_GAPS = 50
_PROFILE = "profile."
_PIECES_AT_ONCE = 20  # of a text, between two looks at its length
_LINES = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")

_HTML = build_environment(autoescape=True)
_PLAIN = build_environment(autoescape=False)


class RenderProblem(CxError):
    """A message that cannot be made; `detail` says why."""

    status = 422
    title = "Cannot be rendered"


class MissingField(RenderProblem):
    """A field without a value for this person, and without a fall-back in the template."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The field {name} has no value here, and the template no fall-back for it.")
        self.name = name


class TemplateProblem(RenderProblem):
    """A template that does not compile; `part` is subject, html or text, `line` counts from 1."""

    def __init__(self, detail: str, *, part: str, line: int | None) -> None:
        super().__init__(detail)
        self.part = part
        self.line = line


class TemplateContent(Protocol):
    """What a template version, or an unsaved draft, has to say."""

    @property
    def subject(self) -> str:
        """Empty for SMS."""
        ...

    @property
    def html(self) -> str | None:
        """None for SMS."""
        ...

    @property
    def text(self) -> str | None:
        """None for an e-mail whose text is made from its HTML."""
        ...


@dataclass(frozen=True, kw_only=True)
class Content:
    """An unsaved text of a template."""

    subject: str = ""
    html: str | None = None
    text: str | None = None


class Rendered(NamedTuple):
    """One message as the person gets it. The subject is one line; SMS has only the text."""

    subject: str
    html: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class FieldUse:
    """A field that a template names. Without a fall-back it must have a value for everyone."""

    name: str
    part: str
    has_fallback: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledTemplate:
    """A template, ready to render. `fields` are all names it uses."""

    uses: tuple[FieldUse, ...]
    fields: frozenset[str]
    subject: JinjaTemplate
    html: JinjaTemplate | None
    text: JinjaTemplate | None  # None: made from each rendered HTML, because it cannot be made once

    @property
    def required(self) -> frozenset[str]:
        """The names that have no fall-back."""
        return frozenset(use.name for use in self.uses if not use.has_fallback)

    @property
    def profile_names(self) -> frozenset[str]:
        """What it names of profiles, without `profile.` in front."""
        return frozenset(name.removeprefix(_PROFILE) for name in self.fields if name.startswith(_PROFILE))


def compile_template(content: TemplateContent) -> CompiledTemplate:
    """The compiled form of a template version or a draft; the last 256 texts are kept. Raises TemplateProblem."""
    return _compile(content.subject or "", content.html, content.text)


def compile_source(source: str, *, part: str) -> JinjaTemplate:
    """One part of a template, compiled. Raises TemplateProblem that names the line and what is wrong with it."""
    return _compile_part(source, part)[0]


def render(compiled: CompiledTemplate, fields: Mapping[str, Any]) -> Rendered:
    """The message for these fields. Raises MissingField, or RenderProblem when the template asks for too much."""
    values = {**_PLAIN.globals, **fields, BUDGET: [MAX_LOOP_TURNS]}
    try:
        subject = _write(compiled.subject, values)
        html = None if compiled.html is None else _write(compiled.html, values)
        text = text_from_html(html or "") if compiled.text is None else _write(compiled.text, values)
    except MissingValue as problem:
        raise MissingField(problem.name) from None
    except TooMuch as problem:
        raise RenderProblem(f"The template asks for too much: {problem}.") from None
    except (
        TemplateError,
        ArithmeticError,
        TypeError,
        ValueError,
        LookupError,
        RecursionError,
        AttributeError,
    ) as error:
        raise RenderProblem(f"The template cannot be rendered: {error}.") from error
    if not subject.isprintable():
        subject = _LINES.sub(" ", subject)
    return Rendered(subject.strip(), html, text)


def render_with_gaps(compiled: CompiledTemplate, fields: Mapping[str, Any]) -> tuple[Rendered, list[str]]:
    """The message with `[name]` where a field has no value, and the names of those. Raises RenderProblem."""
    gaps: dict[str, Any] = {}
    while True:
        try:
            return render(compiled, _fill_gaps(fields, gaps)), list(gaps)
        except MissingField as problem:
            if problem.name in gaps or len(gaps) >= _MOST_GAPS:
                raise
            gaps[problem.name] = f"[{problem.name}]"


def _fill_gaps(fields: Mapping[str, Any], gaps: Mapping[str, Any]) -> dict[str, Any]:
    filled = {**fields, **gaps, "person": {**fields.get("person", {}), **gaps}}
    profile = fields.get("profile")
    if isinstance(profile, ProfileFields) and "profile" not in gaps:
        own = {name.removeprefix(_PROFILE): gap for name, gap in gaps.items() if name.startswith(_PROFILE)}
        filled["profile"] = profile.filled_up(own)
    return filled


def describe_fields(values: Mapping[str, Any], *, campaign: Mapping[str, Any], unsubscribe_url: str) -> dict[str, Any]:
    """All that a template sees: the flat fields, the same as `person`, profile, campaign, and the way out."""
    known = values.get("profile", {})
    # a person may have an attribute of this name; a template that names it with a dot means the profile
    profile = ProfileFields(known) if isinstance(known, Mapping) else known
    return {**values, "person": values, "profile": profile, "campaign": campaign, "unsubscribe_url": unsubscribe_url}


def _write(template: JinjaTemplate, values: dict[str, Any]) -> str:
    # what Template.render does, less its traceback rewriting, and bounded
    context = template.new_context(values, shared=True)
    stream = template.root_render_func(context)
    pieces: list[str] = []
    size = 0
    while some := list(islice(stream, _PIECES_AT_ONCE)):
        size += sum(map(len, some))
        if size > MAX_OUTPUT:
            raise TooMuch(f"a message of more than {MAX_OUTPUT:,} characters")
        pieces += some
    return "".join(pieces)


@lru_cache(maxsize=CACHED_TEXTS)
def _compile(subject: str, html: str | None, text: str | None) -> CompiledTemplate:
    parts: dict[str, JinjaTemplate] = {}
    uses: dict[tuple[str, str, bool], FieldUse] = {}
    sources = {"subject": subject, "html": html, "text": text}
    if text is None:
        sources["text"] = "" if html is None else template_text_from_html(html)
    for part, source in sources.items():
        if source is None:
            continue
        parts[part], tree = _compile_part(source, part)
        if part == "text" and text is None:
            continue  # its fields are those of the HTML
        for name, has_fallback in _find_uses(tree):
            uses[part, name, has_fallback] = FieldUse(name=name, part=part, has_fallback=has_fallback)
    return CompiledTemplate(
        uses=tuple(uses.values()),
        fields=frozenset(use.name for use in uses.values()),
        subject=parts["subject"],
        html=parts.get("html"),
        text=parts.get("text"),
    )


def _compile_part(source: str, part: str) -> tuple[JinjaTemplate, nodes.Template]:
    environment = _HTML if part == "html" else _PLAIN
    try:
        tree = parse_guarded(environment, source)
        code = environment.compile(tree)
        return environment.template_class.from_code(environment, code, {}), environment.parse(source)
    except TemplateSyntaxError as error:
        words = (error.message or "This cannot be read").rstrip(".")
        raise TemplateProblem(f"Line {error.lineno}: {words}.", part=part, line=error.lineno) from None
    except (RecursionError, OverflowError, MemoryError, SyntaxError):
        raise TemplateProblem("The template is nested too deeply.", part=part, line=None) from None


def _find_uses(tree: nodes.Template) -> Iterable[tuple[str, bool]]:
    """The names a template reads from outside, `person.x` as `x`, and whether each use is safe without a value.

    A use is safe under `default`, in a test, and inside an `if` that asks for the same name.
    """
    known = find_undeclared_variables(tree) - {"range"}
    found: dict[tuple[str, bool], None] = {}

    def visit(node: nodes.Node, safe: frozenset[str], covered: bool) -> None:
        name = _field_name(node)
        if name is not None and name.split(".")[0] in known:
            found[name.removeprefix("person."), covered or name in safe] = None
            return
        if isinstance(node, nodes.If | nodes.CondExpr):
            tested = frozenset(one for one in map(_field_name, node.test.find_all((nodes.Name, nodes.Getattr))) if one)
            tested |= frozenset(filter(None, [_field_name(node.test)]))
            visit(node.test, safe, True)
            bodies = node.body if isinstance(node, nodes.If) else [node.expr1]
            for child in bodies:
                visit(child, safe | tested, covered)
            others = [*node.elif_, *node.else_] if isinstance(node, nodes.If) else [node.expr2]
            for child in others:
                if child is not None:
                    visit(child, safe | tested, covered)
            return
        if isinstance(node, nodes.Filter) and node.name in ("default", "d"):
            if node.node is not None:
                visit(node.node, safe, True)
            for child in (*node.args, *node.kwargs):
                visit(child, safe, covered)
            return
        under = covered or isinstance(node, nodes.Test | nodes.Compare | nodes.Or | nodes.And | nodes.Not)
        for child in node.iter_child_nodes():
            visit(child, safe, under)

    visit(tree, frozenset(), False)
    return found


def _field_name(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    if (
        isinstance(node, nodes.Getitem)
        and isinstance(node.node, nodes.Name)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        return f"{node.node.name}.{node.arg.value}"
    return None
