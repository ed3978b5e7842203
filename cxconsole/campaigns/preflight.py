"""What is looked at before a campaign is published.

Everything is read from a few rows, indexed counts and bounded samples, so that the list is there at
once for a million contacts too; where a number is an estimate, its line says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import ENGINE, Actor
from cxconsole.campaigns.flow import Step, graph_problems, load_graph, steps_of
from cxconsole.campaigns.outlook import campaign_window, send_capacity
from cxconsole.campaigns.reach import Reach, measure_reach
from cxconsole.campaigns.records import load_campaign
from cxconsole.campaigns.ways_back import WaysBack, find_ways_back
from cxconsole.campaigns.windows import Window
from cxconsole.comms.content_check import ContentFinding, FindingKind, Severity, check_content
from cxconsole.comms.merge_fields import load_fields, sample_persons
from cxconsole.comms.profile_fields import add_profiles
from cxconsole.durations import parse_duration
from models.campaign import Campaign, CampaignProgress
from models.gateway import Gateway, GatewayHealth
from models.template import Template, TemplateVersion

CONTENT_SAMPLE = 200
ASSUMED_PER_MINUTE = 30_000
"""The pace of an estimate when nothing limits it: what one ordinary mail server takes."""


class Verdict(StrEnum):
    """`blocker` prevents publishing, `warning` does not."""

    OK = "ok"
    WARNING = "warning"
    BLOCKER = "blocker"


@dataclass(frozen=True, kw_only=True)
class PreflightItem:
    """One finding: what was looked at, what was found, and what to do about it."""

    key: str
    title: str
    verdict: Verdict
    detail: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """The whole list."""

    items: tuple[PreflightItem, ...]

    @property
    def can_publish(self) -> bool:
        """Whether nothing on the list prevents it."""
        return all(item.verdict != Verdict.BLOCKER for item in self.items)


def check_preflight(session: Session, campaign_id: int, *, is_public: bool, actor: Actor, now: datetime) -> Preflight:
    """The list for a campaign, in the order in which a person would mend it.

    `is_public`: whether recipients reach this console (see Settings).
    """
    actor.require("campaigns.read")
    campaign = load_campaign(session, campaign_id)
    steps = steps_of(load_graph(session, campaign))
    reach = _measure(session, campaign, steps)
    items = [
        *_check_setup(session, campaign, steps, now=now, sample=CONTENT_SAMPLE),
        *_check_ways_back(find_ways_back(session, steps), is_public=is_public),
        *_check_audience(reach),
        _estimate(session, campaign, steps, reach, now=now),
    ]
    return Preflight(items=tuple(items))


def find_blockers(session: Session, campaign: Campaign, *, now: datetime) -> list[PreflightItem]:
    """What prevents publishing; looks at fewer people, because it runs inside the transaction that publishes."""
    steps = steps_of(load_graph(session, campaign))
    items = _check_setup(session, campaign, steps, now=now, sample=20)
    return [item for item in items if item.verdict == Verdict.BLOCKER]


def _check_setup(
    session: Session, campaign: Campaign, steps: list[Step], *, now: datetime, sample: int
) -> list[PreflightItem]:
    return [
        _check_steps(session, campaign, steps),
        *_check_gateways(session, steps),
        *_check_contents(session, campaign, steps, sample, now=now),
        _check_times(campaign, now),
    ]


def _check_steps(session: Session, campaign: Campaign, steps: list[Step]) -> PreflightItem:
    def item(verdict: Verdict, detail: str, remedy: str = "") -> PreflightItem:
        return PreflightItem(key="steps", title="Steps", verdict=verdict, detail=detail, remedy=remedy)

    if not steps:
        detail = "The campaign has no step, so there is nothing to send."
        return item(Verdict.BLOCKER, detail, "Add a step with a template and a gateway.")
    problems = graph_problems(load_graph(session, campaign))
    if problems:
        return item(Verdict.BLOCKER, " ".join(problems), "Save the steps once more.")
    for number, one in enumerate(steps, 1):
        missing = [noun for noun, key in (("template", one.template_id), ("gateway", one.gateway_id)) if key is None]
        if missing:
            return item(Verdict.BLOCKER, f"Step {number} has no {' and no '.join(missing)}.", "Choose what is missing.")
    return item(Verdict.OK, "One step, complete." if len(steps) == 1 else f"{len(steps)} steps, all complete.")


def _check_gateways(session: Session, steps: list[Step]) -> list[PreflightItem]:
    wanted = {one.gateway_id: one.channel for one in steps if one.gateway_id is not None}
    rows = {one.id: one for one in session.exec(select(Gateway).where(col(Gateway.id).in_(wanted))).all()}
    return [_check_gateway(key, rows.get(key), channel) for key, channel in wanted.items()]


def _check_gateway(gateway_id: int, row: Gateway | None, channel: str) -> PreflightItem:
    name = row.name if row else str(gateway_id)

    def item(verdict: Verdict, detail: str, remedy: str = "") -> PreflightItem:
        key = f"gateway.{gateway_id}"
        return PreflightItem(key=key, title=f"Gateway {name}", verdict=verdict, detail=detail, remedy=remedy)

    if row is None:
        return item(Verdict.BLOCKER, "It is not there any more.", "Choose another gateway in the step.")
    if row.channel != channel:
        return item(Verdict.BLOCKER, f"It is for {row.channel}, the step for {channel}.", "Choose another gateway.")
    if not row.active:
        return item(Verdict.BLOCKER, "It is switched off.", "Switch it on, or choose another gateway in the step.")
    if row.health == GatewayHealth.OPEN:
        detail = f"It has stopped: {row.health_error or 'it failed again and again'}. Messages wait until it is back."
        return item(Verdict.WARNING, detail, "Look at the gateway and test it.")
    if row.tested_at is None:
        return item(Verdict.WARNING, "It was never tested.", "Press Test on its page; it takes a few seconds.")
    if not row.test_passed:
        failed = next((one for one in row.test_steps if not one.get("ok")), {})
        detail = f"Its last test failed. {failed.get('detail', '')}".strip()
        return item(Verdict.WARNING, detail, "Mend it and test it again. Messages wait until it works.")
    if row.health == GatewayHealth.DEGRADED:
        pace = f" to {row.slowed_to_per_minute:,} a minute" if row.slowed_to_per_minute else ""
        return item(Verdict.WARNING, f"It was slowed{pace}, as the other side asked.", "Nothing to do: it recovers.")
    return item(Verdict.OK, f"Tested on {row.tested_at:%d %B %Y}, and healthy.")


def _check_contents(
    session: Session, campaign: Campaign, steps: list[Step], sample: int, *, now: datetime
) -> list[PreflightItem]:
    wanted = {one.template_id: one.channel for one in steps if one.template_id is not None}
    if not wanted:
        return []
    found = session.exec(
        select(Template, TemplateVersion)
        .join(TemplateVersion, col(TemplateVersion.id) == col(Template.current_version_id))
        .where(col(Template.id).in_(wanted), col(Template.deleted_at).is_(None))
    ).all()
    versions = {template.id: (template, version) for template, version in found}
    known = load_fields(session, sample_persons(session, campaign.id, size=sample))
    add_profiles(session, known, [version for _, version in versions.values()], actor=ENGINE, now=now)
    people = list(known.values())
    items = []
    for template_id, channel in wanted.items():
        if template_id not in versions:
            item = PreflightItem(
                key=f"content.{template_id}", title=f"Content {template_id}", verdict=Verdict.BLOCKER,
                detail="The template is not there any more.", remedy="Choose another template in the step.",
            )  # fmt: skip
        else:
            template, version = versions[template_id]
            findings = check_content(version, channel=channel, samples=people)
            item = _sum_up(template, findings, len(people))
        items.append(item)
    return items


_BLOCKS = (FindingKind.SYNTAX, FindingKind.EMPTY, FindingKind.MISSING_FIELD)


def _sum_up(template: Template, findings: list[ContentFinding], looked_at: int) -> PreflightItem:
    key, title = f"content.{template.id}", f"Content {template.name}"
    if not findings:
        with_whom = f"for the {looked_at:,} people looked at" if looked_at else "though nobody is there to try it with"
        detail = f"It works {with_whom}; it has a link to unsubscribe, and its links are well-formed."
        if template.channel != "email":
            detail = f"It works {with_whom}."
        return PreflightItem(key=key, title=title, verdict=Verdict.OK, detail=detail)
    blocks = any(one.severity == Severity.ERROR and one.kind in _BLOCKS for one in findings)
    more = f" And {len(findings) - 3} more." if len(findings) > 3 else ""
    return PreflightItem(
        key=key,
        title=title,
        verdict=Verdict.BLOCKER if blocks else Verdict.WARNING,
        detail=" ".join(one.detail for one in findings[:3]) + more,
        remedy=" ".join(dict.fromkeys(one.remedy for one in findings[:3])),
    )


def _check_ways_back(found: WaysBack, *, is_public: bool) -> list[PreflightItem]:
    """Nothing where no message leads back."""
    counted = " and ".join(word for word, there in (("opens", found.opens), ("clicks", found.clicks)) if there)
    if not found:
        return []
    if is_public:
        detail = f"They lead to this console{f'; {counted} are counted' if counted else ''}."
        return [PreflightItem(key="links", title="Links and tracking", verdict=Verdict.OK, detail=detail)]
    lost = [f"{counted.capitalize()} cannot be counted."] if counted else []
    if found.unsubscribe:
        lost.append("Links to unsubscribe lead nowhere outside this machine.")
    return [
        PreflightItem(
            key="links", title="Links and tracking", verdict=Verdict.WARNING,
            detail=f"{' '.join(lost)} The console does not know the address at which recipients reach it.",
            remedy="Set CXCONSOLE_PUBLIC_URL to that address, such as https://console.example.com, and start again.",
        )
    ]  # fmt: skip


def _check_times(campaign: Campaign, now: datetime) -> PreflightItem:
    window = campaign_window(campaign)

    def item(verdict: Verdict, detail: str, remedy: str = "") -> PreflightItem:
        title = "Execution window and validity"
        return PreflightItem(key="validity", title=title, verdict=verdict, detail=detail, remedy=remedy)

    if window is None:
        return item(Verdict.BLOCKER, "The execution window cannot be read.", "Set it again on the Setup tab.")
    if campaign.ends_at is not None and campaign.ends_at <= now:
        ended = _when(campaign.ends_at, window)
        return item(
            Verdict.BLOCKER, f"The validity period ended {ended}.", "Move its end into the future, or clear it."
        )
    begins = max(now, campaign.starts_at or now)
    opens = window.next_open(begins)
    if campaign.ends_at is not None and opens >= campaign.ends_at:
        detail = f"The validity period ends {_when(campaign.ends_at, window)}, and the window is never open until then."
        return item(Verdict.BLOCKER, detail, "Widen the window, or move the end of the validity period.")
    if opens > now:
        return item(Verdict.OK, f"The first messages leave {_when(opens, window)}.")
    return item(Verdict.OK, "It is open: the first messages leave at once.")


def _when(at: datetime, window: Window) -> str:
    return f"{at.astimezone(window.zone):%a %d %B %Y, %H:%M} ({window.zone.key})"


def _measure(session: Session, campaign: Campaign, steps: list[Step]) -> Reach:
    assert campaign.id is not None
    numbers = session.get(CampaignProgress, campaign.id)
    channels = list(dict.fromkeys(one.channel for one in steps))
    return measure_reach(session, campaign.id, numbers.planned if numbers else 0, channels)


def _check_audience(reach: Reach) -> list[PreflightItem]:
    if not reach.contacts:
        return [
            PreflightItem(
                key="audience", title="Audience", verdict=Verdict.WARNING, detail="There are no contacts yet.",
                remedy="Add some; those who come later are contacted as they come.",
            )
        ]  # fmt: skip
    about = "" if reach.is_exact else "about "
    how = "" if reach.is_exact else f" Estimated from {reach.looked_at:,} contacts spread over all."
    verdict = Verdict.OK if reach.reachable > 0 else Verdict.WARNING
    items = [
        PreflightItem(
            key="audience", title="Audience", verdict=verdict,
            detail=f"{reach.contacts:,} contacts, {about}{max(reach.reachable, 0):,} can be reached.{how}",
            remedy="" if reach.reachable > 0 else "Add contacts with an address for one of the steps.",
        )
    ]  # fmt: skip
    for key, title, count, detail, remedy in (
        (
            "suppressed", "Suppressed", reach.suppressed, "must not be contacted and are left out.",
            "If that is more than you expect, look at the trails of a few: each says why.",
        ),
        (
            "invalid", "No address", reach.no_address, "have no address for any step and are left out.",
            "Add their addresses, or a step on another channel.",
        ),
    ):  # fmt: skip
        found = f"{about.capitalize()}{count:,} {detail}{how}" if count else f"None was found.{how}"
        verdict = Verdict.WARNING if count else Verdict.OK
        items.append(PreflightItem(key=key, title=title, verdict=verdict, detail=found, remedy=remedy if count else ""))
    return items


def _estimate(session: Session, campaign: Campaign, steps: list[Step], reach: Reach, *, now: datetime) -> PreflightItem:
    def item(verdict: Verdict, detail: str, remedy: str = "") -> PreflightItem:
        return PreflightItem(key="estimate", title="Estimated finish", verdict=verdict, detail=detail, remedy=remedy)

    window = campaign_window(campaign)
    numbers = session.get(CampaignProgress, campaign.id)
    waiting = numbers.pending + numbers.held_unpublished + numbers.held_expired if numbers else 0
    if window is None or not waiting or not steps:
        return item(Verdict.OK, "Nobody is waiting.")
    left = round(waiting * max(reach.reachable, 0) / reach.contacts) if reach.contacts else 0
    limit = send_capacity(session, campaign)
    pace = limit or ASSUMED_PER_MINUTE
    how = f"{left:,} messages at {pace:,} a minute" + ("" if limit else ", for nothing limits them")
    begins = max(now, campaign.starts_at or now)
    done = window.add_open_seconds(begins, left * 60 / pace)
    further = sum((parse_duration(one.delay) for one in steps[1:]), timedelta())
    if done is None:
        return item(Verdict.WARNING, f"{how} take more than a year.", "Raise the limits or widen the window.")
    if campaign.ends_at is not None and done > campaign.ends_at:
        until = round(window.open_seconds_between(begins, campaign.ends_at) * pace / 60)
        detail = f"{how}: about {max(left - until, 0):,} are not contacted before the validity period ends."
        return item(Verdict.WARNING, detail, "Raise the limits, widen the window, or move the end of the validity.")
    own = ", in each person's own zone a little earlier or later" if campaign.window_in_zone_of == "person" else ""
    detail = f"About {_when(done, window)}: {how}{own}."
    if len(steps) > 1:
        last = window.next_open(done + further)
        if campaign.ends_at is not None and last > campaign.ends_at:
            detail += " The last step falls due after the validity period has ended."
            return item(Verdict.WARNING, detail, "Shorten the delays, or move the end of the validity period.")
        detail += f" The last step is through about {_when(last, window)}."
    return item(Verdict.OK, detail)
