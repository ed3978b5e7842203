"""Rules over the attributes of a profile: read, said again as text, and asked.

A rule is `'Event','metadata','Aggregation' OP value`: it names an attribute and compares what that came to. Rules are
joined by AND and OR, nested as deep as wanted; the journey contract writes that as `{"logic": ..., "args": [...]}`,
people as text with brackets.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

OPERATORS = ("EQ", "NEQ", "GTE", "GT", "LTE", "LT", "HAS")
MAX_RULES = 50
MAX_DEPTH = 10
MAX_TEXT = 5_000

_NAMED = r"'((?:[^']|'')*)'\s*,\s*'((?:[^']|'')*)'\s*,\s*'(\w+)'\s+(NEQ|EQ|GTE|GT|LTE|LT|HAS)\s+"
_RULE = re.compile(rf"\s*{_NAMED}(?:'((?:[^']|'')*)'|(.+?))\s*", re.IGNORECASE | re.DOTALL)
_WORD = r"[^\s()']+"
_TOKEN = re.compile(
    rf"\s*(?:(?P<mark>[()])|(?P<join>AND|OR)(?![^\s(])|(?P<rule>{_NAMED}(?:'(?:[^']|'')*'|{_WORD})))", re.IGNORECASE
)


class BadRules(ValueError):
    """Rules that cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Rule:
    """One comparison. `value` is as it was written, without its quotes."""

    event: str
    path: str
    mode: str
    operator: str
    value: str

    def __str__(self) -> str:
        named = ",".join(_quote(one) for one in (self.event, self.path, self.mode))
        return f"{named} {self.operator} {_quote(self.value)}"


@dataclass(frozen=True)
class Rules:
    """All of them (AND), or one of them (OR)."""

    logic: str
    args: tuple["Rule | Rules", ...]

    def __iter__(self) -> Iterator[Rule]:
        for one in self.args:
            if isinstance(one, Rule):
                yield one
            else:
                yield from one


Ask = Callable[[Rule], bool]


def holds(rules: Rules, ask: Ask) -> bool:
    """Whether the rules hold, when `ask` says of each whether it does."""
    said = (ask(one) if isinstance(one, Rule) else holds(one, ask) for one in rules.args)
    return any(said) if rules.logic == "OR" else all(said)


def compare(operator: str, values: Sequence[Any], wanted: Any) -> bool:
    """A rule holds when one of the values meets it; NEQ when none is equal, so also when there is none."""
    match operator:
        case "EQ":
            return any(one == wanted for one in values)
        case "NEQ":
            return all(one != wanted for one in values)
        case "GTE":
            return any(one >= wanted for one in values)
        case "GT":
            return any(one > wanted for one in values)
        case "LTE":
            return any(one <= wanted for one in values)
        case "LT":
            return any(one < wanted for one in values)
    return any(wanted in one for one in values)


def read_rules(document: Any) -> Rules | None:
    """The rules of a document of the contract; None for none. Raises BadRules."""
    if document is None or document in ({}, ""):
        return None
    rules = _read_group(document, 0)
    if sum(1 for _ in rules) > MAX_RULES:
        raise BadRules(f"At most {MAX_RULES} rules.")
    return rules


def say_rules(rules: Rules | None) -> dict[str, Any] | None:
    """The document of the contract."""
    if rules is None:
        return None
    args = [str(one) if isinstance(one, Rule) else say_rules(one) for one in rules.args]
    single = len(args) == 1 and isinstance(args[0], str)
    return {"logic": "SINGLE" if single else rules.logic, "args": args}


def write_rules(rules: Rules | None) -> str:
    """The rules as people read and write them."""
    if rules is None:
        return ""
    parts = [str(one) if isinstance(one, Rule) else f"({write_rules(one)})" for one in rules.args]
    return f" {rules.logic} ".join(parts)


