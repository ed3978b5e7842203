"""Status badges: always an icon and a word, in the colour of what it means.

Green is a good end, iris moves, amber waits for someone, red failed, plum was stopped by the
customer's wish or a rule, teal is the customer's reaction, gray has not started or is over.
"""

from typing import Any

import reflex as rx

from components.icons import icon

Looks = dict[str, tuple[str, str, str]]
"""State -> (word, colour, icon)."""

CAMPAIGN: Looks = {
    "published": ("Published", "green", "circle-play"),
    "unpublished": ("Unpublished, new", "gray", "circle-dashed"),
    "paused": ("Unpublished, paused", "gray", "circle-pause"),
    "ended": ("Ended", "gray", "circle-stop"),
}
CONTACT: Looks = {
    "pending": ("Pending", "gray", "clock"),
    "in_progress": ("In progress", "iris", "loader-circle"),
    "completed": ("Completed", "green", "circle-check"),
    "failed": ("Failed", "red", "circle-x"),
    "suppressed": ("Suppressed", "plum", "shield-ban"),
    "held": ("Held", "amber", "pause"),
}
DELIVERY: Looks = {
    "A": ("Awaiting merge", "gray", "file-pen-line"),
    "D": ("Awaiting distribution", "gray", "list-ordered"),
    "sending": ("Sending", "iris", "send"),
    "S": ("Sent", "iris", "check"),
    "P": ("Published", "iris", "file-check"),
    "R": ("Error, retry", "amber", "rotate-cw"),
    "E": ("Error", "red", "circle-alert"),
    "C": ("Cancelled", "gray", "circle-slash"),
    "delivered": ("Delivered", "green", "check-check"),
    "bounced": ("Bounced", "red", "undo-2"),
    "opened": ("Opened", "teal", "mail-open"),
    "clicked": ("Clicked", "teal", "mouse-pointer-click"),
    "read": ("Read", "teal", "eye"),
    "replied": ("Replied", "teal", "reply"),
    "unsubscribed": ("Unsubscribed", "plum", "user-minus"),
    "complained": ("Complained", "red", "flag"),
    "waiting": ("Waiting", "amber", "clock"),
    "suppressed": ("Suppressed", "plum", "shield-ban"),
    "scheduled": ("Scheduled", "gray", "calendar-clock"),
    "sent": ("Sent", "iris", "check"),
    "retrying": ("Error, retry", "amber", "rotate-cw"),
    "failed": ("Error", "red", "circle-alert"),
    "cancelled": ("Cancelled", "gray", "circle-slash"),
    "not_possible": ("Not possible", "gray", "minus"),
    "not_needed": ("Not needed", "gray", "minus"),
    "held": ("Held", "amber", "pause"),
    "pending": ("Pending", "gray", "clock"),
    "none": ("Not possible", "gray", "minus"),
}
"""The furthest state of a delivery, what the person did with it, and what keeps it from leaving."""
GATEWAY: Looks = {
    "healthy": ("Healthy", "green", "circle-check"),
    "slowed": ("Slowed", "amber", "gauge"),
    "stopped": ("Stopped", "red", "unplug"),
    "failing": ("Test failed", "red", "circle-x"),
    "off": ("Off", "gray", "power"),
    "sandbox": ("Sandbox", "gray", "flask-conical"),
}
IMPORT: Looks = {
    "queued": ("Queued", "gray", "list-start"),
    "running": ("Importing", "iris", "loader-circle"),
    "cancelling": ("Cancelling", "amber", "loader-circle"),
    "cancelled": ("Cancelled", "gray", "circle-slash"),
    "failed": ("Failed", "red", "circle-x"),
    "done": ("Done", "green", "circle-check"),
    "undoing": ("Undoing", "iris", "undo-2"),
    "undone": ("Undone", "gray", "undo-2"),
    "open": ("Open", "green", "circle-play"),
}
SUPPRESSION: Looks = {
    "unsubscribed": ("Unsubscribed", "plum", "user-minus"),
    "complained": ("Complained", "red", "flag"),
    "bounced": ("Bounced", "red", "undo-2"),
    "manual": ("Added by hand", "gray", "pencil"),
}


def badge(word: Any, colour: str = "gray", icon_name: str = "", **props: Any) -> rx.Component:
    """A badge in one of the tones green, iris, amber, red, plum, teal, gray."""
    inner = [icon(icon_name, 12)] if icon_name else []
    return rx.el.span(*inner, word, class_name=f"cx-badge t-{colour}", **props)


def status_badge(looks: Looks, state: rx.Var[str] | str) -> rx.Component:
    """The badge of a state by one of the tables above; an unknown state shows its own word in gray."""
    if isinstance(state, str):
        return badge(*looks[state])
    return rx.match(state, *((key, badge(*look)) for key, look in looks.items()), badge(state))  # type: ignore[return-value]


def campaign_badge(state: rx.Var[str] | str) -> rx.Component:
    """published, unpublished, paused (unpublished after having been published) or ended."""
    return status_badge(CAMPAIGN, state)


def contact_badge(status: rx.Var[str] | str) -> rx.Component:
    """The status of a campaign contact."""
    return status_badge(CONTACT, status)


def delivery_badge(state: rx.Var[str] | str) -> rx.Component:
    """The furthest state of a delivery by its stored code, engagement included."""
    return status_badge(DELIVERY, state)


def gateway_badge(health: rx.Var[str] | str) -> rx.Component:
    """healthy, slowed, failing, stopped, off or sandbox."""
    return status_badge(GATEWAY, health)


def attention_chip(text: Any, href: str) -> rx.Component:
    """The amber chip beside a page's title: how many things need someone."""
    return rx.el.a(icon("triangle-alert", 12), text, href=href, class_name="cx-badge t-amber")


def status_icon(looks: Looks, state: str, size: int = 14) -> rx.Component:
    """Only the icon of a state, in its colour, for use beside its word."""
    _, colour, name = looks[state]
    return rx.el.span(icon(name, size, class_name="cx-tone-icon"), class_name=f"t-{colour}", display="inline-flex")
