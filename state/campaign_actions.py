"""What people do to a campaign as a whole: create, publish, unpublish, end, clone, delete."""

from dataclasses import dataclass

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.bootstrap import get_application
from cxconsole.campaigns.directory import CampaignDetail, get_campaign
from cxconsole.campaigns.lifecycle import (
    create_campaign,
    delete_campaign,
    end_campaign,
    publish_campaign,
    unpublish_campaign,
)
from cxconsole.campaigns.preflight import Preflight, check_preflight
from cxconsole.errors import CxError
from cxconsole.signals import topics
from models.campaign import campaign_code
from state import format as show
from state.route import parse_campaign_code
from state.session import problem, read, write


@dataclass(frozen=True)
class CheckRow:
    """One line of the pre-flight list. `verdict` is ok, warning or blocker."""

    key: str
    title: str
    verdict: str
    detail: str
    remedy: str


def check_rows(found: Preflight) -> list[CheckRow]:
    """The pre-flight list as pages show it."""
    return [
        CheckRow(key=one.key, title=one.title, verdict=str(one.verdict), detail=one.detail, remedy=one.remedy or "")
        for one in found.items
    ]


def _topics(campaign_id: int) -> tuple[str, ...]:
    return (topics.WORK, topics.CAMPAIGNS, topics.campaign(campaign_id))


class CampaignActionsState(rx.State):
    """The dialogs. One is open at a time; `dialog` says which: create, publish, end, delete or none."""

    dialog: str = ""
    busy: bool = False
    code: str = ""
    name: str = ""
    problem_text: str = ""
    title: str = ""
    open_on_create: bool = True
    typed: str = ""
    checks: list[CheckRow] = []
    cannot_publish: bool = True
    planned: str = "0"
    not_contacted: str = "0"
    on_the_way: str = "0"
    finished: str = "0"
    is_published: bool = False
    _opened_at: str = ""

    @rx.var
    def may_confirm(self) -> bool:
        """Whether the id was typed as asked."""
        return bool(self.code) and self.typed.strip().upper() == self.code

    @rx.event
    def ask_create(self):
        """Open the popup for a new campaign."""
        self._open("create", "", "")
        self.title = ""

    @rx.event
    def set_title(self, value: str):
        """The title being typed."""
        self.title, self.problem_text = value, ""

    @rx.event
    def set_open_on_create(self, value: bool):
        """Whether the new campaign is opened at once."""
        self.open_on_create = value

    @rx.event
    def set_typed(self, value: str):
        """The id being typed to confirm."""
        self.typed = value

    @rx.event
    def close(self):
        """Leave the dialog; nothing was done."""
        self.dialog = ""

    @rx.event
    def arrive(self):
        """A dialog that was left open on another page does not come along."""
        if self.dialog and self._opened_at != self.rx_router_page.raw_path:
            self.dialog = ""

    @rx.event
    def set_open(self, is_open: bool):
        """Esc and a click outside close the dialog."""
        if not is_open:
            self.dialog = ""

    @rx.event
    async def create(self):
        """Make the campaign, and open it if wished."""
        try:
            made = await write(self, create_campaign, self.title, announces=(topics.CAMPAIGNS,))
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.dialog = ""
        code = campaign_code(made.id or 0)
        if self.open_on_create:
            return rx.redirect(f"/campaigns/{code}/setup")
        return rx.toast.success(f"{made.name} was created as {code}.")

    @rx.event
    async def ask_publish(self, code: str):
        """Run the pre-flight list and show it."""
        await self._show(code, "publish")
        try:
            is_public = get_application().settings.is_public
            found = await read(self, check_preflight, parse_campaign_code(code), is_public=is_public)
        except CxError as error:
            self.problem_text = error.detail
            return
        self.checks = check_rows(found)
        self.cannot_publish = not found.can_publish

    @rx.event
    async def publish(self):
        """Publish the campaign that was checked."""
        return await self._do(publish_campaign, f"{self.name} is published. The first messages leave now.")

    @rx.event
    async def unpublish(self, code: str):
        """Stop for a while: takes effect within two seconds."""
        self.code, self.name = code, code
        return await self._do(unpublish_campaign, f"{code} is unpublished. Who was not contacted is held.")

    @rx.event
    async def unpublish_instead(self):
        """The milder way out of the dialog that ends a campaign."""
        return await self._do(unpublish_campaign, f"{self.name} is unpublished. Who was not contacted is held.")

    @rx.event
    async def ask_end(self, code: str):
        """Say what ending does, to how many."""
        await self._show(code, "end")

    @rx.event
    async def end(self):
        """End the campaign for good."""
        if not self.may_confirm:
            return None
        return await self._do(end_campaign, f"{self.name} has ended.")

    @rx.event
    async def ask_delete(self, code: str):
        """Say what deleting does, to how many."""
        await self._show(code, "delete")

    @rx.event
    async def delete(self):
        """Delete the campaign; where anything was sent the service refuses and says what to do instead."""
        if not self.may_confirm:
            return None
        done = await self._do(delete_campaign, f"{self.name} was deleted.")
        return done if self.problem_text else [done, rx.redirect("/campaigns")]

    def _open(self, dialog: str, code: str, name: str) -> None:
        self.dialog, self.code, self.name = dialog, code, name
        self._opened_at = self.rx_router_page.raw_path
        self.typed, self.problem_text, self.checks, self.cannot_publish, self.busy = "", "", [], True, False

    async def _show(self, code: str, dialog: str) -> None:
        self._open(dialog, code, code)
        try:
            found: CampaignDetail = await read(self, _detail, parse_campaign_code(code))
        except CxError as error:
            self.problem_text = error.detail
            return
        self.name, self.code = found.name, found.code
        self.planned = show.number(found.contacts)
        self.not_contacted = show.number(found.pending + found.held)
        self.on_the_way = show.number(found.in_progress)
        self.finished = show.number(found.completed + found.failed + found.suppressed)
        self.is_published = found.state == "published"

    async def _do(self, service, done: str):
        try:
            campaign_id = parse_campaign_code(self.code)
            await write(self, service, campaign_id, announces=_topics(campaign_id))
        except CxError as error:
            self.problem_text = " ".join([error.detail, *(one.msg for one in error.errors if one.msg != error.detail)])
            return None if self.dialog else problem(error)
        self.dialog, self.problem_text = "", ""
        return rx.toast.success(done)


def _detail(session: Session, campaign_id: int, *, actor: Actor) -> CampaignDetail:
    return get_campaign(session, campaign_id, actor=actor)
