"""What comms asks of whoever triggered a communication.

Comms knows requests and deliveries. Campaigns know contacts and windows; they are told what came of
a delivery in the very transaction that writes it, through this port.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlmodel import Session


class StepEnd(StrEnum):
    """How a delivery ended for the contact it was made for."""

    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"  # the last-moment check said no
    RECALLED = "recalled"  # the campaign stopped before it left


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOutcome:
    """The end of one campaign step for one contact. `reason` is in words, None when sent."""

    campaign_id: int
    contact_id: int
    person_id: int
    node: str | None
    end: StepEnd
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowTimes:
    """The execution window of a campaign as its row has it."""

    start: str
    end: str
    days: tuple[str, ...]
    zone: str


class CampaignHooks(Protocol):
    """The campaigns' side of a delivery."""

    def end_steps(self, session: Session, outcomes: Sequence[StepOutcome], *, now: datetime) -> None:
        """Move the contacts on, with their counters and events. Unknown or moved contacts are left alone."""
        ...

    def next_open(self, window: WindowTimes, person_zone: str | None, at: datetime) -> datetime:
        """`at` when the window is open then, else the next moment it opens.

        Read in the person's zone when one is given and known, else in the window's own.
        """
        ...


__all__ = ["CampaignHooks", "StepEnd", "StepOutcome", "WindowTimes"]
