"""The flow of a campaign: what is said, over which way, in which order, after which wait.

Stored as a graph, shown as a line of steps. How the engine walks it is in `campaigns/graph.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.campaigns.graph import FlowGraph
from cxconsole.campaigns.records import note_change, open_campaign
from cxconsole.durations import format_duration, parse_duration
from cxconsole.errors import FieldProblem, Invalid
from models.campaign import Campaign, Flow
from models.gateway import Gateway
from models.person import Channel
from models.template import Template

CHANNELS = (Channel.EMAIL, Channel.SMS)
"""Those that a step can use today."""
UNLESS = ("opened", "clicked", "delivered", "sent")
MAX_STEPS = 50
MAX_DELAY = timedelta(days=366)
_STEP_FIELDS = {"channel", "template_id", "gateway_id", "delay", "only_if_not"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the line. `delay` is counted from the step before; `only_if_not` looks at the messages before it.

    A template or gateway that is still to be chosen is None; such a campaign cannot be published.
    """

    id: str
    channel: str
    template_id: int | None
    gateway_id: int | None
    delay: str = "PT0S"
    only_if_not: str | None = None


def steps_of(graph: Mapping[str, Any]) -> list[Step]:
    """The graph as a line, from its start; a step that it comes back to is not told twice."""
    flow = FlowGraph(graph)
    steps: dict[str, Step] = {}
    edge = flow.after(None)
    while edge is not None and edge.target not in steps:
        node = flow.nodes[edge.target]
        steps[node.id] = Step(
            id=node.id, channel=node.channel, template_id=node.template_id or None, gateway_id=node.gateway_id or None,
            delay=format_duration(edge.delay), only_if_not=edge.unless,
        )  # fmt: skip
        edge = flow.after(node.id)
    return list(steps.values())


def graph_of(steps: Sequence[Step]) -> dict[str, Any]:
    """A line of steps as a graph."""
    nodes = [
        {
            "id": one.id,
            "kind": "message",
            "channel": one.channel,
            "template_id": one.template_id,
            "gateway_id": one.gateway_id,
        }
        for one in steps
    ]
    edges = [
        {"source": before.id, "target": after.id, "delay": after.delay, "unless": after.only_if_not}
        for before, after in pairwise(steps)
    ]
    return {"start": steps[0].id if steps else None, "nodes": nodes, "edges": edges}


def graph_problems(graph: Mapping[str, Any]) -> list[str]:
    """Why a graph cannot be run: double or unknown ids, branches, loops, nodes that are never reached."""
    problems: list[str] = []
    ids = [node["id"] for node in graph.get("nodes", ())]
    known = set(ids)
    if len(ids) != len(known):
        problems.append("Two steps have the same id.")
    if ids and graph.get("start") not in known:
        problems.append("The start is not one of the steps.")
    following: dict[str, str] = {}
    for edge in graph.get("edges", ()):
        if edge["source"] not in known or edge["target"] not in known:
            problems.append(f"The way from {edge['source']} to {edge['target']} leads to a step that is not there.")
        elif edge["source"] in following:
            problems.append(f"Step {edge['source']} has more than one way on.")
        following[edge["source"]] = edge["target"]
    seen: set[str] = set()
    node = graph.get("start")
    while isinstance(node, str) and node in known and node not in seen:
        seen.add(node)
        node = following.get(node)
    if node is not None and node in seen:
        problems.append(f"The flow comes back to step {node}: a loop would never end.")
    elif known - seen and not problems:
        problems.append(f"Steps that are never reached: {', '.join(sorted(known - seen))}.")
    return problems


def load_graph(session: Session, campaign: Campaign) -> dict[str, Any]:
    """The graph in force; an empty one for a campaign without steps."""
    statement = select(Flow.graph).where(Flow.campaign_id == campaign.id, Flow.version == campaign.flow_version)
    graph = session.exec(statement).first()
    return dict(graph) if graph else graph_of([])


