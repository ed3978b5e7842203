"""What came of messages that were marked `sending`, written for many at once.

Every update asks for our own lease: a row that another sender has taken over meanwhile is left to it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from cxconsole.comms.counters import count_channel, count_traffic
from cxconsole.comms.hooks import CampaignHooks, StepEnd, StepOutcome
from cxconsole.comms.policy import Candidate
from cxconsole.driver import Driver
from cxconsole.journey.tape import append_rows
from models.comm import DeliveryState, RequestState
from models.event import EventType


class ResultKind(StrEnum):
    """What a worker reports about one message."""

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    RELEASED = "released"  # it was not even tried


@dataclass(kw_only=True, slots=True)
class Result:
    """The report. `counts` is False when the try does not use up an attempt."""

    message: Candidate
    kind: ResultKind
    at: datetime
    reason: str | None = None
    code: str = ""
    provider_id: str | None = None
    not_before: datetime | None = None
    counts: bool = True
    possible_duplicate: bool = False


_LONGEST_REASON = 300
_OURS = "state = 'sending' AND lease_owner = ?"
_FREE = "lease_owner = NULL, lease_until = NULL"


def write_results(
    session: Session,
    results: Sequence[Result],
    *,
    gateway_id: int,
    owner: str,
    hooks: CampaignHooks,
    now: datetime,
) -> set[int]:
    """Rows, requests, contacts, counters and events of a group of results; the campaigns that they touched."""
    if not results:
        return set()
    groups: dict[ResultKind, list[Result]] = defaultdict(list)
    for result in results:
        groups[result.kind].append(result)
    sent = _write_sent(session, groups[ResultKind.SENT], owner=owner)
    failed = _write_failed(session, groups[ResultKind.FAILED], owner=owner, now=now)
    retried = _write_retried(session, groups[ResultKind.RETRY], owner=owner)
    _write_released(session, groups[ResultKind.RELEASED], owner=owner)
    _write_events(session, sent, failed, retried, gateway_id=gateway_id, now=now)
    _count(session, sent, failed, gateway_id=gateway_id, now=now)
    steps = [_step(one, StepEnd.SENT) for one in sent] + [_step(one, StepEnd.FAILED) for one in failed]
    hooks.end_steps(session, [step for step in steps if step is not None], now=now)
    return {one.message.campaign_id for one in results if one.message.campaign_id}


def _kept(ids: set[int], results: list[Result]) -> list[Result]:
    """The results whose row was still ours."""
    return results if len(ids) == len(results) else [one for one in results if one.message.id in ids]


def _write_sent(session: Session, results: list[Result], *, owner: str) -> list[Result]:
    if not results:
        return []
    driver = Driver(session)
    found = driver.change(
        "comm_delivery", [one.message.id for one in results],
        # a receipt may have been quicker than we are
        "state = CASE WHEN bounced_at IS NOT NULL THEN 'bounced' WHEN delivered_at IS NOT NULL THEN 'delivered' "
        f"ELSE 'S' END, sent_at = ?, reason = NULL, {_FREE}",
        min(one.at for one in results), only=_OURS, given=(owner,),
    )  # fmt: skip
    kept = _kept(found, results)
    driver.run_many(
        "UPDATE comm_delivery SET provider_id = ? WHERE id = ?",
        [(one.provider_id, one.message.id) for one in kept if one.provider_id],
    )
    return kept


def _write_failed(session: Session, results: list[Result], *, owner: str, now: datetime) -> list[Result]:
    if not results:
        return []
    driver = Driver(session)
    found = driver.change(
        "comm_delivery", [one.message.id for one in results], f"state = ?, {_FREE}", DeliveryState.ERROR.value,
        only=_OURS, given=(owner,),
    )  # fmt: skip
    kept = _kept(found, results)
    at = driver.bind(now)
    driver.run_many(
        "UPDATE comm_delivery SET reason = ?, possible_duplicate = ? WHERE id = ?",
        [(_cut(one.reason), one.possible_duplicate or one.message.possible_duplicate, one.message.id) for one in kept],
    )
    driver.run_many(
        "UPDATE comm_request SET state = ?, reason = ?, updated_at = ? WHERE id = ?",
        [(RequestState.ERROR.value, _cut(one.reason), at, one.message.request_id) for one in kept],
    )
    return kept


def _write_retried(session: Session, results: list[Result], *, owner: str) -> list[Result]:
    if not results:
        return []
    driver = Driver(session)
    found = driver.change(
        "comm_delivery", [one.message.id for one in results], f"state = ?, {_FREE}", DeliveryState.RETRY.value,
        only=_OURS, given=(owner,),
    )  # fmt: skip
    kept = _kept(found, results)
    driver.run_many(
        "UPDATE comm_delivery SET reason = ?, not_before = ?, attempts = ?, possible_duplicate = ? WHERE id = ?",
        [
            (
                _cut(one.reason),
                driver.bind(one.not_before or one.at),
                one.message.attempts if one.counts else one.message.attempts - 1,
                one.possible_duplicate or one.message.possible_duplicate,
                one.message.id,
            )
            for one in kept
        ],
    )
    return kept


def _write_released(session: Session, results: list[Result], *, owner: str) -> None:
    if results:
        driver = Driver(session)
        driver.run(
            "UPDATE comm_delivery SET state = CASE WHEN attempts > 1 AND NOT possible_duplicate THEN 'R' ELSE 'D' END, "  # noqa: S608
            f"attempts = attempts - 1, {_FREE} WHERE id {driver.among_ids} AND {_OURS}",
            [one.message.id for one in results], owner,
        )  # fmt: skip


def _write_events(
    session: Session,
    sent: list[Result],
    failed: list[Result],
    retried: list[Result],
    *,
    gateway_id: int,
    now: datetime,
) -> None:
    documents: dict[tuple[Any, ...], dict[str, Any]] = {}
    rows = []
    for kind, results in (
        (EventType.COMM_SENT, sent), (EventType.COMM_FAILED, failed), (EventType.COMM_RETRIED, retried),
    ):  # fmt: skip
        for one in results:
            message = one.message
            doubtful = message.possible_duplicate or one.possible_duplicate
            key = (kind, message.channel, doubtful, one.code)
            data = documents.get(key)
            if data is None:
                data = documents[key] = {"gateway_id": gateway_id, "channel": message.channel}
                if doubtful:
                    data["possible_duplicate"] = True
                if one.code:
                    data["code"] = one.code
            rows.append((kind, message.person_id, message.campaign_id, message.contact_id, message.id, data))
    append_rows(session, rows, now=now)


def _count(session: Session, sent: list[Result], failed: list[Result], *, gateway_id: int, now: datetime) -> None:
    numbers: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    for place, results in enumerate((sent, failed)):
        for one in results:
            numbers[one.message.campaign_id or 0, one.message.channel][place] += 1
    for (campaign_id, channel), (done, bad) in sorted(numbers.items()):
        count_traffic(
            session, at=now, campaign_id=campaign_id, gateway_id=gateway_id, channel=channel, sent=done, failed=bad
        )
        if campaign_id:
            count_channel(session, campaign_id, channel, {"sent": done, "failed": bad})
    campaigns = sorted({campaign_id for campaign_id, _ in numbers if campaign_id})
    if campaigns:
        driver = Driver(session)
        driver.run(f"UPDATE campaign SET last_activity_at = ? WHERE id {driver.among_ids}", now, campaigns)  # noqa: S608


def _step(one: Result, end: StepEnd) -> StepOutcome | None:
    message = one.message
    if message.campaign_id is None or message.contact_id is None:
        return None
    return StepOutcome(
        campaign_id=message.campaign_id, contact_id=message.contact_id, person_id=message.person_id,
        node=message.node, end=end, reason=_cut(one.reason),
    )  # fmt: skip


def _cut(reason: str | None) -> str | None:
    return reason[:_LONGEST_REASON] if reason else reason


__all__ = ["Result", "ResultKind", "write_results"]
