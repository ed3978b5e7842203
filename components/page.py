"""The head of a page, and what orders it: tabs, stepper."""

from typing import Any

import reflex as rx

from components.buttons import to
from components.icons import icon


def page_header(
    title: Any,
    sentence: Any = None,
    *,
    crumbs: list[tuple[Any, rx.Var[str] | str]] | None = None,
    here: Any = None,
    badge: Any = None,
    actions: list[Any] | None = None,
) -> rx.Component:
    """Breadcrumb (below level one), title with its badge, one sentence, actions with the solid one last.

    `crumbs` are (label, href); `here` is the last part, without a link, in mono (an id).
    """
    trail: list[Any] = []
    for label, href in crumbs or []:
        trail += [to(href, label), icon("chevron-right", 12)]
    if crumbs:
        trail = [*trail, rx.el.span(here, class_name="cx-mono")] if here is not None else trail[:-1]
    return rx.el.header(
        rx.el.div(
            *([rx.el.nav(*trail, class_name="cx-crumbs", aria_label="Breadcrumb")] if trail else []),
            rx.el.div(
                rx.el.h1(title, class_name="cx-h1"), *([badge] if badge is not None else []), class_name="cx-page-title"
            ),
            *([rx.el.p(sentence)] if sentence is not None else []),
            class_name="cx-grow",
        ),
        *([rx.el.div(*actions, class_name="cx-page-actions")] if actions else []),
        class_name="cx-page-head",
    )


def section_header(title: Any, sentence: Any = None, actions: list[Any] | None = None) -> rx.Component:
    """The head of a part of a page, under the tabs."""
    return rx.el.div(
        rx.el.div(
            rx.el.h2(title, class_name="cx-h2"),
            *([rx.el.p(sentence, class_name="cx-dim")] if sentence is not None else []),
            class_name="cx-grow",
        ),
        *([rx.el.div(*actions, class_name="cx-page-actions")] if actions else []),
        class_name="cx-page-head",
    )


def page_tabs(*tabs: tuple[str, Any, str], active: str, ready: Any, label: str) -> rx.Component:
    """Tabs that are pages of their own: (key, href, word); plain words until it is known where they lead."""
    return rx.el.nav(
        *(
            rx.cond(
                ready,
                to(href, word, custom_attrs={"aria-current": "page"} if key == active else {}),
                rx.el.span(word),
            )
            for key, href, word in tabs
        ),
        class_name="cx-tabs",
        aria_label=label,
    )


def tabs(*names: tuple[str, Any], value: rx.Var[str] | str, on_change: Any, label: str) -> rx.Component:
    """Tabs inside a page: (key, word); `on_change` gets the key."""
    return rx.el.div(
        *(
            rx.el.button(word, type="button", role="tab", aria_selected=value == key, on_click=on_change(key))
            for key, word in names
        ),
        class_name="cx-tabs",
        role="tablist",
        aria_label=label,
    )


def stepper(names: list[str], now: rx.Var[int] | int) -> rx.Component:
    """File, Mapping, Check, Import: `now` counts from 1; the ones before it are done."""
    here: Any = now if isinstance(now, rx.Var) else rx.Var.create(now)

    def step(number: int, name: str) -> rx.Component:
        state = rx.cond(here > number, "done", rx.cond(here == number, "now", "later"))
        return rx.el.li(
            rx.el.span(rx.cond(here > number, icon("check", 13), rx.el.span(str(number))), class_name="cx-step-mark"),
            name,
            custom_attrs={"data-step": state, "aria-current": rx.cond(here == number, "step", "false")},
        )

    return rx.el.ol(*(step(number, name) for number, name in enumerate(names, 1)), class_name="cx-steps")
