"""The last-moment checks: may this message go to this person now?

Six questions, in order; the first no ends them. Facts for a whole group are read with a handful of
statements, the questions are then answered in memory. The verdicts are stored with the row, so that
"why was this person (not) contacted?" always has an answer.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from cxconsole.comms.hooks import CampaignHooks, WindowTimes
from cxconsole.comms.limits import RollingLimits, campaign_scope, domain_scope
from cxconsole.driver import Driver
from cxconsole.durations import parse_duration
from models.campaign import CampaignState
from models.suppression import HASHED, hash_address

CHECKS = ("suppression", "consent", "quiet_hours", "frequency_cap", "campaign", "gateway")
"""The names of the checks, in their order."""

_LONGEST_QUIET = timedelta(minutes=5)  # looked at again: the window may have been changed meanwhile
_STOPPED_PAUSE = timedelta(seconds=15)


class Ruling(StrEnum):
    """What the checks say about one delivery."""

    PASS = "pass"  # noqa: S105
    WAIT = "wait"
    STOP = "stop"
    RECALL = "recall"  # the campaign has stopped: undo, the contact goes back
    CANCEL = "cancel"  # nobody waits for it any more


@dataclass(kw_only=True, slots=True)
class Candidate:
    """A delivery that is due."""

    id: int
    request_id: int
    campaign_id: int | None
    contact_id: int | None
    person_id: int
    node: str | None
    channel: str
    target: str
    template_version_id: int
    merge: Any
    is_retry: bool
    attempts: int
    possible_duplicate: bool
    contact_status: str | None
    zone: str | None
    consents: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The ruling, the check that made it, why, and until when to wait."""

    ruling: Ruling
    check: str = ""
    reason: str | None = None
    until: datetime | None = None

    def checks(self, at: str) -> dict[str, str]:
        """What is stored: a verdict for each check that was asked."""
        if self.ruling is Ruling.PASS:
            return {**dict.fromkeys(CHECKS, "pass"), "at": at}
        asked = CHECKS[: CHECKS.index(self.check)] if self.check else ()
        verdict = "wait" if self.ruling is Ruling.WAIT else "stop"
        return {**dict.fromkeys(asked, "pass"), **({self.check: verdict} if self.check else {}), "at": at}


PASSED = Judgement(ruling=Ruling.PASS)


@dataclass(kw_only=True, slots=True)
class _Campaign:
    id: int
    state: str
    starts_at: datetime | None
    ends_at: datetime | None
    window: WindowTimes
    in_zone_of_person: bool
    per_minute: int | None
    cap_count: int | None
    cap_window: timedelta | None
    opens: dict[str | None, datetime] = field(default_factory=dict)


class Policy:
    """Judges the deliveries of one gateway."""

    def __init__(self, hooks: CampaignHooks) -> None:
        self._hooks = hooks

    def judge(
        self,
        session: Session,
        candidates: Sequence[Candidate],
        *,
        gateway_id: int,
        per_domain: int | None,
        limits: RollingLimits,
        now: datetime,
    ) -> list[Judgement]:
        """One judgement a candidate, in their order. Takes from the limits for those that pass."""
        campaigns = _load_campaigns(session, {one.campaign_id for one in candidates if one.campaign_id})
        suppressed = find_suppressions(session, candidates)
        contacted = _Contacted(session, candidates, campaigns, now=now)
        limits.load(
            {campaign_scope(one.id): one.per_minute for one in campaigns.values() if one.per_minute is not None}
        )
        if per_domain is not None:
            domains = {_domain(one.target) for one in candidates}
            limits.load({domain_scope(gateway_id, domain): per_domain for domain in domains})
        judgements = []
        for one in candidates:
            campaign = campaigns.get(one.campaign_id or 0)
            judgement = (
                _check_suppression(one, suppressed)
                or _check_consent(one)
                or (self._check_hours(one, campaign, now) if campaign else None)
                or (contacted.check(one, campaign) if campaign else None)
                or _check_campaign(one, campaign, limits, now)
                or _check_domain(one, gateway_id, per_domain, limits)
                or PASSED
            )
            if judgement is PASSED:
                contacted.add(one.person_id, now)
                if campaign is not None:
                    limits.take(campaign_scope(campaign.id))
                if per_domain is not None:
                    limits.take(domain_scope(gateway_id, _domain(one.target)))
            judgements.append(judgement)
        return judgements

    def _check_hours(self, one: Candidate, campaign: _Campaign, now: datetime) -> Judgement | None:
        zone = one.zone if campaign.in_zone_of_person else None
        opens = campaign.opens.get(zone)
        if opens is None:
            opens = campaign.opens[zone] = self._hooks.next_open(campaign.window, zone, now)
        if opens <= now or campaign.state != CampaignState.PUBLISHED:
            return None
        until = min(opens, now + _LONGEST_QUIET)
        return Judgement(ruling=Ruling.WAIT, check="quiet_hours", reason="outside the execution window", until=until)


