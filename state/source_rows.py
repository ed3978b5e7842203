"""A source, its types and their fields as the page of sources shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxconsole.journey.registry import TypeView
from cxconsole.journey.source_overview import SourceOverview
from cxconsole.journey.sources import COUNTED
from state import format as show
from state.format import Moment, moment_of


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """A source with its rules, as words."""

    id: str
    name: str
    state: str
    rules: str
    count: str
    pace: str
    types: str
    aside: str
    last: Moment


@dataclass(frozen=True, kw_only=True)
class TypeRow:
    """A kind of event of the chosen source."""

    type: str
    fields: str
    personal: str
    count: str
    pace: str
    first: Moment
    last: Moment


@dataclass(frozen=True, kw_only=True)
class FieldRow:
    """A field of the data of one type."""

    path: str
    kinds: str
    is_personal: bool


@dataclass(frozen=True, kw_only=True)
class AsideRow:
    """An event that was set aside."""

    id: str
    type: str
    received: Moment


def source_row(one: SourceOverview, view: show.Viewer) -> SourceRow:
    """A source in the list."""
    source = one.source
    return SourceRow(
        id=str(source.id), name=source.name, state=source.state, rules=_rules(one), count=show.number(one.count),
        pace=show.number(one.per_minute), types=show.number(len(one.types)),
        aside=aside_count(source.quarantined) if source.quarantined else "",
        last=moment_of(view, one.last_seen_at),
    )  # fmt: skip


def aside_count(count: int) -> str:
    """How many are set aside; beyond what is counted, "10,000+"."""
    return show.capped(min(count, COUNTED), count > COUNTED)


def _rules(one: SourceOverview) -> str:
    source, said = one.source, []
    if source.allowed_types is not None:
        said.append(f"only {show.plural(len(source.allowed_types), 'type')}")
    if source.per_second is not None:
        said.append(f"at most {show.number(source.per_second)} a second")
    if source.sample_percent < 100:
        said.append(f"{source.sample_percent}% are kept")
    if said and source.excess == "quarantine":
        said.append("the rest is set aside")
    return ", ".join(said).capitalize() or "Everything is stored"


def type_row(seen: TypeView, personal: Sequence[str], view: show.Viewer) -> TypeRow:
    """A type of the chosen source."""
    fields = [f"{path}: {' or '.join(kinds)}" for path, kinds in seen.fields.items()]
    return TypeRow(
        type=seen.type, fields=", ".join(fields[:40]) or "no fields", personal=", ".join(personal),
        count=show.number(seen.count),
        pace=show.number(seen.per_minute), first=moment_of(view, seen.first_seen_at),
        last=moment_of(view, seen.last_seen_at),
    )  # fmt: skip


def field_rows(one: SourceOverview, kind: str) -> list[FieldRow]:
    """The fields of a type, with those that are marked and were not seen lately."""
    seen = next((each.fields for each in one.types if each.type == kind), {})
    marked = one.personal.get(kind, ())
    kinds: dict[str, tuple[str, ...]] = {**dict.fromkeys(marked, ()), **seen}
    return [FieldRow(path=path, kinds=" or ".join(kinds[path]), is_personal=path in marked) for path in kinds]
