"""The contacts of a campaign: browse, filter, and edit, remove or retry many at once."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from cxconsole.audience.contacts_intake import add_contacts
from cxconsole.campaigns.contact_changes import remove_contacts, retry_contacts, update_contacts
from cxconsole.campaigns.contact_filter import ContactQuery, Selection, parse_filter
from cxconsole.campaigns.contacts import ContactRow, list_contacts
from cxconsole.errors import CxError, Invalid
from cxconsole.journey.event_words import reason_words
from cxconsole.paging import Page
from cxconsole.signals import topics
from models.contact import SourceKind
from state import format as show
from state.follow import SLOW_PAUSE_SECONDS, follow
from state.route import campaign_id_of, campaign_to_follow, route_arg
from state.session import change_contacts, problem, read, write
from state.table import TableState, refresh_beside

EDITABLE = ("first_name", "last_name", "email", "phone", "customer_id", "language", "time_zone")
_HOLDS = {
    "campaign-unpublished": "Campaign is unpublished",
    "validity-period-expired": "Validity period has ended",
    "campaign-ended": "Campaign has ended",
}


@dataclass(frozen=True)
class ContactLine:
    """One line, ready to be shown. An empty delivery word means no message on that channel."""

    id: str
    person: str
    name: str
    email: str
    phone: str
    customer_id: str
    status: str
    why: str
    email_word: str
    sms_word: str
    source: str
    last_activity: str
    last_activity_exact: str
    added: str
    added_exact: str


@dataclass(frozen=True)
class Condition:
    """One line of the filter builder."""

    field: str = "email"
    op: str = "contains"
    value: str = ""


def contact_line(one: ContactRow, view: show.Viewer) -> ContactLine:
    """A contact as the list shows it."""
    return ContactLine(
        id=str(one.id),
        person=str(one.person_id),
        name=one.name or one.email or show.address(one.phone or "") or one.customer_id or f"Contact {one.id}",
        email=one.email or "",
        phone=show.address(one.phone or ""),
        customer_id=one.customer_id or "",
        status=str(one.status),
        why=_HOLDS.get(one.hold_reason or "", "") or reason_words(one.reason),
        email_word=one.delivery.get("email", ""),
        sms_word=one.delivery.get("sms", ""),
        source=one.source_name,
        last_activity=view.relative(one.last_activity_at),
        last_activity_exact=view.exact(one.last_activity_at),
        added=view.relative(one.created_at),
        added_exact=view.exact(one.created_at),
    )


class ContactsState(TableState, rx.State):
    """The rows of one page, the filter, and the dialogs over them."""

    rows: list[ContactLine] = []
    sort: str = "id"
    descending: bool = True
    status: str = ""
    hold: str = ""
    source: str = ""
    delivery: dict[str, str] = {}
    join: str = "and"
    conditions: list[Condition] = []
    draft: list[Condition] = [Condition()]
    dialog: str = ""
    form: dict[str, str] = {}
    problems: dict[str, str] = {}
    busy: bool = False

    @rx.var
    def is_filtered(self) -> bool:
        """Whether something hides contacts."""
        return bool(self.q or self.status or self.hold or self.source or self.delivery or self.conditions)

    @rx.var
    def delivery_chips(self) -> list[list[str]]:
        """The delivery filter as [channel, state]."""
        return [[channel, state] for channel, state in self.delivery.items()]

    @rx.var
    def export_href(self) -> str:
        """Where what is shown can be fetched as CSV."""
        wish: dict[str, str] = {"q": self.q, "status": self.status, "hold": self.hold, "source": self.source}
        wish |= {"delivery": ",".join(f"{channel}:{state}" for channel, state in self.delivery.items())}
        if self.conditions:
            wish["filter"] = json.dumps(self._conditions())
        query = urlencode({name: value for name, value in wish.items() if value})
        return f"/download/campaigns/{route_arg(self, 'campaign')}/contacts.csv?{query}"

    @rx.event
    async def load(self):
        """Read the page; the address can carry a filter, as every number of the overview does."""
        self.status, self.hold = route_arg(self, "status"), route_arg(self, "hold")
        self.source = route_arg(self, "source")
        channel, _, state = route_arg(self, "delivery").partition(":")
        self.delivery = {channel: state} if state else {}
        self.q = route_arg(self, "q")
        if not self.loading:  # at a first visit a quick hand may have opened it just now
            self.dialog = ""
        try:
            self.join, self.conditions = _read_conditions(route_arg(self, "filter"))
            await self.start_over()
        except CxError as error:
            return problem(error)
        return None

    @rx.event(background=True)
    async def follow(self):
        """Statuses move by themselves; the rows that are read stay where they are."""
        async with self:
            campaign_id = campaign_to_follow(self)
        if campaign_id is None:
            return
        async for _ in follow(topics.campaign(campaign_id), pause_seconds=SLOW_PAUSE_SECONDS, safety_seconds=5):
            try:
                await refresh_beside(self)
            except CxError:
                return  # the head of the page says what is wrong

    @rx.event
    async def choose_status(self, value: str):
        """Only contacts of this status."""
        self.status, self.hold = value, ""
        await self.start_over()

    @rx.event
    async def choose_delivery(self, channel: str, state: str):
        """Only contacts whose message on a channel got this far."""
        rest = {key: value for key, value in self.delivery.items() if key != channel}
        self.delivery = {**rest, channel: state} if state else rest
        return await self._try_read()

    @rx.event
    async def clear_filter(self):
        """All contacts again."""
        self.q, self.status, self.hold, self.source, self.delivery, self.conditions = "", "", "", "", {}, []
        await self.start_over()

    @rx.event
    async def drop(self, name: str):
        """Take one chip away."""
        if name in ("status", "hold", "source", "q"):
            setattr(self, name, "")
        elif name == "conditions":
            self.conditions = []
        await self.start_over()

    @rx.event
    def ask_filter(self):
        """Open the filter builder."""
        self.draft = list(self.conditions) or [Condition()]
        self.dialog, self.problems = "filter", {}

    @rx.event
    def edit_condition(self, index: int, name: str, value: str):
        """One part of a condition."""
        if name in ("field", "op", "value") and 0 <= index < len(self.draft):
            parts = {"field": self.draft[index].field, "op": self.draft[index].op, "value": self.draft[index].value}
            draft = list(self.draft)
            draft[index] = Condition(**{**parts, name: value})
            self.draft = draft

    @rx.event
    def add_condition(self):
        """One more condition."""
        self.draft = [*self.draft, Condition()]

    @rx.event
    def remove_condition(self, index: int):
        """One condition less."""
        self.draft = [one for number, one in enumerate(self.draft) if number != index]

    @rx.event
    def set_join(self, value: str):
        """Whether all conditions must hold, or any."""
        self.join = "or" if value == "or" else "and"

    @rx.event
    async def apply_filter(self):
        """Use the conditions of the builder."""
        before, self.conditions = self.conditions, list(self.draft)
        try:
            await self.start_over()
        except CxError as error:
            self.conditions = before
            self.problems = {"filter": error.errors[0].msg if error.errors else error.detail}
            return
        self.dialog = ""

    @rx.event
    def ask_add(self):
        """Open the popup that adds one contact."""
        self.dialog, self.form, self.problems = "add", dict.fromkeys(EDITABLE, ""), {}

    @rx.event
    def ask_edit(self):
        """Open the popup that changes a field of all picked contacts."""
        self.dialog, self.form, self.problems = "edit", {"field": "language", "value": ""}, {}

    @rx.event
    def ask_remove(self):
        """Open the popup that says what removing does."""
        self.dialog, self.problems = "remove", {}

    @rx.event
    def edit_form(self, name: str, value: str):
        """A field of the popup."""
        self.form = {**self.form, name: value}

    @rx.event
    def close(self):
        """Leave the popup; nothing was done."""
        self.dialog = ""

    @rx.event
    async def add(self):
        """Add one contact by hand."""
        row = {name: value.strip() for name, value in self.form.items() if value.strip()}
        try:
            campaign_id = campaign_id_of(self)
            verdicts = await write(
                self, add_contacts, campaign_id, [row], source_kind=SourceKind.MANUAL, announces=_topics(campaign_id)
            )
        except CxError as error:
            self.problems = {"add": error.detail}
            return None
        verdict = verdicts[0]
        if verdict.status == "rejected":
            self.problems = {"add": f"{verdict.reason}. {verdict.remedy}."}
            return None
        self.dialog = ""
        await self.refresh()
        words = "was added" if verdict.status == "created" else "was known already and is updated"
        return rx.toast.success(f"The contact {words}. {' '.join(verdict.warnings)}".strip())

    @rx.event
    async def apply_edit(self):
        """Change one field of all picked contacts."""
        changes = {self.form["field"]: self.form["value"].strip() or None}
        return await self._do(update_contacts, "updated", changes)

    @rx.event
    async def remove(self):
        """Remove the picked contacts from the campaign."""
        return await self._do(remove_contacts, "removed")

    @rx.event
    async def retry(self):
        """Try again those that failed or were suppressed."""
        return await self._do(retry_contacts, "will be tried again")

    async def refresh(self) -> None:
        """One page by the filter."""
        self.show_answer(await self.ask(self.wish()))

    def wish(self) -> tuple[int, dict[str, Any]]:
        """What the list is asked for."""
        wish = {"sort": self.order, "limit": self.limit, "offset": self.offset, **vars(self._query())}
        return campaign_id_of(self), wish

    async def ask(self, wish: tuple[int, dict[str, Any]]) -> Page[ContactRow]:
        """Read it."""
        return await read(self, list_contacts, wish[0], **wish[1])

    def show_answer(self, page: Page[ContactRow]) -> None:
        """Show what was read."""
        self.show_page(page.total, [str(one.id) for one in page.items], is_capped=page.total_is_capped)
        view = show.viewer_of(self)
        rows = [contact_line(one, view) for one in page.items]
        if rows != self.rows:
            self.rows = rows

    def _query(self) -> ContactQuery:
        tree = parse_filter(self._conditions()) if self.conditions else None
        return ContactQuery(
            q=self.q,
            source_id=int(self.source) if self.source.isdigit() else None,
            status=self.status or None,
            hold_reason=self.hold or None,
            delivery=dict(self.delivery),
            filter=tree,
        )

    def _conditions(self) -> dict[str, Any]:
        return {self.join: [{"field": one.field, "op": one.op, "value": one.value} for one in self.conditions]}

    async def _try_read(self) -> Any:
        try:
            await self.start_over()
        except CxError as error:
            return problem(error)
        return None

    async def _do(self, service, done: str, *args: Any):
        chosen = tuple(int(one) for one in self.picked if one.isdigit())
        selection = Selection(matching=self._query()) if self.everything_picked else Selection(ids=chosen)
        self.busy = True
        try:
            campaign_id = campaign_id_of(self)
            count = await change_contacts(self, service, campaign_id, selection, *args, announces=_topics(campaign_id))
        except CxError as error:
            if self.dialog:
                self.problems = {self.dialog: error.detail}
                return None
            return problem(error)
        finally:
            self.busy = False
        left = "" if self.everything_picked or count == len(chosen) else f" {len(chosen) - count} could not be."
        self.dialog = ""
        self.picked, self.everything_picked = [], False
        await self.refresh()
        return rx.toast.success(f"{show.plural(count, 'contact')} {done}.{left}")


def _read_conditions(text: str) -> tuple[str, list[Condition]]:
    """How they join, and the conditions of an address such as `?filter={"and": [...]}`. Raises Invalid."""
    if not text:
        return "and", []
    try:
        join, parts = next(iter(json.loads(text).items()))
        return join, [Condition(part["field"], part["op"], part.get("value", "")) for part in parts]
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration):
        raise Invalid.field("filter", "The address carries a filter that cannot be read.") from None


def _topics(campaign_id: int) -> tuple[str, ...]:
    return (topics.WORK, topics.CAMPAIGNS, topics.campaign(campaign_id))
