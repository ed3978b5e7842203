"""Tables: server-side always. The state behind one is a `state.table.TableState`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from components.buttons import button, icon_button, text_button, to
from components.dialogs import menu
from components.forms import segmented
from components.icons import icon


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column. `show` makes the cell from the row Var.

    sort: the name the service sorts by; empty means the column cannot be sorted.
    phone: below 700 px the cell is as drawn (""), a line of its own ("full") or left out ("hide").
    bone: the width of its skeleton in px.
    when: a Var that says whether the column is there; without one it always is, unless the reader hides it.
    fixed: it cannot be hidden.
    """

    label: Any
    show: Callable[[Any], Any]
    sort: str = ""
    numeric: bool = False
    phone: str = ""
    width: str = ""
    bone: int = 90
    when: Any = None
    fixed: bool = False


def data_table(
    columns: list[Column],
    state: Any,
    rows: Any,
    *,
    label: str,
    pick: bool = False,
    bulk: list[Any] | None = None,
    row_actions: Callable[[Any], list[Any]] | None = None,
    legend: Any = None,
    nothing: Any = None,
    density: str = "",
    selected: Callable[[Any], Any] | None = None,
    above: Any = None,
    pages: bool = True,
) -> rx.Component:
    """A card with a table: head with sort arrows, rows, skeleton, foot with pages.

    state: the TableState class. rows: its Var of frozen row objects; with `pick` each has `id: str`.
    bulk: the buttons of the bulk bar, shown while rows are picked. row_actions: row -> icon buttons and menus.
    nothing: shown instead of rows when there are none. density: "" 44 px, "tight" 36, "raw" 32.
    above: a line over the table (a card head). pages=False leaves the foot away.
    """
    body = rx.cond(
        state.loading,
        _skeleton(columns, state, pick=pick, actions=row_actions is not None),
        rx.el.tbody(rx.foreach(rows, lambda row: _row(columns, state, row, pick, row_actions, selected))),
    )
    look = f"cx-table cx-table--stack cx-table--pin{f' cx-table--{density}' if density else ''}"
    table = rx.el.div(
        rx.el.table(_head(columns, state, pick, row_actions is not None), body, class_name=look, aria_label=label),
        class_name="cx-scroll",
        tab_index=0,
        role="region",
        aria_label=label,
    )
    none_here = (~state.loading) & (state.total == 0)
    return rx.el.section(
        *([above] if above is not None else []),
        *([_bulk_bar(state, bulk or [])] if pick else []),
        table,
        *([rx.cond(none_here, nothing, rx.fragment())] if nothing is not None else []),
        *([rx.cond(none_here, rx.fragment(), _foot(state, legend))] if pages else []),
        class_name="cx-card",
    )


def plain_table(
    heads: tuple[str, ...], rows: Any, *, numeric: tuple[int, ...] = (), label: str = "Rows"
) -> rx.Component:
    """A plain table without pages, for short lists in a card."""
    head = rx.el.tr(
        *(rx.el.th(word, scope="col", class_name="cx-num" if at in numeric else "") for at, word in enumerate(heads))
    )
    return rx.el.div(
        rx.el.table(
            rx.el.thead(head), rx.el.tbody(rows), class_name="cx-table cx-table--raw cx-table--stack", aria_label=label
        ),
        class_name="cx-scroll",
        tab_index=0,
        role="region",
        aria_label=label,
    )


def name_link(label: Any, href: Any) -> rx.Component:
    """The first cell of a row: a link whose target is the whole row."""
    return to(href, label, class_name="cx-cell-name cx-row-link")


def name_button(label: Any, on_click: Any) -> rx.Component:
    """The first cell of a row that opens something beside the table; the whole row is its target."""
    return rx.el.button(label, type="button", on_click=on_click, class_name="cx-cell-name cx-row-link cx-plain")


def two_lines(first: Any, second: Any) -> rx.Component:
    """A name over an address."""
    return rx.el.div(
        rx.el.div(first, class_name="cx-cell-name"), rx.el.div(second, class_name="cx-two"), class_name="cx-two-lines"
    )


def row_offer(name: str, label: str, on_click: Any) -> rx.Component:
    """An icon button that appears when its row is hovered or focused."""
    return icon_button(name, label, on_click=on_click, class_name="cx-row-offer")


def row_menu(*items: Any) -> rx.Component:
    """The constant "…" at the end of a row."""
    return menu(icon_button("ellipsis", "More actions"), *items)


def _if_shown(column: Column, state: Any, cell: rx.Component) -> Any:
    """The cell, unless the reader hides its column or it has no place now."""
    if column.fixed:
        return cell
    hidden = state.hidden_columns.contains(column.label)
    return rx.cond(hidden if column.when is None else ~column.when, rx.fragment(), cell)


