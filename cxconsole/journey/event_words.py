"""What each event is called, on timelines and in the explorer: one table for all pages.

A title or detail may name facts in braces; `timeline_facts.py` says which there are. Types that are not in the
table come from outside: they are shown by their own name, with the first values of their data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.event import EventType

CHANNELS: dict[str, tuple[str, str]] = {
    "email": ("E-mail", "mail"),
    "sms": ("SMS", "message-square"),
    "letter": ("Letter", "file-text"),
    "voice": ("Voice", "phone"),
    "push": ("Push", "bell"),
    "web": ("Web", "globe"),
    "agent": ("Agent", "headset"),
}
"""Each channel's word and icon."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How an event is told. An empty `icon` is the channel's; `badge` is one word for what it came to."""

    title: str
    detail: str = ""
    icon: str = ""
    tone: str = ""
    badge: str = ""


_E = EventType
LOOKS: dict[str, Look] = {
    _E.COMM_REQUESTED: Look(title="{channel} accepted", detail="{campaign}", icon="clock"),
    _E.COMM_NOT_SENT: Look(
        title="{channel} not sent", detail="{reason}", icon="circle-slash", tone="amber", badge="Not sent"
    ),
    _E.COMM_CANCELLED: Look(title="{channel} called back before it left", detail="{reason}", icon="circle-slash"),
    _E.COMM_SENT: Look(title="{channel} sent to {target}", detail="{campaign}", badge="Sent"),
    _E.COMM_RETRIED: Look(
        title="{channel} to be tried again", detail="{reason}", icon="rotate-cw", tone="amber", badge="Error, retry"
    ),
    _E.COMM_FAILED: Look(title="{channel} failed", detail="{reason}", icon="circle-x", tone="red", badge="Error"),
    _E.COMM_DELIVERED: Look(
        title="{channel} delivered", detail="{campaign}", icon="check-check", tone="green", badge="Delivered"
    ),
    _E.COMM_BOUNCED: Look(title="{channel} bounced", detail="{reason}", icon="undo-2", tone="red", badge="Bounced"),
    _E.COMM_OPENED: Look(
        title="Opened {content}", detail="{campaign}", icon="mail-open", tone="teal", badge="Opened"
    ),
    _E.COMM_CLICKED: Look(
        title="Clicked a link in {content}", detail="{campaign}", icon="mouse-pointer-click", tone="teal",
        badge="Clicked",
    ),
    _E.COMM_READ: Look(title="Read {content}", detail="{campaign}", icon="eye", tone="teal", badge="Read"),
    _E.COMM_REPLIED: Look(
        title="Replied to {content}", detail="{campaign}", icon="reply", tone="teal", badge="Replied"
    ),
    _E.COMM_UNSUBSCRIBED: Look(
        title="Asked for no more of {content}", detail="{campaign}", icon="user-minus", tone="plum",
        badge="Unsubscribed",
    ),
    _E.COMM_COMPLAINED: Look(
        title="Called {content} spam", detail="{campaign}", icon="flag", tone="red", badge="Complained"
    ),
    _E.CONTACT_ADDED: Look(title="Added to {campaign}", detail="{source}", icon="user-plus"),
    _E.CONTACT_CHANGED: Look(title="Changed as a contact of {campaign}", icon="pencil"),
    _E.CONTACT_REMOVED: Look(title="Taken out of {campaign}", icon="user-x"),
    _E.CONTACT_COMPLETED: Look(title="All steps of {campaign} done", icon="circle-check", tone="green"),
    _E.CONTACT_FAILED: Look(
        title="Could not be reached by {campaign}", detail="{reason}", icon="circle-x", tone="red", badge="Failed"
    ),
    _E.CONTACT_SUPPRESSED: Look(
        title="Not contacted by {campaign}", detail="{reason}", icon="shield-ban", tone="plum", badge="Suppressed"
    ),
    _E.CONTACT_RETRIED: Look(title="Put back to be tried again", detail="{campaign}", icon="rotate-cw"),
    _E.PERSON_CREATED: Look(title="Became known", detail="{source}", icon="user-plus"),
    _E.PERSON_CHANGED: Look(title="Details changed", detail="{fields}", icon="user-pen"),
    _E.PERSON_MERGED: Look(
        title="Proved to be one with person {other}", detail="Their history is part of this one", icon="merge",
        badge="Merged",
    ),
    _E.PERSON_ERASED: Look(title="Erased by {actor}", detail="Only ids and counts are left", icon="eraser"),
    _E.CONFLICT_DECIDED: Look(
        title="Identity conflict decided by {actor}", detail="{decision}", icon="scale"
    ),
    _E.PERSON_UNMERGED: Look(
        title="Proved not to be one with the other person", detail="By {actor}: persons {stayed} and {other} are two",
        icon="split", badge="Merge undone",
    ),
    _E.SUPPRESSION_ADDED: Look(
        title="Put on the suppression list", detail="{reason}", icon="shield-ban", tone="plum", badge="Suppressed"
    ),
    _E.SUPPRESSION_REMOVED: Look(title="Taken off the suppression list", icon="shield-check"),
    _E.NOTE_ADDED: Look(title="Note by {actor}", detail="{note}", icon="sticky-note", tone="amber"),
    _E.NOTE_ERASED: Look(title="A note was erased by {actor}", icon="eraser"),
    _E.ACTIVITY_SCHEDULED: Look(
        title="Follow-up: {subject}", detail="Planned by {actor}", icon="calendar-clock", tone="iris",
        badge="Scheduled",
    ),
    _E.ACTIVITY_DONE: Look(
        title="Followed up: {subject}", detail="Done by {actor}", icon="calendar-check", tone="green", badge="Done"
    ),
    _E.ACTIVITY_CANCELLED: Look(
        title="Not followed up: {subject}", detail="Cancelled by {actor}", icon="calendar-x", badge="Cancelled"
    ),
}  # fmt: skip
"""How each event about a person is told."""

_ICON_WORDS: dict[str, str] = {
    "shopping-cart": "cart basket",
    "package": "order ordered purchase",
    "credit-card": "checkout payment paid",
    "receipt": "invoice invoiced bill",
    "tag": "product item offer price",
    "truck": "shipment shipped parcel",
    "undo-2": "refund refunded return returned",
    "user-check": "login logged signed identified registered",
    "phone": "call called",
    "message-circle": "chat conversation",
    "life-buoy": "help support ticket case complaint",
    "clipboard-list": "form application",
    "clipboard-check": "survey feedback review",
    "search": "search searched",
    "download": "download downloaded",
    "store": "store branch",
    "calendar": "appointment booking booked",
    "smartphone": "app",
}
"""Words in the types of others, by the icon that says them."""
_ICON_OF = {word: icon for icon, words in _ICON_WORDS.items() for word in words.split()}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

OTHER_ICON = "globe"
_PRODUCT_ICON = "circle"

REASONS = {
    "no_email": "no e-mail address",
    "no_phone": "no phone number",
    "no_push_address": "no push address",
    "no_postal_address": "no postal address",
    "no_consent": "no consent",
    "unsubscribed": "unsubscribed",
    "complained": "complained about a message",
    "bounced": "the address bounced",
    "manual": "put on the list by hand",
    "cancelled": "cancelled by hand",
    "erased": "the person was erased",
    "campaign-unpublished": "the campaign was unpublished",
    "campaign-ended": "the campaign has ended",
    "validity-period-expired": "the validity period is over",
}
"""Stored reasons that are codes, as people say them; all others are sentences already."""

DECISIONS = {
    "merged": "The two are one customer",
    "kept": "The two are kept apart",
    "moved": "The name belongs to the other one",
}
"""What was decided of an identity conflict."""


def reason_words(reason: str | None) -> str:
    """A stored reason in words; empty for none."""
    return REASONS.get(reason or "", reason or "")


class _Facts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def look_of(event_type: str, source: str) -> Look:
    """The look of a type; for one that is not in the table its own name as words."""
    known = LOOKS.get(event_type)
    if known is not None:
        return known
    words = event_type.replace(".", " ").replace("_", " ").replace("-", " ").strip() or "Event"
    title = (words[:1].upper() + words[1:]).replace("{", "{{").replace("}", "}}")
    return Look(title=title, detail="{data}", icon=_PRODUCT_ICON if source == "cxconsole" else _find_icon(event_type))


def _find_icon(event_type: str) -> str:
    """By the first word that has one: `cart.added`, `AddToCart`; empty when the channel's has to do."""
    words = (word.lower() for word in _WORD.findall(event_type))
    return next((_ICON_OF[word] for word in words if word in _ICON_OF), "")


def tell(text: str, facts: Mapping[str, str]) -> str:
    """A title or detail with its facts; what is not known is left out."""
    return text.format_map(_Facts(facts))


def brief(data: Mapping[str, Any], *, most: int = 3) -> str:
    """The first plain values of an event's data: "page: /prices, seconds: 12"."""
    plain = [
        f"{name}: {str(value)[:80]}"
        for name, value in data.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    ]
    return ", ".join(plain[:most])


ICONS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *(look.icon for look in LOOKS.values() if look.icon),
            *(icon for _, icon in CHANNELS.values()),
            *_ICON_WORDS,
            _PRODUCT_ICON,
        ]
    )
)
"""Every icon a timeline can show."""
