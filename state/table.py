"""What every list has: order, page, search and picks. The page's own state says how rows are read."""

from typing import Any

import reflex as rx

from state.format import capped, number

SIZES = (10, 50, 100)


async def refresh_beside(table: Any) -> None:
    """For a list that follows: read while the page stays free for clicks, and drop the answer if one came.

    The list has `wish()` (what is asked for), `ask(wish)` and `show_answer(answer)`.
    """
    async with table:
        wish = table.wish()
    answer = await table.ask(wish)
    async with table:
        if table.wish() == wish:
            table.show_answer(answer)


class TableState(rx.State, mixin=True):
    """A list's state: `class ContactsState(TableState, rx.State)` with a `refresh` of its own.

    `refresh` reads one page by `sort`, `descending`, `limit`, `offset`, `q`, sets its rows and calls
    `show_page(total, ids, is_capped)`. `components.tables.data_table` shows it.
    """

    sort: str = ""
    descending: bool = False
    limit: int = 10
    offset: int = 0
    q: str = ""
    total: int = 0
    total_is_capped: bool = False
    loading: bool = True
    page_ids: list[str] = []
    picked: list[str] = []
    everything_picked: bool = False
    """All that match the filters, also on other pages."""
    hidden_columns: list[str] = []
    """Labels of the columns that the reader does not want to see; kept for the session."""

    async def refresh(self) -> None:
        """Read the page again."""
        raise NotImplementedError

    async def start_over(self) -> None:
        """After another question: the first page, nothing picked."""
        self.offset, self.picked, self.everything_picked = 0, [], False
        await self.refresh()

    @property
    def order(self) -> str:
        """The sort as services take it: `-name` is descending."""
        return f"-{self.sort}" if self.descending else self.sort

    def show_page(self, total: int, ids: list[str], *, is_capped: bool = False) -> None:
        """Say what was read; picks of rows that are gone from sight stay. What is the same is not sent again."""
        if (total, is_capped) != (self.total, self.total_is_capped):
            self.total, self.total_is_capped = total, is_capped
        if ids != self.page_ids:
            self.page_ids = ids
        if self.loading:
            self.loading = False

    @rx.var
    def range_words(self) -> str:
        """ "1 to 10 of 26"."""
        if not self.page_ids:
            return "0 rows"
        last = self.offset + len(self.page_ids)
        return f"{number(self.offset + 1)} to {number(last)} of {capped(self.total, self.total_is_capped)}"

    @rx.var
    def total_words(self) -> str:
        """ "26", or "10,000+"."""
        return capped(self.total, self.total_is_capped)

    @rx.var
    def has_previous(self) -> bool:
        """Whether there is a page before."""
        return self.offset > 0

    @rx.var
    def has_next(self) -> bool:
        """Whether there is a page after."""
        return self.total_is_capped or self.offset + len(self.page_ids) < self.total

    @rx.var
    def picked_count(self) -> int:
        """How many rows are picked."""
        return self.total if self.everything_picked else len(self.picked)

    @rx.var
    def picked_words(self) -> str:
        """The same in words."""
        return capped(self.total, self.total_is_capped) if self.everything_picked else number(len(self.picked))

    @rx.var
    def page_is_picked(self) -> bool:
        """Whether every row on this page is picked."""
        return self.everything_picked or bool(self.page_ids and set(self.page_ids) <= set(self.picked))

    @rx.event
    async def sort_by(self, column: str) -> None:
        """By this column; again the same turns the order round."""
        self.descending = not self.descending if self.sort == column else False
        self.sort, self.offset = column, 0
        await self.refresh()

    @rx.event
    def switch_column(self, label: str) -> None:
        """Hide a column, or show it again."""
        here = self.hidden_columns
        self.hidden_columns = [one for one in here if one != label] if label in here else [*here, label[:40]][-20:]

    @rx.event(supersedes=True)
    async def search(self, q: str) -> None:
        """What was typed into the search box; what is still looked for then is given up."""
        self.q = q[:200]
        await self.start_over()

    @rx.event
    async def show_rows(self, count: str) -> None:
        """10, 50 or 100 a page."""
        if count in map(str, SIZES):
            self.limit, self.offset = int(count), 0
            await self.refresh()

    @rx.event
    async def next_page(self) -> None:
        """The page after."""
        if self.has_next:
            self.offset += self.limit
            await self.refresh()

    @rx.event
    async def previous_page(self) -> None:
        """The page before."""
        self.offset = max(0, self.offset - self.limit)
        await self.refresh()

    @rx.event
    def pick(self, row_id: str) -> None:
        """Pick a row, or let it go."""
        if self.everything_picked:
            self.everything_picked, self.picked = False, [one for one in self.page_ids if one != row_id]
        elif row_id in self.picked:
            self.picked = [one for one in self.picked if one != row_id]
        else:
            self.picked = [*self.picked, row_id]

    @rx.event
    def pick_page(self, on: bool) -> None:
        """Pick every row on this page, or none of them."""
        here = set(self.page_ids)
        self.everything_picked = False
        self.picked = [one for one in self.picked if one not in here] + (self.page_ids if on else [])

    @rx.event
    def pick_everything(self) -> None:
        """Pick all that match, also on other pages."""
        self.everything_picked = True

    @rx.event
    def clear_picks(self) -> None:
        """Pick nothing."""
        self.picked, self.everything_picked = [], False
