"""The merges of a customer: their history, undoing one, and merging with another customer."""

from dataclasses import dataclass

import reflex as rx

from cxconsole.audience.finding import find_person
from cxconsole.audience.identity_changes import unite_persons
from cxconsole.audience.unmerging import MergeView, list_merges
from cxconsole.campaigns.person_unmerging import unmerge_person
from cxconsole.errors import CxError
from cxconsole.signals import topics
from state import format as show
from state.person import PersonState
from state.session import read, write

_ANNOUNCED = (topics.TAPE, topics.CAMPAIGNS, topics.WORK)
_HITS = 5


@dataclass(frozen=True, kw_only=True)
class MergeRow:
    """A merge, ready to be shown. `href` leads to the other one, when they are two again."""

    id: int
    name: str
    came: str
    actor: str
    at: show.Moment
    undone: str
    refusal: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A customer to merge with."""

    id: int
    name: str
    hint: str


class MergesState(PersonState, mixin=True):
    """What a person was merged with, and will be."""

    merges: list[MergeRow] = []
    undoing: int = 0
    undoing_name: str = ""
    other_q: str = ""
    hits: list[Hit] = []
    other: int = 0
    stays: str = "this"

    async def refresh(self) -> None:
        """Read the person, then the merges."""
        await PersonState.refresh(self)
        if self.missing or not self.person_id:
            return
        view = show.viewer_of(self)
        merges = [_row(one, self.person_id, view) for one in await read(self, list_merges, self.person_id)]
        if merges != self.merges:
            self.merges = merges

    @rx.event
    def ask_undo(self, merge_id: int):
        """Open the popup that says what undoing a merge does."""
        chosen = next((one for one in self.merges if one.id == merge_id), None)
        if chosen is not None:
            self.undoing, self.undoing_name, self.dialog, self.problem_text = chosen.id, chosen.name, "undo_merge", ""

    @rx.event
    async def undo_merge(self):
        """Make them two again."""
        try:
            await write(self, unmerge_person, self.undoing, announces=_ANNOUNCED)
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.dialog = ""
        await self.refresh()
        return rx.toast.success(f"They are two again. {self.undoing_name} has a page of their own.")

    @rx.event
    def ask_merge(self):
        """Open the popup that looks for the other one."""
        self.dialog, self.other_q, self.hits, self.other, self.stays, self.problem_text = "merge", "", [], 0, "this", ""

    @rx.event(supersedes=True)
    async def find_other(self, text: str):
        """Who it may be, as typed."""
        self.other_q, self.other, self.problem_text = text[:200], 0, ""
        found = await read(self, find_person, self.other_q, limit=_HITS + 1)
        self.hits = [
            Hit(id=one.id, name=show.address(one.name or one.hint), hint=show.address(one.hint if one.name else ""))
            for one in found
            if one.id != self.person_id
        ][:_HITS]

    @rx.event
    def choose_other(self, person_id: int):
        """It is this one."""
        self.other, self.problem_text = int(person_id), ""

    @rx.event
    def choose_stays(self, value: str):
        """Who stays."""
        self.stays = "other" if value == "other" else "this"

    @rx.event
    async def merge(self):
        """Make them one; the page then shows who stayed."""
        if not self.other:
            self.problem_text = "Choose the other customer."
            return None
        primary = self.other if self.stays == "other" else self.person_id
        ids = [self.person_id, self.other]
        try:
            await write(self, unite_persons, ids, primary_id=primary, announces=_ANNOUNCED)
        except CxError as error:
            self.problem_text = error.detail
            return None
        self.dialog = ""
        await self.refresh()
        return rx.toast.success("They are one customer now. Merge history has the way back.")


def _row(one: MergeView, person_id: int, view: show.Viewer) -> MergeRow:
    went = one.merged_person_id == person_id  # and lives again, else the page would be of who stayed
    return MergeRow(
        id=one.id,
        name=show.address(one.stayed if went else one.merged),
        came=", ".join(show.address(value) for value in one.identities),
        actor=one.actor,
        at=show.moment_of(view, one.merged_at),
        undone=f"Undone {view.relative(one.undone_at)} by {one.undone_by}" if one.undone_at else "",
        refusal="" if one.undone_at else one.refusal,
        href=f"/customers/{one.person_id if went else one.merged_person_id}" if one.undone_at else "",
    )
