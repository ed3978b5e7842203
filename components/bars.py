"""Bars. A bar never stands without its number; a segment under 0.4 % is not drawn, its figure is."""

from typing import Any

import reflex as rx

from components.buttons import to

Segment = tuple[str, Any]
"""(tone, share of the whole in percent as a number or Var)."""

PROGRESS_LEGEND = (
    ("Completed", "green"), ("Failed", "red"), ("Suppressed", "plum"), ("Held", "amber"), ("Still to do", "rest"),
)  # fmt: skip


def stacked_bar(*segments: Segment, label: Any, fat: bool = False, thin: bool = False) -> rx.Component:
    """Segments one after the other in their tones; what is left is the track. `label` says it in words."""
    size = " cx-bar--fat" if fat else " cx-bar--thin" if thin else ""
    return rx.el.div(
        *(
            rx.el.span(class_name=f"t-{tone}", style={"width": rx.cond(_var(share) < 0.4, "0", f"{share}%")})
            for tone, share in segments
        ),
        class_name=f"cx-bar{size}",
        role="img",
        aria_label=label,
    )


def progress_bar(percent: Any, *, label: Any, tone: str = "iris", thin: bool = False) -> rx.Component:
    """One bar that fills from the left; for screen readers a progress with its value."""
    return rx.el.div(
        rx.el.span(class_name=f"t-{tone}", style={"width": f"{percent}%"}),
        class_name=f"cx-bar{' cx-bar--thin' if thin else ''}",
        role="progressbar",
        aria_label=label,
        aria_valuenow=percent,
        aria_valuemin=0,
        aria_valuemax=100,
    )


def campaign_bar(row: Any) -> rx.Component:
    """Progress of a campaign in a table; `row` has `completed_share`, `failed_share`, `suppressed_share`,
    `held_share` (percent) and `done_words` ("59%").
    """
    return rx.el.div(
        stacked_bar(
            ("green", row.completed_share),
            ("red", row.failed_share),
            ("plum", row.suppressed_share),
            ("amber", row.held_share),
            label=f"{row.done_words} done",
        ),
        rx.el.span(row.done_words),
        class_name="cx-bar-row",
    )


def funnel_row(
    name: Any, figure: Any, share_words: Any, percent: Any, *, href: Any, tone: str = "iris"
) -> rx.Component:
    """One row of a funnel: name, "97.8% of sent", number, bar. `href` opens what is behind it."""
    return to(
        href,
        rx.el.span(name, class_name="cx-strong"),
        rx.el.span(share_words, class_name="cx-dim cx-small"),
        rx.el.span(figure, class_name="cx-strong"),
        stacked_bar((tone, percent), label=f"{name} {figure}"),
        class_name="cx-funnel-row",
    )


def funnel_cell(figure: Any, share_words: Any, percent: Any, *, label: str) -> rx.Component:
    """A number of a funnel in a table, with its share and bar."""
    return rx.el.div(
        rx.el.div(rx.el.span(figure, class_name="cx-strong"), rx.el.span(share_words, class_name="cx-dim cx-small")),
        stacked_bar(("iris", percent), label=label, thin=True),
        class_name="cx-funnel-cell",
    )


def funnel(*rows: Any) -> rx.Component:
    """The rows of a funnel; also one foreach of `funnel_row`."""
    return rx.el.div(*rows, class_name="cx-funnel")


def legend(*entries: tuple[str, str]) -> rx.Component:
    """(word, tone) in the order of the stack."""
    return rx.el.div(
        *(rx.el.span(rx.el.i(class_name=f"cx-dot t-{tone}"), word) for word, tone in entries), class_name="cx-legend"
    )


def dot(tone: str) -> rx.Component:
    """The coloured square of a legend."""
    return rx.el.i(class_name=f"cx-dot t-{tone}")


def line_key(tone: str, style: str) -> rx.Component:
    """The piece of line of a legend: dashed or dotted."""
    return rx.el.i(class_name=f"cx-line-key t-{tone}", style={"borderTopStyle": style})


def _var(value: Any) -> Any:
    return value if isinstance(value, rx.Var) else rx.Var.create(value)
