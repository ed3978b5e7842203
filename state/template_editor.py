"""Write one template: text, merge fields, preview as a contact, check, test send.

Used by `/templates/{id}` and by the Content tab of a campaign, where the contacts are the campaign's.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from cxconsole import clock
from cxconsole.accounts.actor import Actor
from cxconsole.accounts.vault import Vault
from cxconsole.audience.people import search_people
from cxconsole.bootstrap import get_application
from cxconsole.campaigns.contacts import list_contacts
from cxconsole.campaigns.directory import get_campaign
from cxconsole.comms.content_check import ContentFinding, find_link_problem, list_links
from cxconsole.comms.link_check import find_dead_links
from cxconsole.comms.links import is_web_address
from cxconsole.comms.merge_fields import MergeField, list_merge_fields
from cxconsole.comms.preview import Preview, check_template, preview_template, test_send
from cxconsole.comms.rendering import Content
from cxconsole.comms.templates import TemplateView, get_template, update_template
from cxconsole.errors import Conflict, CxError, NotFound
from cxconsole.gateways.service import list_gateways
from cxconsole.signals import topics
from state import format as show
from state.route import parse_campaign_code, route_arg
from state.session import current_actor, problem, read, write
from state.setup import GUARD

FIELDS = ("name", "language", "subject", "html", "text")


@dataclass(frozen=True)
class FieldRow:
    """A merge field to pick, with a value it really has."""

    name: str
    insert: str
    sample: str


@dataclass(frozen=True)
class FindingRow:
    """Something the check found. `severity` is error or warning."""

    severity: str
    detail: str
    remedy: str


@dataclass(frozen=True)
class Option:
    """A choice of a select."""

    value: str
    word: str


class TemplateEditorState(rx.State):
    """The template being edited. `shown` is what the preview shows: desktop, phone or text."""

    template_id: str = ""
    channel: str = "email"
    form: dict[str, str] = dict.fromkeys(FIELDS, "")
    saved: dict[str, str] = {}
    used_by: list[str] = []
    choices: list[Option] = []
    fields: list[FieldRow] = []
    shown: str = "desktop"
    contact_q: str = ""
    contact_name: str = ""
    preview_subject: str = ""
    preview_html: str = ""
    preview_text: str = ""
    preview_problem: str = ""
    findings: list[FindingRow] = []
    dead_links: list[FindingRow] = []
    links_words: str = ""
    links_busy: bool = False
    segments_words: str = ""
    gateways: list[Option] = []
    test_open: bool = False
    test_gateway: str = ""
    test_target: str = ""
    test_words: str = ""
    test_problem: str = ""
    test_busy: bool = False
    stale: str = ""
    problem_text: str = ""
    missing: str = ""
    busy: bool = False
    loaded: bool = False
    _version: int = 0
    _person: int = 0
    _campaign: int = 0

    @rx.var
    def is_dirty(self) -> bool:
        """Whether there is something to save."""
        return self.loaded and self.form != self.saved

    @rx.event
    async def load(self):
        """Read the template of this address: `/templates/{id}`, or a campaign's content with `?template=`."""
        self.loaded, self.missing, self.test_open = False, "", False
        self._person, self.contact_name, self.contact_q = 0, "", ""
        try:
            await self._find_template()
            if self.template_id:
                await self._read_template()
        except CxError as error:
            self.missing = error.detail
        return rx.call_script(GUARD.format("false"))

    @rx.event
    async def choose_template(self, value: str):
        """Another step's template."""
        if value in [one.value for one in self.choices]:
            self.template_id = value
            await self._read_template()

    @rx.event
    async def edit(self, name: str, value: str):
        """A field as it is typed; the preview follows."""
        if name not in FIELDS:
            return None
        self.form = {**self.form, name: value}
        self.problem_text = ""
        await self._show_preview()
        return rx.call_script(GUARD.format("true" if self.form != self.saved else "false"))

    @rx.event
    def show(self, value: str):
        """Desktop, phone or text."""
        self.shown = value

    @rx.event
    async def choose_contact(self, value: str):
        """Preview as the person whose address or customer id this is."""
        self.contact_q = value
        await self._show_preview()

    @rx.event
    async def save(self):
        """Save as a new version; what was sent with the old one stays as it was."""
        self.busy = True
        try:
            data: dict[str, str | None] = dict(self.form)
            if self.channel == "sms":
                data |= {"subject": "", "html": ""}
            wish = {name: value or None if name in ("html", "text") else value for name, value in data.items()}
            await write(
                self, update_template, int(self.template_id), wish, version=self._version, announces=(topics.WORK,)
            )
        except Conflict as error:
            self.stale = error.detail
            return None
        except CxError as error:
            self.problem_text = error.detail
            return problem(error)
        finally:
            self.busy = False
        await self._read_template()
        return [rx.call_script(GUARD.format("false")), rx.toast.success("Saved. New messages use this version.")]

    @rx.event
    async def discard(self):
        """Back to what is saved."""
        await self._read_template()
        return rx.call_script(GUARD.format("false"))

    @rx.event
    def ask_test(self):
        """Open the popup of the test send."""
        self.test_open, self.test_words, self.test_problem = True, "", ""
        if not self.test_gateway and self.gateways:
            self.test_gateway = self.gateways[0].value

    @rx.event
    def close_test(self):
        """Leave the popup."""
        self.test_open = False

    @rx.event
    def set_test_gateway(self, value: str):
        """Which way the test goes."""
        self.test_gateway = value

    @rx.event
    def set_test_target(self, value: str):
        """To whom the test goes."""
        self.test_target = value

    @rx.event(background=True)
    async def send_test(self):
        """Send what is in the editor, as the chosen contact would get it."""
        async with self:
            actor = current_actor(self)
            content, target, gateway = self._content(), self.test_target.strip(), self.test_gateway
            person, campaign = self._person or None, self._campaign or None
            self.test_busy, self.test_words, self.test_problem = True, "", ""
        try:
            if not gateway:
                raise NotFound("Choose a gateway, or add one first.")
            done = await test_send(
                get_application(),
                content,
                int(gateway),
                target,
                person_id=person,
                campaign_id=campaign,
                actor=actor,
                now=clock.now(),
            )
            words, trouble = (f"Accepted for {target}: {done.detail}", "") if done.sent else ("", done.detail)
        except CxError as error:
            words, trouble = "", error.detail
        async with self:
            self.test_busy, self.test_words, self.test_problem = False, words, trouble

    @rx.event(background=True)
    async def try_links(self):
        """Ask each address in the preview whether it answers."""
        async with self:
            current_actor(self)
            shown = self.preview_html
            self.links_busy, self.dead_links, self.links_words = True, [], ""
        links = [one for one in list_links(shown) if is_web_address(one) and find_link_problem(one) is None]
        found = await find_dead_links(links, settings=get_application().settings)
        async with self:
            self.links_busy = False
            if shown == self.preview_html:
                self.dead_links = [FindingRow(str(one.severity), one.detail, one.remedy) for one in found]
                tried = f"Tried {show.plural(len(links), 'link')}: all answer." if links else "There is no link to try."
                self.links_words = "" if found else tried

    async def _find_template(self) -> None:
        code = route_arg(self, "campaign")
        if not code:
            self._campaign, self.choices, self.template_id = 0, [], route_arg(self, "template")
            if not self.template_id.isdigit():
                raise NotFound("There is no such template.")
            return
        self._campaign = parse_campaign_code(code)
        self.choices = await read(self, _find_choices, self._campaign)
        wanted = route_arg(self, "template")
        values = [one.value for one in self.choices]
        self.template_id = wanted if wanted in values else next(iter(values), "")

    async def _read_template(self) -> None:
        found, fields, gateways = await read(self, _find, int(self.template_id), self._campaign or None)
        self.channel, self._version, self.stale, self.problem_text = found.channel, found.version, "", ""
        self.form = {name: getattr(found, name) or "" for name in FIELDS}
        self.saved, self.used_by, self.loaded = dict(self.form), list(found.used_by), True
        self.fields = [FieldRow(one.name, one.expression, one.sample) for one in fields]
        self.gateways = [Option(str(one.id), one.name) for one in gateways if one.channel == found.channel]
        await self._show_preview()

    async def _show_preview(self) -> None:
        name, shown, findings = await read(
            self, _look, self._content(), self.channel, self.contact_q, self._campaign or None
        )
        self.findings = [FindingRow(str(one.severity), one.detail, one.remedy) for one in findings]
        if shown is None:
            self.preview_problem = name
            return
        self._person, self.contact_name, self.preview_problem = shown.person_id or 0, name, ""
        if self.preview_html != (shown.html or ""):
            self.dead_links, self.links_words = [], ""
        self.preview_subject, self.preview_html, self.preview_text = shown.subject, shown.html or "", shown.text
        self.segments_words = _sms_words(shown)

    def _content(self) -> Content:
        if self.channel == "sms":
            return Content(text=self.form["text"])
        return Content(subject=self.form["subject"], html=self.form["html"] or None, text=self.form["text"] or None)


