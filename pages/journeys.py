"""`/journeys`: the event explorer."""

from typing import Any

import reflex as rx

from components.buttons import button, text_button, to
from components.callouts import nothing_found
from components.callouts import problem as problem_line
from components.cards import card, fact, facts
from components.event_timeline import ago
from components.filters import filter_row
from components.forms import field, moment_field, text_input
from components.icons import icon
from components.journey_tabs import journey_tabs
from components.page import page_header
from cxconsole.journey.event_words import ICONS
from state.journeys import TYPES, JourneysState


def journeys() -> rx.Component:
    """The search, the list, and the chosen event beside it."""
    state = JourneysState
    return rx.fragment(
        page_header(
            "Journeys",
            "Every event on the Tape, the newest first: what customers did, what was sent, what came back.",
            actions=[
                button("Profile views", icon_name="id-card", href="/journeys/profiles"),
                button("Export CSV", icon_name="download", href=state.export_href, download=True),
            ],
        ),
        journey_tabs("explorer"),
        _search(),
        problem_line(state.problem_text),
        rx.el.div(_list(), _chosen(), class_name="cx-grid cx-grid--side cx-grid--chosen"),
    )


def _search() -> rx.Component:
    state = JourneysState

    def text(name: str, label: str, hint: str, **props: Any) -> rx.Component:
        box = text_input(name, state.wish[name], state.edit(name), debounce=300, placeholder=hint, **props)
        return field(label, box, name=name)

    def time(name: str, label: str) -> rx.Component:
        return field(label, moment_field(name, state.wish[name], state.edit(name)), name=name)

    return filter_row(
        text("type", "Type", "comm.*", list="event-types"),
        rx.el.datalist(*(rx.el.option(value=one) for one in TYPES), id="event-types"),
        text("source", "Source", "cxconsole"),
        text("person", "Customer", "Any identity or name"),
        time("since", "From"),
        time("until", "To"),
        text("field", "Data field", "cart.total"),
        text("value", "Value", "Any"),
        end=[rx.cond(state.is_filtered, text_button("Show all", on_click=state.clear), rx.fragment())],
    )


def _list() -> rx.Component:
    state = JourneysState

    def row(one: Any) -> rx.Component:
        mark = rx.match(one.icon, *((name, icon(name, 14)) for name in ICONS), icon("globe", 14))
        person = rx.cond(
            one.href,
            to(one.href, one.person, class_name="cx-link", title=one.person),
            rx.el.span("nobody", class_name="cx-dim"),
        )
        return rx.el.tr(
            rx.el.td(rx.el.span(ago(at=one.at), title=one.exact, class_name="cx-dim")),
            rx.el.td(
                rx.el.div(
                    rx.el.span(mark, class_name=f"cx-timeline-icon t-{one.tone}"),
                    rx.el.div(
                        rx.el.button(
                            one.title,
                            type="button",
                            class_name="cx-cell-name cx-row-link cx-plain cx-cut",
                            title=one.title,
                            on_click=state.choose(one.id),
                        ),
                        rx.el.div(one.detail, class_name="cx-two cx-cut", title=one.detail),
                        class_name="cx-grow",
                    ),
                    class_name="cx-row",
                ),
                custom_attrs={"data-phone": "full"},
            ),
            rx.el.td(person),
            rx.el.td(rx.el.span(one.type, class_name="cx-mono"), custom_attrs={"data-phone": "hide"}),
            rx.el.td(one.source, class_name="cx-dim", custom_attrs={"data-phone": "hide"}),
            custom_attrs={"data-selected": rx.cond(state.chosen.id == one.id, "true", "false")},
        )

    heads = ("When", "What", "Customer", "Type", "Source")
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*(rx.el.th(word, scope="col") for word in heads))),
        rx.el.tbody(rx.foreach(state.rows, row)),
        class_name="cx-table cx-table--stack cx-table--events",
        aria_label="Events",
    )
    return rx.el.section(
        rx.el.div(table, class_name="cx-scroll", tab_index=0, role="region", aria_label="Events"),
        rx.cond(
            state.nothing,
            rx.cond(
                state.is_filtered | state.has_older,
                nothing_found(
                    rx.cond(state.has_older, "Nothing in this stretch of the Tape.", "No event fits this search."),
                    rx.cond(state.has_older, button("Look further back", on_click=state.older), rx.fragment()),
                ),
                nothing_found(
                    "Nothing has happened yet. What customers do, and what is sent to them, appears here by itself.",
                    button("Put the tag on a website", icon_name="code-xml", href="/journeys/website"),
                ),
            ),
            rx.fragment(),
        ),
        rx.el.div(
            rx.el.span(state.words, role="status"),
            rx.el.div(
                button("Newer", small=True, on_click=state.newer, disabled=rx.cond(state.has_newer, False, True)),
                button("Older", small=True, on_click=state.older, disabled=rx.cond(state.has_older, False, True)),
                class_name="cx-row",
            ),
            class_name="cx-foot",
        ),
        class_name="cx-card",
    )


def _chosen() -> rx.Component:
    one = JourneysState.chosen
    return rx.cond(
        one.id,
        card(
            facts(
                rx.foreach(one.facts, lambda line: fact(line[0], line[1])),
                rx.cond(one.href, fact("Customer", to(one.href, one.person, class_name="cx-link")), rx.fragment()),
            ),
            rx.cond(
                one.data,
                rx.el.pre(one.data, class_name="cx-event-data", tab_index=0, aria_label="Data of the event"),
                rx.fragment(),
            ),
            title=one.title,
        ),
        card(
            rx.el.p("Choose an event to see its data.", class_name="cx-dim"),
            title="Event",
            class_name="cx-card cx-wide-only",
        ),
    )  # type: ignore[return-value]
