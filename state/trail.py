"""One contact of a campaign: why (not) contacted, channel by channel, and each step on the way."""

from dataclasses import dataclass

import reflex as rx

from cxconsole.campaigns.trail import CHECK_NAMES, ChannelVerdict, Trail, TrailStep, get_trail
from cxconsole.errors import CxError, NotFound
from cxconsole.signals import topics
from state import format as show
from state.follow import follow
from state.route import campaign_id_of, campaign_to_follow, route_arg
from state.session import read

_WINDOW_WORDS = {"P1D": "a day", "P7D": "7 days", "P1W": "7 days", "P30D": "30 days"}


@dataclass(frozen=True)
class ChannelRow:
    """One channel of the table. `checks` has pass, wait, stop or none in the fixed order of the six."""

    channel: str
    target: str
    verdict: str
    reason: str
    checks: list[str]
    state: str
    words: str
    delivery_id: str


@dataclass(frozen=True)
class StepLine:
    """One thing that happened."""

    at: str
    exact: str
    key: str
    title: str
    detail: str
    since: str


@dataclass(frozen=True)
class Fact:
    """A label with its value."""

    label: str
    value: str


@dataclass(frozen=True)
class ConsentRow:
    """What the person allowed on a channel: yes, no or "not asked"."""

    channel: str
    granted: str
    words: str


@dataclass(frozen=True)
class CapRow:
    """A message that counts towards the frequency cap."""

    channel: str
    name: str
    at: str


class TrailState(rx.State):
    """What the page shows; it is read again when the contact moves."""

    name: str = ""
    customer_href: str = "/customers"
    campaign_name: str = ""
    status: str = "pending"
    summary: str = ""
    channels: list[ChannelRow] = []
    tab: str = "all"
    tabs: list[str] = []
    steps: list[StepLine] = []
    facts: list[Fact] = []
    consents: list[ConsentRow] = []
    cap_words: str = ""
    cap_percent: float = 0.0
    cap_rows: list[CapRow] = []
    cap_free: str = ""
    missing: str = ""
    loaded: bool = False

    @rx.var
    def export_href(self) -> str:
        """Where the trail can be fetched as CSV."""
        return f"/download/campaigns/{route_arg(self, 'campaign')}/contacts/{route_arg(self, 'contact')}/trail.csv"

    @rx.event
    async def load(self):
        """Read the trail."""
        self.tab, self.loaded = "all", False
        await self._read()

    @rx.event(background=True)
    async def follow(self):
        """Sent, delivered, opened: the page shows it as it happens."""
        async with self:
            campaign_id = campaign_to_follow(self)
        if campaign_id is None:
            return
        async for _ in follow(topics.campaign(campaign_id)):
            async with self:
                await self._read()

    @rx.event
    async def choose_tab(self, value: str):
        """The steps of one channel, or of all."""
        self.tab = value
        await self._read()

    async def _read(self) -> None:
        contact = route_arg(self, "contact")
        view = show.viewer_of(self)
        try:
            if not contact.isdigit():
                raise NotFound(f"There is no contact {contact}.")
            trail = await read(self, get_trail, campaign_id_of(self), int(contact), zone=view.zone)
        except CxError as error:
            self.missing, self.loaded = error.detail, True
            return
        for name, value in _shown(trail, self.tab, view).items():
            if getattr(self, name) != value:
                setattr(self, name, value)


def _shown(trail: Trail, tab: str, view: show.Viewer) -> dict[str, object]:
    one = trail.contact
    steps = next((channel.steps for channel in trail.channels if channel.channel == tab), trail.steps)
    return {
        "name": one.name or one.email or show.address(one.phone or "") or one.customer_id or f"Contact {one.id}",
        "customer_href": f"/customers/{one.person_id}",
        "campaign_name": trail.campaign_name,
        "status": str(one.status),
        "summary": trail.summary,
        "channels": [channel_row(channel) for channel in trail.channels],
        "tabs": [channel.channel for channel in trail.channels if channel.steps],
        "steps": [_step(step, view) for step in steps],
        "facts": _facts(trail, view),
        "consents": [
            ConsentRow(
                channel=consent.channel,
                granted={True: "yes", False: "no", None: "none"}[consent.granted],
                words=_consent_words(consent.granted, view.day(consent.at)),
            )
            for consent in trail.consents
        ],
        "missing": "",
        "loaded": True,
        **_cap(trail, view),
    }


def channel_row(one: ChannelVerdict) -> ChannelRow:
    """The verdict on one channel, ready to be shown."""
    return ChannelRow(
        channel=one.channel,
        target=show.address(one.target or "no address"),
        verdict=one.verdict,
        reason=one.reason,
        checks=[one.checks.get(name, "none") for name in CHECK_NAMES],
        state=one.state,
        words=" → ".join(one.words),
        delivery_id=str(one.delivery_id or ""),
    )


def _step(step: TrailStep, view: show.Viewer) -> StepLine:
    since = "" if step.since_seconds is None else f"+{step.since_seconds:.1f} s"
    if step.since_seconds is not None and step.since_seconds >= 60:
        since = f"+{show.duration(step.since_seconds)}"
    today = view.local(step.at).date() == view.local(view.now).date()
    at = view.clock(step.at) if today else view.day(step.at)
    return StepLine(at, view.exact(step.at), step.key, step.title, step.detail, since)


def _facts(trail: Trail, view: show.Viewer) -> list[Fact]:
    one = trail.contact
    step = f"{trail.step_number} of {trail.step_count}" if trail.step_number else f"0 of {trail.step_count}"
    rows = [Fact("Step", step), Fact("Source", one.source_name or "unknown"), Fact("Added", view.clock(one.created_at))]
    if trail.due_at is not None:
        rows.insert(1, Fact("Due", view.clock(trail.due_at)))
    if one.customer_id:
        rows.append(Fact("Customer id", one.customer_id))
    if one.language:
        rows.append(Fact("Language", one.language))
    rows.extend(Fact(_label(name), str(value)) for name, value in sorted(one.attributes.items())[:8])
    return rows


def _label(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _cap(trail: Trail, view: show.Viewer) -> dict[str, object]:
    cap = trail.frequency_cap
    if cap is None:
        return {"cap_words": "", "cap_percent": 0.0, "cap_rows": [], "cap_free": ""}
    window = _WINDOW_WORDS.get(cap.window, cap.window)
    return {
        "cap_words": f"{cap.used} of {cap.count} messages in {window}",
        "cap_percent": min(100.0, cap.used * 100 / cap.count),
        "cap_rows": [CapRow(one.channel, one.campaign_name, view.relative(one.sent_at)) for one in cap.messages],
        "cap_free": "" if cap.free_at is None else f"The next one is free on {view.clock(cap.free_at)}.",
    }


def _consent_words(granted: bool | None, day: str) -> str:
    if granted is None:
        return "Not asked"
    return f"{'Yes' if granted else 'No'}, {day}" if day != show.NEVER else ("Yes" if granted else "No")
