"""What is looked at before a campaign is published."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.flow import Step, load_graph, steps_of
from cxconsole.campaigns.records import load_campaign
from models.campaign import Campaign
from models.gateway import Gateway


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


def check_preflight(session: Session, campaign_id: int, *, actor: Actor, now: datetime) -> Preflight:
    """The list for a campaign, fit to be read by a person."""
    actor.require("campaigns.read")
    return Preflight(items=tuple(_items(session, load_campaign(session, campaign_id), now=now)))


def find_blockers(session: Session, campaign: Campaign, *, now: datetime) -> list[PreflightItem]:
    """What prevents publishing."""
    return [item for item in _items(session, campaign, now=now) if item.verdict == Verdict.BLOCKER]


def _items(session: Session, campaign: Campaign, *, now: datetime) -> list[PreflightItem]:
    steps = steps_of(load_graph(session, campaign))
    return [_check_steps(session, steps), _check_validity(campaign, now)]


def _check_steps(session: Session, steps: list[Step]) -> PreflightItem:
    title = "Steps"
    if not steps:
        return PreflightItem(
            key="steps", title=title, verdict=Verdict.BLOCKER,
            detail="The campaign has no step, so there is nothing to send.",
            remedy="Add a step with a template and a gateway.",
        )  # fmt: skip
    gateways = {one.gateway_id for one in steps}
    active = set(session.exec(select(Gateway.id).where(col(Gateway.id).in_(gateways), col(Gateway.active))).all())
    for number, one in enumerate(steps, 1):
        if one.template_id is None or one.gateway_id not in active:
            return PreflightItem(
                key="steps", title=title, verdict=Verdict.BLOCKER, detail=f"Step {number} is not complete.",
                remedy="Choose its template and a gateway that is switched on.",
            )  # fmt: skip
    return PreflightItem(key="steps", title=title, verdict=Verdict.OK, detail=f"{len(steps)} steps, all complete.")


def _check_validity(campaign: Campaign, now: datetime) -> PreflightItem:
    if campaign.ends_at is not None and campaign.ends_at <= now:
        return PreflightItem(
            key="validity", title="Validity period", verdict=Verdict.BLOCKER,
            detail=f"The validity period ended at {campaign.ends_at:%Y-%m-%d %H:%M} UTC.",
            remedy="Move its end into the future, or clear it.",
        )  # fmt: skip
    return PreflightItem(key="validity", title="Validity period", verdict=Verdict.OK, detail="The campaign is valid.")
