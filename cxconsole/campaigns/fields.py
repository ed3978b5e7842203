"""A campaign's fields as people and systems write them: checked as a whole, each problem at its place.

The shape is that of the REST API. Only what is named changes; a part of `execution_window`,
`validity` or `limits` that is not named stays as it is.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cxconsole.campaigns.windows import find_zone, window_problems
from cxconsole.durations import parse_duration
from cxconsole.errors import FieldProblem, Invalid
from models.campaign import DIALING_MODES, WEEKDAYS, Campaign

MAX_NAME = 200
MAX_DESCRIPTION = 10_000
MAX_PER_MINUTE = 1_000_000
MAX_PER_PERSON = 10_000
_COLUMNS = (
    "name", "description", "time_zone", "window_start", "window_end", "window_days", "window_in_zone_of", "starts_at",
    "ends_at", "dialing_modes", "queue_id", "per_minute", "per_person_count", "per_person_window",
)  # fmt: skip
_NAMES = {
    "window_start": "execution_window", "window_end": "execution_window", "window_days": "execution_window",
    "window_in_zone_of": "execution_window", "starts_at": "validity", "ends_at": "validity", "per_minute": "limits",
    "per_person_count": "limits", "per_person_window": "limits",
}  # fmt: skip


@dataclass(kw_only=True)
class CampaignFields:
    """All that can be set on a campaign, but its steps; named as the columns are."""

    name: str = ""
    description: str = ""
    time_zone: str = "UTC"
    window_start: str = "00:00"
    window_end: str = "24:00"
    window_days: list[str]
    window_in_zone_of: str = "campaign"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    dialing_modes: list[str]
    queue_id: str | None = None
    per_minute: int | None = None
    per_person_count: int | None = None
    per_person_window: str | None = None


def fields_of(campaign: Campaign) -> CampaignFields:
    """What the campaign has now."""
    return CampaignFields(**{name: getattr(campaign, name) for name in _COLUMNS})


def apply_fields(campaign: Campaign, fields: CampaignFields) -> list[str]:
    """Put the fields on the campaign; the REST names of those that changed, in order."""
    changed: dict[str, None] = {}
    for column, value in asdict(fields).items():
        if getattr(campaign, column) != value:
            setattr(campaign, column, value)
            changed[_NAMES.get(column, column)] = None
    return list(changed)


def change_fields(fields: CampaignFields, changes: Mapping[str, Any]) -> CampaignFields:
    """New fields with the changes in them; raises Invalid with a problem for each bad field. `steps` is left alone."""
    reader = _Reader(fields)
    reader.read(changes)
    if reader.problems:
        detail = reader.problems[0].msg if len(reader.problems) == 1 else f"{len(reader.problems)} fields need a look."
        raise Invalid(detail, errors=reader.problems)
    return reader.fields


class _Reader:
    """Reads one document of changes, collecting problems instead of stopping at the first."""

    def __init__(self, fields: CampaignFields) -> None:
        self.fields = CampaignFields(**vars(fields))
        self.problems: list[FieldProblem] = []

    def read(self, changes: Mapping[str, Any]) -> None:
        readers = {
            "name": self._name, "description": self._description, "time_zone": self._zone,
            "execution_window": self._window, "validity": self._validity, "dialing_modes": self._modes,
            "queue_id": self._queue, "limits": self._limits, "steps": lambda _value: None,
        }  # fmt: skip
        for key, value in changes.items():
            reader = readers.get(key)
            if reader is None:
                self._complain(str(key), "This field is not known.")
            else:
                reader(value)

    def _complain(self, loc: str, msg: str) -> None:
        self.problems.append(FieldProblem(loc=loc, msg=msg))

    def _name(self, value: Any) -> None:
        if not isinstance(value, str) or not value.strip():
            self._complain("name", "Give the campaign a name.")
        elif len(value.strip()) > MAX_NAME:
            self._complain("name", f"At most {MAX_NAME} characters.")
        elif not value.strip().isprintable():
            self._complain("name", "A name is one line of text.")
        else:
            self.fields.name = value.strip()

    def _description(self, value: Any) -> None:
        if value is None:
            value = ""
        if not isinstance(value, str) or len(value) > MAX_DESCRIPTION or "\x00" in value:
            self._complain("description", f"A text of at most {MAX_DESCRIPTION:,} characters.")
        else:
            self.fields.description = value

    def _zone(self, value: Any) -> None:
        if not isinstance(value, str) or find_zone(value) is None:
            self._complain("time_zone", "Choose a time zone such as Europe/Berlin.")
        else:
            self.fields.time_zone = value

    def _part(self, loc: str, value: Any, known: set[str]) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self._complain(loc, f"An object with {', '.join(sorted(known))}.")
            return {}
        for name in value.keys() - known:
            self._complain(f"{loc}.{name}", "This field is not known.")
        return value

    def _window(self, value: Any) -> None:
        fields = self.fields
        if value is None:
            value = {"start": "00:00", "end": "24:00", "days": list(WEEKDAYS)}
        part = self._part("execution_window", value, {"start", "end", "days", "in_zone_of"})
        start, end = part.get("start", fields.window_start), part.get("end", fields.window_end)
        days = part.get("days", fields.window_days)
        if not isinstance(days, list | tuple):
            self._complain("execution_window.days", "A list of weekdays.")
            days = fields.window_days
        found = window_problems(start, end, days)
        self.problems.extend(found)
        if not found:
            fields.window_start, fields.window_end = start, end
            fields.window_days = sorted(set(days), key=WEEKDAYS.index)
        whose = part.get("in_zone_of", fields.window_in_zone_of)
        if whose not in ("campaign", "person"):
            self._complain("execution_window.in_zone_of", "Choose campaign or person.")
        else:
            fields.window_in_zone_of = whose

    def _validity(self, value: Any) -> None:
        part = self._part("validity", {"starts_at": None, "ends_at": None} if value is None else value, _VALIDITY)
        for name in ("starts_at", "ends_at"):
            if name in part:
                try:
                    setattr(self.fields, name, _parse_moment(part[name]))
                except ValueError as error:
                    self._complain(f"validity.{name}", str(error))
                    return
        starts_at, ends_at = self.fields.starts_at, self.fields.ends_at
        if starts_at is not None and ends_at is not None and ends_at <= starts_at:
            self._complain("validity.ends_at", "The end must be after the start.")

    def _modes(self, value: Any) -> None:
        if not isinstance(value, list | tuple) or any(mode not in DIALING_MODES for mode in value):
            self._complain("dialing_modes", f"A list of {', '.join(DIALING_MODES)}.")
        else:
            self.fields.dialing_modes = [mode for mode in DIALING_MODES if mode in value]

    def _queue(self, value: Any) -> None:
        if value is not None and (not isinstance(value, str) or len(value) > MAX_NAME):
            self._complain("queue_id", "The id of a queue, or nothing.")
        else:
            self.fields.queue_id = value or None

    def _limits(self, value: Any) -> None:
        part = self._part("limits", {"per_minute": None, "per_person": None} if value is None else value, _LIMITS)
        if "per_minute" in part:
            self._count("limits.per_minute", "per_minute", part["per_minute"], most=MAX_PER_MINUTE)
        if "per_person" not in part:
            return
        if part["per_person"] is None:
            self.fields.per_person_count = self.fields.per_person_window = None
            return
        person = self._part("limits.per_person", part["per_person"], {"count", "window"})
        count = person.get("count", self.fields.per_person_count)
        if count is None:
            self._complain("limits.per_person.count", "How many messages in the window? For no limit, leave out both.")
        else:
            self._count("limits.per_person.count", "per_person_count", count)
        window = person.get("window", self.fields.per_person_window)
        try:
            if not parse_duration(window):
                raise ValueError("A window must be longer than nothing.")
            self.fields.per_person_window = window
        except (ValueError, OverflowError) as error:
            self._complain("limits.per_person.window", str(error))

    def _count(self, loc: str, column: str, value: Any, *, most: int = MAX_PER_PERSON) -> None:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most):
            self._complain(loc, f"A whole number from 1 to {most:,}, or nothing for no limit.")
        else:
            setattr(self.fields, column, value)


_VALIDITY = {"starts_at", "ends_at"}
_LIMITS = {"per_minute", "per_person"}


def _parse_moment(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("Write a date and time with its offset, such as 2026-05-19T09:00:00+02:00.") from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("Write a date and time with its offset, such as 2026-05-19T09:00:00+02:00.")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("This date is out of range.") from None
