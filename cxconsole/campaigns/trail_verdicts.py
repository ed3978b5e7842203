"""Says of one channel whether a person was contacted, and why, or why not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from cxconsole.campaigns.contacts import ContactRow
from cxconsole.campaigns.delivery_words import delivery_word
from cxconsole.campaigns.flow import Step
from cxconsole.journey.event_words import reason_words
from models.campaign import Campaign
from models.comm import CommDelivery, CommRequest
from models.contact import ContactStatus
from models.suppression import Suppression

CHECK_NAMES = ("suppression", "consent", "quiet_hours", "frequency_cap", "campaign", "gateway")
"""The last-moment checks, in the order in which they are asked."""

LABELS = {"email": "E-mail", "sms": "SMS", "push": "Push", "letter": "Letter", "voice": "Voice"}
_ADDRESS_WORDS = {
    "email": "e-mail address", "sms": "phone number", "voice": "phone number", "push": "push address",
    "letter": "postal address",
}  # fmt: skip
_CHECK_WORDS = {
    "suppression": "on the suppression list",
    "consent": "no consent",
    "quiet_hours": "outside the execution window",
    "frequency_cap": "frequency cap",
    "campaign": "the campaign",
    "gateway": "the gateway",
}
_LEFT = frozenset({"sent", "delivered", "opened", "clicked", "replied", "unsubscribed", "complained", "bounced"})


@dataclass(frozen=True, kw_only=True)
class ChannelFacts:
    """What is known about one channel of a contact. `delivery` and `request` are the latest ones, if any."""

    channel: str
    contact: ContactRow
    campaign: Campaign
    steps: Sequence[Step]
    step_number: int | None
    delivery: CommDelivery | None
    content: str
    gateway: str
    request: CommRequest | None
    address: str | None
    suppression: Suppression | None
    consent: tuple[bool | None, datetime | None]
    cap_free_at: datetime | None
    now: datetime
    zone: tzinfo


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """The answer: a short verdict, the reason in a sentence, the checks that were asked, and one word."""

    verdict: str
    reason: str
    state: str
    checks: dict[str, str] = field(default_factory=dict)


def judge_channel(facts: ChannelFacts) -> Ruling:
    """Whether the person was contacted on this channel, and why (not)."""
    if facts.delivery is not None and facts.delivery.state != "C":
        return _judge_delivery(facts, facts.delivery)
    return _judge_obstacle(facts) or _judge_rest(facts)


def _judge_delivery(facts: ChannelFacts, delivery: CommDelivery) -> Ruling:
    word = delivery_word(delivery)
    checks = {name: verdict for name, verdict in (delivery.checks or {}).items() if name in CHECK_NAMES}
    number = next((n for n, step in enumerate(facts.steps, 1) if step.id == delivery.node), None)
    made = ", ".join(part for part in (f"Step {number}" if number else "", facts.content) if part)
    if word in _LEFT:
        at = _words_of(delivery.sent_at, facts)
        how = f"{made or 'A message'}{f', through {facts.gateway}' if facts.gateway else ''}"
        if word == "bounced":
            return Ruling(
                verdict="Not reached, the message bounced", state=word, checks=checks,
                reason=reason_words(delivery.reason) or how,
            )  # fmt: skip
        reacted_at = getattr(delivery, f"{word}_at") or delivery.read_at
        reaction = "" if word == "sent" else f", {word} {_words_of(reacted_at, facts)}".rstrip()
        twice = ". It may have left twice, because of a crash" if delivery.possible_duplicate else ""
        return Ruling(verdict=f"Contacted {at}".rstrip() + reaction, reason=how + twice, state=word, checks=checks)
    if word == "failed":
        return Ruling(
            verdict="Not contacted, sending failed", state=word, checks=checks,
            reason=reason_words(delivery.reason) or "The gateway did not take the message",
        )  # fmt: skip
    waits = next((name for name, verdict in checks.items() if verdict == "wait"), None)
    if waits:
        return Ruling(
            verdict=f"Not contacted yet, {_CHECK_WORDS[waits]}", state="waiting", checks=checks,
            reason=_why_wait(waits, facts, delivery),
        )  # fmt: skip
    if word == "retrying":
        at = _words_of(delivery.not_before, facts)
        reason = f"{reason_words(delivery.reason) or 'The last try failed'}. Tried again {at}"
        return Ruling(verdict="Not contacted yet, to be tried again", reason=reason, state=word, checks=checks)
    verdict = "Being sent now" if word == "sending" else "Accepted, leaves in a moment"
    return Ruling(verdict=verdict, reason=made, state=word, checks=checks)


def _why_wait(check: str, facts: ChannelFacts, delivery: CommDelivery) -> str:
    until = _words_of(delivery.not_before, facts)
    if check == "frequency_cap":
        campaign = facts.campaign
        limit = f"{campaign.per_person_count} messages in {campaign.per_person_window} is the limit"
        free = _words_of(facts.cap_free_at or delivery.not_before, facts)
        return f"{limit}. Free again {free}"
    if check == "quiet_hours":
        zone = "the person's own time" if facts.campaign.window_in_zone_of == "person" else facts.campaign.time_zone
        window = f"{facts.campaign.window_start} to {facts.campaign.window_end}, {zone}"
        return f"The execution window is {window}. Looked at again {until}"
    return f"{(reason_words(delivery.reason) or 'A limit was reached').capitalize()}. Looked at again {until}"


def _judge_obstacle(facts: ChannelFacts) -> Ruling | None:
    """What would stop, or has stopped, any message on this channel."""
    if facts.address is None and facts.delivery is None:
        what = _ADDRESS_WORDS.get(facts.channel, "address")
        return Ruling(
            verdict=f"Not contacted, no {what}", state="not_possible", reason=f"The person has no {what} on record"
        )
    if facts.suppression is not None:
        one = facts.suppression
        by = f", noted by {one.actor}" if one.actor and one.actor != "engine" else ""
        words = reason_words(one.reason).capitalize()
        reason = f"{words}, {_words_of(one.created_at, facts)}{by}{f': {one.note}' if one.note else ''}"
        return Ruling(
            verdict="Not contacted, on the suppression list", reason=reason, state="suppressed",
            checks={"suppression": "stop"},
        )  # fmt: skip
    granted, at = facts.consent
    if granted is False:
        since = f" since {_words_of(at, facts)}" if at else ""
        return Ruling(
            verdict="Not contacted, no consent", reason=f"The person has refused messages on this channel{since}",
            state="suppressed", checks={"suppression": "pass", "consent": "stop"},
        )  # fmt: skip
    return None


def _judge_rest(facts: ChannelFacts) -> Ruling:
    """Nothing stands in the way in general: the contact's place in the campaign tells."""
    contact = facts.contact
    if contact.status == ContactStatus.HELD:
        reason = reason_words(contact.hold_reason)
        final = contact.hold_reason == "campaign-ended"
        return Ruling(
            verdict="Not contacted, the campaign has ended" if final else "Not contacted yet, held",
            reason=f"{reason[:1].upper()}{reason[1:]}", state="held", checks={"campaign": "stop" if final else "wait"},
        )  # fmt: skip
    if contact.status in (ContactStatus.PENDING, ContactStatus.IN_PROGRESS):
        return _judge_plan(facts)
    if facts.request is not None and facts.request.reason:
        state = "cancelled" if facts.request.state == "C" else "suppressed"
        return Ruling(verdict=f"Not contacted, {reason_words(facts.request.reason)}", reason="", state=state)
    if contact.reason:
        return Ruling(verdict="Not contacted", reason=reason_words(contact.reason).capitalize(), state="not_needed")
    return Ruling(
        verdict="Not contacted, not needed", reason="The contact was completed without this step", state="not_needed"
    )


