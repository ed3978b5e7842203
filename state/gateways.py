"""`/gateways`: the ways out of the house, one of them in full, and its test."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import reflex as rx

from cxconsole import clock
from cxconsole.bootstrap import get_application
from cxconsole.errors import CxError
from cxconsole.gateways.registry import KINDS
from cxconsole.gateways.service import delete_gateway, get_gateway_traffic, list_gateways, update_gateway
from cxconsole.gateways.testing import test_gateway
from cxconsole.gateways.views import GatewayView
from cxconsole.signals import topics
from state.follow import follow
from state.format import Viewer, number, viewer_of
from state.route import route_arg
from state.session import current_actor, problem, read, write

CHANNELS = tuple(dict.fromkeys(channel for kind in KINDS.values() for channel in kind.channels))
_HEALTHS = {
    "healthy": "healthy", "slowed": "slowed", "failing": "failed the test", "stopped": "stopped", "off": "off",
    "sandbox": "sandbox",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GatewayRow:
    """A line of the list."""

    id: int
    name: str
    badge: str
    limits: str
    used: str
    share: float
    share_words: str
    tone: str
    test: str
    test_words: str
    test_when: str
    test_exact: str


@dataclass(frozen=True, kw_only=True)
class GatewayGroup:
    """The gateways of one channel."""

    channel: str
    rows: list[GatewayRow]


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One step of the last test; look is pass, slow or fail."""

    name: str
    detail: str
    took: str
    look: str


@dataclass(frozen=True, kw_only=True)
class GatewayPanel:
    """The chosen gateway in full. `trouble` is what the callout says; empty when it is well."""

    id: int = 0
    name: str = ""
    kind: str = ""
    channel: str = ""
    badge: str = "healthy"
    active: bool = True
    version: int = 0
    trouble: str = ""
    trouble_text: str = ""
    sent_now: str = ""
    test_title: str = ""
    test: str = ""
    test_words: str = ""


class GatewaysState(rx.State):
    """The list and the panel."""

    groups: list[GatewayGroup] = []
    sentence: str = "The ways out of the house."
    loading: bool = True
    chosen: int = 0
    panel: GatewayPanel = GatewayPanel()
    steps: list[StepRow] = []
    limits: list[str] = []
    points: list[dict[str, int | str]] = []
    test_dialog: bool = False
    test_target: str = ""
    testing: bool = False
    delete_dialog: bool = False
    delete_problem: str = ""

    @rx.event
    async def load(self) -> None:
        """On each visit; `?id=3` opens that gateway's panel."""
        wanted = route_arg(self, "id")
        if wanted.isdigit():
            self.chosen = int(wanted)
        await self.refresh()

    @rx.event(background=True)
    async def follow(self) -> None:
        """Live."""
        async for _ in follow(topics.GATEWAYS):
            async with self:
                await self.refresh()

    async def refresh(self) -> None:
        """Read all gateways again, and the chosen one's hour."""
        views = await read(self, list_gateways, vault=get_application().vault)
        viewer = viewer_of(self)
        self.groups = [
            GatewayGroup(channel=channel, rows=[_row(one, viewer) for one in views if one.channel == channel])
            for channel in CHANNELS
        ]
        counts = Counter(one.badge for one in views)
        told = ", ".join(f"{counts[badge]} {word}" for badge, word in _HEALTHS.items() if counts[badge])
        self.sentence = f"The ways out of the house. {told}." if told else "The ways out of the house."
        self.loading = False
        found = next((one for one in views if one.id == self.chosen), views[0] if views else None)
        self.chosen = found.id if found else 0
        if found:
            await self._show_panel(found, viewer)

    async def _show_panel(self, view: GatewayView, viewer: Viewer) -> None:
        minutes = await read(self, get_gateway_traffic, view.id)
        self.panel = _panel(view, viewer)
        self.limits = list(view.limits)
        self.points = [
            {"label": f"{viewer.local(datetime.fromtimestamp(second, UTC)):%H:%M}", "sent": count}
            for second, count in minutes
        ]
        self.steps = [
            StepRow(
                name=one.name,
                detail=one.detail,
                took=f"{number(one.milliseconds)} ms",
                look="fail" if not one.ok else "slow" if one.warning else "pass",
            )
            for one in view.test_steps
        ]

    @rx.event
    async def choose(self, gateway_id: int) -> None:
        """Show this one beside the list."""
        self.chosen = gateway_id
        await self.refresh()

    @rx.event
    def ask_test(self) -> None:
        """Ask where a test message may go."""
        self.test_dialog = True

    @rx.event
    def close_test(self) -> None:
        """Do not test."""
        self.test_dialog = False

    @rx.event
    def set_test_target(self, target: str) -> None:
        """Who gets the test message; nobody when empty."""
        self.test_target = target[:254]

    @rx.event(background=True)
    async def test(self):
        """Try each step on the way to a delivery. Takes at most 90 seconds; the page stays usable."""
        async with self:
            self.testing = True
            gateway_id, target, actor = self.chosen, self.test_target, current_actor(self)
        try:
            await test_gateway(get_application(), gateway_id, target, actor=actor, now=clock.now())
        except CxError as error:
            yield problem(error)
        finally:
            async with self:
                self.testing = self.test_dialog = False
                await self.refresh()

    @rx.event
    async def switch(self):
        """Turn the chosen gateway on or off."""
        try:
            await write(
                self,
                update_gateway,
                self.chosen,
                {"active": not self.panel.active},
                version=None,
                vault=get_application().vault,
                announces=(topics.GATEWAYS, topics.WORK),
            )
        except CxError as error:
            yield problem(error)
        await self.refresh()

    @rx.event
    def ask_delete(self) -> None:
        """Ask before a gateway goes."""
        self.delete_dialog, self.delete_problem = True, ""

    @rx.event
    def keep(self) -> None:
        """Leave it where it is."""
        self.delete_dialog = False

    @rx.event
    async def delete(self) -> None:
        """Take the chosen gateway away. Why it cannot be is said in the dialog."""
        try:
            await write(self, delete_gateway, self.chosen, announces=(topics.GATEWAYS,))
        except CxError as error:
            self.delete_problem = error.detail
            return
        self.delete_dialog, self.chosen = False, 0
        await self.refresh()


