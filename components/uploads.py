"""The place where files are dropped or chosen."""

from typing import Any

import reflex as rx


def drop_zone(*children: Any, id: str, label: str, on_drop: Any, **props: Any) -> rx.Component:
    """One file at a time, by mouse or keyboard. `label` names the file field for screen readers."""
    zone = rx.upload.root(*children, id=id, multiple=False, max_files=1, on_drop=on_drop, class_name="cx-drop", **props)
    # the field is made by the library, which gives it no name
    zone.children[0].children[0].custom_attrs["aria-label"] = label  # type: ignore[attr-defined]
    return zone