def set_steps(
    session: Session,
    campaign_id: int,
    steps: Sequence[Mapping[str, Any]],
    *,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Campaign:
    """Replace the steps, as a new version of the flow. Contacts under way go on from the step they stand at."""
    actor.require("campaigns.edit")
    campaign = open_campaign(session, campaign_id, version=version)
    if store_steps(session, campaign, steps, now=now):
        note_change(session, campaign, ["steps"], actor=actor, now=now)
    return campaign


def store_steps(session: Session, campaign: Campaign, steps: Sequence[Mapping[str, Any]], *, now: datetime) -> bool:
    """Check the steps and write them when they differ. The caller has locked the campaign and notes the change."""
    graph = graph_of(check_steps(session, steps))
    if graph == load_graph(session, campaign):
        return False
    campaign.flow_version += 1
    assert campaign.id is not None
    session.add(Flow(campaign_id=campaign.id, version=campaign.flow_version, graph=graph, created_at=now))
    session.add(campaign)
    return True


def check_steps(session: Session, steps: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Steps as given by a page or the API, checked; raises Invalid with a problem for each bad field."""
    problems: list[FieldProblem] = []
    if not isinstance(steps, list | tuple):
        raise Invalid.field("steps", "Steps are a list.")
    if len(steps) > MAX_STEPS:
        raise Invalid.field("steps", f"At most {MAX_STEPS} steps.")
    parsed = [_parse_step(number, one, problems) for number, one in enumerate(steps)]
    known = [one for one in parsed if one is not None]
    _check_references(session, known, problems)
    if problems:
        detail = problems[0].msg if len(problems) == 1 else f"{len(problems)} fields of the steps need a look."
        raise Invalid(detail, errors=problems)
    return known


def _parse_step(index: int, raw: Mapping[str, Any], problems: list[FieldProblem]) -> Step | None:
    if not isinstance(raw, Mapping):
        problems.append(FieldProblem(loc=f"steps.{index}", msg="A step is an object."))
        return None

    def complain(field: str, msg: str) -> None:
        problems.append(FieldProblem(loc=f"steps.{index}.{field}", msg=msg))

    for name in raw.keys() - _STEP_FIELDS - {"id"}:
        complain(str(name), "This field is not known.")
    channel = raw.get("channel")
    if channel not in CHANNELS:
        complain("channel", f"Choose one of {', '.join(CHANNELS)}.")
    unless = raw.get("only_if_not")
    if unless is not None and unless not in UNLESS:
        complain("only_if_not", f"Choose one of {', '.join(UNLESS)}, or nothing.")
    try:
        delay = parse_duration(raw.get("delay") or "PT0S")
    except ValueError as error:
        complain("delay", str(error))
        delay = timedelta()
    if delay > MAX_DELAY:
        complain("delay", "A step can wait for a year at most.")
    if index == 0 and delay:
        complain("delay", "The first step begins at once. To begin later, set the start of the validity period.")
    if index == 0 and unless:
        complain("only_if_not", "The first step has no message before it.")
    ids: dict[str, int | None] = {}
    for field in ("template_id", "gateway_id"):
        try:
            ids[field] = _parse_id(raw.get(field))
        except ValueError:
            complain(field, "This is not an id.")
            ids[field] = None
    return Step(
        id=f"s{index + 1}", channel=str(channel), delay=format_duration(delay), only_if_not=unless,
        template_id=ids["template_id"], gateway_id=ids["gateway_id"],
    )  # fmt: skip


def _parse_id(raw: Any) -> int | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise ValueError("not an id")
    number = int(raw)
    if not 0 < number < 2**31:
        raise ValueError("not an id")
    return number


def _check_references(session: Session, steps: Sequence[Step], problems: list[FieldProblem]) -> None:
    known = find_references(session, steps)
    for index, one in enumerate(steps):
        for field, noun in (("template_id", "template"), ("gateway_id", "gateway")):
            chosen = getattr(one, field)
            channel = known[field].get(chosen)
            if chosen is not None and channel is None:
                problems.append(FieldProblem(loc=f"steps.{index}.{field}", msg=f"There is no {noun} {chosen}."))
            elif channel is not None and one.channel in CHANNELS and channel != one.channel:
                msg = f"This {noun} is for {channel}, the step for {one.channel}."
                problems.append(FieldProblem(loc=f"steps.{index}.{field}", msg=msg))


def find_references(session: Session, steps: Sequence[Step]) -> dict[str, dict[int, str]]:
    """The channel of each template and gateway of the steps that is there: `{"template_id": {7: "email"}, ...}`."""
    templates = {one.template_id for one in steps} - {None}
    gateways = {one.gateway_id for one in steps} - {None}
    there = select(Template.id, Template.channel).where(
        col(Template.id).in_(templates), col(Template.deleted_at).is_(None)
    )
    ways = select(Gateway.id, Gateway.channel).where(col(Gateway.id).in_(gateways))
    return {
        "template_id": {key: channel for key, channel in session.exec(there) if key is not None},
        "gateway_id": {key: channel for key, channel in session.exec(ways) if key is not None},
    }