def _row(view: GatewayView, viewer: Viewer) -> GatewayRow:
    share = view.used_share
    return GatewayRow(
        id=view.id,
        name=view.name,
        badge=view.badge,
        limits=view.limits_in_words,
        used=f"{number(view.used_per_minute)} / min" if view.used_per_minute else "0",
        share=min(100.0, round(100 * share, 1)) if share else 0.0,
        share_words=f"{100 * share:.0f}%" if share else "",
        tone={"slowed": "amber", "stopped": "red"}.get(view.badge, "iris"),
        test=_test_look(view),
        test_words=view.test_words,
        test_when=viewer.relative(view.tested_at) if view.tested_at else "",
        test_exact=viewer.exact(view.tested_at) if view.tested_at else "",
    )


def _test_look(view: GatewayView) -> str:
    return {"Passed": "pass", "Passed, slow": "slow", "Failed": "fail"}.get(view.test_words, "none")


def _panel(view: GatewayView, viewer: Viewer) -> GatewayPanel:
    trouble, text = "", view.health_error or ""
    since = f" since {viewer.clock(view.health_since)}" if view.health_since else ""
    if view.badge == "slowed":
        trouble = (
            f"Slowed{f' to {number(view.slowed_to_per_minute)} a minute' if view.slowed_to_per_minute else ''}{since}"
        )
        text = f"{text} The pace was halved and is raised again while it goes well.".strip()
    elif view.badge == "stopped":
        trouble = f"Stopped{since} after {view.failures_in_a_row} errors in a row"
        if view.health_retry_at:
            text = f"{text} It is tried again {viewer.relative(view.health_retry_at)}.".strip()
    elif view.badge == "failing":
        failed = next((one.detail for one in view.test_steps if not one.ok), "")
        trouble = "The last test failed, and no message was taken since"
        text = f"{failed} Messages are tried all the same. Mend it, then test it again.".strip()
    elif view.badge == "off":
        trouble, text = "Off", "Nothing is sent through it. What is to go this way waits; nothing is lost."
    return GatewayPanel(
        id=view.id,
        name=view.name,
        kind=view.kind_title,
        channel=view.channel,
        badge=view.badge,
        active=view.active,
        version=view.version,
        trouble=trouble,
        trouble_text=text,
        sent_now=number(view.used_per_minute),
        test_title=f"Test, {viewer.relative(view.tested_at)}" if view.tested_at else "Test",
        test=_test_look(view),
        test_words=view.test_words,
    )
