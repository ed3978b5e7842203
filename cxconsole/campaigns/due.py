"""Contacts whose step falls due become requests and deliveries.

Only as much is made as can leave soon: what waits as a contact is moved, held and counted cheaply;
what waits as a delivery has to be undone when a campaign stops.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from cxconsole.campaigns.advance import ContactMove, FlowHooks, apply_moves, find_reached
from cxconsole.campaigns.graph import FlowGraph, Node, load_graphs
from cxconsole.comms.hooks import WindowTimes
from cxconsole.comms.profile_fields import add_profiles_to_send
from cxconsole.driver import Driver, dump
from cxconsole.journey.tape import append_rows
from models.campaign import CampaignState, campaign_code
from models.comm import DeliveryState, RequestState
from models.contact import ContactStatus
from models.event import EventType
from models.person import ADDRESS_OF, NO_ADDRESS, Channel, IdentityKind

GATEWAY_BACKLOG = 2000
"""How many deliveries may wait for one gateway, shared by the campaigns that use it."""
_SMALL_REFILL = 500
_LONGEST_DEFERRAL = timedelta(hours=1)
_OPEN_STATES = "state IN ('D','R','sending')"  # word for word as in the index ix_delivery_due

_REQUEST = (
    "id", "trigger_kind", "trigger_id", "campaign_id", "contact_id", "person_id", "priority", "comm_code",
    "state", "reason", "created_at", "updated_at",
)  # fmt: skip
_DELIVERY = (
    "id", "request_id", "campaign_id", "contact_id", "person_id", "node", "channel", "target", "gateway_id",
    "template_version_id", "merge", "state", "attempts", "not_before", "possible_duplicate", "checks", "created_at",
)  # fmt: skip


@dataclass(kw_only=True, slots=True)
class _Running:
    """A campaign that may contact people now."""

    id: int
    name: str
    window: WindowTimes
    in_zone_of_person: bool
    per_minute: int | None
    graph: FlowGraph = field(default_factory=lambda: FlowGraph({}))


@dataclass(kw_only=True, slots=True)
class _Due:
    """A contact whose next step is due, with what is known of the person."""

    contact_id: int
    person_id: int
    node: str | None
    zone: str | None
    fields: dict[str, Any]
    addresses: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class _Step:
    """What is to be done for one contact: a delivery at `node`, after these steps were passed over."""

    due: _Due
    node: Node | None
    behind: str | None
    missing: list[Node]
    later_at: datetime | None = None


def drain_due_contacts(session: Session, *, now: datetime, limit: int) -> int:
    """Requests and deliveries for contacts that are due, as many as there is room for; the count of contacts moved."""
    campaigns = _find_running(session, now=now)
    if not campaigns:
        return 0
    Driver(session).commit_later()  # no message leaves before the sender's own transaction, which makes both last
    room = _measure_room(session, campaigns, now=now)
    left = limit
    for campaign in campaigns:
        for status in (ContactStatus.IN_PROGRESS, ContactStatus.PENDING):
            count = min(left, room[campaign.id])
            if count > 0:
                moved, made = _drain_campaign(session, campaign, status, now=now, limit=count)
                room[campaign.id] -= made
                left -= moved
    return limit - left


def has_room_for_due(session: Session, now: datetime) -> bool:
    """Whether `drain_due_contacts` would find contacts that are due and room for them."""
    campaigns = _find_running(session, now=now)
    return bool(campaigns) and any(_measure_room(session, campaigns, now=now).values())


def reconsider_contacts(session: Session, campaign_id: int, *, now: datetime) -> None:
    """Forget what was put off because of the old window, zone or limits, when a person has changed one of them."""
    driver = Driver(session)
    driver.run(
        "UPDATE campaign_contact SET due_at = ? WHERE campaign_id = ? AND status = 'pending' AND due_at > ?",
        now, campaign_id, now,
    )  # fmt: skip
    driver.run(
        f"UPDATE comm_delivery SET not_before = ? WHERE campaign_id = ? AND {_OPEN_STATES} "  # noqa: S608
        "AND state = 'D' AND not_before > ?",
        now, campaign_id, now,
    )  # fmt: skip


def _find_running(session: Session, *, now: datetime) -> list[_Running]:
    driver = Driver(session)
    due = "SELECT 1 FROM campaign_contact x WHERE x.campaign_id = c.id AND x.status = '{}' AND x.due_at <= ?"
    rows = driver.run(
        "SELECT c.id, c.name, c.window_start, c.window_end, c.window_days, c.time_zone, c.window_in_zone_of, "  # noqa: S608
        "c.per_minute FROM campaign c WHERE c.state = ? AND (c.starts_at IS NULL OR c.starts_at <= ?) "
        "AND (c.ends_at IS NULL OR c.ends_at > ?) "
        f"AND (EXISTS ({due.format('pending')}) OR EXISTS ({due.format('in_progress')})) ORDER BY c.id",
        CampaignState.PUBLISHED.value, now, now, now, now,
    )  # fmt: skip
    hooks = FlowHooks()
    running = []
    for campaign_id, name, start, end, days, zone, in_zone_of, per_minute in rows:
        window = WindowTimes(start=start, end=end, days=tuple(driver.document(days)), zone=zone)
        of_person = in_zone_of == "person"
        if of_person or hooks.next_open(window, None, now) == now:
            running.append(
                _Running(id=campaign_id, name=name, window=window, in_zone_of_person=of_person, per_minute=per_minute)
            )
    graphs = load_graphs(session, [campaign.id for campaign in running])
    for campaign in running:
        campaign.graph = graphs.get(campaign.id, campaign.graph)
    return [campaign for campaign in running if campaign.graph.start]


def _measure_room(session: Session, campaigns: Sequence[_Running], *, now: datetime) -> dict[int, int]:
    """How many deliveries each campaign may add: its share of its gateways' backlog, less what waits already."""
    driver = Driver(session)
    rows = driver.run(
        f"SELECT campaign_id, count(*) FROM comm_delivery WHERE {_OPEN_STATES} AND not_before <= ? "  # noqa: S608
        "GROUP BY campaign_id",
        now + timedelta(minutes=2),
    )
    waiting = {row[0]: row[1] for row in rows}
    users: dict[int, int] = defaultdict(int)
    for campaign in campaigns:
        for gateway_id in {node.gateway_id for node in campaign.graph.nodes.values()}:
            users[gateway_id] += 1
    rows = driver.run("SELECT id, coalesce(slowed_to_per_minute, per_minute) FROM gateway")
    pace = {row[0]: row[1] for row in rows}
    room = {}
    for campaign in campaigns:
        gateways = {node.gateway_id for node in campaign.graph.nodes.values()}
        share = min(GATEWAY_BACKLOG // users[gateway_id] for gateway_id in gateways)
        for per_minute in (campaign.per_minute, *(pace.get(gateway_id) for gateway_id in gateways)):
            if per_minute is not None:
                share = min(share, 2 * per_minute)
        share = max(share, 20)
        free = share - waiting.get(campaign.id, 0)
        room[campaign.id] = free if free >= min(_SMALL_REFILL, share // 4) else 0
    return room


def _drain_campaign(
    session: Session, campaign: _Running, status: ContactStatus, *, now: datetime, limit: int
) -> tuple[int, int]:
    """Contacts moved, and deliveries made, among those of one status."""
    dues = _claim(session, campaign, status, now=now, limit=limit)
    if not dues:
        return 0, 0
    ready, closed = _split_by_window(campaign, dues, now=now)
    _put_off(session, closed)
    _load_addresses(session, ready)
    steps = _choose_steps(session, campaign, status, ready, now=now)
    _write_missing(session, campaign, steps, now=now)
    made = _write_deliveries(session, campaign, [step for step in steps if step.node], now=now)
    _move(session, campaign, status, steps, now=now)
    return len(dues), made


def _claim(session: Session, campaign: _Running, status: ContactStatus, *, now: datetime, limit: int) -> list[_Due]:
    driver = Driver(session)
    rows = driver.fetch(
        10,
        "SELECT c.id, c.person_id, c.node, p.first_name, p.last_name, p.language, p.time_zone, "  # noqa: S608
        "p.preferred_channel, p.external_ref, p.attributes FROM campaign_contact c JOIN person p ON p.id = c.person_id "
        "WHERE c.campaign_id = ? AND c.status = ? AND c.due_at <= ? ORDER BY c.due_at, c.id LIMIT ? "
        + ("" if driver.sqlite else "FOR UPDATE OF c SKIP LOCKED"),
        campaign.id, status.value, now, limit,
    )  # fmt: skip
    about = {"id": campaign_code(campaign.id), "name": campaign.name}
    dues = []
    for contact_id, person_id, node, first, last, language, zone, channel, ref, attributes in rows:
        fields = {name: value for name, value in driver.document(attributes).items() if value not in (None, "")}
        known = {
            "first_name": first, "last_name": last, "language": language, "time_zone": zone,
            "preferred_channel": channel, "external_ref": ref, "campaign": about,
        }  # fmt: skip
        fields.update({name: value for name, value in known.items() if value not in (None, "")})
        dues.append(_Due(contact_id=contact_id, person_id=person_id, node=node, zone=zone, fields=fields))
    return dues


def _split_by_window(
    campaign: _Running, dues: list[_Due], *, now: datetime
) -> tuple[list[_Due], dict[datetime, list[int]]]:
    """Those who may be contacted now, and the others by when that is to be looked at again."""
    if not campaign.in_zone_of_person:
        return dues, {}
    hooks = FlowHooks()
    opens = {zone: hooks.next_open(campaign.window, zone, now) for zone in {due.zone for due in dues}}
    closed: dict[datetime, list[int]] = defaultdict(list)
    for due in dues:
        if opens[due.zone] > now:
            closed[min(opens[due.zone], now + _LONGEST_DEFERRAL)].append(due.contact_id)
    return [due for due in dues if opens[due.zone] <= now], closed


def _put_off(session: Session, closed: dict[datetime, list[int]]) -> None:
    driver = Driver(session)
    for at, contact_ids in closed.items():
        driver.run(f"UPDATE campaign_contact SET due_at = ? WHERE id {driver.among_ids}", at, contact_ids)  # noqa: S608


def _load_addresses(session: Session, dues: list[_Due]) -> None:
    driver = Driver(session)
    rows = driver.fetch(
        3,
        "SELECT person_id, kind, value FROM identity "  # noqa: S608
        f"WHERE person_id {driver.among_ids} ORDER BY is_primary, id",
        [due.person_id for due in dues],
    )
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for person_id, kind, value in rows:  # the primary one of a kind comes last and stays
        found[person_id][kind] = value
    for due in dues:
        due.addresses = found.get(due.person_id, {})
        for kind in (IdentityKind.EMAIL, IdentityKind.PHONE, IdentityKind.CUSTOMER_ID):
            if kind in due.addresses:
                due.fields[kind.value] = due.addresses[kind]


def _choose_steps(
    session: Session, campaign: _Running, status: ContactStatus, dues: list[_Due], *, now: datetime
) -> list[_Step]:
    """The next step of each contact that its conditions and addresses allow."""
    reactions = _load_reactions(session, dues) if status is ContactStatus.IN_PROGRESS else {}
    steps = []
    for due in dues:
        step = _Step(due=due, node=None, behind=due.node, missing=[])
        edge = campaign.graph.after(due.node)
        while edge is not None:
            node = campaign.graph.nodes[edge.target]
            if edge.unless and edge.unless in reactions.get(due.contact_id, ()):
                step.behind = node.id
                edge = campaign.graph.after(node.id)
                if edge is not None and edge.delay:
                    step.later_at = now + edge.delay
                    break
                continue
            if ADDRESS_OF[Channel(node.channel)] in due.addresses:
                step.node = node
                break
            step.missing.append(node)
            step.behind = node.id
            edge = campaign.graph.after(node.id)
        steps.append(step)
    return steps


def _load_reactions(session: Session, dues: list[_Due]) -> dict[int, set[str]]:
    """What became true of each contact in this campaign: sent, delivered, opened, clicked."""
    driver = Driver(session)
    rows = driver.run(
        "SELECT contact_id, max(sent_at), max(delivered_at), max(opened_at), max(clicked_at) FROM comm_delivery "  # noqa: S608
        f"WHERE contact_id {driver.among_ids} GROUP BY contact_id",
        [due.contact_id for due in dues],
    )
    names = ("sent", "delivered", "opened", "clicked")
    return {row[0]: {name for name, at in zip(names, row[1:], strict=True) if at is not None} for row in rows}


def _write_missing(session: Session, campaign: _Running, steps: list[_Step], *, now: datetime) -> None:
    """A request that could not be met for each step a person has no address for."""
    driver = Driver(session)
    missing = [(step.due, node) for step in steps for node in step.missing]
    if not missing:
        return
    at = driver.bind(now)
    ids = driver.reserve_ids("comm_request", len(missing))
    driver.insert(
        "comm_request",
        _REQUEST,
        [
            (request_id, "campaign_step", node.id, campaign.id, due.contact_id, due.person_id, 2, "",
             RequestState.NOT_SENT.value, NO_ADDRESS[Channel(node.channel)], at, at)
            for request_id, (due, node) in zip(ids, missing, strict=True)
        ],
    )  # fmt: skip
    append_rows(
        session,
        [
            (EventType.COMM_NOT_SENT, due.person_id, campaign.id, due.contact_id, None,
             {"channel": node.channel, "node": node.id, "reason": NO_ADDRESS[Channel(node.channel)]})
            for due, node in missing
        ],
        now=now,
    )  # fmt: skip


def _write_deliveries(session: Session, campaign: _Running, steps: list[_Step], *, now: datetime) -> int:
    if not steps:
        return 0
    driver = Driver(session)
    versions = _load_versions(session, {step.node.template_id for step in steps if step.node})
    readers: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
    for step in steps:
        if step.node:
            readers[versions.get(step.node.template_id, 0)][step.due.person_id] = step.due.fields
    add_profiles_to_send(session, readers, now=now)
    at = driver.bind(now)
    request_ids = driver.reserve_ids("comm_request", len(steps))
    delivery_ids = driver.reserve_ids("comm_delivery", len(steps))
    requests, deliveries, events = [], [], []
    data: dict[str, dict[str, Any]] = {}
    for request_id, delivery_id, step in zip(request_ids, delivery_ids, steps, strict=True):
        node, due = step.node, step.due
        if node is None:
            continue
        requests.append(
            (request_id, "campaign_step", node.id, campaign.id, due.contact_id, due.person_id, 2, "",
             RequestState.PROCESSED.value, None, at, at)
        )  # fmt: skip
        deliveries.append(
            (delivery_id, request_id, campaign.id, due.contact_id, due.person_id, node.id, node.channel,
             due.addresses[ADDRESS_OF[Channel(node.channel)]], node.gateway_id, versions.get(node.template_id, 0),
             dump(due.fields), DeliveryState.AWAITING_DISTRIBUTION.value, 0, at, False, "{}", at)
        )  # fmt: skip
        facts = data.setdefault(node.id, {"channel": node.channel, "node": node.id})
        events.append((EventType.COMM_REQUESTED, due.person_id, campaign.id, due.contact_id, delivery_id, facts))
    driver.insert("comm_request", _REQUEST, requests)
    driver.insert("comm_delivery", _DELIVERY, deliveries)
    append_rows(session, events, now=now)
    return len(deliveries)


def _load_versions(session: Session, template_ids: set[int]) -> dict[int, int]:
    """The current version of each template; what was deleted is left out, and its deliveries will say so."""
    driver = Driver(session)
    rows = driver.run(
        f"SELECT id, current_version_id FROM template WHERE id {driver.among_ids} AND current_version_id IS NOT NULL",  # noqa: S608
        sorted(template_ids),
    )
    return {row[0]: row[1] for row in rows}


def _move(session: Session, campaign: _Running, status: ContactStatus, steps: list[_Step], *, now: datetime) -> None:
    """Move the contacts on: into the step, to a later one, or to their end."""
    over = [step for step in steps if step.node is None and step.later_at is None]
    reached = (
        find_reached(session, [step.due.contact_id for step in over]) if status is not ContactStatus.PENDING else ()
    )
    moves = []
    for step in steps:
        due = step.due
        reason = NO_ADDRESS[Channel(step.missing[0].channel)] if step.missing else None
        move = ContactMove(
            contact_id=due.contact_id, person_id=due.person_id, status=ContactStatus.IN_PROGRESS,
            node=step.behind, due_at=step.later_at,
        )  # fmt: skip
        if step.node is None and step.later_at is None:
            done = due.contact_id in reached or reason is None
            move = ContactMove(
                contact_id=due.contact_id, person_id=due.person_id, node=step.behind,
                status=ContactStatus.COMPLETED if done else ContactStatus.SUPPRESSED, reason=None if done else reason,
            )  # fmt: skip
        moves.append(move)
    apply_moves(session, campaign.id, moves, before=status, now=now)


__all__ = ["GATEWAY_BACKLOG", "drain_due_contacts", "has_room_for_due", "reconsider_contacts"]
