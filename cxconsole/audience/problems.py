"""What is wrong with a value, in words."""

from typing import NamedTuple


class Problem(NamedTuple):
    """Why a value cannot be used, and how to mend it."""

    reason: str
    remedy: str