def _judge_plan(facts: ChannelFacts) -> Ruling:
    mine = [
        n for n, step in enumerate(facts.steps, 1) if step.channel == facts.channel and n > (facts.step_number or 0)
    ]
    if not mine:
        return Ruling(verdict="Not contacted", reason="No further step uses this channel", state="not_needed")
    step = facts.steps[mine[0] - 1]
    is_next = mine[0] == (facts.step_number or 0) + 1
    condition = f"Only if not {step.only_if_not} by then" if step.only_if_not else ""
    at = facts.contact.due_at
    if is_next and at is not None and at > facts.now:
        verdict = f"Planned for {_words_of(at, facts)}"
    elif is_next:
        verdict = "Due now" if facts.campaign.state == "published" else "Planned, once the campaign is published"
    else:
        verdict = f"Planned after step {mine[0] - 1}"
    reason = f"Step {mine[0]}. {condition or 'All checks are made at the last moment'}"
    return Ruling(verdict=verdict, reason=reason, state="scheduled")


def summarise(states: Sequence[tuple[str, str]], contact: ContactRow) -> str:
    """The trail in a sentence for each channel."""
    told = [f"{LABELS.get(channel, channel)} {_STATE_WORDS.get(state, state)}." for channel, state in states]
    if contact.customer_id:
        told.append(f"Customer {contact.customer_id}.")
    return " ".join(told)


_STATE_WORDS = {
    "waiting": "waits",
    "sending": "is being sent",
    "retrying": "is tried again",
    "scheduled": "is planned",
    "held": "is held",
    "suppressed": "is suppressed",
    "not_possible": "is not possible",
    "not_needed": "was not needed",
    "complained": "led to a complaint",
    "replied": "was answered",
}


def _words_of(at: datetime | None, facts: ChannelFacts) -> str:
    """The time in the reader's zone; with the day, unless it is today."""
    if at is None:
        return ""
    local, today = at.astimezone(facts.zone), facts.now.astimezone(facts.zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    day = f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"
    return f"{day}, {local:%H:%M}"
