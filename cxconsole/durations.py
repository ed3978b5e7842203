"""ISO 8601 durations of fixed length: weeks, days, hours, minutes, seconds. No months or years, whose length varies."""

import re
from datetime import timedelta

_SHAPE = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W|(?:(?P<days>\d{1,5})D)?"
    r"(?P<time>T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9})S)?)?)"
)


def parse_duration(text: str) -> timedelta:
    """`PT2H30M`, `P7D`, `P1W`, `PT0S` as a length of time; raises ValueError with what would be right."""
    match = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    parts = match.groupdict() if match else {}
    time = parts.pop("time", None)
    if not any(parts.values()) or time == "T":
        raise ValueError("Write a duration like PT30M, PT2H30M, P7D or P1W.")
    return timedelta(**{unit: int(number) for unit, number in parts.items() if number})


def format_duration(length: timedelta) -> str:
    """The shortest form in days, hours, minutes and seconds: `P1DT30M`, `PT0S`. Parts of a second are dropped."""
    total = int(length.total_seconds())
    if total < 0:
        raise ValueError("A duration cannot be negative.")
    days, rest = divmod(total, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    date = f"{days}D" if days else ""
    if not date and not time:
        return "PT0S"
    return f"P{date}" + (f"T{time}" if time else "")
