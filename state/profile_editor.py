"""Build one profile view: its attributes, what is wrong with them as typed, and what they come to for a person."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.audience.finding import find_person
from cxconsole.errors import Conflict, CxError, FieldProblem, Invalid, NotFound
from cxconsole.journey.profile_views import View, get_view, save_view
from cxconsole.journey.profiles import Profile, preview_profile
from cxconsole.journey.reading import find_history
from cxconsole.journey.recent import Movers, find_recent_persons, name_persons, read_movers, who_moved
from cxconsole.journey.registry import list_event_types
from cxconsole.journey.rules import BadRules
from cxconsole.signals import topics
from models.event import EventType
from state import format as show
from state.follow import follow_read
from state.person import TOPICS
from state.profile_card import ProfileLine, profile_line
from state.profile_forms import NEW, AttributeForm, document_of, form_of, new_form, read_rule_texts, rule_about, short
from state.route import route_arg
from state.session import problem, read, write
from state.setup import GUARD

_OWN_FIELDS = ("channel", "reason", "node", "fields")
"""What the product's own events say of themselves in their data."""
_PLACE = re.compile(r"attributes\[(\d+)\](?:\.(\w+))?")


class ProfileEditorState(rx.State):
    """`/journeys/profiles/edit?view=...`; without a view a new one."""

    key: str = ""
    name: str = ""
    roles: str = ""
    forms: list[AttributeForm] = []
    saved: dict[str, Any] = {}
    types: list[str] = []
    name_problem: str = ""
    roles_problem: str = ""
    problem_text: str = ""
    stale: str = ""
    missing: str = ""
    busy: bool = False
    loaded: bool = False
    person_q: str = ""
    person_id: int = 0
    person_name: str = ""
    person_problem: str = ""
    lines: list[ProfileLine] = []
    _version: int = 0
    _fields: dict[str, list[str]] = {}

    @rx.var
    def is_dirty(self) -> bool:
        """Whether there is something to save."""
        return self.loaded and self._snapshot() != self.saved

    @rx.var
    def is_new(self) -> bool:
        """Whether it was never saved."""
        return not self._version

    @rx.event
    async def load(self):
        """Read the view of this address, the events that were seen, and whom to try it on."""
        self.loaded, self.missing, self.stale, self.problem_text = False, "", "", ""
        try:
            self._fields = await read(self, _find_fields)
            self.types = sorted(self._fields)
            await self._fill(route_arg(self, "view"))
            if not self.person_id:
                self.person_id, self.person_name = await read(self, _choose_person, "")
        except CxError as error:
            self.missing = error.detail
            return None
        self.loaded = True
        await self._look()
        return rx.call_script(GUARD.format("false"))

    @rx.event(background=True)
    async def follow(self):
        """What happens to the person is in the preview as it happens."""
        before: Movers = {}
        async for now in follow_read(self, read_movers, names=TOPICS):
            moved, before = who_moved(before, now), now
            async with self:
                if self.loaded and (moved is None or self.person_id in moved):
                    await self._look()

    @rx.event
    async def edit_view(self, field: str, value: str):
        """Name or roles as they are typed."""
        if field in ("name", "roles"):
            setattr(self, field, value[:300])
        return await self._changed()

    @rx.event
    async def edit(self, number: int, field: str, value: str):
        """A field of an attribute as it is typed."""
        if field in NEW and 0 < int(number) <= len(self.forms):
            self._replace(int(number), field, value[:5_000])
        return await self._changed()

    @rx.event
    async def show_events(self, number: int, value: bool):
        """Whether the events that were taken are told with the result."""
        self.forms = [replace(one, verbose=value) if one.number == int(number) else one for one in self.forms]
        return await self._changed()

    @rx.event
    async def add(self):
        """One more attribute."""
        self._set_forms([*self.forms, new_form()])
        return await self._changed()

    @rx.event
    async def remove(self, number: int):
        """Take an attribute out."""
        self._set_forms([one for one in self.forms if one.number != int(number)])
        return await self._changed()

    @rx.event
    async def move_up(self, number: int):
        """An attribute before the one above it."""
        at = int(number) - 1
        if 0 < at < len(self.forms):
            self._set_forms([*self.forms[: at - 1], self.forms[at], self.forms[at - 1], *self.forms[at + 1 :]])
        return await self._changed()

    @rx.event
    async def add_rule(self, number: int, named: int):
        """Append a rule about an attribute to the rules of another."""
        if 0 < int(number) <= len(self.forms) and 0 < int(named) <= len(self.forms):
            rule = rule_about(self.forms[int(named) - 1])
            mine = self.forms[int(number) - 1].texts["rules"].strip()
            self._replace(int(number), "rules", f"{mine} AND {rule}" if mine else rule)
        return await self._changed()

    @rx.event
    async def choose_person(self, value: str):
        """Try it on whom this names."""
        self.person_q = value[:300]
        try:
            self.person_id, self.person_name = await read(self, _choose_person, self.person_q)
        except CxError as error:
            self.person_problem = error.detail
            return
        self.person_problem = ""
        await self._look()

    @rx.event
    async def save(self):
        """Keep the view; it is on the desk at once."""
        self.busy = True
        try:
            version = self._version or None
            view = await write(self, save_view, self._document(), version=version, announces=(topics.TAPE,))
        except Conflict as error:
            self.stale = error.detail
            return None
        except Invalid as error:
            self._tell(error.errors)
            return problem(error)
        except BadRules as error:
            self.problem_text = str(error)
            return None
        except CxError as error:
            self.problem_text = error.detail
            return problem(error)
        finally:
            self.busy = False
        self._show_view(view)
        return [rx.call_script(GUARD.format("false")), rx.toast.success("Saved. It is on the desk now.")]

    @rx.event
    async def discard(self):
        """Back to what is saved."""
        self.stale = ""
        await self._fill(self.key)
        await self._look()
        return rx.call_script(GUARD.format("false"))

    async def _fill(self, key: str) -> None:
        if key:
            self._show_view(await read(self, get_view, key))
            return
        self._version, self.key, self.name, self.roles = 0, "", "", ""
        self._set_forms([new_form()])
        self.saved = self._snapshot()

    def _show_view(self, view: View) -> None:
        self.key, self.name, self.roles, self._version = view.key, view.name, ", ".join(view.roles), view.version
        self._set_forms([form_of(one) for one in view.attributes])
        self.saved, self.problem_text = self._snapshot(), ""
        self._tell([])

    def _set_forms(self, forms: list[AttributeForm]) -> None:
        self.forms = [
            replace(one, number=number, fields=self._fields_of(one.texts["event"]))
            for number, one in enumerate(forms, 1)
        ]

    def _replace(self, number: int, field: str, value: str) -> None:
        forms = list(self.forms)
        forms[number - 1] = replace(forms[number - 1], texts={**forms[number - 1].texts, field: value})
        self._set_forms(forms)

    def _fields_of(self, event: str) -> list[str]:
        found = self._fields.get(event)
        return found if found is not None else sorted({one for some in self._fields.values() for one in some})

    def _snapshot(self) -> dict[str, Any]:
        forms = [{**one.texts, "verbose": one.verbose} for one in self.forms]
        return {"name": self.name, "roles": self.roles, "forms": forms}

    def _document(self) -> dict[str, Any]:
        """The view in the shape of the contract. Raises BadRules."""
        return {
            **({"id": self.key} if self.key else {}),
            "name": self.name,
            "roles": [one for one in re.split(r"[\s,]+", self.roles) if one],
            "attributes": [document_of(one) for one in self.forms],
        }

    async def _changed(self) -> Any:
        self.problem_text = ""
        await self._look()
        return rx.call_script(GUARD.format("true" if self._snapshot() != self.saved else "false"))

    async def _look(self) -> None:
        """Say what is wrong; when nothing is, what it comes to."""
        wrong = read_rule_texts(self.forms)
        if wrong:
            self._tell(wrong, only_begun=True)
            return
        try:
            profile = await read(self, _try_out, self._document(), self.person_id)
        except Invalid as error:
            self._tell(error.errors, only_begun=True)
            return
        except CxError as error:
            self.person_problem = error.detail
            return
        self._tell([])
        view = show.viewer_of(self)
        lines = [profile_line(one, view) for one in profile.results]
        if lines != self.lines:
            self.lines = lines

    def _tell(self, problems: list[FieldProblem], *, only_begun: bool = False) -> None:
        """Say at each field what is wrong; with `only_begun` not of an attribute that nobody has written into yet."""
        told: dict[int, dict[str, str]] = {}
        for one in problems:
            place = _PLACE.fullmatch(one.loc)
            if place:
                told.setdefault(int(place[1]) + 1, {}).setdefault(place[2] or "displayName", short(one.msg))
        forms = [
            replace(one, problems={} if only_begun and one.texts == NEW else told.get(one.number, {}))
            for one in self.forms
        ]
        if forms != self.forms:
            self.forms = forms
        self.name_problem = next((one.msg for one in problems if one.loc == "name"), "")
        self.roles_problem = next((one.msg for one in problems if one.loc == "roles"), "")
        if not self.forms:
            self.problem_text = "A view has at least one attribute."


def _try_out(session: Session, document: dict[str, Any], person_id: int, *, actor: Actor, now: datetime) -> Profile:
    family = find_history(session, person_id) if person_id else []
    return preview_profile(session, document, family, actor=actor, now=now)


def _choose_person(session: Session, text: str, *, actor: Actor) -> tuple[int, str]:
    """Whom a text names; without one, who moved last. Nobody is 0."""
    if not text.strip():
        recent = find_recent_persons(session, actor=actor, limit=1)
        return (recent[0].id, recent[0].name) if recent else (0, "")
    found = find_person(session, text, actor=actor, limit=1)
    if not found:
        raise NotFound(f"Nobody is known by “{text[:80]}”.")
    return found[0].id, name_persons(session, [found[0].id]).get(found[0].id, found[0].name)


def _find_fields(session: Session, *, actor: Actor, now: datetime) -> dict[str, list[str]]:
    """The types of events really seen, and the product's own, each with the fields of its data."""
    found: dict[str, set[str]] = {str(one.value): set(_OWN_FIELDS) for one in EventType}
    for one in list_event_types(session, actor=actor, now=now):
        found.setdefault(one.type, set()).update(one.fields)
    return {kind: sorted(fields) for kind, fields in found.items()}
