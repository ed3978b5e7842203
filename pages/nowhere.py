"""What stands at an address that is none."""

import reflex as rx

from components.buttons import button
from components.callouts import empty_state
from components.page import page_header


def nowhere() -> rx.Component:
    """Says so, and shows the way back."""
    return rx.fragment(
        page_header("Not found", "There is no page at this address."),
        empty_state(
            "map-pin-off",
            "Nothing here",
            "It may have been removed, or the address has a slip. The search finds people and campaigns.",
            actions=[button("Go to Home", icon_name="layout-dashboard", variant="solid", href="/")],
        ),
    )
