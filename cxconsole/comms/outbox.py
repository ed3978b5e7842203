"""The database's side of sending: outcomes in, the next group out, in one transaction.

A message is marked `sending` before its bytes leave, so that a crash leaves a trace of everything
that may be on its way; and only as many are marked as leave within a moment, so that there is
little to be in doubt about.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from cxconsole.comms.circuit import Health, News, judge_health
from cxconsole.comms.hooks import CampaignHooks, StepEnd, StepOutcome
from cxconsole.comms.limits import RollingLimits, gateway_scope
from cxconsole.comms.outcomes import Result, write_results
from cxconsole.comms.policy import Candidate, Judgement, Policy, Ruling
from cxconsole.database import Database
from cxconsole.driver import Driver, dump
from cxconsole.journey.tape import append_rows
from models.comm import DeliveryState, RequestState
from models.event import EventType
from models.gateway import GatewayHealth

LEASE = timedelta(seconds=60)
OPEN_STATES = "state IN ('D','R','sending')"  # word for word as in the index ix_delivery_due


@dataclass(kw_only=True, slots=True)
class Turn:
    """What one transaction brought: messages to send, and how the gateway stands."""

    messages: list[Candidate] = field(default_factory=list)
    leased_until: datetime | None = None
    active: bool = True
    health: Health = field(default_factory=Health)
    health_changed: bool = False
    campaigns: set[int] = field(default_factory=set)
    drained: bool = False  # there was less than wanted
    next_at: datetime | None = None  # when a limit frees the next one


class Outbox:
    """The rows of one gateway, for one sender."""

    def __init__(self, database: Database, gateway_id: int, *, version: int, owner: str, hooks: CampaignHooks) -> None:
        self._database = database
        self._gateway_id = gateway_id
        self._version = version
        self._owner = owner
        self._hooks = hooks
        self._policy = Policy(hooks)

    def has_due(self, now: datetime) -> bool:
        """Whether anything might be sent, without taking the right to write."""
        with self._database.read() as session:
            return self._peek(Driver(session), now)

    def take_turn(
        self, results: Sequence[Result], news: News, *, want: int, held: Sequence[int], now: datetime
    ) -> Turn:
        """Write the results, then mark up to `want` due messages as `sending`. `held` keep their lease."""
        with self._database.write() as session:
            driver = Driver(session)
            turn = Turn()
            row = driver.run(
                "SELECT active, health, health_error, health_since, health_retry_at, slowed_to_per_minute, "  # noqa: S608
                "pace_before_slowing, paced_at, failures_in_a_row, per_minute, per_domain_per_minute, version, "
                f"test_passed FROM gateway WHERE id = ? {driver.for_update}",
                self._gateway_id,
            ).first()
            turn.campaigns = write_results(
                session, results, gateway_id=self._gateway_id, owner=self._owner, hooks=self._hooks, now=now
            )
            if held:
                driver.run(
                    "UPDATE comm_delivery SET lease_until = ? "  # noqa: S608
                    f"WHERE id {driver.among_ids} AND state = 'sending' AND lease_owner = ?",
                    now + LEASE, list(held), self._owner,
                )  # fmt: skip
            if row is None or row[11] != self._version:
                turn.active = False  # it was changed: what the old settings found says nothing about the new ones
                return turn
            turn.active = bool(row[0])
            self._judge_health(session, turn, _health_of(driver, row), news, now=now)
            if news.succeeded and row[12] is not None and not row[12]:
                self._outdo_test(driver, turn, now=now)
            if want > 0 and turn.active and turn.health.may_send(now):
                if turn.health.state == GatewayHealth.OPEN:
                    want = 0 if held else 1  # one message finds out whether the gateway is back
                self._claim(session, turn, want, per_minute=row[9], per_domain=row[10], now=now)
            return turn

    def _peek(self, driver: Driver, now: datetime) -> bool:
        found = driver.run(
            f"SELECT 1 FROM comm_delivery WHERE gateway_id = ? AND {OPEN_STATES} "  # noqa: S608
            "AND state <> 'sending' AND not_before <= ? LIMIT 1",
            self._gateway_id, now,
        )  # fmt: skip
        return found.first() is not None

    def _judge_health(self, session: Session, turn: Turn, before: Health, news: News, *, now: datetime) -> None:
        turn.health, event = judge_health(before, news, now=now)
        if turn.health == before:
            return
        one = turn.health
        Driver(session).run(
            "UPDATE gateway SET health = ?, health_error = ?, health_since = ?, health_retry_at = ?, "
            "slowed_to_per_minute = ?, pace_before_slowing = ?, paced_at = ?, failures_in_a_row = ? WHERE id = ?",
            str(one.state), one.error, one.since, one.retry_at, one.slowed_to, one.pace_before, one.paced_at,
            one.failures, self._gateway_id,
        )  # fmt: skip
        turn.health_changed = True
        if event is not None:
            data = {"gateway_id": self._gateway_id, "slowed_to_per_minute": one.slowed_to, "failures": one.failures}
            append_rows(session, [(event, None, None, None, None, data)], now=now)

    def _outdo_test(self, driver: Driver, turn: Turn, *, now: datetime) -> None:
        """The last test failed, and now a message was taken: that is the better test, so it stands in its place."""
        detail = "The test before it had failed; since then a message of a person was taken."
        steps = [{"name": "Message accepted", "ok": True, "detail": detail, "milliseconds": 0}]
        driver.run(
            "UPDATE gateway SET test_passed = ?, tested_at = ?, test_steps = ? WHERE id = ?",
            True, now, dump(steps), self._gateway_id,
        )  # fmt: skip
        turn.health_changed = True

    def _claim(
        self,
        session: Session,
        turn: Turn,
        want: int,
        *,
        per_minute: int | None,
        per_domain: int | None,
        now: datetime,
    ) -> None:
        limits = RollingLimits(session, now=now)
        scope = gateway_scope(self._gateway_id)
        pace = [one for one in (per_minute, turn.health.slowed_to) if one is not None]
        if pace:
            limits.load({scope: min(pace)})
            free = limits.free(scope)
            if free < want:
                want, turn.next_at = free, limits.next_free(scope)
        if want <= 0:
            return
        candidates = self._read_due(session, want, now=now)
        turn.drained = len(candidates) < want
        judgements = self._policy.judge(
            session, candidates, gateway_id=self._gateway_id, per_domain=per_domain, limits=limits, now=now
        )
        passed = [one for one, said in zip(candidates, judgements, strict=True) if said.ruling is Ruling.PASS]
        self._mark(session, turn, passed, judgements, now=now)
        limits.take(scope, len(passed))
        limits.store()
        others = [pair for pair in zip(candidates, judgements, strict=True) if pair[1].ruling is not Ruling.PASS]
        if others:
            turn.campaigns |= write_judgements(session, others, hooks=self._hooks, now=now)

    def _read_due(self, session: Session, want: int, *, now: datetime) -> list[Candidate]:
        driver = Driver(session)
        rows = driver.fetch(
            16,
            "SELECT d.id, d.request_id, d.campaign_id, d.contact_id, d.person_id, d.node, d.channel, d.target, "  # noqa: S608
            "d.template_version_id, d.merge, d.state, d.attempts, d.possible_duplicate, c.status, p.time_zone, "
            "p.consents FROM comm_delivery d LEFT JOIN campaign_contact c ON c.id = d.contact_id "
            f"LEFT JOIN person p ON p.id = d.person_id WHERE d.gateway_id = ? AND d.{OPEN_STATES} "
            "AND d.state <> 'sending' AND d.not_before <= ? ORDER BY d.not_before, d.id LIMIT ? "
            + ("" if driver.sqlite else "FOR UPDATE OF d SKIP LOCKED"),
            self._gateway_id, now, want,
        )  # fmt: skip
        return [
            Candidate(
                id=row[0], request_id=row[1], campaign_id=row[2], contact_id=row[3], person_id=row[4], node=row[5],
                channel=row[6], target=row[7], template_version_id=row[8], merge=row[9], is_retry=row[10] == "R",
                attempts=row[11], possible_duplicate=bool(row[12]), contact_status=row[13], zone=row[14],
                consents=row[15],
            )
            for row in rows
        ]  # fmt: skip

    def _mark(
        self,
        session: Session,
        turn: Turn,
        passed: list[Candidate],
        judgements: Sequence[Judgement],
        *,
        now: datetime,
    ) -> None:
        if not passed:
            return
        driver = Driver(session)
        checks = next(one for one in judgements if one.ruling is Ruling.PASS).checks(now.isoformat())
        turn.leased_until = now + LEASE
        driver.run(
            "UPDATE comm_delivery SET state = 'sending', attempts = attempts + 1, lease_owner = ?, lease_until = ?, "  # noqa: S608
            f"checks = ? WHERE id {driver.among_ids}",
            self._owner, turn.leased_until, dump(checks), [one.id for one in passed],
        )  # fmt: skip
        for one in passed:
            one.attempts += 1
        turn.messages = passed


def _health_of(driver: Driver, row: Any) -> Health:
    return Health(
        state=row[1], error=row[2], since=driver.moment(row[3]), retry_at=driver.moment(row[4]), slowed_to=row[5],
        pace_before=row[6], paced_at=driver.moment(row[7]), failures=row[8],
    )  # fmt: skip


_REQUEST_END = {
    Ruling.STOP: RequestState.OPTED_OUT,
    Ruling.RECALL: RequestState.CANCELLED,
    Ruling.CANCEL: RequestState.CANCELLED,
}


def write_judgements(
    session: Session, judged: Sequence[tuple[Candidate, Judgement]], *, hooks: CampaignHooks, now: datetime
) -> set[int]:
    """Store the noes of the last-moment checks; the campaigns that they touched."""
    driver = Driver(session)
    at = driver.bind(now)
    iso = now.isoformat()
    driver.run_many(
        "UPDATE comm_delivery SET not_before = ?, checks = ? WHERE id = ?",
        [
            (driver.bind(said.until or now), dump(said.checks(iso)), one.id)
            for one, said in judged
            if said.ruling is Ruling.WAIT
        ],
    )
    ended = [(one, said) for one, said in judged if said.ruling is not Ruling.WAIT]
    driver.run_many(
        "UPDATE comm_delivery SET state = ?, reason = ?, checks = ? WHERE id = ?",
        [(DeliveryState.CANCELLED.value, said.reason, dump(said.checks(iso)), one.id) for one, said in ended],
    )
    driver.run_many(
        "UPDATE comm_request SET state = ?, reason = ?, updated_at = ? WHERE id = ?",
        [(_REQUEST_END[said.ruling].value, said.reason, at, one.request_id) for one, said in ended],
    )
    documents: dict[tuple[str, str | None], dict[str, Any]] = defaultdict(dict)
    events, steps = [], []
    for one, said in ended:
        data = documents[said.check, said.reason]
        data.update({"check": said.check, "reason": said.reason})
        stopped = said.ruling is Ruling.STOP
        kind = EventType.COMM_NOT_SENT if stopped else EventType.COMM_CANCELLED
        events.append((kind, one.person_id, one.campaign_id, one.contact_id, one.id, data))
        if one.campaign_id and one.contact_id and said.ruling is not Ruling.CANCEL:
            end = StepEnd.SUPPRESSED if stopped else StepEnd.RECALLED
            steps.append(
                StepOutcome(
                    campaign_id=one.campaign_id, contact_id=one.contact_id, person_id=one.person_id, node=one.node,
                    end=end, reason=said.reason,
                )
            )  # fmt: skip
    append_rows(session, events, now=now)
    if steps:
        hooks.end_steps(session, steps, now=now)
    return {one.campaign_id for one, _ in judged if one.campaign_id}


__all__ = ["LEASE", "OPEN_STATES", "Outbox", "Turn", "write_judgements"]
