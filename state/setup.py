"""The Setup tab of a campaign, and the edit view of a copy that is not saved yet."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.directory import get_campaign
from cxconsole.campaigns.fields import MAX_PER_MINUTE, MAX_PER_PERSON
from cxconsole.campaigns.lifecycle import (
    CampaignDraft,
    clone_campaign,
    describe_campaign,
    save_clone,
    update_campaign,
)
from cxconsole.campaigns.windows import find_zone, window_problems
from cxconsole.durations import format_duration, parse_duration
from cxconsole.errors import Conflict, CxError, FieldProblem
from cxconsole.signals import topics
from models.campaign import DIALING_MODES, WEEKDAYS, campaign_code
from state.campaign import CampaignState
from state.follow import follow
from state.route import campaign_id_of, campaign_to_follow, parse_campaign_code, route_arg
from state.session import problem, read, write

TEXTS = (
    "name", "description", "time_zone", "start", "end", "in_zone_of", "starts_at", "ends_at", "queue_id", "per_minute",
    "person_count", "person_days",
)  # fmt: skip
_LOCS = {
    "execution_window.start": "start", "execution_window.end": "end", "execution_window.days": "days",
    "execution_window.in_zone_of": "in_zone_of", "validity.starts_at": "starts_at", "validity.ends_at": "ends_at",
    "limits.per_minute": "per_minute", "limits.per_person.count": "person_count",
    "limits.per_person.window": "person_days",
}  # fmt: skip
"""Where the REST API names a field differently from the form."""
ZONES = (*tuple(sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))), "UTC")
GUARD = "window.cxUnsaved = {}"
"""Tells the page whether leaving it would lose something; `assets/console.js` asks before it does."""


class SetupState(rx.State):
    """The form. `saved` is what the database has, so that unsaved changes can be told and guarded."""

    form: dict[str, str] = dict.fromkeys(TEXTS, "")
    days: list[str] = []
    modes: list[str] = []
    problems: dict[str, str] = {}
    saved: dict[str, Any] = {}
    stale: str = ""
    is_copy: bool = False
    copy_of: str = ""
    missing: str = ""
    busy: bool = False
    is_ended: bool = False
    loaded: bool = False
    _version: int = 0
    _draft: CampaignDraft | None = None

    @rx.var
    def is_dirty(self) -> bool:
        """Whether there is something to save."""
        return self.loaded and (self.is_copy or self._snapshot() != self.saved)

    @rx.var
    def has_problems(self) -> bool:
        """Whether a field needs a look before saving."""
        return bool(self.problems)

    @rx.event
    async def load(self):
        """Fill the form with what is saved."""
        self.loaded, self.is_copy, self.missing = False, False, ""
        try:
            found = await read(self, _find, campaign_id_of(self))
        except CxError as error:
            self.missing = error.detail
            return None
        self._fill(found)
        return rx.call_script(GUARD.format("false"))

    @rx.event
    async def load_copy(self):
        """Fill the form with a copy of the campaign named by `?from=`; nothing exists until it is saved."""
        self.loaded, self.is_copy, self.missing = False, True, ""
        self.copy_of = route_arg(self, "from")
        try:
            self._draft = await read(self, clone_campaign, parse_campaign_code(self.copy_of))
        except CxError as error:
            self.missing = error.detail
            return None
        self._fill(self._draft.changes)
        return rx.call_script(GUARD.format("true"))

    @rx.event(background=True)
    async def follow(self):
        """Tell at once when a colleague saves the campaign that is being edited here."""
        async with self:
            campaign_id = campaign_to_follow(self)
        if campaign_id is None:
            return
        async for _ in follow(topics.campaign(campaign_id), safety_seconds=5):
            try:
                found = await read(self, _find, campaign_id)
            except CxError:
                return
            async with self:
                if not self.loaded:
                    continue
                self.is_ended = found["state"] == "ended"
                if found["version"] == self._version:
                    continue
                if self._snapshot() == self.saved:
                    self._fill(found)
                elif not self.busy:
                    self.stale = "A colleague has saved this campaign meanwhile. Saving yours would overwrite theirs."

    @rx.event
    def edit(self, name: str, value: str):
        """A text field as it is typed; an invalid range is told at once."""
        if name not in TEXTS:
            return None
        self.form = {**self.form, name: value}
        return self._touched(name)

    @rx.event
    def toggle_day(self, day: str):
        """A weekday on or off."""
        if day in WEEKDAYS:
            on = set(self.days) ^ {day}
            self.days = [one for one in WEEKDAYS if one in on]
        return self._touched("days")

    @rx.event
    def toggle_mode(self, mode: str):
        """A dialing mode on or off."""
        if mode in DIALING_MODES:
            on = set(self.modes) ^ {mode}
            self.modes = [one for one in DIALING_MODES if one in on]
        return self._touched("dialing_modes")

    @rx.event
    async def save(self):
        """Save what was changed; a colleague's later change is never overwritten silently."""
        self._check()
        if self.problems:
            return rx.toast.error("Some fields need a look before this can be saved.")
        self.busy = True
        try:
            return await self._save()
        except Conflict as error:
            self.stale = error.detail
            return problem(error)
        except CxError as error:
            self.problems = {_LOCS.get(one.loc, one.loc): one.msg for one in error.errors}
            return problem(error)
        finally:
            self.busy = False

    @rx.event
    async def discard(self):
        """Back to what is saved."""
        return type(self).load

    async def _save(self):
        if self.is_copy:
            assert self._draft is not None
            draft = replace(self._draft, changes={**self._draft.changes, **self._changes()})
            made = await write(self, save_clone, draft, announces=(topics.CAMPAIGNS,))
            self.is_copy, self.loaded = False, False
            target = f"/campaigns/{campaign_code(made.id or 0)}/setup"
            away = rx.redirect(target, replace=True)  # back must not lead to a second copy
            return [rx.call_script(GUARD.format("false")), away, rx.toast.success("The copy is saved.")]
        campaign_id = campaign_id_of(self)
        names = (topics.WORK, topics.CAMPAIGNS, topics.campaign(campaign_id))
        await write(self, update_campaign, campaign_id, self._changes(), version=self._version, announces=names)
        self._fill(await read(self, _find, campaign_id))
        return [rx.call_script(GUARD.format("false")), rx.toast.success("Saved."), CampaignState.load]

    def _touched(self, name: str):
        self._check()
        return rx.call_script(GUARD.format("true" if self._snapshot() != self.saved or self.is_copy else "false"))

    def _fill(self, found: dict[str, Any]) -> None:
        window, validity, limits = found["execution_window"], found["validity"], found["limits"]
        person = limits["per_person"] or {}
        zone = found["time_zone"]
        self.form = {
            "name": found["name"],
            "description": found["description"],
            "time_zone": zone,
            "start": window["start"],
            "end": window["end"],
            "in_zone_of": window["in_zone_of"],
            "starts_at": _to_local(validity["starts_at"], zone),
            "ends_at": _to_local(validity["ends_at"], zone),
            "queue_id": found["queue_id"] or "",
            "per_minute": str(limits["per_minute"] or ""),
            "person_count": str(person.get("count") or ""),
            "person_days": _to_days(person.get("window")),
        }
        self.days, self.modes = list(window["days"]), list(found["dialing_modes"])
        self._version, self.is_ended = found.get("version", 0), found.get("state") == "ended"
        self.saved, self.problems, self.stale, self.loaded = self._snapshot(), {}, "", True

    def _snapshot(self) -> dict[str, Any]:
        return {**self.form, "days": ",".join(self.days), "modes": ",".join(self.modes)}

    def _check(self) -> None:
        found = window_problems(self.form["start"], self.form["end"], self.days)
        if not self.form["name"].strip():
            found.append(FieldProblem(loc="name", msg="Give the campaign a name."))
        if find_zone(self.form["time_zone"]) is None:
            found.append(FieldProblem(loc="time_zone", msg="Choose a time zone such as Europe/Berlin."))
        if self.form["starts_at"] and self.form["ends_at"] and self.form["ends_at"] <= self.form["starts_at"]:
            found.append(FieldProblem(loc="validity.ends_at", msg="The end must be after the start."))
        for name, most in (("per_minute", MAX_PER_MINUTE), ("person_count", MAX_PER_PERSON)):
            value = self.form[name]
            if value and not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= most):
                found.append(FieldProblem(loc=name, msg=f"A whole number from 1 to {most:,}, or nothing for no limit."))
        try:
            _from_days(self.form["person_days"])
        except ValueError:
            found.append(FieldProblem(loc="person_days", msg="A number of days, or a duration like PT12H."))
        if bool(self.form["person_count"]) != bool(self.form["person_days"]):
            found.append(FieldProblem(loc="person_days", msg="Say both how many and in how many days, or neither."))
        self.problems = {_LOCS.get(one.loc, one.loc): one.msg for one in found}

    def _changes(self) -> dict[str, Any]:
        form, zone = self.form, self.form["time_zone"]
        person = None
        if form["person_count"]:
            person = {"count": int(form["person_count"]), "window": _from_days(form["person_days"])}
        return {
            "name": form["name"],
            "description": form["description"],
            "time_zone": zone,
            "execution_window": {
                "start": form["start"],
                "end": form["end"],
                "days": self.days,
                "in_zone_of": form["in_zone_of"],
            },
            "validity": {
                "starts_at": _from_local(form["starts_at"], zone),
                "ends_at": _from_local(form["ends_at"], zone),
            },
            "dialing_modes": self.modes,
            "queue_id": form["queue_id"] or None,
            "limits": {"per_minute": int(form["per_minute"]) if form["per_minute"] else None, "per_person": person},
        }


def _to_local(value: datetime | str | None, zone_name: str) -> str:
    if not value:
        return ""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(find_zone(zone_name)).strftime("%Y-%m-%dT%H:%M")


def _from_local(value: str, zone_name: str) -> str | None:
    if not value:
        return None
    return datetime.fromisoformat(value).replace(tzinfo=find_zone(zone_name)).isoformat()


def _from_days(value: str) -> str | None:
    """Days as typed, or a duration as it is; raises ValueError."""
    if not value:
        return None
    window = f"P{int(value)}D" if value.isascii() and value.isdigit() else value
    if not parse_duration(window):
        raise ValueError("a window must be longer than nothing")
    return window


def _find(session: Session, campaign_id: int, *, actor: Actor) -> dict[str, Any]:
    campaign = get_campaign(session, campaign_id, actor=actor)
    described = describe_campaign(session, campaign_id, actor=actor)
    return {**described, "version": campaign.version, "state": str(campaign.state)}


def _to_days(window: str | None) -> str:
    if not window:
        return ""
    length = parse_duration(window)
    days = length.total_seconds() / 86_400
    return str(int(days)) if days == int(days) and days else format_duration(length)