def _find_choices(session: Session, campaign_id: int, *, actor: Actor) -> list[Option]:
    steps = get_campaign(session, campaign_id, actor=actor).steps
    ids = dict.fromkeys(step.template_id for step in steps if step.template_id)
    return [Option(str(one), get_template(session, one, actor=actor).name) for one in ids]


def _find(
    session: Session, template_id: int, campaign_id: int | None, *, actor: Actor, now: Any, vault: Vault
) -> tuple[TemplateView, list[MergeField], list[Any]]:
    found = get_template(session, template_id, actor=actor)
    fields = list_merge_fields(session, campaign_id=campaign_id, actor=actor)
    return found, fields, list_gateways(session, vault=vault, actor=actor, now=now)


def _look(
    session: Session, content: Content, channel: str, who: str, campaign_id: int | None, *, actor: Actor, now: datetime
) -> tuple[str, Preview | None, list[ContentFinding]]:
    """Whose preview it is, the preview, and what the check found; without a preview, why there is none."""
    findings = check_template(session, content, channel=channel, campaign_id=campaign_id, actor=actor, now=now)
    try:
        person_id, name = _find_person(session, who.strip(), campaign_id, actor=actor)
        shown = preview_template(
            session, content, channel=channel, person_id=person_id, campaign_id=campaign_id, actor=actor, now=now
        )
    except CxError as error:
        return error.detail, None, findings
    return name, shown, findings


def _find_person(session: Session, who: str, campaign_id: int | None, *, actor: Actor) -> tuple[int | None, str]:
    if not who:
        return None, "The first of the contacts."
    if campaign_id is not None:
        found = list_contacts(session, campaign_id, q=who, limit=1, actor=actor).items
        if found:
            return found[0].person_id, found[0].name or found[0].email or show.address(found[0].phone or "")
        raise NotFound(f"No contact of this campaign has “{who}”.")
    people = search_people(session, who, 1, actor=actor)
    if people:
        return people[0].id, people[0].name or show.address(people[0].hint)
    raise NotFound(f"Nobody has “{who}”.")


def _sms_words(shown: Preview) -> str:
    if shown.sms is None:
        return ""
    parts = "1 part" if shown.sms.parts == 1 else f"{shown.sms.parts} parts"
    special = f" because of {shown.sms.special}" if shown.sms.special else ""
    return f"{parts}, {shown.sms.left} characters left in the last, {shown.sms.encoding}{special}"
