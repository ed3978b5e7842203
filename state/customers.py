"""The list of customers."""

from dataclasses import dataclass

import reflex as rx

from cxconsole.audience.people import PersonView
from cxconsole.audience.person_changes import list_persons
from state import format as show
from state.session import read
from state.table import TableState


@dataclass(frozen=True, kw_only=True)
class CustomerRow:
    """A line of the list."""

    id: str
    name: str
    customer_id: str
    email: str
    phone: str
    language: str
    labels: list[str]
    since: show.Moment


class CustomersState(TableState, rx.State):
    """`/customers`."""

    rows: list[CustomerRow] = []
    sort: str = "id"
    descending: bool = True

    @rx.event
    async def load(self):
        """On each visit."""
        await self.refresh()

    async def refresh(self) -> None:
        """One page."""
        page = await read(self, list_persons, q=self.q, sort=self.order, limit=self.limit, offset=self.offset)
        view = show.viewer_of(self)
        self.rows = [_row(one, view) for one in page.items]
        self.show_page(page.total, [row.id for row in self.rows], is_capped=page.total_is_capped)


def _row(one: PersonView, view: show.Viewer) -> CustomerRow:
    return CustomerRow(
        id=str(one.id),
        name=one.called,
        customer_id=one.primary("customer_id") or "",
        email=one.primary("email") or "",
        phone=show.address(one.primary("phone") or ""),
        language=one.language or "",
        labels=list(one.labels),
        since=show.day_of(view, one.created_at),
    )
