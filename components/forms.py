"""Form fields: a label always, help under it, the error as typed in its place."""

from typing import Any

import reflex as rx

from components.icons import icon


def field(label: Any, control: rx.Component, *, name: str, help: Any = None, error: Any = None) -> rx.Component:
    """Label, control, and below it the error or else the help. `name` is the control's `id`.

    `error` is a Var[str]; an empty one shows the help.
    """
    below: list[Any] = []
    if help is not None:
        below.append(rx.el.div(help, class_name="cx-help", id=f"{name}-help"))
    if error is not None:
        told = rx.el.div(icon("circle-alert", 13), rx.el.span(error), class_name="cx-error", role="alert")
        below = [rx.cond(error, told, rx.fragment(*below))]
    return rx.el.div(rx.el.label(label, html_for=name), control, *below, class_name="cx-field")


def text_input(
    name: str, value: Any, on_change: Any, *, error: Any = None, mono: bool = False, debounce: int = 0, **props: Any
) -> rx.Component:
    """One line of text. `debounce` in ms spares the server each key; what is typed stays as it is."""
    attrs = {"aria-invalid": rx.cond(error, "true", "false")} if error is not None else {}
    look = f"cx-input{' cx-input--mono' if mono else ''} {props.pop('class_name', '')}"
    common = {
        "id": name,
        "name": name,
        "value": value,
        "on_change": on_change,
        "class_name": look,
        "custom_attrs": attrs,
    }
    if debounce:
        return rx.debounce_input(rx.el.input(**common, **props), debounce_timeout=debounce)
    return rx.el.input(**common, **props)


def text_area(
    name: str, value: Any, on_change: Any, *, rows: int = 4, mono: bool = False, **props: Any
) -> rx.Component:
    """Several lines of text."""
    look = f"cx-input{' cx-input--mono' if mono else ''}"
    return rx.el.textarea(id=name, name=name, value=value, on_change=on_change, rows=rows, class_name=look, **props)


def number_input(name: str, value: Any, on_change: Any, **props: Any) -> rx.Component:
    """A whole number; the handler gets what was typed as text, so that it can say what is wrong with it."""
    return text_input(name, value, on_change, input_mode="numeric", **props)


def time_field(name: str, value: Any, on_change: Any, **props: Any) -> rx.Component:
    """A time of the 24 h clock as text, "08:00"; "24:00" ends a day, which browsers' own time fields do not take."""
    return text_input(name, value, on_change, placeholder="08:00", max_length=5, input_mode="numeric", **props)


def moment_field(name: str, value: Any, on_change: Any, **props: Any) -> rx.Component:
    """A date with a time, "2026-05-19T08:00", as the browser's own field."""
    return text_input(name, value, on_change, type="datetime-local", **props)


def select(name: str, options: Any, value: Any, on_change: Any, **props: Any) -> rx.Component:
    """A choice of one. `options` is a list of (value, word), or a Var of a list of objects with `value` and `word`."""
    if isinstance(options, rx.Var):
        inner = rx.foreach(options, lambda one: rx.el.option(one.word, value=one.value))  # type: ignore[attr-defined]
        children = [inner]
    else:
        children = [rx.el.option(word, value=key) for key, word in options]
    look = f"cx-input {props.pop('class_name', '')}"
    return rx.el.select(*children, id=name, name=name, value=value, on_change=on_change, class_name=look, **props)


def checkbox(label: Any, checked: Any, on_change: Any, **props: Any) -> rx.Component:
    """A box with its word."""
    box = rx.el.input(type="checkbox", checked=checked, on_change=on_change, class_name="cx-box", **props)
    return rx.el.label(box, rx.el.span(label), class_name="cx-choice")


def switch(label: Any, checked: Any, on_change: Any, **props: Any) -> rx.Component:
    """On or off, at once."""
    box = rx.el.input(
        type="checkbox", role="switch", checked=checked, on_change=on_change, class_name="cx-switch", **props
    )
    return rx.el.label(box, rx.el.span(label), class_name="cx-choice")


def segmented(
    options: list[tuple[str, Any]], value: rx.Var[str] | str, on_change: Any, *, label: str, small: bool = False
) -> rx.Component:
    """A choice of one among few, all visible: (value, word). `on_change` gets the value."""
    return rx.el.div(
        *(
            rx.el.button(word, type="button", role="radio", aria_checked=value == key, on_click=on_change(key))
            for key, word in options
        ),
        class_name=f"cx-segments{' cx-segments--sm' if small else ''}",
        role="radiogroup",
        aria_label=label,
    )


def form_row(*fields: rx.Component) -> rx.Component:
    """Fields side by side, under each other where there is no room."""
    return rx.el.div(*fields, class_name="cx-form-row")
