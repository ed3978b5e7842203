"""Reading a flow: which step comes first, which comes after, under which condition."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from cxconsole.driver import Driver
from cxconsole.durations import parse_duration


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One message step; 0 stands for a template or gateway that is still to be chosen."""

    id: str
    channel: str
    template_id: int
    gateway_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """The way to the next step: after `delay`, and only if not `unless`."""

    target: str
    delay: timedelta
    unless: str | None


class FlowGraph:
    """One version of a campaign's flow."""

    def __init__(self, graph: Mapping[str, Any]) -> None:
        self.start: str | None = graph.get("start")
        self.nodes = {
            node["id"]: Node(
                id=node["id"],
                channel=node["channel"],
                template_id=int(node.get("template_id") or 0),
                gateway_id=int(node.get("gateway_id") or 0),
            )
            for node in graph.get("nodes", ())
        }
        self._next = {
            edge["source"]: Edge(
                target=edge["target"], delay=parse_duration(edge.get("delay") or "PT0S"), unless=edge.get("unless")
            )
            for edge in graph.get("edges", ())
            if edge["target"] in self.nodes
        }

    def after(self, node_id: str | None) -> Edge | None:
        """The way onward from a step; from None the way to the first. None when nothing is to come."""
        if node_id is None:
            start = self.start
            return Edge(target=start, delay=timedelta(0), unless=None) if start and start in self.nodes else None
        return self._next.get(node_id)


def load_graphs(session: Session, campaign_ids: list[int]) -> dict[int, FlowGraph]:
    """The current flow of each of these campaigns that has one."""
    driver = Driver(session)
    rows = driver.run(
        "SELECT f.campaign_id, f.graph FROM flow f JOIN campaign c ON c.id = f.campaign_id "  # noqa: S608
        f"AND c.flow_version = f.version WHERE c.id {driver.among_ids}",
        campaign_ids,
    )
    return {campaign_id: FlowGraph(driver.document(graph)) for campaign_id, graph in rows}


__all__ = ["Edge", "FlowGraph", "Node", "load_graphs"]
