"""Cards and what they are filled with: key figures, facts, lines."""

from typing import Any

import reflex as rx

from components.buttons import to


def card(
    *children: Any,
    title: Any = None,
    qualifier: Any = None,
    actions: list[Any] | None = None,
    foot: Any = None,
    flush: bool = False,
    **props: Any,
) -> rx.Component:
    """A card: title with a gray qualifier, at most two controls, body, a foot that says what to do next.

    `flush` gives the body no padding, for tables and lines. Cards are never nested.
    """
    parts: list[Any] = []
    if title is not None:
        said = rx.el.span(qualifier) if qualifier is not None else None
        parts.append(
            rx.el.div(
                rx.el.h2(title, *([said] if said is not None else [])),
                rx.el.div(*(actions or []), class_name="cx-row cx-row--wrap"),
                class_name="cx-card-head",
            )
        )
    parts.append(rx.fragment(*children) if flush else rx.el.div(*children, class_name="cx-card-body"))
    if foot is not None:
        parts.append(rx.el.div(foot, class_name="cx-card-foot"))
    return rx.el.section(*parts, class_name=props.pop("class_name", "cx-card"), **props)


def lines(*children: Any) -> rx.Component:
    """Rows with hairlines between, inside a flush card."""
    return rx.el.div(*children, class_name="cx-lines")


def key_figure(
    label: Any,
    value: Any,
    *,
    unit: Any = None,
    note: Any = None,
    href: rx.Var[str] | str | None = None,
    mark: Any = None,
    extra: Any = None,
    small: bool = False,
) -> rx.Component:
    """One cell: label, figure with its unit, one line that judges it. `href` opens the people behind it.

    `mark` stands before the label (an icon or dot), `extra` at the right (a sparkline).
    """
    inner = [
        rx.el.div(*([mark] if mark is not None else []), label, class_name="cx-figure-label"),
        rx.el.div(value, *([rx.el.small(unit)] if unit is not None else []), class_name="cx-figure-value"),
        *([rx.el.div(note, class_name="cx-figure-note")] if note is not None else []),
        *([rx.el.div(extra, class_name="cx-figure-extra")] if extra is not None else []),
    ]
    look = f"cx-figure{' cx-figure--sm' if small else ''}"
    return to(href, *inner, class_name=look) if href is not None else rx.el.div(*inner, class_name=look)


def key_figures(*cells: rx.Component, label: str = "Key figures", bare: bool = False) -> rx.Component:
    """The strip: one card, hairlines between the cells. `bare` leaves the card away, for use inside one."""
    strip = rx.el.div(*cells, class_name="cx-figures", style={"--cells": str(len(cells))})
    return strip if bare else rx.el.section(strip, class_name="cx-card", aria_label=label)


def fact(label: Any, value: Any) -> rx.Component:
    """One row of a definition list."""
    return rx.el.div(rx.el.dt(label), rx.el.dd(value))


def facts(*rows: Any) -> rx.Component:
    """A definition list: label left, value right. Rows are `fact`s or a foreach of them."""
    return rx.el.dl(*rows, class_name="cx-facts")


def bullets(*items: Any) -> rx.Component:
    """A short list of sentences; items are components, texts or one foreach of `rx.el.li`."""
    return rx.el.ul(
        *(item if isinstance(item, rx.Component) else rx.el.li(item) for item in items), class_name="cx-bullets"
    )