def _head(columns: list[Column], state: Any, pick: bool, actions: bool) -> rx.Component:
    def cell(column: Column) -> rx.Component:
        look = "cx-num" if column.numeric else ""
        width = {"width": column.width} if column.width else {}
        if not column.sort:
            return rx.el.th(column.label, scope="col", class_name=look, style=width)
        here = state.sort == column.sort
        arrow = rx.cond(here, rx.cond(state.descending, icon("arrow-down", 12), icon("arrow-up", 12)), rx.fragment())
        return rx.el.th(
            rx.el.button(column.label, arrow, type="button", class_name="cx-sort", on_click=state.sort_by(column.sort)),
            scope="col",
            class_name=look,
            style=width,
            custom_attrs={"aria-sort": rx.cond(here, rx.cond(state.descending, "descending", "ascending"), "none")},
        )

    box = rx.el.input(
        type="checkbox", checked=state.page_is_picked, on_change=state.pick_page, aria_label="Select all on this page"
    )
    return rx.el.thead(
        rx.el.tr(
            *([rx.el.th(box, class_name="cx-pick", scope="col")] if pick else []),
            *(_if_shown(column, state, cell(column)) for column in columns),
            *([rx.el.th(rx.el.span("Actions", class_name="cx-hide"), scope="col")] if actions else []),
        )
    )


def _row(columns: list[Column], state: Any, row: Any, pick: bool, row_actions: Any, selected: Any) -> rx.Component:
    cells: list[Any] = []
    if pick:
        box = rx.el.input(
            type="checkbox",
            checked=state.everything_picked | state.picked.contains(row.id),
            on_change=lambda _on: state.pick(row.id),
            aria_label=f"Select row {row.id}",
        )
        cells.append(rx.el.td(box, class_name="cx-pick cx-over"))
    cells.extend(
        _if_shown(
            column,
            state,
            rx.el.td(
                column.show(row),
                class_name="cx-num" if column.numeric else "",
                custom_attrs={"data-phone": column.phone} if column.phone else {},
            ),
        )
        for column in columns
    )
    if row_actions is not None:
        cells.append(rx.el.td(rx.el.div(*row_actions(row), class_name="cx-row-actions"), class_name="cx-over"))
    attrs: dict[str, Any] = {}
    if selected is not None:
        attrs["data-selected"] = rx.cond(selected(row), "true", "false")
    elif pick:
        attrs["data-selected"] = rx.cond(state.everything_picked | state.picked.contains(row.id), "true", "false")
    return rx.el.tr(*cells, custom_attrs=attrs)


def _skeleton(columns: list[Column], state: Any, *, pick: bool, actions: bool) -> rx.Component:
    def bone(column: Column, number: int) -> rx.Component:
        return rx.el.td(rx.el.span(class_name="cx-bone", style={"width": f"{column.bone * (10 - number % 3) // 10}px"}))

    def line(number: int) -> rx.Component:
        bones = [_if_shown(column, state, bone(column, number)) for column in columns]
        blank = [rx.el.td()]
        return rx.el.tr(*(blank if pick else []), *bones, *(blank if actions else []))

    return rx.el.tbody(*(line(number) for number in range(5)), class_name="cx-late", aria_hidden=True)


def _bulk_bar(state: Any, buttons: list[Any]) -> rx.Component:
    return rx.cond(
        state.picked_count > 0,
        rx.el.div(
            rx.el.span(state.picked_words, " selected", class_name="cx-strong"),
            *buttons,
            rx.el.div(
                rx.cond(
                    state.everything_picked,
                    rx.fragment(),
                    text_button(f"Select all {state.total_words}", on_click=state.pick_everything),
                ),
                text_button("Clear", on_click=state.clear_picks, quiet=True),
                class_name="cx-bulk-end",
            ),
            class_name="cx-bulk",
            role="status",
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def _foot(state: Any, legend: Any) -> rx.Component:
    sizes = [("10", "10"), ("50", "50"), ("100", "100")]
    return rx.el.div(
        rx.el.span(state.range_words),
        *([legend] if legend is not None else []),
        rx.el.div(
            rx.el.span("Rows"),
            segmented(sizes, state.limit.to_string(), state.show_rows, label="Rows a page", small=True),
            button("Previous", small=True, on_click=state.previous_page, disabled=~state.has_previous),
            button("Next", small=True, on_click=state.next_page, disabled=~state.has_next),
            class_name="cx-row",
        ),
        class_name="cx-foot",
    )
