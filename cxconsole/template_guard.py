"""What a template may do, so that a text written by a person can neither reach the house nor wear it out.

Jinja2's sandbox keeps a template away from Python's insides. It does not keep it from running
forever or filling the memory; for a mail little of the language is needed, so the rest is refused
when the template is saved, and what remains is bounded: loops have a budget, texts a greatest length.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, Undefined, nodes, pass_context, pass_eval_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import do_replace
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext, markup_join, str_join
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

MAX_LOOP_TURNS = 5_000
"""Turns of all loops of one text together."""
MAX_VALUE = 100_000
"""Characters of one value on its way through a template."""
MAX_OUTPUT = 1_000_000
"""Characters of one rendered text."""
MAX_NUMBER = 10**30
BUDGET = "__turns"

_FILTERS = frozenset({
    "abs", "capitalize", "default", "d", "e", "escape", "first", "float", "forceescape", "int", "join", "last",
    "length", "count", "lower", "max", "min", "replace", "reverse", "round", "safe", "sort", "string", "striptags",
    "sum", "title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount",
})  # fmt: skip
_METHODS = {
    str: frozenset({"capitalize", "endswith", "lower", "lstrip", "rstrip", "split", "startswith", "strip", "title",
                    "upper"}),
    dict: frozenset({"get", "items", "keys", "values"}),
}  # fmt: skip
_STATEMENTS = (nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign)
_NAMES = {
    nodes.Macro: "macro", nodes.CallBlock: "call", nodes.Include: "include", nodes.Import: "import",
    nodes.FromImport: "from", nodes.Extends: "extends", nodes.Block: "block", nodes.FilterBlock: "filter",
    nodes.AssignBlock: "a set block", nodes.With: "with",
}  # fmt: skip


class TooMuch(Exception):
    """A template asked for more than one message may take; the message says of what."""


class MissingValue(Exception):
    """A field without a value was written, and no fall-back was given."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class ProfileFields:
    """What `profile.` leads to: a value by its name. Not a dict, whose methods would hide values of the same names."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __bool__(self) -> bool:
        return bool(self._values)

    def filled_up(self, more: Mapping[str, Any]) -> "ProfileFields":
        """The same with more values."""
        return ProfileFields({**self._values, **more})


class MissingField(Undefined):
    """A field that is not there: false in a test, replaced by `default(...)`, an error where it is written."""

    __slots__ = ()

    def _fail_with_undefined_error(self, *_args: Any, **_kwargs: Any) -> Any:
        name = self._undefined_name or "?"
        raise MissingValue(f"profile.{name}" if isinstance(self._undefined_obj, ProfileFields) else name)

    __iter__ = __str__ = __len__ = _fail_with_undefined_error
    __html__ = _fail_with_undefined_error
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = _fail_with_undefined_error
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = _fail_with_undefined_error
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __neg__ = __pos__ = _fail_with_undefined_error
    __call__ = __getitem__ = __contains__ = _fail_with_undefined_error

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        raise MissingValue(self._undefined_name or name)

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined) or other is None or other == ""

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(type(self))


class _Writer(CodeGenerator):
    """Writes a value out with one call, where Jinja2 makes one to finalize and one to escape it."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("environment.write_html(" if frame.eval_ctx.autoescape else "environment.write_plain(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")


class GuardedEnvironment(SandboxedEnvironment):
    """Jinja2's sandbox with less in it and bounds on what is left."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    code_generator_class = _Writer

    @staticmethod
    def write_html(value: Any) -> str:
        """A value as it stands in HTML; most are single words, in which there is nothing to escape."""
        return value if type(value) is str and value.isalnum() else escape(finalize(value))

    @staticmethod
    def write_plain(value: Any) -> str:
        """A value as it stands in a plain text or a subject."""
        return value if type(value) is str else str(finalize(value))

    def is_safe_callable(self, obj: Any) -> bool:
        """Plain functions of the environment, loops' own, and harmless methods of texts and dictionaries."""
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, LoopContext):
            return True
        for kind, names in _METHODS.items():
            if isinstance(owner, kind):
                return getattr(obj, "__name__", "") in names
        return obj is _short_range

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Sums and products of reasonable size; texts only with `+`."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return check_value(left + right)
        if not isinstance(left, int | float | Undefined) or not isinstance(right, int | float | Undefined):
            raise TypeError(f"{operator!r} works on numbers only; join texts with ~")
        if operator == "**" and not (isinstance(right, int) and 0 <= right <= 64 and abs(int(left)) <= 1_000_000):
            raise TooMuch("a power that grows too large")
        return check_value(super().call_binop(context, operator, left, right))


def check_value(value: Any) -> Any:
    """The value, if it is not too large. Raises TooMuch."""
    if isinstance(value, str) and len(value) > MAX_VALUE:
        raise TooMuch(f"a text of more than {MAX_VALUE:,} characters")
    if isinstance(value, int | float) and abs(value) > MAX_NUMBER:
        raise TooMuch("a number of more than 30 digits")
    return value


def finalize(value: Any) -> Any:
    """What is written out: one value, not a whole list or dictionary."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, ProfileFields) and not value:
        raise MissingValue("profile")
    if isinstance(value, list | tuple | dict | set | ProfileFields):
        raise TooMuch("a list cannot be written as it is; use join")
    return value


def _short_range(*arguments: int) -> range:
    turns = range(*arguments)
    if len(turns) > MAX_LOOP_TURNS:
        raise TooMuch(f"a range of more than {MAX_LOOP_TURNS:,} numbers")
    return turns


@pass_context
def _take_turns(context: Context, items: Iterable[Any]) -> list[Any]:
    """What a loop goes over, paid from the budget of this text."""
    if isinstance(items, Undefined):
        iter(items)
    budget = context.get(BUDGET)
    assert isinstance(budget, list)
    turns = list(islice(items, budget[0] + 1))
    budget[0] -= len(turns)
    if budget[0] < 0:
        raise TooMuch(f"more than {MAX_LOOP_TURNS:,} turns of a loop")
    return turns


@pass_eval_context
def _concat(eval_context: EvalContext, parts: list[Any]) -> Any:
    """The operator `~`."""
    for part in parts:
        finalize(part)
    return check_value((markup_join if eval_context.autoescape else str_join)(parts))


def _default(value: Any, fallback: Any = "", _boolean: bool = False) -> Any:
    """Jinja2's `default`, for which an empty text is no value either: people do not tell them apart."""
    if type(value) is str:
        return value or fallback
    missing = value is None or value == "" or isinstance(value, Undefined)
    return fallback if missing or (isinstance(value, ProfileFields) and not value) else value


@pass_eval_context
def _replace(eval_context: EvalContext, value: Any, old: str, new: str, count: int | None = None) -> Any:
    text = str(finalize(value))
    if len(text) + text.count(str(old)) * len(str(new)) > MAX_VALUE:
        raise TooMuch(f"a text of more than {MAX_VALUE:,} characters")
    return do_replace(eval_context, value, old, new, count)


def _guard(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A filter of Jinja2 whose argument and result are not too large."""
    takes_list = name in ("first", "join", "last", "length", "count", "max", "min", "reverse", "sort", "sum", "unique")

    def guarded(*arguments: Any, **options: Any) -> Any:
        value = next((one for one in arguments if not isinstance(one, Environment | EvalContext | Context)), None)
        if takes_list and isinstance(value, list | tuple):
            for one in value:
                finalize(one)
        elif not takes_list:
            finalize(value)
        return check_value(function(*arguments, **options))

    if hasattr(function, "jinja_pass_arg"):
        guarded.jinja_pass_arg = function.jinja_pass_arg  # type: ignore[attr-defined]
    return guarded


def build_environment(*, autoescape: bool) -> GuardedEnvironment:
    """An environment for HTML (escaping) or for plain text and subjects (not escaping)."""
    environment = GuardedEnvironment(
        autoescape=autoescape, undefined=MissingField, finalize=finalize, cache_size=0, auto_reload=False
    )
    environment.globals = {"range": _short_range}
    environment.filters = {
        name: _guard(function, name) for name, function in environment.filters.items() if name in _FILTERS
    }
    environment.filters.update(
        default=_default, d=_default, replace=_replace, safe=lambda value: Markup(finalize(value))  # noqa: S704
    )  # fmt: skip
    environment.filters.update({"take turns": _take_turns, "concat": _concat})
    return environment


def parse_guarded(environment: GuardedEnvironment, source: str) -> nodes.Template:
    """The template as a tree in which all loops are counted. Raises TemplateSyntaxError for what is not allowed."""
    tree = environment.parse(source)
    for node in tree.find_all(nodes.Node):
        _check_node(environment, node)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "take turns", [], [], None, None, lineno=loop.lineno)
    _replace_concats(tree)
    tree.set_environment(environment)
    return tree


def _check_node(environment: GuardedEnvironment, node: nodes.Node) -> None:
    def refuse(what: str) -> None:
        raise TemplateSyntaxError(f"{what} cannot be used in a message", getattr(node, "lineno", 1))

    if isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
        refuse(_NAMES.get(type(node), type(node).__name__.lower()))
    elif isinstance(node, nodes.For) and node.recursive:
        refuse("a recursive loop")
    elif isinstance(node, nodes.Filter) and node.name not in environment.filters:
        refuse(f"the filter {node.name!r}")
    elif isinstance(node, nodes.List | nodes.Tuple | nodes.Dict) and _is_nested(node):
        refuse("a list of anything but plain values")
    elif isinstance(node, nodes.Name) and node.name.startswith("_"):
        refuse(f"the name {node.name!r}")


def _is_nested(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Tuple) and node.ctx == "store":
        return False
    children = [
        part
        for child in node.iter_child_nodes()
        for part in ((child.key, child.value) if isinstance(child, nodes.Pair) else (child,))
    ]
    return not all(isinstance(child, nodes.Const | nodes.Neg) for child in children)


def _replace_concats(node: nodes.Node) -> None:
    """Put the bounded filter in the place of each `~`."""
    for name, value in list(node.iter_fields()):
        if isinstance(value, list):
            setattr(node, name, [_bounded(one) for one in value])
        else:
            setattr(node, name, _bounded(value))


def _bounded(value: Any) -> Any:
    if not isinstance(value, nodes.Node):
        return value
    _replace_concats(value)
    if isinstance(value, nodes.Concat):
        parts = nodes.List(value.nodes, lineno=value.lineno)
        return nodes.Filter(parts, "concat", [], [], None, None, lineno=value.lineno)
    return value
