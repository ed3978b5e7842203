"""The Flow tab: the steps of a campaign, one after the other."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.vault import Vault
from cxconsole.campaigns.directory import get_campaign
from cxconsole.campaigns.flow import CHANNELS, UNLESS, set_steps
from cxconsole.comms.templates import list_templates
from cxconsole.durations import format_duration, parse_duration
from cxconsole.errors import Conflict, CxError
from cxconsole.gateways.service import list_gateways
from cxconsole.signals import topics
from state.campaign import CampaignState
from state.route import campaign_id_of
from state.session import problem, read, write
from state.setup import GUARD

UNITS = {"minutes": 60, "hours": 3600, "days": 86_400}
_FIELDS = ("channel", "template_id", "gateway_id", "amount", "unit", "unless")
_LOC = re.compile(r"steps[.\[](\d+)\]?\.(\w+)")


@dataclass(frozen=True)
class StepRow:
    """One step as it is edited. `amount` and `unit` are the delay after the step before."""

    number: int
    channel: str = "email"
    template_id: str = ""
    gateway_id: str = ""
    amount: str = "0"
    unit: str = "days"
    unless: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Option:
    """A choice of a select."""

    value: str
    word: str


class FlowState(rx.State):
    """The steps being edited, and what they can choose from."""

    steps: list[StepRow] = []
    saved: list[StepRow] = []
    templates: dict[str, list[Option]] = {}
    gateways: dict[str, list[Option]] = {}
    stale: str = ""
    busy: bool = False
    is_ended: bool = False
    loaded: bool = False
    _version: int = 0

    @rx.var
    def is_dirty(self) -> bool:
        """Whether there is something to save."""
        return self.steps != self.saved

    @rx.event
    async def load(self):
        """Read the steps and the templates and gateways they may use."""
        self.loaded = False
        try:
            campaign, templates, gateways = await read(self, _find, campaign_id_of(self))
        except CxError:
            return None  # the head of the page says what is wrong
        self.templates, self.gateways = _options(templates), _options(gateways)
        self.steps = [_row(number, step) for number, step in enumerate(campaign.steps, 1)]
        self.saved, self._version, self.stale = self.steps, campaign.version, ""
        self.is_ended, self.loaded = campaign.state == "ended", True
        return rx.call_script(GUARD.format("false"))

    @rx.event
    def add(self):
        """One more step at the end: the first is an e-mail, later ones an SMS to those who did not open."""
        number = len(self.steps) + 1
        channel = "sms" if self.steps else "email"
        step = StepRow(number=number, channel=channel, amount="2" if self.steps else "0")
        self.steps = [*self.steps, self._with_only_choices(step)]
        return self._touched()

    @rx.event
    def remove(self, number: int):
        """Take a step out."""
        self.steps = _numbered([step for step in self.steps if step.number != number])
        return self._touched()

    @rx.event
    def move_up(self, number: int):
        """Run a step one place earlier."""
        index = number - 1
        if 0 < index < len(self.steps):
            steps = list(self.steps)
            steps[index - 1], steps[index] = steps[index], steps[index - 1]
            self.steps = _numbered(steps)
        return self._touched()

    @rx.event
    def edit(self, number: int, name: str, value: str):
        """A field of one step."""
        if name not in _FIELDS or not 1 <= number <= len(self.steps):
            return None
        step = replace(self.steps[number - 1], **{name: value, "problem": ""})
        if name == "channel":
            step = self._with_only_choices(replace(step, template_id="", gateway_id=""))
        self.steps = [step if one.number == number else one for one in self.steps]
        return self._touched()

    @rx.event
    async def save(self):
        """Save the steps as a new version of the flow."""
        self.busy = True
        try:
            campaign_id = campaign_id_of(self)
            steps = [_given(step, is_first=step.number == 1) for step in self.steps]
            names = (topics.WORK, topics.CAMPAIGNS, topics.campaign(campaign_id))
            await write(self, set_steps, campaign_id, steps, version=self._version, announces=names)
        except Conflict as error:
            self.stale = error.detail
            return None
        except CxError as error:
            self._mark(error)
            return problem(error)
        finally:
            self.busy = False
        return [FlowState.load, CampaignState.load, rx.toast.success("The flow is saved.")]

    def _touched(self):
        return rx.call_script(GUARD.format("true" if self.steps != self.saved else "false"))

    def _with_only_choices(self, step: StepRow) -> StepRow:
        """Where there is only one template or gateway, it is chosen already."""
        templates, gateways = self.templates.get(step.channel, []), self.gateways.get(step.channel, [])
        template = templates[0].value if len(templates) == 1 else step.template_id
        gateway = gateways[0].value if len(gateways) == 1 else step.gateway_id
        return replace(step, template_id=template, gateway_id=gateway)

    def _mark(self, error: CxError) -> None:
        told = {int(match[1]) + 1: one.msg for one in error.errors if (match := _LOC.match(one.loc))}
        self.steps = [replace(step, problem=told.get(step.number, "")) for step in self.steps]


def _find(session: Session, campaign_id: int, *, actor: Actor, now: datetime, vault: Vault) -> tuple[Any, Any, Any]:
    campaign = get_campaign(session, campaign_id, actor=actor)
    templates = list_templates(session, actor=actor, limit=200).items
    return campaign, templates, list_gateways(session, vault=vault, actor=actor, now=now)


def _options(things: Any) -> dict[str, list[Option]]:
    found: dict[str, list[Option]] = {channel.value: [] for channel in CHANNELS}
    for one in things:
        found.setdefault(one.channel, []).append(Option(str(one.id), one.name))
    return found


def _row(number: int, step: Any) -> StepRow:
    seconds = int(parse_duration(step.delay).total_seconds())
    unit = next((name for name in ("days", "hours") if seconds % UNITS[name] == 0), "minutes")
    return StepRow(
        number=number,
        channel=step.channel,
        template_id=str(step.template_id or ""),
        gateway_id=str(step.gateway_id or ""),
        amount=str(seconds // UNITS[unit]),
        unit=unit,
        unless=step.only_if_not or "",
    )


def _numbered(steps: list[StepRow]) -> list[StepRow]:
    return [replace(step, number=number) for number, step in enumerate(steps, 1)]


def _given(step: StepRow, *, is_first: bool) -> dict[str, Any]:
    seconds = int(step.amount or 0) * UNITS.get(step.unit, 60) if step.amount.isdigit() else 0
    return {
        "channel": step.channel,
        "template_id": step.template_id or None,
        "gateway_id": step.gateway_id or None,
        "delay": "PT0S" if is_first else format_duration(timedelta(seconds=seconds)),
        "only_if_not": step.unless if step.unless in UNLESS and not is_first else None,
    }