def parse_rules(text: str) -> Rules | None:
    """The rules that `write_rules` writes; None for an empty text. Raises BadRules."""
    if not text.strip():
        return None
    if len(text) > MAX_TEXT:
        raise BadRules(f"At most {MAX_TEXT:,} characters.")
    return read_rules(_Reader(text).read_all())


def parse_rule(text: str) -> Rule:
    """One rule. Raises BadRules."""
    found = _RULE.fullmatch(text)
    if found is None:
        raise BadRules(
            f"“{text.strip()[:80]}” is no rule. Write 'Event','metadata','Aggregation' OP value, with OP one of "
            f"{', '.join(OPERATORS)}."
        )
    event, path, mode, operator, quoted, bare = found.groups()
    value = bare if quoted is None else quoted.replace("''", "'")
    return Rule(event.replace("''", "'"), path.replace("''", "'"), mode, operator.upper(), value)


def _read_group(document: Any, depth: int) -> Rules:
    if isinstance(document, str):
        return Rules("AND", (parse_rule(document),))
    if not isinstance(document, dict):
        raise BadRules('Rules are {"logic": "AND", "OR" or "SINGLE", "args": [...]}.')
    if depth >= MAX_DEPTH:
        raise BadRules(f"These rules are nested more than {MAX_DEPTH} levels deep.")
    logic, args = str(document.get("logic", "")).upper(), document.get("args")
    if logic not in ("AND", "OR", "SINGLE"):
        raise BadRules("The logic of rules is AND, OR or SINGLE.")
    if not isinstance(args, list) or not args or len(args) > MAX_RULES:
        raise BadRules(f"The args of {logic} are a list of 1 to {MAX_RULES} rules.")
    if logic == "SINGLE" and len(args) > 1:
        raise BadRules("SINGLE takes one rule; use AND or OR for several.")
    read = tuple(parse_rule(one) if isinstance(one, str) else _read_group(one, depth + 1) for one in args)
    return Rules("OR" if logic == "OR" else "AND", read)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class _Reader:
    """Goes over a text once, from left to right, and makes the contract's document of it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._next()

    def read_all(self) -> Any:
        document = self._read_chain("OR", 0)
        if self._kind:
            raise BadRules(f"At character {self._at}: here AND, OR or the end was expected.")
        return document

    def _read_chain(self, word: str, depth: int) -> Any:
        def read() -> Any:
            return self._read_chain("AND", depth) if word == "OR" else self._read_one(depth)

        parts = [read()]
        while self._kind == "join" and self._value.upper() == word:
            self._next()
            parts.append(read())
        return parts[0] if len(parts) == 1 else {"logic": word, "args": parts}

    def _read_one(self, depth: int) -> Any:
        if depth >= MAX_DEPTH:
            raise BadRules(f"These rules are nested more than {MAX_DEPTH} levels deep.")
        kind, value = self._kind, self._value
        if kind == "rule":
            self._next()
            return value
        if (kind, value) != ("mark", "("):
            raise BadRules(f"At character {self._at}: here a rule was expected: 'Event','metadata','Count' GTE 3")
        self._next()
        inner = self._read_chain("OR", depth + 1)
        if (self._kind, self._value) != ("mark", ")"):
            raise BadRules(f"At character {self._at}: here a closing bracket was expected.")
        self._next()
        return inner

    def _next(self) -> None:
        if not self._text[self._at :].strip():
            self._kind = self._value = ""
            return
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise BadRules(
                f"At character {self._at}: write 'Event','metadata','Aggregation' OP value, joined by AND, OR and "
                f"brackets. OP is one of {', '.join(OPERATORS)}."
            )
        self._at = found.end()
        self._kind = found.lastgroup or ""
        self._value = found[self._kind]


__all__ = [
    "OPERATORS", "BadRules", "Rule", "Rules", "compare", "holds", "parse_rule", "parse_rules", "read_rules",
    "say_rules", "write_rules",
]  # fmt: skip
