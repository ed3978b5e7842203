"""The place where files are dropped or chosen."""

from typing import Any

import reflex as rx

from components.tables import plain_table


def drop_zone(*children: Any, id: str, label: str, on_drop: Any, **props: Any) -> rx.Component:
    """One file at a time, by mouse or keyboard. `label` names the file field for screen readers."""
    zone = rx.upload.root(*children, id=id, multiple=False, max_files=1, on_drop=on_drop, class_name="cx-drop", **props)
    # the field is made by the library, which gives it no name
    zone.children[0].children[0].custom_attrs["aria-label"] = label  # type: ignore[attr-defined]
    return zone


def bad_cells(rows: Any, *, label: str) -> rx.Component:
    """A table of values that cannot be used: `rows` is a Var of objects with row, column, value, why and mend."""

    def row(line: Any) -> rx.Component:
        return rx.el.tr(
            rx.el.td(line.row, class_name="cx-num"),
            rx.el.td(line.column, class_name="cx-mono"),
            rx.el.td(line.value, class_name="cx-mono cx-bad"),
            rx.el.td(line.why),
            rx.el.td(line.mend, class_name="cx-dim"),
        )

    heads = ("Row", "Column", "Value", "Why", "How to mend")
    return plain_table(heads, rx.foreach(rows, row), numeric=(0,), label=label)
