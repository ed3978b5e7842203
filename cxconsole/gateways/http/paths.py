"""Paths into JSON answers: “messages[0].status”."""

import re
from typing import Any

_STEP = re.compile(r"\.?([A-Za-z0-9_\-$@]+)|\[(\d{1,6})\]|\[[\"']([^\"'\]]+)[\"']\]")


class BadPath(ValueError):
    """Not a path."""


def parse_path(path: str) -> list[str | int]:
    """Its steps; a leading “$.” is allowed. Raises BadPath."""
    rest = path.strip().removeprefix("$.").removeprefix("$")
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if not found:
            raise BadPath(f"“{path}” is not a path. Write it as messages[0].status.")
        steps.append(int(found[2]) if found[2] else found[1] or found[3])
        at = found.end()
    if not steps:
        raise BadPath("The path is empty. Write it as messages[0].status.")
    return steps


def read_path(document: Any, steps: list[str | int]) -> Any:
    """The value there; None when there is none."""
    for step in steps:
        if isinstance(document, dict):
            document = document.get(str(step))
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document
