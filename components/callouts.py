"""What failed, what waits, and what is not there yet, said next to where it happened."""

from typing import Any

import reflex as rx

from components.icons import icon


def error_callout(
    title: Any, *, why: Any = None, mend: Any = None, actions: list[Any] | None = None, icon_name: str = "circle-alert"
) -> rx.Component:
    """Red: what happened with the count, why with the foreign code in brackets, what to do and what follows."""
    parts = [rx.el.p(title, class_name="cx-callout-title")]
    if why is not None:
        parts.append(rx.el.p(rx.el.b("Why: "), why))
    if mend is not None:
        parts.append(rx.el.p(rx.el.b("To mend: "), mend))
    return _callout("red", icon_name, parts, actions, role="alert")


def notice(
    title: Any,
    text: Any = None,
    *,
    tone: str = "amber",
    icon_name: str = "triangle-alert",
    actions: list[Any] | None = None,
) -> rx.Component:
    """Amber when it mends itself or waits for someone; other tones for plain remarks."""
    parts = [rx.el.p(title, class_name="cx-callout-title")]
    if text is not None:
        parts.append(rx.el.p(text))
    return _callout(tone, icon_name, parts, actions)


def problem(text: rx.Var[str] | str) -> rx.Component:
    """The sentence of a failed action as a red line; nothing while the text is empty."""
    return rx.cond(
        text,
        rx.el.div(
            icon("circle-alert", 15), rx.el.span(text), class_name="cx-callout cx-callout--line t-red", role="alert"
        ),
        rx.fragment(),
    )  # type: ignore[return-value]


def empty_state(
    icon_name: str,
    title: Any,
    sentence: Any,
    *,
    actions: list[Any] | None = None,
    steps: list[tuple[str, Any]] | None = None,
    page: bool = False,
) -> rx.Component:
    """Nothing here yet: what it is, the primary action (then not in the header), and the first steps.

    page: it is all there is, so its title is the heading of the page.
    """
    parts: list[Any] = [
        rx.el.div(
            rx.el.span(icon(icon_name, 20), class_name="cx-empty-icon"),
            rx.el.h1(title) if page else rx.el.h2(title),
            rx.el.p(sentence),
            rx.el.div(*(actions or []), class_name="cx-empty-actions"),
            class_name="cx-empty",
        )
    ]
    if steps:
        parts.append(
            rx.el.ol(
                *(
                    rx.el.li(
                        rx.el.div(
                            rx.el.span(str(number), class_name="cx-badge t-iris"),
                            rx.el.span(name, class_name="cx-h3"),
                            class_name="cx-row",
                        ),
                        rx.el.p(text),
                    )
                    for number, (name, text) in enumerate(steps, 1)
                ),
                class_name="cx-empty-steps",
            )
        )
    return rx.el.section(*parts, class_name="cx-card")


def nothing_found(text: Any, *actions: Any) -> rx.Component:
    """A filter without a result: says which filter to drop, with the button that drops it."""
    return rx.el.div(
        rx.el.p(text), rx.el.div(*actions, class_name="cx-empty-actions"), class_name="cx-empty cx-empty--small"
    )


def _callout(tone: str, icon_name: str, parts: list[Any], actions: list[Any] | None, **props: Any) -> rx.Component:
    return rx.el.div(
        icon(icon_name, 17),
        rx.el.div(*parts, class_name="cx-callout-body"),
        *([rx.el.div(*actions, class_name="cx-callout-actions")] if actions else []),
        class_name=f"cx-callout t-{tone}",
        **props,
    )
