"""The timeline of one person; it lives in the browser (`assets/timeline.jsx`), which asks for pages."""

from typing import Any

import reflex as rx

from components.icons import icon
from cxconsole.journey.event_words import ICONS

FILTERS = (
    ("", "All", ""), ("email", "E-mail", "mail"), ("sms", "SMS", "message-square"), ("voice", "Voice", "phone"),
    ("letter", "Letter", "file-text"), ("web", "Web and other systems", "globe"),
    ("agent", "Notes and follow-ups", "sticky-note"), ("record", "Personal record", "user-pen"),
)  # fmt: skip
"""What can be shown alone: key, word, icon."""
_CONTROLS = ("play", "pause", "arrow-up")


class EventTimeline(rx.NoSSRComponent):
    """Days of events, filter, live switch. The rows are `state.timeline.TimelinePage`s."""

    library = "$/public/timeline"
    tag = "EventTimeline"
    newest: rx.Var[Any]
    older: rx.Var[Any]
    detail: rx.Var[Any]
    filters: rx.Var[Any]
    on_older: rx.EventHandler[lambda place: [place]]
    on_open: rx.EventHandler[lambda event_id: [event_id]]
    on_only: rx.EventHandler[lambda only: [only]]
    on_erase: rx.EventHandler[lambda note_id: [note_id]]


class Ago(rx.NoSSRComponent):
    """How long ago, ticking in the browser. `at` is in milliseconds since 1970; 0 shows nothing."""

    library = "$/public/timeline"
    tag = "Ago"
    at: rx.Var[int]


ago = Ago.create


def event_timeline(state: Any) -> rx.Component:
    """The timeline of a page whose state is a `state.person.PersonState`."""
    return EventTimeline.create(
        *(icon(name, 14, custom_attrs={"data-icon": name}) for name in (*ICONS, *_CONTROLS)),
        newest=state.newest,
        older=state.older,
        detail=state.detail,
        filters=[list(one) for one in FILTERS],
        on_older=state.read_older,
        on_open=state.open_event,
        on_only=state.choose_only,
        on_erase=state.ask_erase,
    )
