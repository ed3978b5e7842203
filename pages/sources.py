"""`/journeys/sources`: where events come from, what may come from there, and what was really seen."""

from typing import Any

import reflex as rx

from components.badges import Looks, badge, status_badge
from components.buttons import button, text_button
from components.callouts import empty_state, nothing_found
from components.callouts import problem as problem_line
from components.cards import card
from components.dialogs import dialog, form_dialog
from components.filters import filter_row, search_box
from components.forms import checkbox, field, form_row, number_input, select, text_area
from components.journey_tabs import journey_tabs
from components.page import page_header
from components.tables import plain_table
from components.trails import moment
from state.sources import SourcesState

LOOKS: Looks = {
    "open": ("Open", "green", "circle-play"),
    "quarantined": ("Quarantined", "amber", "shield-alert"),
    "blocked": ("Blocked", "red", "circle-slash"),
}
STATES = [
    ("open", "Open: events are stored"),
    ("quarantined", "Quarantined: all are set aside"),
    ("blocked", "Blocked: all are refused"),
]
EXCESS = [("refuse", "It is refused"), ("quarantine", "It is set aside")]


def sources() -> rx.Component:
    """The list, the types of the chosen one, and the dialogs."""
    state = SourcesState
    tag = button("Put the tag on a website", icon_name="code-xml", variant="solid", href="/journeys/website")
    is_empty = state.loaded & (state.rows.length() == 0) & (state.q == "")  # type: ignore[attr-defined]
    return rx.fragment(
        page_header(
            "Sources",
            "Where events come from, what may come from there, and what has really come.",
            actions=[rx.cond(is_empty, rx.fragment(), tag)],
        ),
        journey_tabs("sources"),
        rx.cond(
            is_empty,
            empty_state(
                "route",
                "Nothing has come yet",
                "A source appears by itself with the first event that it sends.",
                actions=[tag],
            ),
            rx.fragment(
                filter_row(search_box(state.q, state.search, placeholder="Name of a source")),
                _table(),
                _types(),
            ),
        ),
        _rules(),
        _aside(),
        _fields(),
    )


def _table() -> rx.Component:
    state = SourcesState

    def row(one: Any) -> rx.Component:
        return rx.el.tr(
            rx.el.td(
                rx.el.button(
                    one.name,
                    type="button",
                    class_name="cx-cell-name cx-row-link cx-plain",
                    on_click=state.choose(one.name),
                    aria_pressed=state.chosen == one.name,
                )
            ),
            rx.el.td(status_badge(LOOKS, one.state)),
            rx.el.td(one.rules, class_name="cx-dim", custom_attrs={"data-phone": "full"}),
            rx.el.td(one.count, class_name="cx-num"),
            rx.el.td(one.pace, class_name="cx-num", custom_attrs={"data-phone": "hide"}),
            rx.el.td(moment(one.last), class_name="cx-dim", custom_attrs={"data-phone": "hide"}),
            rx.el.td(
                rx.cond(
                    one.aside, text_button(one.aside + " set aside…", on_click=state.ask_aside(one.name)), rx.fragment()
                ),
                class_name="cx-over",
            ),
            rx.el.td(
                text_button(
                    "Rules…", on_click=state.ask_change(one.name), custom_attrs={"aria-label": "Rules of " + one.name}
                ),
                class_name="cx-num cx-over",
            ),
            custom_attrs={"data-selected": rx.cond(state.chosen == one.name, "true", "false")},
        )

    heads = ("Source", "State", "Rules", "Events", "A minute", "Last", "Quarantine", "")
    return card(
        rx.cond(
            state.rows.length() > 0,  # type: ignore[attr-defined]
            plain_table(heads, rx.foreach(state.rows, row), numeric=(3, 4), label="Sources"),
            nothing_found("No source has this in its name."),
        ),
        flush=True,
        foot=rx.cond(state.more_words, state.more_words, "Rules hold within a second."),
    )


