"""From a person's events to what the attributes of a profile come to: all of them in one pass, newest event first.

Events come in blocks of columns, because Python goes over one column with a few calls, and over as many rows with
thousands. Values of one plain kind, which is nearly always, are never looked at one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress, islice
from math import fsum, isfinite, nan
from typing import Any

from cxconsole.journey.attributes import Attribute, Kind, Mode, convert, fits

Path = tuple[str, ...]
_PLAIN: dict[Kind, frozenset[type]] = {
    Kind.STRING: frozenset({str}), Kind.INTEGER: frozenset({int}), Kind.DOUBLE: frozenset({int, float}),
    Kind.BOOLEAN: frozenset({bool}), Kind.DATETIME: frozenset(),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some of a person's events, newest first, column by column.

    `columns` have what is at a path (None where nothing is), `cuts` how many of the events are not before a moment.
    """

    ids: Sequence[int]
    types: Sequence[str]
    columns: Mapping[Path, Sequence[Any]]
    cuts: Mapping[datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attribute came to. Value and Distinct have any number of values, all others one or none.

    `event_ids` are those that were taken, of an attribute that is verbose.
    """

    values: tuple[Any, ...] = ()
    event_ids: tuple[int, ...] = ()


def root_of(attribute: Attribute) -> Path:
    """The way into the data as far as the first list: what a database is asked for."""
    root = []
    for step in attribute.steps:
        root.append(step.removesuffix("[]"))
        if step.endswith("[]"):
            break
    return tuple(root)


class Pass:
    """The attributes of one view on their way over one person's events."""

    def __init__(self, attributes: Sequence[Attribute], now: datetime) -> None:
        self._tallies = [_Tally(one, one.since(now)) for one in attributes]

    @property
    def wanted(self) -> list[Attribute]:
        """The attributes for which older events are still needed."""
        return [one.attribute for one in self._tallies if not one.is_done]

    def take(self, block: Block) -> None:
        """The next events."""
        kinds = set(block.types)
        masks: dict[str, Sequence[bool] | None] = {}
        for tally in self._tallies:
            if tally.is_done:
                continue
            event = tally.attribute.event
            if event not in masks:
                masks[event] = _mask(block.types, kinds, event)
            tally.take(block, masks[event])

    def outcomes(self) -> tuple[Outcome, ...]:
        """What each attribute has come to so far, in their order."""
        return tuple(one.outcome() for one in self._tallies)


def _mask(types: Sequence[str], kinds: set[str], pattern: str) -> Sequence[bool] | None:
    """Which events are meant; None for all of them."""
    fitting = {kind for kind in kinds if fits(pattern, kind)}
    return None if len(fitting) == len(kinds) else list(map(fitting.__contains__, types))


class _Tally:
    """One attribute on its way."""

    def __init__(self, attribute: Attribute, since: datetime | None) -> None:
        self.attribute = attribute
        self.is_done = False
        self._since = since
        self._root = root_of(attribute)
        self._rest = tuple(step.removesuffix("[]") for step in attribute.steps[len(self._root) :])
        self._left = attribute.limit
        self._events = 0
        self._ids: list[int] = []
        self._values: list[Any] = []
        self._total: float | int = 0
        self._counted = 0

    def take(self, block: Block, mask: Sequence[bool] | None) -> None:
        """The events of the block that are meant and not too old, as many as are still to be taken."""
        cut = len(block.types) if self._since is None else block.cuts[self._since]
        values, count = self._read(block, mask, cut)
        self._events += count
        self._left -= count
        if values:
            self._add(values)
        self.is_done = self._left == 0 or cut < len(block.types)

    def outcome(self) -> Outcome:
        """What it came to."""
        return Outcome(values=tuple(self._result()), event_ids=tuple(self._ids))

    def _read(self, block: Block, mask: Sequence[bool] | None, cut: int) -> tuple[list[Any], int]:
        """The values to be taken, and of how many events they are."""

        def choose(column: Sequence[Any]) -> Iterator[Any]:
            return iter(column[:cut]) if mask is None else compress(column[:cut], mask)

        kind = self.attribute.kind
        if not self._root:
            ids = list(islice(choose(block.ids), self._left))
            self._note(ids)
            return [], len(ids)
        if not self._rest and not self.attribute.verbose:
            values = [one for one in choose(block.columns[self._root]) if one is not None]
            if set(map(type, values)) <= _PLAIN[kind]:
                del values[self._left :]
                return values, len(values)
        return self._read_closely(choose(block.ids), choose(block.columns[self._root]))

    def _read_closely(self, ids: Iterator[int], column: Iterator[Any]) -> tuple[list[Any], int]:
        """One by one: inside lists, of another kind than wanted, or with the events themselves."""
        values: list[Any] = []
        taken: list[int] = []
        kind = self.attribute.kind
        for event_id, given in zip(ids, column, strict=True):
            found = [value for one in _walk(given, self._rest) if (value := convert(one, kind)) is not None]
            if found:
                values += found
                taken.append(event_id)
                if len(taken) == self._left:
                    break
        self._note(taken)
        return values, len(taken)

    def _note(self, ids: list[int]) -> None:
        if self.attribute.verbose:
            self._ids += ids

    def _add(self, values: list[Any]) -> None:
        self._counted += len(values)
        match self.attribute.mode:
            case Mode.VALUE:
                self._values += values
            case Mode.DISTINCT:
                self._values = list(dict.fromkeys([*self._values, *values]))
            case Mode.MAX:
                self._values = [max([*self._values, *values])]
            case Mode.MIN:
                self._values = [min([*self._values, *values])]
            case Mode.SUM | Mode.AVERAGE if self.attribute.kind is Kind.INTEGER:
                self._total += sum(values)
            case Mode.SUM | Mode.AVERAGE:
                self._total = _add_up([self._total, *values])

    def _result(self) -> Sequence[Any]:
        match self.attribute.mode:
            case Mode.COUNT:
                return [self._events]
            case Mode.SUM:
                return [self._total] if _is_number(self._total) else []
            case Mode.AVERAGE:
                if not self._counted or not _is_number(self._total):
                    return []
                return [self._total / self._counted]
        return self._values


def _add_up(values: list[float | int]) -> float:
    try:
        return fsum(values)
    except (OverflowError, ValueError):  # beyond what a number of the machine can be
        return nan


def _is_number(value: float | int) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # a whole number too large for one with a point
        return True


def _walk(value: Any, steps: Path) -> Iterator[Any]:
    """What is at a path; the items of a list one by one."""
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict):
        yield from _walk(value.get(steps[0]), steps[1:])


__all__ = ["Block", "Outcome", "Pass", "Path", "root_of"]
