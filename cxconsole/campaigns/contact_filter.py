"""Filters over the contacts of a campaign: a small typed tree, read from JSON, turned into SQL.

As JSON: `{"field": "language", "op": "eq", "value": "de"}`, joined by `{"and": [...]}` and
`{"or": [...]}`, nested as deep as needed. Text is compared without regard to the case of A-Z;
a missing value is neither equal to nor greater or less than anything, so `ne` finds it.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import (
    ColumnElement,
    Float,
    String,
    and_,
    case,
    cast,
    collate,
    func,
    literal,
    null,
    or_,
    select,
)  # fmt: skip
from sqlmodel import col

from cxconsole.errors import FieldProblem, Invalid
from models.contact import CampaignContact, ContactSource
from models.person import Identity, IdentityKind, Person

MAX_DEPTH = 6
MAX_CONDITIONS = 50
ATTRIBUTE_PREFIX = "attributes."


class FilterOp(StrEnum):
    """What a condition asks of a field."""

    EQ = "eq"
    NE = "ne"
    CONTAINS = "contains"
    STARTS = "starts"
    GT = "gt"
    LT = "lt"
    EMPTY = "empty"
    FILLED = "filled"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One question about one field. `value` is text, or an aware moment for a field of time."""

    field: str
    op: FilterOp
    value: str | datetime = ""


@dataclass(frozen=True, kw_only=True)
class AllOf:
    """True when each part is."""

    parts: "tuple[FilterTree, ...]"


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """True when one part is."""

    parts: "tuple[FilterTree, ...]"


FilterTree = Condition | AllOf | AnyOf


@dataclass(frozen=True, kw_only=True)
class ContactQuery:
    """Which contacts of a campaign are meant; everything that is set must hold.

    `q` is searched in all fields of the person. `delivery` maps a channel to what became of the
    message: see `contact_query.DELIVERY_STATES`.
    """

    q: str = ""
    source_id: int | None = None
    status: str | None = None
    hold_reason: str | None = None
    delivery: Mapping[str, str] = field(default_factory=dict)
    filter: FilterTree | None = None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Contacts picked one by one (`ids`), or all that match a query."""

    ids: tuple[int, ...] | None = None
    matching: ContactQuery | None = None

    def __post_init__(self) -> None:
        if (self.ids is None) == (self.matching is None):
            raise Invalid.field("selection", "Select contacts either by id or by a filter.")


def _identity(kind: IdentityKind) -> Callable[[], ColumnElement[Any]]:
    def build() -> ColumnElement[Any]:
        return (
            select(col(Identity.value))
            .where(
                col(Identity.person_id) == col(CampaignContact.person_id),
                col(Identity.kind) == kind.value,
                col(Identity.is_primary),
            )
            .limit(1)
            .correlate(CampaignContact)
            .scalar_subquery()
        )

    return build


def _source() -> ColumnElement[Any]:
    return (
        select(col(ContactSource.name))
        .where(col(ContactSource.id) == col(CampaignContact.source_id))
        .correlate(CampaignContact)
        .scalar_subquery()
    )


def _full_name() -> ColumnElement[Any]:
    return func.trim(func.coalesce(col(Person.first_name), "") + " " + func.coalesce(col(Person.last_name), ""))


TEXT_FIELDS: dict[str, Callable[[], Any]] = {
    "name": _full_name,
    "first_name": lambda: col(Person.first_name),
    "last_name": lambda: col(Person.last_name),
    "email": _identity(IdentityKind.EMAIL),
    "phone": _identity(IdentityKind.PHONE),
    "customer_id": _identity(IdentityKind.CUSTOMER_ID),
    "language": lambda: col(Person.language),
    "time_zone": lambda: col(Person.time_zone),
    "preferred_channel": lambda: col(Person.preferred_channel),
    "external_ref": lambda: col(Person.external_ref),
    "status": lambda: col(CampaignContact.status),
    "hold_reason": lambda: col(CampaignContact.hold_reason),
    "reason": lambda: col(CampaignContact.reason),
    "source": _source,
}
TIME_FIELDS: dict[str, Callable[[], Any]] = {
    "created_at": lambda: col(CampaignContact.created_at),
    "due_at": lambda: col(CampaignContact.due_at),
    "last_activity_at": lambda: col(CampaignContact.last_activity_at),
}
PERSON_FIELDS = frozenset({
    "name", "first_name", "last_name", "language", "time_zone", "preferred_channel", "external_ref",
})  # fmt: skip
"""Fields whose SQL needs the person's row joined; attributes do too."""

