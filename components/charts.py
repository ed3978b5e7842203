"""Charts: recharts without animation or dots; horizontal lines only; y from 0; a table behind each."""

from dataclasses import dataclass, replace
from typing import Any

import reflex as rx

CHANNEL_COLOURS = {
    "email": "var(--iris-9)",
    "sms": "var(--cyan-9)",
    "voice": "var(--pink-9)",
    "letter": "var(--gold-9)",
    "push": "var(--jade-9)",
}
CHANNEL_TONES = {"email": "iris", "sms": "cyan", "voice": "pink", "letter": "gold", "push": "jade"}


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line: `key` of the data rows, its word, its colour. dash "4 4" is a plan, "1 4" a forecast."""

    key: str
    word: str
    colour: str = "var(--iris-9)"
    dash: str = ""
    filled: bool = True


_THOUSANDS = "(value) => value.toLocaleString('en-GB')"


def area_chart(
    data: Any,
    series: list[Series],
    *,
    summary: Any,
    x: str = "label",
    height: int = 176,
    stacked: bool = False,
    now: Any = None,
    y_ticks: int = 5,
    x_interval: Any = "preserveStartEnd",
    y_width: int = 36,
    right: int = 16,
) -> rx.Component:
    """Areas and lines over `data` (a Var of a list of dicts with `x` and the keys of the series).
    `right` leaves room for half of the last label.

    summary: one sentence for who cannot see the chart. now: the value of x of the vertical line.
    """
    parts: list[Any] = [rx.recharts.cartesian_grid(vertical=False, stroke="var(--gray-a3)")]
    parts.extend(_area(one, stacked) for one in series)
    if stacked and len(series) > 1:
        # where nothing is stacked on it, the lowest line is seen and not the one that lies over it
        parts.append(_area(replace(series[0], filled=False), False, in_tooltip=False))
    if now is not None:
        parts.append(rx.recharts.reference_line(x=now, stroke="var(--gray-a6)"))
    axis: dict[str, Any] = {"tick_line": False, "axis_line": False}
    chart = rx.recharts.area_chart(
        *parts,
        rx.recharts.x_axis(data_key=x, interval=x_interval, min_tick_gap=48, **axis),
        rx.recharts.y_axis(width=y_width, tick_count=y_ticks, allow_decimals=False, tick_formatter=_THOUSANDS, **axis),
        rx.recharts.graphing_tooltip(
            is_animation_active=False,
            cursor={"stroke": "var(--gray-a6)"},
            content_style={
                "background": "var(--cx-float)",
                "border": "1px solid var(--cx-line)",
                "borderRadius": "8px",
                "fontSize": "12px",
                "boxShadow": "var(--cx-shadow)",
            },
        ),
        data=data,
        width="100%",
        height=height,
        margin={"top": 6, "right": right, "bottom": 0, "left": 0},
    )
    return rx.el.figure(
        rx.el.figcaption(summary, class_name="cx-hide"),
        chart,
        class_name="cx-chart",
        style={"height": f"{height}px"},
    )


def _area(one: Series, stacked: bool, *, in_tooltip: bool = True) -> rx.Component:
    together: dict[str, Any] = {"stack_id": "all"} if stacked else {}
    tooltip = {} if in_tooltip else {"tooltipType": "none"}
    return rx.recharts.area(
        data_key=one.key,
        name=one.word,
        type_="linear",
        stroke=one.colour,
        stroke_width=1.75,
        fill=one.colour,
        custom_attrs={"fillOpacity": 0.16 if one.filled else 0, "strokeDasharray": one.dash or "none", **tooltip},
        dot=False,
        active_dot=False,
        is_animation_active=False,
        **together,
    )


def sparkline(path: Any) -> rx.Component:
    """A line without axes for a key figure, whose number stands beside it. `path` is made by `state.format.spark`."""
    return rx.el.svg(
        rx.el.svg.path(
            d=path,
            fill="none",
            stroke="var(--iris-9)",
            stroke_width="1.5",
            custom_attrs={"vectorEffect": "non-scaling-stroke", "strokeLinejoin": "round"},
        ),
        view_box="0 0 100 22",
        width="100%",
        height="22",
        custom_attrs={"preserveAspectRatio": "none", "aria-hidden": "true"},
    )


def chart_table(data: Any, series: list[Series], *, x: str = "label", x_word: str = "Time") -> rx.Component:
    """The numbers of a chart as a table, behind "Show as table"."""
    return rx.el.details(
        rx.el.summary("Show as table", class_name="cx-link"),
        rx.el.div(
            rx.el.table(
                rx.el.thead(
                    rx.el.tr(
                        rx.el.th(x_word, scope="col"),
                        *(rx.el.th(one.word, scope="col", class_name="cx-num") for one in series),
                    )
                ),
                rx.el.tbody(
                    rx.foreach(
                        data,
                        lambda row: rx.el.tr(
                            rx.el.td(row[x]), *(rx.el.td(row[one.key], class_name="cx-num") for one in series)
                        ),
                    )
                ),
                class_name="cx-table cx-table--raw",
            ),
            max_height="260px",
            overflow="auto",
        ),
    )