def _types() -> rx.Component:
    state = SourcesState

    def row(one: Any) -> rx.Component:
        return rx.el.tr(
            rx.el.td(rx.el.span(one.type, class_name="cx-cell-name")),
            rx.el.td(
                rx.el.span(one.fields, title=one.fields, class_name="cx-mono cx-wrap"),
                rx.cond(
                    one.personal,
                    rx.el.div(badge("Personal", "plum", "lock-keyhole"), " ", one.personal, class_name="cx-small"),
                    rx.fragment(),
                ),
                custom_attrs={"data-phone": "full"},
            ),
            rx.el.td(one.count, class_name="cx-num"),
            rx.el.td(one.pace, class_name="cx-num", custom_attrs={"data-phone": "hide"}),
            rx.el.td(moment(one.first), class_name="cx-dim", custom_attrs={"data-phone": "hide"}),
            rx.el.td(moment(one.last), class_name="cx-dim"),
            rx.el.td(
                text_button(
                    "Personal…",
                    on_click=state.ask_fields(one.type),
                    custom_attrs={"aria-label": "Personal fields of " + one.type},
                ),
                class_name="cx-num cx-over",
            ),
        )

    heads = ("Type", "Fields of its data", "Events", "A minute", "First seen", "Last seen", "")
    return rx.cond(
        state.chosen,
        card(
            plain_table(heads, rx.foreach(state.types, row), numeric=(2, 3), label="Event types"),
            title="Event types",
            qualifier=rx.el.span("as seen from ", state.chosen),
            flush=True,
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def _fields() -> rx.Component:
    state = SourcesState

    def row(one: Any) -> rx.Component:
        mark = checkbox(one.path, one.is_personal, lambda is_on: state.mark(one.path, is_on))
        return rx.el.tr(rx.el.td(mark, class_name="cx-mono"), rx.el.td(one.kinds, class_name="cx-dim"))

    return dialog(
        rx.cond(
            state.marks,
            rx.el.div(
                plain_table(("Personal", "Kind"), rx.foreach(state.marks, row), label="Fields"),
                max_height="320px",
                overflow_y="auto",
            ),
            nothing_found("Its data has no fields."),
        ),
        rx.el.p(
            "A mark holds for events from now on. What is on the Tape already stays as it came, and cannot be changed.",
            class_name="cx-dim",
        ),
        problem_line(state.problem_text),
        title=rx.el.span("Personal fields of ", state.edited_type),
        sentence="Kept encrypted under the key of the person, and unreadable once the person is erased. "
        "They cannot be searched.",
        open=state.dialog == "fields",
        on_close=state.close,
        actions=[button("Done", variant="solid", on_click=state.close)],
    )


def _rules() -> rx.Component:
    state = SourcesState
    return form_dialog(
        field("State", select("state", STATES, state.wish["state"], state.edit("state")), name="state"),
        field(
            "Types it may send",
            text_area("types", state.wish["types"], state.edit("types"), rows=4),
            name="types",
            help="One a line, such as order.placed. Empty: all.",
        ),
        form_row(
            field(
                "At most a second",
                number_input("per_second", state.wish["per_second"], state.edit("per_second")),
                name="per_second",
                help="Empty: no limit.",
            ),
            field(
                "Of 100 events keep",
                number_input("sample", state.wish["sample"], state.edit("sample")),
                name="sample",
                help="Chosen by id: one that comes again meets the same fate.",
            ),
        ),
        field(
            "What the type or the pace does not allow",
            select("excess", EXCESS, state.wish["excess"], state.edit("excess")),
            name="excess",
        ),
        form_id="source-rules",
        title=rx.el.span("Rules of ", state.edited_name),
        sentence="What is refused is told to the sender; what is set aside waits here for you.",
        problem=state.problem_text,
        do_label="Save",
        on_submit=state.save,
        open=state.dialog == "rules",
        on_close=state.close,
        wide=True,
    )


def _aside() -> rx.Component:
    state = SourcesState

    def row(one: Any) -> rx.Component:
        return rx.el.tr(rx.el.td(one.type), rx.el.td(moment(one.received), class_name="cx-dim"))

    return dialog(
        rx.el.div(
            plain_table(("Type", "Came"), rx.foreach(state.aside, row), label="Set aside"),
            max_height="320px",
            overflow_y="auto",
        ),
        rx.el.p(state.aside_words, class_name="cx-dim", role="status"),
        problem_line(state.problem_text),
        title=rx.el.span("Set aside from ", state.edited_name),
        sentence="Stored, they take their place by their own time. Dropped, they cannot be brought back.",
        open=state.dialog == "aside",
        on_close=state.close,
        actions=[
            button("Drop them", variant="danger", on_click=state.drop),
            button("Store them", variant="solid", on_click=state.replay),
        ],
    )
