"""The builder of one profile view: its attributes left, what they come to for a person right."""

from typing import Any

import reflex as rx

from components.buttons import button, icon_button
from components.callouts import nothing_found, notice
from components.callouts import problem as problem_line
from components.cards import card
from components.dialogs import menu, menu_item
from components.forms import field, form_row, select, switch, text_input
from components.person_card import profile_lines
from state.profile_editor import ProfileEditorState

MODES = [
    ("Count", "Count: how many events"), ("Value", "Value: the last ones"),
    ("Distinct", "Distinct: the different ones"), ("Sum", "Sum"), ("Average", "Average"),
    ("Max", "Max: the greatest"), ("Min", "Min: the least"),
]  # fmt: skip
KINDS = [
    ("string", "Text"), ("integer", "Whole number"), ("double", "Number"), ("boolean", "Yes or no"),
    ("datetime", "Date and time"),
]  # fmt: skip
UNITS = [("minutes", "minutes"), ("hours", "hours"), ("days", "days"), ("none", "all the way")]


def profile_builder() -> rx.Component:
    """Form, preview and save bar."""
    state = ProfileEditorState
    return rx.fragment(
        rx.cond(
            state.stale,
            notice(
                "This view has changed elsewhere",
                state.stale,
                actions=[button("Load theirs", on_click=state.discard)],
            ),
            rx.fragment(),
        ),
        rx.el.div(
            rx.el.div(
                _view(),
                rx.el.ol(rx.foreach(state.forms, _attribute), class_name="cx-stack", aria_label="Attributes"),
                button("Add attribute", icon_name="plus", on_click=state.add),
                rx.el.datalist(rx.foreach(state.types, lambda one: rx.el.option(value=one)), id="types-seen"),
                class_name="cx-stack",
            ),
            _preview(),
            class_name="cx-grid cx-grid--panel",
        ),
        _save_bar(),
    )


def _view() -> rx.Component:
    state = ProfileEditorState
    return card(
        form_row(
            field(
                "Name",
                text_input("view-name", state.name, state.edit_view("name"), debounce=300, max_length=120),
                name="view-name",
                error=state.name_problem,
            ),
            field(
                "For",
                text_input("view-roles", state.roles, state.edit_view("roles"), debounce=300, placeholder="Everybody"),
                name="view-roles",
                help="Words such as billing: only who has the right profile.billing sees the view.",
                error=state.roles_problem,
            ),
        ),
        problem_line(state.problem_text),
        title="View",
    )


def _attribute(one: Any) -> rx.Component:
    state = ProfileEditorState

    def name_of(name: str) -> Any:
        return f"attribute-{one.number}-{name}"

    def text(name: str, label: str, *, help: Any = None, **props: Any) -> rx.Component:
        box = text_input(
            name_of(name),
            one.texts[name],
            state.edit(one.number, name),
            error=one.problems[name],
            debounce=300,
            **props,
        )
        return field(label, box, name=name_of(name), help=help, error=one.problems[name])

    def choice(name: str, label: str, options: Any) -> rx.Component:
        box = select(name_of(name), options, one.texts[name], state.edit(one.number, name))
        return field(label, box, name=name_of(name), error=one.problems[name])

    fields = f"fields-seen-{one.number}"
    title = rx.cond(one.texts["displayName"], one.texts["displayName"], rx.fragment("Attribute ", one.number))
    return rx.el.li(
        card(
            form_row(
                text("displayName", "Name"),
                text("event", "Event", list="types-seen", help="A type, comm/* for all that begin so, or *."),
                text("metadata", "Field", list=fields, help="As in cart.total or items[].sku; Count may go without."),
            ),
            form_row(
                choice("aggregationMode", "Aggregation", MODES),
                choice("metadataType", "Kind of value", KINDS),
                text("limit", "At most", input_mode="numeric", help="Events, the newest."),
            ),
            form_row(
                text("lookbackPeriod", "Look back", input_mode="numeric"),
                choice("lookbackDurationType", "Unit", UNITS),
                text("compartment", "Compartment", placeholder="None", help="Who sees it: profile.<word>."),
            ),
            _rules(one, name_of("rules")),
            rx.el.div(
                switch(
                    "Tell the events with it, over the API",
                    one.verbose,
                    lambda on: state.show_events(one.number, on),
                ),
                margin_top="10px",
            ),
            rx.el.datalist(rx.foreach(one.fields, lambda field: rx.el.option(value=field)), id=fields),
            title=title,
            actions=[
                icon_button(
                    "arrow-up",
                    "Earlier",
                    on_click=state.move_up(one.number),
                    disabled=rx.cond(one.number == 1, True, False),
                ),
                icon_button("trash-2", "Remove attribute", on_click=state.remove(one.number)),
            ],
        ),
    )


def _rules(one: Any, name: Any) -> rx.Component:
    state = ProfileEditorState
    box = rx.debounce_input(
        rx.el.textarea(
            id=name,
            value=one.texts["rules"],
            on_change=state.edit(one.number, "rules"),
            rows=2,
            spell_check=False,
            placeholder="Always",
            class_name="cx-input cx-input--mono",
        ),
        debounce_timeout=400,
    )
    pick = menu(
        button("Rule about", icon_name="plus", small=True),
        rx.foreach(
            state.forms,
            lambda other: menu_item(
                rx.cond(other.texts["displayName"], other.texts["displayName"], f"Attribute {other.number}"),
                on_select=state.add_rule(one.number, other.number),
            ),
        ),
    )
    return rx.el.div(
        field(
            "Shown only when",
            box,
            name=name,
            help="Rules joined by AND, OR and brackets: 'Event','field','Aggregation' GTE 3",
            error=one.problems["rules"],
        ),
        rx.el.div(pick, margin_top="6px"),
        class_name="cx-field",
    )


def _preview() -> rx.Component:
    state = ProfileEditorState
    return card(
        field(
            "For this person",
            text_input(
                "preview-person",
                state.person_q,
                state.choose_person,
                debounce=400,
                placeholder="Any identity or name; empty: who moved last",
            ),
            name="preview-person",
            help=state.person_name,
            error=state.person_problem,
        ),
        rx.cond(
            state.lines,
            rx.el.div(profile_lines(state.lines), aria_live="polite", margin_top="12px"),
            nothing_found("Nothing yet: give the first attribute a name and an event."),
        ),
        title="Preview",
        qualifier="live",
        class_name="cx-card cx-sticky",
    )


def _save_bar() -> rx.Component:
    state = ProfileEditorState
    return rx.el.div(
        rx.el.span(
            rx.cond(state.is_dirty, "There are unsaved changes.", "All changes are saved."),
            class_name="cx-dim cx-grow",
            role="status",
        ),
        button("Discard changes", on_click=state.discard, disabled=~state.is_dirty),
        button("Save", variant="solid", on_click=state.save, busy=state.busy, disabled=~state.is_dirty),
        class_name="cx-save-bar",
    )
