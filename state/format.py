"""Numbers, times and durations as people read them here (look.md, section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import reflex as rx

from cxconsole import clock
from cxconsole.audience.forgetting import say_address

NEVER = "never"


def number(value: int) -> str:
    """84200 → "84,200"."""
    return f"{value:,}"


def capped(total: int, is_capped: bool) -> str:
    """A count that may have stopped at 10,000."""
    return "10,000+" if is_capped else number(total)


def address(value: str) -> str:
    """An e-mail address as it is; a phone number grouped, "+46 70 144 21 08"; of who was erased, that it is so."""
    return say_address(value)


def percent(share: float, *, places: int = 1) -> str:
    """A share of 0 to 1: "97.8%"; two places below 0.1 %."""
    value = share * 100
    if value in (0, 100):
        return f"{value:.0f}%"
    if places and 0 < value < 0.1:
        places = 2
    return f"{value:.{places}f}%"


def duration(seconds: float) -> str:
    """Two units at most: "8 s", "52 min", "1 h 50 min", "3 days"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days = round(hours / 24)
    return "1 day" if days == 1 else f"{number(days)} days"


def size(count: int) -> str:
    """Bytes: "9.8 MB"."""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def plural(count: int, one: str, many: str | None = None) -> str:
    """ "1 contact", "84,200 contacts"."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who reads: their zone, and the moment they read at."""

    zone: ZoneInfo
    now: datetime

    def relative(self, at: datetime | None) -> str:
        """ "12 s ago" up to a day, then "yesterday", then "9 May"; also into the future ("in 5 min")."""
        if at is None:
            return NEVER
        distance = self.now - at
        if timedelta(seconds=-2) < distance < timedelta(seconds=2):
            return "now"
        if abs(distance) < timedelta(days=1):
            seconds = abs(distance.total_seconds())
            said = f"{int(seconds // 3600)} h" if seconds >= 3600 else duration(seconds)
            return f"{said} ago" if distance > timedelta(0) else f"in {said}"
        if distance < timedelta(0):
            return self.day(at)
        if self.local(at).date() == (self.local(self.now) - timedelta(days=1)).date():
            return "yesterday"
        return self.day(at)

    def local(self, at: datetime) -> datetime:
        """The moment in the reader's zone."""
        return at.astimezone(self.zone)

    def day(self, at: datetime | None) -> str:
        """ "9 May", with the year if it is not this one."""
        if at is None:
            return NEVER
        local = self.local(at)
        year = "" if local.year == self.local(self.now).year else f" {local.year}"
        return f"{local.day} {local:%b}{year}"

    def clock(self, at: datetime | None, *, seconds: bool = False) -> str:
        """ "14:46" today, with its day otherwise."""
        if at is None:
            return NEVER
        local = self.local(at)
        text = local.strftime("%H:%M:%S" if seconds else "%H:%M")
        return text if local.date() == self.local(self.now).date() else f"{self.day(at)}, {text}"

    def exact(self, at: datetime | None) -> str:
        """The exact time with its zone, for the tooltip."""
        return NEVER if at is None else f"{self.local(at):%a %d %b %Y, %H:%M:%S} {self.zone.key}"


def viewer_of(state: rx.State) -> Viewer:
    """The reader of this state's page. The browser says its zone in the cookie `cx_zone`; UTC until it has."""
    return Viewer(zone=_zone_of(state.router.headers.raw_headers.get("cookie", "")), now=clock.now())


@lru_cache(maxsize=256)
def _zone_of(cookie: str) -> ZoneInfo:
    try:
        morsel = SimpleCookie(cookie).get("cx_zone")
        return ZoneInfo(morsel.value.replace("%2F", "/")) if morsel else ZoneInfo("UTC")
    except (CookieError, ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time as shown by `components.trails.moment`: relative words, the exact time for the hover."""

    words: str
    exact: str


def moment_of(viewer: Viewer, at: datetime | None) -> Moment:
    """ "12 s ago" with its exact time."""
    return Moment(words=viewer.relative(at), exact=viewer.exact(at))


def day_of(viewer: Viewer, at: datetime | None) -> Moment:
    """ "9 May" with its exact time."""
    return Moment(words=viewer.day(at), exact=viewer.exact(at))


def heading_time(viewer: Viewer) -> str:
    """ "Tuesday 19 May, 15:04, Stockholm time"."""
    here, key = viewer.local(viewer.now), viewer.zone.key
    place = "UTC" if key in ("UTC", "Etc/UTC") else f"{key.rsplit('/', 1)[-1].replace('_', ' ')} time"
    return f"{here:%A} {here.day} {here:%B, %H:%M}, {place}"


def share(part: float, whole: float) -> float:
    """The part in percent of the whole, for the width of a bar; 0 of nothing is 0."""
    return round(100 * part / whole, 2) if whole else 0.0


def bar_percent(part: float, whole: float) -> str:
    """ "59%" beside a bar: only all is 100%, only none is 0%."""
    value = share(part, whole)
    if 0 < value < 1:
        return "1%"
    return "99%" if 99 < value < 100 else f"{value:.0f}%"


def spark(values: Sequence[float]) -> str:
    """The path of a sparkline, 100 by 22; empty without at least two values."""
    if len(values) < 2:
        return ""
    top = max(values) or 1
    step = 100 / (len(values) - 1)
    points = (f"{index * step:.1f},{20 - 18 * value / top:.1f}" for index, value in enumerate(values))
    return "M" + "L".join(points)