def find_suppressions(session: Session, candidates: Sequence[Candidate]) -> dict[Any, list[tuple[Any, ...]]]:
    """Suppressions of these targets (by text) and persons (by id): (channel, campaign_id, reason)."""
    driver = Driver(session)
    found: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    # of those who were erased, and came back; the hash is of small letters, so it is of all forms of an address
    hashed = {hash_address(one.target): one.target.lower() for one in candidates}
    rows = driver.run(
        "SELECT address, person_id, channel, campaign_id, reason FROM suppression "  # noqa: S608
        f"WHERE address {driver.among_texts} UNION ALL "
        "SELECT NULL, person_id, channel, campaign_id, reason FROM suppression "
        f"WHERE person_id {driver.among_ids}",
        [*hashed, *(form for one in candidates for form in {one.target, one.target.lower()})],  # added in lower case
        [one.person_id for one in candidates],
    )  # fmt: skip
    for address, person_id, channel, campaign_id, reason in rows:
        key = person_id if address is None else hashed.get(address, address)
        found[key].append((channel, campaign_id, reason))
    return found


def _check_suppression(one: Candidate, suppressed: dict[Any, list[tuple[Any, ...]]]) -> Judgement | None:
    if one.target.startswith(HASHED):  # while it was on the wire; it may not be tried again
        return Judgement(ruling=Ruling.STOP, check="suppression", reason="erased")
    if not suppressed:
        return None
    for key in (one.target, one.target.lower(), one.person_id):
        for channel, campaign_id, reason in suppressed.get(key, ()):
            if channel in (None, one.channel) and campaign_id in (None, one.campaign_id):
                return Judgement(ruling=Ruling.STOP, check="suppression", reason=reason)
    return None


def _check_consent(one: Candidate) -> Judgement | None:
    if not one.consents or one.consents == "{}":
        return None
    given = Driver.document(one.consents).get(one.channel)
    if isinstance(given, dict) and given.get("granted") is False:
        return Judgement(ruling=Ruling.STOP, check="consent", reason="no_consent")
    return None


def _check_campaign(
    one: Candidate, campaign: _Campaign | None, limits: RollingLimits, now: datetime
) -> Judgement | None:
    if one.campaign_id is None:
        return None
    if campaign is None or one.contact_status != "in_progress":
        return Judgement(ruling=Ruling.CANCEL, check="campaign", reason="the contact is no longer in this step")
    reason = _why_stopped(campaign, now)
    if reason is None:
        scope = campaign_scope(campaign.id)
        if campaign.per_minute is None or limits.free(scope) > 0:
            return None
        return Judgement(
            ruling=Ruling.WAIT, check="campaign", reason="limit of the campaign", until=limits.next_free(scope)
        )
    # what may have left already is not undone: it waits, and goes again only as a possible duplicate
    tried = one.is_retry or one.attempts > 0
    if tried and campaign.state != CampaignState.ENDED:
        return Judgement(ruling=Ruling.WAIT, check="campaign", reason=reason, until=now + _STOPPED_PAUSE)
    return Judgement(ruling=Ruling.RECALL, check="campaign", reason=reason)


