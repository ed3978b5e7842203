"""The shell around every page: rail, top bar, search, help, demo box."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from components.badges import campaign_badge
from components.buttons import button, icon_button, text_button, to
from components.connection import connection_line, live_dot
from components.dialogs import confirm_dialog, dialog
from components.icons import icon
from state.shell import ShellState


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """A page in the rail. `group` is its head; pages of the same group stand together."""

    word: str
    icon_name: str
    href: str
    group: str = ""


KEYS = (
    ("Ctrl K", "Search people and campaigns"),
    ("/", "Search in this list"),
    ("?", "These keys"),
    ("Esc", "Close what is open"),
    ("Tab, Shift Tab", "Next and previous control"),
    ("Enter", "Open the row or press the button"),
    ("Arrows", "Move in menus"),
)


def shell(content: rx.Component, *, nav: Sequence[NavItem], active: str) -> rx.Component:
    """The page with everything around it. `active` is the href of the rail's marked entry."""
    return rx.el.div(
        rx.el.a("Skip to the page", href="#page", class_name="cx-skip"),
        rx.el.div(class_name="cx-scrim", custom_attrs={"data-cx": "scrim"}),
        _rail(nav, active),
        rx.el.div(
            _top_bar(),
            rx.el.main(connection_line(), content, class_name="cx-content", id="page", tab_index=-1),
            class_name="cx-main",
        ),
        _search(),
        _help(),
        _remove_demo(),
        class_name="cx-shell",
    )


def _rail(nav: Sequence[NavItem], active: str) -> rx.Component:
    entries: list[Any] = []
    group = ""
    for item in nav:
        if item.group != group:
            group = item.group
            entries.append(rx.el.div(rx.el.span(group, class_name="cx-rail-word"), class_name="cx-nav-group"))
        here: dict[str, Any] = {"aria-current": "page"} if item.href == active else {}
        word = rx.el.span(item.word, class_name="cx-rail-word")
        entries.append(to(item.href, icon(item.icon_name), word, title=item.word, custom_attrs=here))
    brand = rx.el.div(
        rx.el.img(src="/icon.svg", alt=""),
        rx.el.span("cxconsole", class_name="cx-rail-word"),
        icon_button(
            "panel-left", "Narrow or widen the menu", class_name="cx-rail-toggle", custom_attrs={"data-cx": "rail"}
        ),
        class_name="cx-brand",
    )
    return rx.el.aside(
        brand,
        rx.el.nav(*entries, class_name="cx-nav", aria_label="Main"),
        rx.el.div(_demo_box(), class_name="cx-rail-foot cx-rail-word"),
        class_name="cx-rail",
    )


def _demo_box() -> rx.Component:
    return rx.cond(
        ShellState.has_demo,
        rx.el.div(
            rx.el.div(icon("flask-conical", 14), rx.el.span("Demo data", class_name="cx-strong"), class_name="cx-row"),
            rx.el.span("Nothing leaves this machine.", class_name="cx-dim"),
            # no page of the router's: beside it the desk can be watched
            rx.el.a("Open the demo shop", href="/demo/shop", target="_blank", class_name="cx-link"),
            text_button("Remove demo data", on_click=ShellState.ask_remove_demo),
            class_name="cx-demo",
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def _top_bar() -> rx.Component:
    return rx.el.header(
        icon_button("menu", "Menu", class_name="cx-menu-btn", aria_expanded=False, custom_attrs={"data-cx": "menu"}),
        rx.el.button(
            icon("search", 15),
            rx.el.span("Search people and campaigns", class_name="cx-cut"),
            rx.el.span("Ctrl K", class_name="cx-key"),
            type="button",
            class_name="cx-search",
            on_click=ShellState.open_search,
            custom_attrs={"data-cx": "search"},
        ),
        rx.el.div(
            live_dot(),
            icon_button(
                "circle-help", "Keys and help", on_click=ShellState.open_help, custom_attrs={"data-cx": "help"}
            ),
            icon_button("sun-moon", "Light or dark", on_click=rx.toggle_color_mode),
            class_name="cx-top-end",
        ),
        class_name="cx-top",
    )


def _search() -> rx.Component:
    box = rx.el.div(
        icon("search", 16),
        rx.debounce_input(
            rx.el.input(
                value=ShellState.search_q,
                on_change=ShellState.search_all,
                placeholder="Name, address, phone, customer id or campaign",
                aria_label="Search people and campaigns",
                auto_focus=True,
                auto_complete="off",
            ),
            debounce_timeout=200,
        ),
        rx.el.span("Esc", class_name="cx-key"),
        class_name="cx-palette-box",
    )

    def campaign(found: Any) -> rx.Component:
        return to(
            found.href,
            icon("megaphone", 15),
            rx.el.span(found.word, class_name="cx-strong cx-cut"),
            rx.el.span(found.detail, class_name="cx-mono cx-dim cx-grow"),
            campaign_badge(found.state),
            on_click=ShellState.close_search,
        )

    def person(found: Any) -> rx.Component:
        return to(
            found.href,
            icon("user", 15),
            rx.el.span(found.word, class_name="cx-strong cx-cut"),
            rx.el.span(found.detail, class_name="cx-dim cx-cut"),
            on_click=ShellState.close_search,
        )

    def group(word: str, rows: Any, show: Any) -> rx.Component:
        head = rx.el.div(word, class_name="cx-nav-group")
        return rx.cond(rows.length() > 0, rx.fragment(head, rx.foreach(rows, show)), rx.fragment())  # type: ignore[return-value]

    results = rx.el.div(
        group("Campaigns", ShellState.found_campaigns, campaign),
        group("People", ShellState.found_people, person),
        rx.cond(
            ShellState.search_words,
            rx.el.p(ShellState.search_words, class_name="cx-dim", padding="10px"),
            rx.fragment(),
        ),
        class_name="cx-palette-list",
        custom_attrs={"aria-live": "polite"},
    )
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Search people and campaigns", class_name="cx-hide"),
            box,
            results,
            class_name="cx-dialog cx-palette",
            custom_attrs={"aria-describedby": None},
        ),
        open=ShellState.search_open,
        on_open_change=ShellState.set_search_open,
    )


def _help() -> rx.Component:
    rows = (rx.el.div(rx.el.dt(words), rx.el.dd(rx.el.span(keys, class_name="cx-key"))) for keys, words in KEYS)
    return dialog(
        rx.el.dl(*rows, class_name="cx-facts"),
        title="Keys",
        open=ShellState.help_open,
        on_close=ShellState.close_help,
        actions=[button("Close", on_click=ShellState.close_help)],
    )


def _remove_demo() -> rx.Component:
    return confirm_dialog(
        title="Remove the demo data?",
        sentence="People, campaigns, templates and messages of the demo world go. What you made yourself stays.",
        final="Removed demo data cannot be brought back into this database.",
        keep_label="Keep it",
        do_label="Remove demo data",
        on_do=ShellState.remove_demo,
        open=ShellState.demo_dialog,
        on_close=ShellState.keep_demo,
        problem=ShellState.demo_problem,
        busy=ShellState.demo_busy,
    )
