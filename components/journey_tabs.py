"""The parts of Journeys, as tabs with addresses."""

import reflex as rx

from components.page import page_tabs

TABS = (
    ("explorer", "/journeys", "Explorer"),
    ("sources", "/journeys/sources", "Sources"),
    ("website", "/journeys/website", "Website tag"),
    ("webhooks", "/journeys/webhooks", "Webhooks"),
    ("conflicts", "/journeys/conflicts", "Identity conflicts"),
)


def journey_tabs(active: str) -> rx.Component:
    """Explorer, sources and what else there is; `active` is the key of the one that is shown."""
    return page_tabs(*TABS, active=active, ready=True, label="Parts of Journeys")
