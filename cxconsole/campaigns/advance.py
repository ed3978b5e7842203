"""Moving contacts along their flow when a step has ended."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from cxconsole.audience.counters import move_contacts
from cxconsole.campaigns.graph import FlowGraph, load_graphs
from cxconsole.campaigns.windows import Window, find_zone
from cxconsole.comms.hooks import StepEnd, StepOutcome, WindowTimes
from cxconsole.driver import Driver
from cxconsole.journey.tape import append_rows
from models.contact import CONTACT_MOVES, ContactStatus
from models.event import EventType
from models.transitions import check_move

_END_EVENTS = {
    ContactStatus.COMPLETED: EventType.CONTACT_COMPLETED,
    ContactStatus.FAILED: EventType.CONTACT_FAILED,
    ContactStatus.SUPPRESSED: EventType.CONTACT_SUPPRESSED,
}
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactMove:
    """Where one contact goes: its status, the step it has behind it, and when the next one is due."""

    contact_id: int
    person_id: int
    status: ContactStatus
    node: str | None
    due_at: datetime | None = None
    reason: str | None = None


class FlowHooks:
    """The campaigns' side of a delivery; what the sender is given."""

    def end_steps(self, session: Session, outcomes: Sequence[StepOutcome], *, now: datetime) -> None:
        """See `comms.hooks.CampaignHooks`."""
        by_campaign: dict[int, list[StepOutcome]] = defaultdict(list)
        for outcome in outcomes:
            by_campaign[outcome.campaign_id].append(outcome)
        graphs = load_graphs(session, sorted(by_campaign))
        for campaign_id in sorted(by_campaign):  # one order for all workers, so that they cannot wait in a ring
            graph = graphs.get(campaign_id) or FlowGraph({})
            moves = _plan_moves(session, graph, by_campaign[campaign_id], now=now)
            apply_moves(session, campaign_id, moves, before=ContactStatus.IN_PROGRESS, now=now)

    def next_open(self, window: WindowTimes, person_zone: str | None, at: datetime) -> datetime:
        """See `comms.hooks.CampaignHooks`."""
        zone = (person_zone and find_zone(person_zone)) or find_zone(window.zone) or _UTC
        return Window(start=window.start, end=window.end, days=window.days, zone=zone).next_open(at)


def _plan_moves(
    session: Session, graph: FlowGraph, outcomes: Sequence[StepOutcome], *, now: datetime
) -> list[ContactMove]:
    moves: list[ContactMove] = []
    last: list[StepOutcome] = []
    for one in outcomes:
        if one.end is StepEnd.RECALLED:
            continue
        edge = graph.after(one.node)
        if edge is None or one.node is None:
            last.append(one)
            continue
        # a step that sent nothing leaves nothing to wait for: the next one is tried at once
        due_at = now + edge.delay if one.end is StepEnd.SENT else now
        moves.append(
            ContactMove(
                contact_id=one.contact_id, person_id=one.person_id, status=ContactStatus.IN_PROGRESS,
                node=one.node, due_at=due_at, reason=one.reason,
            )
        )  # fmt: skip
    moves += _plan_ends(session, last)
    recalled = [one for one in outcomes if one.end is StepEnd.RECALLED]
    if recalled:
        stands_at = _stored_nodes(session, [one.contact_id for one in recalled])
        moves += [
            ContactMove(
                contact_id=one.contact_id, person_id=one.person_id, status=ContactStatus.PENDING,
                node=stands_at.get(one.contact_id), due_at=now,
            )
            for one in recalled
        ]  # fmt: skip
    return moves


def _plan_ends(session: Session, last: Sequence[StepOutcome]) -> list[ContactMove]:
    """Final moves. A contact that was sent anything is completed, whatever came of its last step."""
    unsent = [one.contact_id for one in last if one.end is not StepEnd.SENT]
    reached = find_reached(session, unsent)
    moves = []
    for one in last:
        if one.end is StepEnd.SENT or one.contact_id in reached:
            status, reason = ContactStatus.COMPLETED, None
        elif one.end is StepEnd.FAILED:
            status, reason = ContactStatus.FAILED, one.reason
        else:
            status, reason = ContactStatus.SUPPRESSED, one.reason
        moves.append(
            ContactMove(contact_id=one.contact_id, person_id=one.person_id, status=status, node=one.node, reason=reason)
        )
    return moves


def find_reached(session: Session, contact_ids: list[int]) -> set[int]:
    """Those of the contacts that were sent at least one message."""
    if not contact_ids:
        return set()
    driver = Driver(session)
    rows = driver.run(
        "SELECT DISTINCT contact_id FROM comm_delivery "  # noqa: S608
        f"WHERE contact_id {driver.among_ids} AND sent_at IS NOT NULL",
        contact_ids,
    )
    return {row[0] for row in rows}


def _stored_nodes(session: Session, contact_ids: list[int]) -> dict[int, str | None]:
    driver = Driver(session)
    rows = driver.run(f"SELECT id, node FROM campaign_contact WHERE id {driver.among_ids}", contact_ids)  # noqa: S608
    return {row[0]: row[1] for row in rows}


def apply_moves(
    session: Session, campaign_id: int, moves: Sequence[ContactMove], *, before: ContactStatus, now: datetime
) -> None:
    """Write the moves of contacts that still are in status `before`, with counters and events; the others are left."""
    driver = Driver(session)
    groups: dict[tuple[ContactStatus, str | None, datetime | None], list[ContactMove]] = defaultdict(list)
    for move in moves:
        groups[move.status, move.node, move.due_at].append(move)
    deltas: dict[str, int] = defaultdict(int)
    events = []
    for (status, node, due_at), group in groups.items():
        if status is not before:
            check_move(CONTACT_MOVES, before, status)
        moved = driver.change(
            "campaign_contact", [move.contact_id for move in group],
            "status = ?, hold_reason = NULL, reason = NULL, node = ?, due_at = ?, last_activity_at = ?",
            status.value, node, due_at, now, only="campaign_id = ? AND status = ?", given=(campaign_id, before.value),
        )  # fmt: skip
        driver.run_many(
            "UPDATE campaign_contact SET reason = ? WHERE id = ?",
            [(move.reason, move.contact_id) for move in group if move.reason and move.contact_id in moved],
        )
        deltas[before.value] -= len(moved)
        deltas[status.value] += len(moved)
        if event := _END_EVENTS.get(status):
            events += [
                (event, move.person_id, campaign_id, move.contact_id, None, {"reason": move.reason})
                for move in group
                if move.contact_id in moved
            ]
    append_rows(session, events, now=now)
    move_contacts(session, campaign_id, deltas)


__all__ = ["ContactMove", "FlowHooks", "apply_moves", "find_reached"]
