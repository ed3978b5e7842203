"""Dialogs, menus and toasts: what floats over a page."""

from typing import Any

import reflex as rx

from components.buttons import button
from components.callouts import problem as problem_line
from components.icons import icon


def dialog(
    *body: Any,
    title: Any,
    sentence: Any = None,
    open: rx.Var[bool] | bool,
    on_close: Any,
    actions: list[Any] | None = None,
    wide: bool = False,
) -> rx.Component:
    """A dialog. Esc and a click outside raise `on_close` (a handler without arguments)."""
    head: list[Any] = [rx.dialog.title(title, class_name="cx-dialog-title")]
    if sentence is not None:
        head.append(rx.dialog.description(sentence, class_name="cx-dialog-sentence"))
    else:
        head.append(rx.el.div(height="10px"))
    return rx.dialog.root(
        rx.dialog.content(
            *head,
            *body,
            *([rx.el.div(*actions, class_name="cx-dialog-foot")] if actions else []),
            class_name=f"cx-dialog{' cx-dialog--wide' if wide else ''}",
            custom_attrs={} if sentence is not None else {"aria-describedby": None},
        ),
        open=open,
        on_open_change=lambda _open: on_close(),
    )


def form_dialog(
    *fields: Any,
    form_id: str,
    title: Any,
    sentence: Any,
    problem: Any = None,
    do_label: str,
    on_submit: Any,
    open: rx.Var[bool] | bool,
    on_close: Any,
    wide: bool = False,
) -> rx.Component:
    """Fields to fill and send; Enter sends them too. `problem` says what failed, where no field says it itself."""
    return dialog(
        rx.el.form(
            *fields,
            *([problem_line(problem)] if problem is not None else []),
            on_submit=on_submit,
            class_name="cx-form",
            id=form_id,
        ),
        title=title,
        sentence=sentence,
        open=open,
        on_close=on_close,
        wide=wide,
        actions=[
            button("Cancel", on_click=on_close),
            button(do_label, variant="solid", type="submit", form=form_id),
        ],
    )


def confirm_dialog(
    *,
    title: Any,
    sentence: Any,
    counts: Any = None,
    final: Any = None,
    type_this: Any = None,
    typed: Any = None,
    on_typed: Any = None,
    milder: Any = None,
    keep_label: str = "Cancel",
    do_label: str,
    on_do: Any,
    open: rx.Var[bool] | bool,
    on_close: Any,
    problem: Any = None,
    busy: rx.Var[bool] | bool = False,
) -> rx.Component:
    """A destructive action: what happens, to how many, what cannot be undone, the milder way as a link.

    counts: `count_line`s or a foreach of them. final: the sentence of what cannot be undone.
    type_this with typed and on_typed: the id to type before the button works; the cursor starts there.
    """
    typing = type_this is not None
    body: list[Any] = []
    if counts is not None:
        body.append(rx.el.div(counts, class_name="cx-counts"))
    if final is not None:
        body.append(rx.el.div(icon("triangle-alert", 15), rx.el.p(final), class_name="cx-final"))
    if typing:
        body.append(
            rx.el.div(
                rx.el.label("Type ", rx.el.span(type_this, class_name="cx-mono"), " to confirm", html_for="confirm-id"),
                rx.el.input(
                    id="confirm-id",
                    value=typed,
                    on_change=on_typed,
                    class_name="cx-input cx-input--mono",
                    auto_focus=True,
                    auto_complete="off",
                ),
                class_name="cx-field",
            )
        )
    if problem is not None:
        body.append(rx.cond(problem, rx.el.div(problem, class_name="cx-error", role="alert"), rx.fragment()))
    return dialog(
        *body,
        title=title,
        sentence=sentence,
        open=open,
        on_close=on_close,
        actions=[
            *([milder] if milder is not None else []),
            button(keep_label, on_click=on_close, auto_focus=not typing),
            button(
                do_label,
                variant="danger",
                on_click=on_do,
                busy=busy,
                disabled=(typed != type_this) if typing else False,
            ),
        ],
    )


def count_line(icon_name: str, tone: str, words: Any, figure: Any) -> rx.Component:
    """One line of a dialog's list: what, and how many."""
    return rx.el.div(
        rx.el.span(icon(icon_name, 15, class_name="cx-tone-icon"), class_name=f"t-{tone}", display="inline-flex"),
        words,
        rx.el.b(figure),
    )


def menu(trigger: rx.Component, *items: Any) -> rx.Component:
    """A menu under its trigger; items are `menu_item`s and `menu_line`s."""
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(trigger), rx.dropdown_menu.content(*items, class_name="cx-menu", align="end", size="1")
    )


def menu_item(
    label: Any, *, icon_name: str = "", on_select: Any = None, shortcut: str = "", danger: bool = False, **props: Any
) -> rx.Component:
    """One offer of a menu. Final ones are `danger` and end in "…".

    shortcut: a single letter that chooses it while the menu is open (boot.js listens).
    """
    if danger:
        props["color_scheme"] = "red"
    if shortcut:
        props["shortcut"] = shortcut
        props["custom_attrs"] = {"data-key": shortcut.lower(), "aria-keyshortcuts": shortcut}
    inner = [icon(icon_name, 14)] if icon_name else []
    return rx.dropdown_menu.item(*inner, label, on_select=on_select, **props)


def menu_line() -> rx.Component:
    """A hairline between groups of a menu."""
    return rx.dropdown_menu.separator()
