"""Plays what a demo campaign did until now, contact by contact, and keeps every row it leaves.

The rows are the ones the engine itself would have written; all numbers are counted from them.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cxconsole.comms.limits import campaign_scope
from cxconsole.demo.bulk import document, moment
from cxconsole.demo.people import DemoPerson
from cxconsole.demo.world import DemoCampaign, DemoStep
from models.campaign import campaign_code
from models.comm import DeliveryState, RequestState
from models.contact import ContactStatus
from models.event import EventType

CHECKS = ("suppression", "consent", "quiet_hours", "frequency_cap", "campaign", "gateway")
GIVE_UP = {
    "email": "The mailbox does not exist (550 5.1.1).",
    "sms": "The number is not in use (404).",
}


@dataclass(frozen=True, kw_only=True)
class PlayedStep:
    """A step with the keys of the rows it refers to."""

    node: str
    plan: DemoStep
    gateway_id: int
    version_id: int


@dataclass
class Keys:
    """The next free keys of the tables that are filled by hand."""

    contact: int
    request: int
    delivery: int


@dataclass
class Ledger:
    """All rows of the history, as tuples in the order of the columns in seed.py."""

    contacts: list[tuple[Any, ...]] = field(default_factory=list)
    requests: list[tuple[Any, ...]] = field(default_factory=list)
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    receipts: list[tuple[Any, ...]] = field(default_factory=list)
    usage: Counter[tuple[str, int]] = field(default_factory=Counter)
    traffic: Counter[tuple[int, int, int, str, str]] = field(default_factory=Counter)
    statuses: Counter[tuple[int, str, str | None]] = field(default_factory=Counter)
    outcomes: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    suppressed: dict[str, tuple[datetime, str, str]] = field(default_factory=dict)
    last_activity: dict[int, datetime] = field(default_factory=dict)

    def note(self, kind: EventType, at: datetime, **ids: Any) -> None:
        """One event of the Tape; they are sorted by time before they are written."""
        self.events.append((
            at, kind, ids.get("person_id"), ids.get("campaign_id"), ids.get("contact_id"), ids.get("delivery_id"),
            ids.get("actor", "engine"), document(ids.get("data", {})),
        ))  # fmt: skip


class Player:
    """Plays one campaign's contacts."""

    def __init__(
        self, ledger: Ledger, keys: Keys, rng: random.Random, *, campaign_id: int, plan: DemoCampaign,
        steps: list[PlayedStep], source_id: int, added_at: datetime, now: datetime,
    ) -> None:  # fmt: skip
        self._ledger, self._keys, self._rng = ledger, keys, rng
        self._campaign_id, self._plan, self._steps = campaign_id, plan, steps
        self._source_id, self._added_at, self._now = source_id, added_at, now

    def wait(self, person_id: int, *, due_at: datetime | None, status: ContactStatus, hold_reason: str | None) -> None:
        """A contact to whom nothing has happened yet."""
        self._keep(self._add(person_id), person_id, status=status, hold_reason=hold_reason, due_at=due_at)

    def contact(self, person_id: int, person: DemoPerson, *, at: datetime) -> None:
        """A contact whose first step came due at this moment."""
        contact_id = self._add(person_id)
        sent_any, reason, last = False, None, at
        for step in self._steps:
            due = at + timedelta(minutes=step.plan.delay_minutes) if sent_any else last
            if due > self._now:
                node = self._steps[self._steps.index(step) - 1].node
                self._keep(
                    contact_id, person_id, status=ContactStatus.IN_PROGRESS, node=node, due_at=due, activity=last
                )
                return
            if sent_any and self._reached(contact_id, step.plan.unless, due):
                break
            address = person.email if step.plan.channel == "email" else person.phone
            if address is None:
                reason = "no_email" if step.plan.channel == "email" else "no_phone"
                self._refuse(contact_id, person_id, step, RequestState.NOT_SENT, reason, due)
                continue
            verdict = self._blocked(person, step.plan.channel, address, due)
            if verdict:
                reason = verdict
                self._refuse(contact_id, person_id, step, RequestState.OPTED_OUT, reason, due, address)
                continue
            ok = self._send(contact_id, person_id, person, step, address, due)
            sent_any, last = sent_any or ok, due
            if not ok:
                reason = GIVE_UP[step.plan.channel]
        status = ContactStatus.COMPLETED
        if not sent_any:
            status = ContactStatus.FAILED if reason in GIVE_UP.values() else ContactStatus.SUPPRESSED
        self._finish(contact_id, person_id, status, None if sent_any else reason, max(last, at))

    def _finish(self, contact_id: int, person_id: int, status: ContactStatus, reason: str | None, at: datetime) -> None:
        kind = {
            ContactStatus.COMPLETED: EventType.CONTACT_COMPLETED,
            ContactStatus.FAILED: EventType.CONTACT_FAILED,
            ContactStatus.SUPPRESSED: EventType.CONTACT_SUPPRESSED,
        }[status]
        self._note(kind, at, contact_id, person_id, data={"reason": reason} if reason else {})
        node = self._steps[-1].node
        self._keep(contact_id, person_id, status=status, reason=reason, node=node, activity=at)

    def _add(self, person_id: int) -> int:
        contact_id = self._keys.contact
        self._keys.contact += 1
        self._note(EventType.CONTACT_ADDED, self._added_at, contact_id, person_id, data={"source_id": self._source_id})
        return contact_id

    def _keep(
        self, contact_id: int, person_id: int, *, status: ContactStatus, hold_reason: str | None = None,
        reason: str | None = None, node: str | None = None, due_at: datetime | None = None,
        activity: datetime | None = None,
    ) -> None:  # fmt: skip
        self._ledger.contacts.append((
            contact_id, self._campaign_id, person_id, self._source_id, status, hold_reason, reason, node,
            moment(due_at), moment(activity), moment(self._added_at),
        ))  # fmt: skip
        self._ledger.statuses[self._campaign_id, status, hold_reason] += 1
        if activity:
            before = self._ledger.last_activity.get(self._campaign_id, activity)
            self._ledger.last_activity[self._campaign_id] = max(before, activity)

    def _note(self, kind: EventType, at: datetime, contact_id: int, person_id: int, *, delivery_id: int | None = None,
              data: dict[str, Any] | None = None) -> None:  # fmt: skip
        self._ledger.note(
            kind, at, campaign_id=self._campaign_id, contact_id=contact_id, person_id=person_id,
            delivery_id=delivery_id, data=data or {},
        )  # fmt: skip

    def _blocked(self, person: DemoPerson, channel: str, address: str, at: datetime) -> str | None:
        known = self._ledger.suppressed.get(address)
        if known and known[0] <= at:
            return known[1]
        return "no_consent" if not person.consents.get(channel, {}).get("granted", True) else None

    def _request(self, contact_id: int, person_id: int, node: str, state: RequestState, reason: str | None,
                 at: datetime) -> int:  # fmt: skip
        request_id = self._keys.request
        self._keys.request += 1
        self._ledger.requests.append((
            request_id, "campaign_step", node, self._campaign_id, contact_id, person_id, 2, "", state, reason,
            moment(at), moment(at),
        ))  # fmt: skip
        return request_id

    def _refuse(self, contact_id: int, person_id: int, step: PlayedStep, state: RequestState, reason: str, at: datetime,
                address: str | None = None) -> None:  # fmt: skip
        """A step that was not sent: without an address there is no delivery, by a rule there is a cancelled one."""
        request_id = self._request(contact_id, person_id, step.node, state, reason, at)
        delivery_id = None
        if address is not None:
            stopped_by = "consent" if reason == "no_consent" else "suppression"
            checks = {"suppression": "pass", "consent": "stop"} if stopped_by == "consent" else {"suppression": "stop"}
            delivery_id = self._deliver(
                request_id, contact_id, person_id, step, address, at, {}, state=DeliveryState.CANCELLED, reason=reason,
                checks={**checks, "at": at.isoformat()}, times={},
            )  # fmt: skip
        self._note(EventType.COMM_NOT_SENT, at, contact_id, person_id, delivery_id=delivery_id,
                   data={"reason": reason, "channel": step.plan.channel})  # fmt: skip

    def _deliver(
        self, request_id: int, contact_id: int, person_id: int, step: PlayedStep, address: str, at: datetime,
        merge: dict[str, Any], *, state: DeliveryState, reason: str | None, checks: dict[str, str],
        times: dict[str, datetime],
    ) -> int:  # fmt: skip
        delivery_id = self._keys.delivery
        self._keys.delivery += 1
        attempts = 0 if state is DeliveryState.CANCELLED else 1
        self._ledger.deliveries.append((
            delivery_id, request_id, self._campaign_id, contact_id, person_id, step.node, step.plan.channel, address,
            step.gateway_id, step.version_id, document(merge), state, attempts, moment(at), 0, document(checks), reason,
            moment(at), *(moment(times.get(name)) for name in TIMES),
        ))  # fmt: skip
        return delivery_id

    def _reached(self, contact_id: int, unless: str | None, at: datetime) -> bool:
        """Whether the delivery before had come as far as `unless` by then."""
        row = self._ledger.deliveries[-1]
        if unless is None or row[3] != contact_id or unless not in TIMES:
            return False
        reached = row[FIRST_TIME + TIMES.index(unless)]
        return reached is not None and reached <= (moment(at) or "")

    def _send(self, contact_id: int, person_id: int, person: DemoPerson, step: PlayedStep, address: str,
              at: datetime) -> bool:  # fmt: skip
        """One delivery with all that came back until now; what is still to come is left to the sandbox."""
        rng, channel = self._rng, step.plan.channel
        request_at = at - timedelta(seconds=rng.uniform(0.2, 3))
        refused = rng.random() < 0.006
        times: dict[str, datetime] = {} if refused else {"sent": at, **self._play_receipts(channel, at)}
        past = {name: when for name, when in times.items() if when <= self._now}
        state = DeliveryState.ERROR if refused else DeliveryState.SENT
        if "bounced" in past:
            state = DeliveryState.BOUNCED
        elif "delivered" in past:
            state = DeliveryState.DELIVERED
        reason = GIVE_UP[channel] if refused or "bounced" in past else None
        request_id = self._request(
            contact_id, person_id, step.node, RequestState.ERROR if refused else RequestState.PROCESSED,
            reason if refused else None, request_at,
        )  # fmt: skip
        delivery_id = self._deliver(
            request_id, contact_id, person_id, step, address, request_at, self._merge_fields(person), state=state,
            reason=reason, checks={**dict.fromkeys(CHECKS, "pass"), "at": at.isoformat()}, times=past,
        )  # fmt: skip
        self._note(EventType.COMM_REQUESTED, request_at, contact_id, person_id, delivery_id=delivery_id,
                   data={"channel": channel, "node": step.node})  # fmt: skip
        if refused:
            self._note(EventType.COMM_FAILED, at, contact_id, person_id, delivery_id=delivery_id,
                       data={"channel": channel})  # fmt: skip
            self._suppress(address, at, "bounced", channel)
        self._count(step, channel, at, refused, past)
        for name, when in times.items():
            if when <= self._now:
                self._note(EventType(f"comm.{name}"), when, contact_id, person_id, delivery_id=delivery_id,
                           data={"channel": channel})  # fmt: skip
                if name in ("bounced", "unsubscribed", "complained"):
                    self._suppress(address, when, name, channel)
            else:
                why = GIVE_UP[channel] if name == "bounced" else None
                self._ledger.receipts.append((delivery_id, name, why, moment(when)))
        return not refused

    def _merge_fields(self, person: DemoPerson) -> dict[str, Any]:
        """What was merged into a message to this person."""
        known = {
            "first_name": person.first_name, "last_name": person.last_name, "language": person.language,
            "time_zone": person.time_zone, "preferred_channel": person.preferred_channel, "email": person.email,
            "phone": person.phone, "customer_id": person.customer_id, **person.attributes,
            "campaign": {"id": campaign_code(self._campaign_id), "name": self._plan.name},
        }  # fmt: skip
        return {name: value for name, value in known.items() if value is not None}

    def _count(self, step: PlayedStep, channel: str, at: datetime, refused: bool, past: dict[str, datetime]) -> None:
        second = int(at.timestamp())
        minute = second // 60
        if self._now - at < timedelta(seconds=60):  # so that the engine goes on at the same pace, without a burst
            self._ledger.usage[campaign_scope(self._campaign_id), second] += 1
        self._ledger.traffic[minute, self._campaign_id, step.gateway_id, channel, "failed" if refused else "sent"] += 1
        for name in ("failed",) if refused else past:
            self._ledger.outcomes[self._campaign_id, channel, name] += 1

    def _suppress(self, address: str, at: datetime, reason: str, channel: str) -> None:
        self._ledger.suppressed.setdefault(address, (at, reason, channel))

    def _play_receipts(self, channel: str, at: datetime) -> dict[str, datetime]:
        """What a customer does with a message: most get it, some look, few act."""
        rng = self._rng
        arrived = at + timedelta(seconds=rng.uniform(1, 25))
        if rng.random() < (0.013 if channel == "email" else 0.009):
            return {"bounced": arrived}
        times = {"delivered": arrived}
        if channel == "sms":
            if rng.random() < 0.03:
                times["replied"] = arrived + timedelta(minutes=rng.expovariate(1 / 40))
            return times
        if rng.random() < 0.46:
            times["opened"] = arrived + timedelta(minutes=rng.expovariate(1 / 16))
            if rng.random() < 0.22:
                times["clicked"] = times["opened"] + timedelta(seconds=rng.uniform(5, 90))
            draw = rng.random()
            if draw < 0.014:
                times["unsubscribed"] = times["opened"] + timedelta(seconds=rng.uniform(10, 60))
            elif draw < 0.016:
                times["complained"] = times["opened"] + timedelta(seconds=rng.uniform(10, 60))
        return times


TIMES = ("sent", "delivered", "bounced", "opened", "clicked", "replied", "unsubscribed", "complained")
FIRST_TIME = 18  # where the times begin in a delivery's tuple
