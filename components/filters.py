"""The row over a list: state segments with counts, search, chips, "+ Filter", the choice of columns."""

from typing import Any

import reflex as rx

from components.buttons import button, icon_button
from components.dialogs import menu
from components.forms import checkbox
from components.icons import icon
from components.tables import Column


def columns_button(columns: list[Column], state: Any) -> rx.Component:
    """Chooses which columns of a table are shown; its TableState keeps the choice. A phone has no columns to choose."""
    boxes = [
        checkbox(
            column.label,
            ~state.hidden_columns.contains(column.label),
            lambda _on, one=column: state.switch_column(one.label),
        )
        for column in columns
        if not column.fixed and column.when is None
    ]
    trigger = button("Columns", icon_name="columns-3")
    chooser = rx.popover.root(
        rx.popover.trigger(trigger),
        rx.popover.content(
            rx.el.fieldset(rx.el.legend("Shown columns", class_name="cx-hide"), *boxes, class_name="cx-columns"),
            class_name="cx-menu cx-columns-menu",
            aria_label="Shown columns",
            align="end",
            size="1",
        ),
    )
    return rx.el.div(chooser, class_name="cx-wide-only")


SEARCH_PAUSE_MS = 30
"""Enough for a held key or a paste to count as one; a search in progress gives way to the next word."""


def filter_row(*parts: Any, end: list[Any] | None = None) -> rx.Component:
    """The parts from the left; `end` stands at the right."""
    return rx.el.div(*parts, *([rx.el.div(*end, class_name="cx-filters-end")] if end else []), class_name="cx-filters")


def segments(entries: Any, value: rx.Var[str] | str, on_change: Any, *, label: str) -> rx.Component:
    """Segments with counts. `entries` is a Var of a list of objects with `value`, `word`, `count` (text)."""
    return rx.el.div(
        rx.foreach(
            entries,
            lambda one: rx.el.button(
                one.word,
                rx.el.small(one.count),
                type="button",
                aria_pressed=value == one.value,
                on_click=on_change(one.value),
            ),
        ),
        class_name="cx-segments",
        role="group",
        aria_label=label,
    )


def search_box(value: Any, on_change: Any, *, placeholder: str, wide: bool = False) -> rx.Component:
    """Search as typed, a moment after the last key. `/` puts the cursor here."""
    box = rx.debounce_input(
        rx.el.input(
            value=value,
            on_change=on_change,
            placeholder=placeholder,
            aria_label=placeholder,
            type="search",
            class_name="cx-input",
            custom_attrs={"data-cx": "seek"},
        ),
        debounce_timeout=SEARCH_PAUSE_MS,
    )
    return rx.el.div(icon("search", 14), box, class_name="cx-seek", width="280px" if wide else "220px")


def filter_chip(name: Any, value: Any, on_remove: Any) -> rx.Component:
    """A filter that is on: "Created since 1 May ×"."""
    return rx.el.span(
        name, rx.el.b(value), icon_button("x", f"Remove filter {name}", on_click=on_remove), class_name="cx-filter-chip"
    )


def add_filter(*items: Any) -> rx.Component:
    """The dashed "+ Filter" with its menu."""
    trigger = rx.el.button(icon("plus", 14), rx.el.span("Filter"), type="button", class_name="cx-btn cx-add-filter")
    return menu(trigger, *items)