def _why_stopped(campaign: _Campaign, now: datetime) -> str | None:
    if campaign.state == CampaignState.ENDED:
        return "campaign-ended"
    if campaign.state != CampaignState.PUBLISHED:
        return "campaign-unpublished"
    if (campaign.ends_at and campaign.ends_at <= now) or (campaign.starts_at and campaign.starts_at > now):
        return "validity-period-expired"
    return None


def _check_domain(one: Candidate, gateway_id: int, per_domain: int | None, limits: RollingLimits) -> Judgement | None:
    if per_domain is None:
        return None
    scope = domain_scope(gateway_id, _domain(one.target))
    if limits.free(scope) > 0:
        return None
    until = limits.next_free(scope)
    return Judgement(ruling=Ruling.WAIT, check="gateway", reason="limit of the receiving domain", until=until)


def _domain(target: str) -> str:
    return target.rpartition("@")[2].lower()


class _Contacted:
    """When these persons were last contacted, for campaigns with a frequency cap."""

    def __init__(
        self, session: Session, candidates: Sequence[Candidate], campaigns: dict[int, _Campaign], *, now: datetime
    ) -> None:
        self._times: dict[int, list[datetime]] = {}
        self._now = now
        capped = {key: one.cap_window for key, one in campaigns.items() if one.cap_window}
        persons = sorted({one.person_id for one in candidates if one.campaign_id in capped})
        if not persons:
            return
        driver = Driver(session)
        if not driver.sqlite:  # two senders must not both find room for the same person
            driver.run(
                "SELECT pg_advisory_xact_lock(id) FROM (SELECT unnest(?::bigint[]) AS id ORDER BY 1) AS wanted", persons
            )
        rows = driver.run(
            "SELECT person_id, sent_at FROM comm_delivery "  # noqa: S608
            f"WHERE person_id {driver.among_ids} AND (sent_at > ? OR (sent_at IS NULL AND state = 'sending')) "
            "ORDER BY sent_at",
            persons, now - max(capped.values()),
        )  # fmt: skip
        self._times = {person_id: [] for person_id in persons}
        for person_id, sent_at in rows:
            self._times[person_id].append(driver.moment(sent_at) or now)

    def check(self, one: Candidate, campaign: _Campaign) -> Judgement | None:
        """Wait when the person has had as many messages as the campaign's cap allows within its window."""
        if not campaign.cap_count or not campaign.cap_window:
            return None
        recent = sorted(at for at in self._times.get(one.person_id, ()) if at > self._now - campaign.cap_window)
        if len(recent) < campaign.cap_count:
            return None
        until = recent[-campaign.cap_count] + campaign.cap_window
        return Judgement(ruling=Ruling.WAIT, check="frequency_cap", reason="enough messages lately", until=until)

    def add(self, person_id: int, at: datetime) -> None:
        """One more goes to this person now."""
        if person_id in self._times:
            self._times[person_id].append(at)


def _load_campaigns(session: Session, campaign_ids: set[int]) -> dict[int, _Campaign]:
    if not campaign_ids:
        return {}
    driver = Driver(session)
    rows = driver.run(
        "SELECT id, state, starts_at, ends_at, window_start, window_end, window_days, time_zone, window_in_zone_of, "  # noqa: S608
        f"per_minute, per_person_count, per_person_window FROM campaign WHERE id {driver.among_ids}",
        sorted(campaign_ids),
    )
    return {
        row[0]: _Campaign(
            id=row[0], state=row[1], starts_at=driver.moment(row[2]), ends_at=driver.moment(row[3]),
            window=WindowTimes(start=row[4], end=row[5], days=tuple(driver.document(row[6])), zone=row[7]),
            in_zone_of_person=row[8] == "person", per_minute=row[9], cap_count=row[10],
            cap_window=parse_duration(row[11]) if row[10] and row[11] else None,
        )
        for row in rows
    }  # fmt: skip


__all__ = ["CHECKS", "PASSED", "Candidate", "Judgement", "Policy", "Ruling", "find_suppressions"]
