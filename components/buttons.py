"""Buttons and links. One solid button a region; everything else is `surface`."""

from typing import Any, Literal

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from components.icons import icon

Variant = Literal["surface", "solid", "soft", "ghost", "danger"]


def to(href: rx.Var[str] | str, *children: Any, class_name: Any = "", **props: Any) -> rx.Component:
    """A bare link inside the console; no page load."""
    return ReactRouterLink.create(*children, to=href, class_name=class_name, **props)


def link(label: Any, href: rx.Var[str] | str, *, quiet: bool = False, **props: Any) -> rx.Component:
    """A text link for navigation: "All 7", "See people"."""
    return to(href, label, class_name=f"cx-link{' cx-link--quiet' if quiet else ''}", **props)


def file_link(href: rx.Var[str] | str, *children: Any, **props: Any) -> rx.Component:
    """A link that fetches a file; the router must leave it to the browser, for it is no page."""
    return ReactRouterLink.create(
        *children,
        to=href,
        reload_document=True,
        custom_attrs={"download": "", **props.pop("custom_attrs", {})},
        **props,
    )


def text_button(label: Any, *, on_click: Any, quiet: bool = False, **props: Any) -> rx.Component:
    """A button that looks like a text link: "Clear", "Try now"."""
    return rx.el.button(
        label, type="button", on_click=on_click, class_name=f"cx-link{' cx-link--quiet' if quiet else ''}", **props
    )


def button(
    label: Any,
    *,
    icon_name: str = "",
    variant: Variant = "surface",
    small: bool = False,
    on_click: Any = None,
    href: rx.Var[str] | str | None = None,
    download: bool = False,
    busy: rx.Var[bool] | bool = False,
    disabled: rx.Var[bool] | bool = False,
    **props: Any,
) -> rx.Component:
    """A button; with `href` a link that looks like one, with `download` one that fetches a file.

    While `busy` it keeps its width and shows a spinner. A label ends in "…" only when a dialog follows.
    """
    inner = [icon(icon_name, 14 if small else 15)] if icon_name else []
    look = f"cx-btn cx-btn--{variant}{' cx-btn--sm' if small else ''}"
    if href is not None and download:
        return file_link(href, *inner, rx.el.span(label), class_name=look, **props)
    if href is not None:
        return to(href, *inner, rx.el.span(label), class_name=look, **props)
    if on_click is not None:
        props["on_click"] = on_click
    if busy is not False:
        inner.append(rx.cond(busy, rx.el.span(class_name="cx-spin"), rx.fragment()))
        props["custom_attrs"] = {"data-busy": busy, **props.get("custom_attrs", {})}
    props.setdefault("type", "button")
    return rx.el.button(*inner, rx.el.span(label), disabled=disabled, class_name=look, **props)


def icon_button(name: str, label: str, *, boxed: bool = False, **props: Any) -> rx.Component:
    """A button with only an icon; `label` is its name and its tooltip."""
    look = f"cx-icon-btn{' cx-icon-btn--boxed' if boxed else ''} {props.pop('class_name', '')}"
    href = props.pop("href", None)
    if href is not None:
        return to(href, icon(name), class_name=look, aria_label=label, title=label, **props)
    return rx.el.button(icon(name), type="button", class_name=look, aria_label=label, title=label, **props)
