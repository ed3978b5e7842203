"""One person as the desk and the customer page show them: card, timeline, notes and follow-ups."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import reflex as rx

from cxconsole.bootstrap import get_application
from cxconsole.campaigns.person_card import Message, PersonCard, PlaceInCampaign, get_person_card
from cxconsole.errors import CxError
from cxconsole.journey.activities import end_activity, schedule_activity
from cxconsole.journey.notes import add_note, erase_note
from cxconsole.journey.profiles import Profile, read_profiles
from cxconsole.journey.recent import Movers, read_movers, who_moved
from cxconsole.journey.timeline import Timeline
from cxconsole.signals import topics
from models.person import Channel
from state import format as show
from state.follow import follow_read
from state.identity_rows import IdentityRow, identity_rows
from state.profile_card import ProfileCard, profile_cards
from state.session import problem, read, write
from state.timeline import TimelineState

TOPICS = (topics.TAPE, topics.CAMPAIGNS, topics.SUPPRESSIONS)
"""What may have put an event on somebody's timeline."""
_MOST_FACTS = 12
LANGUAGES = {
    "da": "Danish", "de": "German", "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French", "it": "Italian",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "sv": "Swedish",
}  # fmt: skip
FRESH = timedelta(minutes=1)
"""So old may a profile be to which nothing has happened: what is looked back to moves on with the clock."""
_PROMPT_SECONDS = 0.05  # what an agent watches is shown at once; one short question for all desks


@dataclass(frozen=True)
class Line:
    """A label with its value."""

    label: str
    value: str


@dataclass(frozen=True)
class ConsentChip:
    """Yes or no on a channel."""

    channel: str
    granted: bool
    since: str


@dataclass(frozen=True)
class CampaignLine:
    """A place in a campaign, with the way to its trail."""

    code: str
    name: str
    status: str
    why: str
    href: str
    contact: str


@dataclass(frozen=True)
class MessageLine:
    """A communication."""

    channel: str
    content: str
    detail: str
    state: str
    at: show.Moment
    href: str


@dataclass(frozen=True)
class FollowUp:
    """Something to be done with the person."""

    id: int
    channel: str
    subject: str
    due: show.Moment
    is_late: bool


