"""Lists by page: what every list service returns, and how a sort is asked for."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from cxconsole.errors import Invalid

Item = TypeVar("Item")

COUNT_CAP = 10_001
"""Counting stops here under a filter: people read "more than 10,000", and a million rows cost no more than a few."""

MAX_LIMIT = 200


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Item]):
    """One page of a list.

    `total` is exact unless `total_is_capped`; then it is only known to be at least that many (show "10,000+").
    `next_offset` is None on the last page.
    """

    items: tuple[Item, ...]
    total: int
    total_is_capped: bool = False
    next_offset: int | None = None


def make_page(
    items: Collection[Item], *, total: int, limit: int, offset: int, total_is_capped: bool = False
) -> Page[Item]:
    """A page of `items` that begins at `offset`; works out whether there is a next one."""
    end = offset + len(items)
    more = len(items) == limit and (end < total or total_is_capped)
    return Page(
        items=tuple(items), total=max(total, end), total_is_capped=total_is_capped, next_offset=end if more else None
    )


def check_range(limit: int, offset: int) -> None:
    """Raise Invalid unless 1 <= limit <= 200 and offset >= 0."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid.field("limit", f"The limit must be between 1 and {MAX_LIMIT}.")
    if offset < 0:
        raise Invalid.field("offset", "The offset must not be negative.")


def parse_sort(sort: str, allowed: Collection[str]) -> tuple[str, bool]:
    """`"-name"` → `("name", True)`: the field, and whether the order is descending. Raises Invalid."""
    field = sort.removeprefix("-")
    if field not in allowed:
        raise Invalid.field("sort", f"Lists can be sorted by {', '.join(sorted(allowed))}; not by {field!r}.")
    return field, sort.startswith("-")
