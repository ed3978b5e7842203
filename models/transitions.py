"""Moves between states. Each enum brings its table; a move that is not in it raises."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)


class IllegalMove(ValueError):
    """A change of state that the table does not know."""

    def __init__(self, before: StrEnum, after: StrEnum) -> None:
        super().__init__(f"{type(before).__name__} cannot go from {before.name} to {after.name}")
        self.before = before
        self.after = after


def check_move(table: Mapping[State, frozenset[State]], before: State, after: State) -> State:
    """`after`, if the table allows it from `before`; raises IllegalMove otherwise."""
    if after not in table[before]:
        raise IllegalMove(before, after)
    return after