_TIME_OPS = frozenset({FilterOp.GT, FilterOp.LT, FilterOp.EMPTY, FilterOp.FILLED})
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z")
_NUMBER_LENGTH = 30


def parse_filter(raw: Any, *, loc: str = "filter") -> FilterTree:
    """The tree that `raw` (parsed JSON) describes. Raises Invalid naming the place of every problem."""
    problems: list[FieldProblem] = []
    count = [0]
    tree = _parse(raw, loc, 1, count, problems)
    if count[0] > MAX_CONDITIONS:
        problems.append(FieldProblem(loc=loc, msg=f"A filter holds {MAX_CONDITIONS} conditions at most."))
    if problems or tree is None:
        raise Invalid("The filter cannot be used: " + problems[0].msg, errors=problems)
    return tree


def _parse(raw: Any, loc: str, depth: int, count: list[int], problems: list[FieldProblem]) -> FilterTree | None:
    if not isinstance(raw, dict):
        problems.append(FieldProblem(loc=loc, msg="Give a condition, or a list under `and` or `or`."))
        return None
    for word, kind in (("and", AllOf), ("or", AnyOf)):
        if word not in raw:
            continue
        parts = raw[word]
        if len(raw) > 1:
            problems.append(FieldProblem(loc=loc, msg=f"`{word}` stands alone; put further conditions into its list."))
        elif not isinstance(parts, list) or not parts:
            problems.append(FieldProblem(loc=f"{loc}.{word}", msg="Give a list with at least one condition."))
        elif depth >= MAX_DEPTH:
            problems.append(FieldProblem(loc=loc, msg=f"A filter is nested {MAX_DEPTH} levels deep at most."))
        else:
            found = [_parse(part, f"{loc}.{word}[{i}]", depth + 1, count, problems) for i, part in enumerate(parts)]
            return kind(parts=tuple(part for part in found if part is not None))
        return None
    count[0] += 1
    return _parse_condition(raw, loc, problems)


def _parse_condition(raw: dict[str, Any], loc: str, problems: list[FieldProblem]) -> Condition | None:
    before = len(problems)

    def report(place: str, msg: str) -> None:
        problems.append(FieldProblem(loc=f"{loc}.{place}" if place else loc, msg=msg))

    if unknown := raw.keys() - {"field", "op", "value"}:
        report("", f"A condition has `field`, `op` and `value`; not {', '.join(sorted(map(str, unknown)))}.")
    name, op = raw.get("field"), raw.get("op")
    if not isinstance(name, str) or not _is_known(name):
        report("field", f"{name!r} is no field of a contact. Use {', '.join([*TEXT_FIELDS, *TIME_FIELDS])} "
                        f"or {ATTRIBUTE_PREFIX}<name>.")  # fmt: skip
    if op not in list(FilterOp):
        report("op", f"{op!r} is no comparison. Use one of {', '.join(FilterOp)}.")
    if len(problems) > before or not isinstance(name, str):
        return None
    op = FilterOp(str(op))
    if name in TIME_FIELDS and op not in _TIME_OPS:
        report("op", f"A time is compared with {', '.join(sorted(_TIME_OPS))}.")
        return None
    if op in (FilterOp.EMPTY, FilterOp.FILLED):
        return Condition(field=name, op=op)
    value = _parse_value(name, raw.get("value"), report)
    return None if value is None else Condition(field=name, op=op, value=value)


def _is_known(name: str) -> bool:
    if name.startswith(ATTRIBUTE_PREFIX):
        attribute = name.removeprefix(ATTRIBUTE_PREFIX)
        # a quote would end the quoted label of a JSON path; control characters cannot be in a header
        return 0 < len(attribute) <= 200 and '"' not in attribute and "\\" not in attribute and attribute.isprintable()
    return name in TEXT_FIELDS or name in TIME_FIELDS


def _parse_value(name: str, value: Any, report: Callable[[str, str], None]) -> str | datetime | None:
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        value = str(value)
    if name in TIME_FIELDS:
        if isinstance(value, str):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                moment = None
        else:
            moment = value if isinstance(value, datetime) else None
        if moment is None:
            report("value", "Give a date or time such as 2026-05-19 or 2026-05-19T10:00:00+02:00.")
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not isinstance(value, str) or not value or len(value) > 500 or "\x00" in value:
        report("value", "Give a text of 1 to 500 characters; `empty` and `filled` ask whether there is one.")
        return None
    return value


def filter_address(*conditions: tuple[str, FilterOp, str], join: str = "and") -> str:
    """The part of an address that asks a list of contacts for these: `filter=...`."""
    parts = [{"field": name, "op": op.value, "value": value} for name, op, value in conditions]
    return urlencode({"filter": json.dumps({join: parts})})


