"""Why a person was, or was not, contacted: the trail of one contact, channel by channel."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.contacts import ContactRow, get_contact

CHECK_NAMES = ("suppression", "consent", "quiet_hours", "frequency_cap", "campaign", "gateway")
"""The last-moment checks, in the order in which they are asked."""


@dataclass(frozen=True, kw_only=True)
class TrailStep:
    """One thing that happened. `key` names it for an icon (an event type, such as `comm.sent`).

    `since_seconds` is the time since the step before it on the same channel; None for the first.
    """

    at: datetime
    key: str
    title: str
    detail: str
    since_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class ChannelVerdict:
    """What came of one channel, why, and each step on the way, the newest first.

    `checks` has each of CHECK_NAMES: pass, wait, stop or none (not asked, or not yet). `state` is one
    word: a word of delivery_words, or scheduled, suppressed, not_possible. `words` is the short trail,
    such as ("accepted", "sent", "delivered").
    """

    channel: str
    target: str | None
    verdict: str
    reason: str
    checks: dict[str, str]
    state: str
    delivery_id: int | None
    words: tuple[str, ...]
    steps: tuple[TrailStep, ...]


@dataclass(frozen=True, kw_only=True)
class CapMessage:
    """A message that counts towards the frequency cap."""

    campaign_id: int | None
    campaign_name: str
    channel: str
    sent_at: datetime


@dataclass(frozen=True, kw_only=True)
class FrequencyCap:
    """How much of the cap is used: `used` of `count` in `window` (ISO 8601); `free_at` is when the next is free."""

    used: int
    count: int
    window: str
    messages: tuple[CapMessage, ...]
    free_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ConsentView:
    """What the person allowed on a channel; `granted` None means not asked."""

    channel: str
    granted: bool | None
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Trail:
    """All that happened to one contact of a campaign. `summary` says it in a sentence or two."""

    contact: ContactRow
    campaign_name: str
    summary: str
    channels: tuple[ChannelVerdict, ...]
    steps: tuple[TrailStep, ...]
    step_number: int | None
    step_count: int
    next_channel: str | None
    due_at: datetime | None
    consents: tuple[ConsentView, ...]
    frequency_cap: FrequencyCap | None


def get_trail(session: Session, campaign_id: int, contact_id: int, *, actor: Actor, now: datetime) -> Trail:
    """The trail of one contact. Raises NotFound."""
    contact = get_contact(session, campaign_id, contact_id, actor=actor)
    return Trail(
        contact=contact, campaign_name="", summary="", channels=(), steps=(), step_number=None, step_count=0,
        next_channel=None, due_at=contact.due_at, consents=(), frequency_cap=None,
    )  # fmt: skip
