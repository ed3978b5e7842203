"""How something came to be: timeline rows, the six checks, ready-made code."""

from typing import Any

import reflex as rx

from components.icons import icon

CHECKS = ("Suppression", "Consent", "Quiet hours", "Frequency cap", "Campaign", "Gateway")
"""The last-moment checks in their fixed order."""


def timeline(*rows: Any) -> rx.Component:
    """Rows of a history, newest first; also one foreach of `timeline_row`."""
    return rx.el.ol(*rows, class_name="cx-timeline")


def timeline_row(
    time: Any, mark: Any, title: Any, detail: Any = None, end: Any = None, *, tone: Any = ""
) -> rx.Component:
    """Time, round icon, title with its detail, what stands right. `mark` is an icon; `tone` colours it."""
    return rx.el.li(
        rx.el.time(time),
        rx.el.span(mark, class_name=rx.cond(tone, f"cx-timeline-icon t-{tone}", "cx-timeline-icon")),
        rx.el.div(
            rx.el.div(title, class_name="cx-strong"),
            *([rx.el.div(detail, class_name="cx-dim cx-small")] if detail is not None else []),
            padding_top="4px",
        ),
        rx.el.span(*([end] if end is not None else []), class_name="cx-dim cx-small", padding_top="5px"),
    )


def day_head(words: Any) -> rx.Component:
    """The head of a day in a timeline."""
    return rx.el.div(words, class_name="cx-day")


def check_icon(verdict: rx.Var[str] | str, name: str = "") -> rx.Component:
    """The verdict of one check: pass, wait, stop, or none (not asked, or not yet)."""

    def mark(word: str, tone: str, icon_name: str) -> rx.Component:
        said = f"{name}: {word}" if name else word
        look = f"cx-check t-{tone}" if tone else "cx-check cx-check--none"
        return rx.el.span(icon(icon_name, 13), class_name=look, role="img", aria_label=said, title=said)

    return rx.match(
        verdict,
        ("pass", mark("passed", "green", "check")),
        ("wait", mark("waits", "amber", "clock")),
        ("stop", mark("stopped", "plum", "x")),
        mark("not asked, or not yet", "", "minus"),
    )  # type: ignore[return-value]


def check_legend() -> rx.Component:
    """What the four marks mean."""
    entries = (("check", "green", "Passed"), ("clock", "amber", "Waits"), ("x", "plum", "Stopped"))
    return rx.el.div(
        *(
            rx.el.span(rx.el.span(icon(name, 14, class_name="cx-tone-icon"), class_name=f"t-{tone}"), word)
            for name, tone, word in entries
        ),
        rx.el.span(icon("minus", 14), "Not asked, or not yet"),
        class_name="cx-legend",
    )


def code_block(text: Any, *, label: str) -> rx.Component:
    """Ready-made text with a copy button: a curl example, a key."""
    return rx.el.div(
        rx.el.button(
            icon("copy", 13),
            rx.el.span("Copy", class_name="cx-copy-word"),
            rx.el.span("Copied", class_name="cx-copied-word"),
            type="button",
            class_name="cx-copy",
            aria_label=f"Copy {label}",
            custom_attrs={"data-cx": "copy"},
        ),
        rx.el.pre(text, aria_label=label, role="region", tab_index=0),
        class_name="cx-code",
    )


def moment(shown: Any, **props: Any) -> rx.Component:
    """A `state.format.Moment`: relative words, the exact time with its zone on hover."""
    return rx.el.time(shown.words, title=shown.exact, **props)