def conditions_of(tree: FilterTree | None) -> tuple[Condition, ...]:
    """All conditions in the tree, wherever they stand."""
    if tree is None:
        return ()
    if isinstance(tree, Condition):
        return (tree,)
    return tuple(one for part in tree.parts for one in conditions_of(part))


def needs_person(tree: FilterTree | None) -> bool:
    """Whether the tree's SQL needs the person's row joined."""
    return any(one.field in PERSON_FIELDS or one.field.startswith(ATTRIBUTE_PREFIX) for one in conditions_of(tree))


def filter_clause(tree: FilterTree, *, sqlite: bool) -> ColumnElement[bool]:
    """The tree as SQL over CampaignContact, with Person joined when `needs_person`."""
    if isinstance(tree, AllOf):
        return and_(*(filter_clause(part, sqlite=sqlite) for part in tree.parts))
    if isinstance(tree, AnyOf):
        return or_(*(filter_clause(part, sqlite=sqlite) for part in tree.parts))
    if isinstance(tree.value, datetime) or tree.field in TIME_FIELDS:
        return _time_clause(tree)
    return _text_clause(tree, str(tree.value), sqlite=sqlite)


def _time_clause(condition: Condition) -> ColumnElement[bool]:
    expression = TIME_FIELDS[condition.field]()
    if condition.op is FilterOp.EMPTY:
        return expression.is_(None)
    if condition.op is FilterOp.FILLED:
        return expression.is_not(None)
    compared = expression > condition.value if condition.op is FilterOp.GT else expression < condition.value
    return func.coalesce(compared, False)


def _text_clause(condition: Condition, value: str, *, sqlite: bool) -> ColumnElement[bool]:
    if condition.field.startswith(ATTRIBUTE_PREFIX):
        text = _attribute(condition.field.removeprefix(ATTRIBUTE_PREFIX), sqlite=sqlite)
    else:
        text = TEXT_FIELDS[condition.field]()
    text = func.coalesce(text, "")
    if condition.op is FilterOp.EMPTY:
        return text == ""
    if condition.op is FilterOp.FILLED:
        return text != ""
    if condition.op in (FilterOp.GT, FilterOp.LT) and _is_number(value):
        number = _as_number(text, sqlite=sqlite)
        compared = number > float(value) if condition.op is FilterOp.GT else number < float(value)
        return func.coalesce(compared, False)
    # in the collation "C" lower() touches A-Z alone and order is by code point, on both databases
    folded = func.lower(text if sqlite else collate(text, "C"))
    wanted = fold(value)
    if condition.op is FilterOp.EQ:
        return folded == wanted
    if condition.op is FilterOp.NE:
        return folded != wanted
    if condition.op is FilterOp.CONTAINS:
        return (func.instr(folded, wanted) if sqlite else func.strpos(folded, wanted)) > 0
    if condition.op is FilterOp.STARTS:
        return func.substr(folded, 1, len(wanted)) == wanted
    return and_(text != "", folded > wanted if condition.op is FilterOp.GT else folded < wanted)


def _attribute(name: str, *, sqlite: bool) -> ColumnElement[Any]:
    if not sqlite:
        return col(Person.attributes).op("->>", return_type=String())(name)
    found = _sqlite_attribute(f'$."{name}"')
    if name.isascii():
        return found
    # the serialiser may have written the key with \\u escapes, and SQLite before 3.45 compares keys as written
    escaped = json.dumps(name)
    return func.coalesce(found, _sqlite_attribute(f"$.{escaped}"))


def _sqlite_attribute(path: str) -> ColumnElement[Any]:
    kind = func.json_type(col(Person.attributes), path)
    return case(
        (kind == "true", literal("true")),
        (kind == "false", literal("false")),
        else_=cast(func.json_extract(col(Person.attributes), path), String),
    )


def fold(text: str) -> str:
    """The text with A-Z in lower case and everything else as it was."""
    return text.translate(_FOLD)


_FOLD = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _is_number(text: str) -> bool:
    return len(text) <= _NUMBER_LENGTH and _NUMBER.match(text) is not None


def _as_number(text: ColumnElement[Any], *, sqlite: bool) -> ColumnElement[Any]:
    short = func.length(text) <= _NUMBER_LENGTH
    if sqlite:
        # what is valid JSON and holds only these characters is a plain decimal number
        plain = and_(short, text.bool_op("NOT GLOB")("*[^0-9.-]*"), func.json_valid(text) == 1)
    else:
        plain = and_(short, text.bool_op("~")(r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"))
    return case((plain, cast(text, Float)), else_=null())