@dataclass(frozen=True, kw_only=True)
class Card:
    """All that stands beside a timeline. Empty until somebody is shown."""

    name: str = ""
    initials: str = ""
    tone: str = "gray"
    sentence: str = ""
    labels: tuple[str, ...] = ()
    facts: tuple[Line, ...] = ()
    consents: tuple[ConsentChip, ...] = ()
    identities: tuple[IdentityRow, ...] = ()
    campaigns: tuple[CampaignLine, ...] = ()
    messages: tuple[MessageLine, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    profiles: tuple[ProfileCard, ...] = ()
    erased: bool = False


class PersonState(TimelineState, mixin=True):
    """The person `person_id`, and what can be written down about them. `missing` says why nobody is shown."""

    card: Card = Card()
    missing: str = ""
    dialog: str = ""
    note_text: str = ""
    subject: str = ""
    due: str = ""
    channel: str = Channel.VOICE.value
    problem_text: str = ""
    erasing: int = 0
    _family: tuple[int, ...] = ()

    async def refresh(self) -> None:
        """Read card and timeline, and show what has moved."""
        try:
            page = await self.read_newest()
            card = await read(self, get_person_card, self.person_id) if self.person_id else None
            views = await read(self, read_profiles, self.person_id, max_age=FRESH) if self.person_id else ()
        except CxError as error:
            self.missing = error.detail
            return
        self.show_person(page, card, views)

    async def movers(self) -> AsyncIterator[set[int] | None]:
        """Who has moved, again and again: one question for all pages that ask. None may be anybody."""
        before: Movers = {}
        async for now in follow_read(self, read_movers, names=TOPICS, pause_seconds=_PROMPT_SECONDS):
            moved = who_moved(before, now)
            get_application().profiles.forget(moved)  # also for an event that came late, which no newest one shows
            yield moved
            before = now

    def show_person(self, page: Timeline | None, card: PersonCard | None, views: tuple[Profile, ...] = ()) -> None:
        """Show what was read; of who was merged, who they are now."""
        if card is not None and card.person.id != self.person_id:
            self.person_id = card.person.id
        self._family = page.family if page else ()
        self.show_newest(page)
        view = show.viewer_of(self)
        shown = replace(_card(card, view), profiles=profile_cards(views, view)) if card else Card()
        if shown != self.card:
            self.card = shown
        if self.missing:
            self.missing = ""

    @rx.event
    def ask_note(self):
        """Open the popup for a note."""
        self.dialog, self.note_text, self.problem_text = "note", "", ""

    @rx.event
    def ask_follow_up(self):
        """Open the popup for a follow-up; tomorrow morning is a good start."""
        view = show.viewer_of(self)
        morning = view.local(view.now).replace(hour=9, minute=0, second=0) + timedelta(days=1)
        self.due = f"{morning:%Y-%m-%dT%H:%M}"
        self.dialog, self.subject, self.channel, self.problem_text = "follow_up", "", Channel.VOICE.value, ""

    @rx.event
    def ask_erase(self, note_id: int):
        """Open the popup that says what erasing does."""
        self.dialog, self.erasing, self.problem_text = "erase", int(note_id), ""

    @rx.event
    def close(self):
        """Leave the popup; nothing was done."""
        self.dialog = ""

    @rx.event
    def edit(self, name: str, value: str):
        """A field of a popup."""
        if name in ("note_text", "subject", "due", "channel"):
            setattr(self, name, value)
            self.problem_text = ""

    @rx.event
    async def add_note(self):
        """Write the note down."""
        await self._do(add_note, self.person_id, self.note_text)

    @rx.event
    async def erase_note(self):
        """Erase the text of the note."""
        await self._do(erase_note, self.erasing)

    @rx.event
    async def plan(self):
        """Plan the follow-up."""
        try:
            due_at = datetime.fromisoformat(self.due).replace(tzinfo=show.viewer_of(self).zone)
        except ValueError:
            self.problem_text = "Choose a day and a time."
            return
        await self._do(schedule_activity, self.person_id, channel=self.channel, due_at=due_at, subject=self.subject)

    @rx.event
    async def end_follow_up(self, activity_id: int, state: str):
        """Done, or cancelled."""
        try:
            await write(self, end_activity, int(activity_id), state, announces=(topics.TAPE,))
        except CxError as error:
            return problem(error)
        await self.refresh()
        return None

    async def _do(self, service: Any, *args: Any, **wish: Any) -> None:
        try:
            await write(self, service, *args, announces=(topics.TAPE,), **wish)
        except CxError as error:
            self.problem_text = error.detail
            return
        self.dialog = ""
        await self.refresh()


def initials_of(name: str) -> str:
    """ "Amira Lindqvist" → "AL"."""
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def tone_of(person_id: int) -> str:
    """The colour of a person's round, always the same."""
    return ("iris", "teal", "amber", "green", "plum", "gray")[person_id % 6]


def _card(card: PersonCard, view: show.Viewer) -> Card:
    person = card.person
    name = person.called
    return Card(
        name=name,
        initials=initials_of(name),
        tone=tone_of(person.id),
        sentence=_sentence(card, view),
        erased=person.erased_at is not None,
        labels=person.labels,
        facts=tuple(Line(_label(key), str(value)) for key, value in sorted(person.attributes.items())[:_MOST_FACTS]),
        consents=tuple(
            ConsentChip(channel, bool(given.get("granted")), str(given.get("at", ""))[:10])
            for channel, given in sorted(person.consents.items())
            if isinstance(given, dict)
        ),
        identities=identity_rows(person),
        campaigns=tuple(_campaign(one) for one in card.campaigns),
        messages=tuple(_message(one, view) for one in card.messages),
        follow_ups=tuple(
            FollowUp(one.id, one.channel, one.subject, show.moment_of(view, one.due_at), one.due_at <= view.now)
            for one in card.activities
        ),
    )


def _sentence(card: PersonCard, view: show.Viewer) -> str:
    person = card.person
    parts = [f"Customer since {view.day(person.created_at)}"]
    if person.erased_at:
        parts.append(f"erased on {view.day(person.erased_at)}; only ids and counts are left")
    if city := person.attributes.get("city"):
        parts.append(str(city))
    if person.language:
        parts.append(LANGUAGES.get(person.language, person.language))
    return ", ".join(parts)


def _label(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _campaign(one: PlaceInCampaign) -> CampaignLine:
    href = f"/campaigns/{one.code}/contacts/{one.contact_id}"
    return CampaignLine(one.code, one.name, one.status, one.why, href, str(one.contact_id))


def _message(one: Message, view: show.Viewer) -> MessageLine:
    detail = " · ".join(part for part in (one.campaign_name, one.why or show.address(one.target)) if part)
    href = f"/campaigns/{one.campaign_code}/contacts/{one.contact_id}" if one.campaign_code and one.contact_id else ""
    return MessageLine(
        one.channel, one.content or show.address(one.target), detail, one.state, show.moment_of(view, one.at), href
    )
