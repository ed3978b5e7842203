"""The steps of a contact's trail: what the Tape and the deliveries tell, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cxconsole.audience.forgetting import say_address
from cxconsole.journey.event_words import reason_words
from models.comm import CommDelivery
from models.event import Event, EventType


@dataclass(frozen=True, kw_only=True)
class TrailStep:
    """One thing that happened. `key` names it for an icon: an event type such as `comm.sent`, or `checks`.

    `since_seconds` is the time since the step before it in the same list; None for the first.
    """

    at: datetime
    key: str
    title: str
    detail: str
    since_seconds: float | None
    channel: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrailNames:
    """What the steps call things by."""

    source: str
    nodes: Mapping[str, int]
    gateways: Mapping[int, str]
    contents: Mapping[int, str]


TITLES: dict[str, str] = {
    EventType.CONTACT_ADDED: "Added to the campaign",
    EventType.CONTACT_CHANGED: "Contact changed",
    EventType.CONTACT_REMOVED: "Removed from the campaign",
    EventType.CONTACT_COMPLETED: "Completed",
    EventType.CONTACT_FAILED: "Failed",
    EventType.CONTACT_SUPPRESSED: "Suppressed",
    EventType.CONTACT_RETRIED: "Put back to be tried again",
    EventType.COMM_REQUESTED: "Accepted",
    EventType.COMM_NOT_SENT: "Not sent",
    EventType.COMM_CANCELLED: "Cancelled",
    EventType.COMM_SENT: "Sent",
    EventType.COMM_RETRIED: "To be tried again",
    EventType.COMM_FAILED: "Failed",
    EventType.COMM_DELIVERED: "Delivered",
    EventType.COMM_BOUNCED: "Bounced",
    EventType.COMM_OPENED: "Opened",
    EventType.COMM_CLICKED: "Clicked a link",
    EventType.COMM_READ: "Read",
    EventType.COMM_REPLIED: "Replied",
    EventType.COMM_UNSUBSCRIBED: "Unsubscribed",
    EventType.COMM_COMPLAINED: "Complained",
    EventType.SUPPRESSION_ADDED: "Put on the suppression list",
    EventType.SUPPRESSION_REMOVED: "Taken off the suppression list",
}
"""Events that are shown; others are about something else."""

_TIMES: dict[str, str] = {
    EventType.COMM_SENT: "sent_at",
    EventType.COMM_DELIVERED: "delivered_at",
    EventType.COMM_BOUNCED: "bounced_at",
    EventType.COMM_OPENED: "opened_at",
    EventType.COMM_CLICKED: "clicked_at",
    EventType.COMM_READ: "read_at",
    EventType.COMM_REPLIED: "replied_at",
    EventType.COMM_UNSUBSCRIBED: "unsubscribed_at",
    EventType.COMM_COMPLAINED: "complained_at",
}
"""Where a delivery keeps the moment itself; the event is written a little later."""

_TOLD = {"stop": "Stopped", "wait": "Made to wait"}


def tell_steps(
    events: Sequence[Event],
    deliveries: Mapping[int, CommDelivery],
    names: TrailNames,
) -> list[TrailStep]:
    """All steps, the newest first, each with the time since the one before."""
    steps = [step for event in events if (step := _tell(event, deliveries.get(event.delivery_id or 0), names))]
    steps += [step for one in deliveries.values() if (step := _tell_checks(one))]
    order = {key: rank for rank, key in enumerate((EventType.CONTACT_ADDED, EventType.COMM_REQUESTED, "checks"))}
    # what happened within one transaction has one time: then the order of the pipeline counts
    steps.sort(key=lambda step: (step.at, order.get(step.key, len(order))))
    return list(reversed(with_gaps(steps)))


def with_gaps(steps: Sequence[TrailStep]) -> list[TrailStep]:
    """Steps in order of time, each with the seconds since the one before."""
    told: list[TrailStep] = []
    for step in steps:
        gap = (step.at - told[-1].at).total_seconds() if told else None
        told.append(replace(step, since_seconds=gap))
    return told


def _tell(event: Event, delivery: CommDelivery | None, names: TrailNames) -> TrailStep | None:
    title = TITLES.get(event.type)
    if title is None:
        return None
    data = event.data or {}
    at = getattr(delivery, _TIMES[event.type]) or event.time if delivery and event.type in _TIMES else event.time
    return TrailStep(
        at=at,
        key=event.type,
        title=_title(event.type, title, data, delivery, names),
        detail=_detail(event.type, data, delivery, names),
        since_seconds=None,
        channel=data.get("channel") or (delivery.channel if delivery else None),
    )


def _title(kind: str, title: str, data: Mapping[str, Any], delivery: CommDelivery | None, names: TrailNames) -> str:
    if kind == EventType.COMM_REQUESTED:
        number = names.nodes.get(data.get("node") or (delivery.node if delivery else "") or "")
        return f"Accepted: step {number} fell due" if number else title
    if kind == EventType.COMM_SENT and delivery is not None:
        gateway = names.gateways.get(delivery.gateway_id)
        return f"Sent through {gateway}" if gateway else title
    return title


def _detail(kind: str, data: Mapping[str, Any], delivery: CommDelivery | None, names: TrailNames) -> str:
    if kind == EventType.CONTACT_ADDED:
        return names.source
    if kind == EventType.COMM_REQUESTED:
        return names.contents.get(delivery.template_version_id, "") if delivery else ""
    if kind == EventType.COMM_SENT and delivery is not None:
        doubt = "; possibly twice, after a crash" if delivery.possible_duplicate else ""
        return (
            f"To {say_address(delivery.target)}{doubt}"
            if not delivery.provider_id
            else f"Id {delivery.provider_id}{doubt}"
        )
    if kind in (EventType.COMM_FAILED, EventType.COMM_BOUNCED, EventType.COMM_RETRIED) and delivery is not None:
        return reason_words(delivery.reason) or str(data.get("code") or "")
    return reason_words(str(data["reason"])) if data.get("reason") else ""


def _tell_checks(delivery: CommDelivery) -> TrailStep | None:
    checks = dict(delivery.checks or {})
    at = checks.pop("at", None)
    if not at or not checks:
        return None
    told = next(((name, verdict) for name, verdict in checks.items() if verdict != "pass"), None)
    title = "All six checks passed" if told is None else f"{_TOLD[told[1]]} by the check of {told[0].replace('_', ' ')}"
    return TrailStep(
        at=datetime.fromisoformat(at), key="checks", title=title, detail=reason_words(delivery.reason) if told else "",
        since_seconds=None, channel=delivery.channel,
    )  # fmt: skip


def trail_words(delivery: CommDelivery) -> tuple[str, ...]:
    """The short trail: `("accepted", "sent", "delivered")`."""
    words = ["accepted"]
    times = [(getattr(delivery, column), rank, word) for rank, (column, word) in enumerate(_WORDS)]
    words += [word for at, _, word in sorted((one for one in times if one[0] is not None), key=lambda one: one[1])]
    if ending := _ENDINGS.get(delivery.state):
        words.append(ending)
    return tuple(dict.fromkeys(words))


_WORDS = (
    ("sent_at", "sent"), ("delivered_at", "delivered"), ("bounced_at", "bounced"), ("opened_at", "opened"),
    ("read_at", "opened"), ("clicked_at", "clicked"), ("replied_at", "replied"), ("unsubscribed_at", "unsubscribed"),
    ("complained_at", "complained"),
)  # fmt: skip
_ENDINGS = {"E": "failed", "C": "cancelled", "R": "retrying"}
