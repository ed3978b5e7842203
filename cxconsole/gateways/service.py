"""Gateways as admins keep them: made, changed, listed, deleted."""

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, text
from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.accounts.vault import Vault
from cxconsole.errors import Conflict, Invalid, NotFound
from cxconsole.gateways.kind import GatewayKind, GatewaySettings
from cxconsole.gateways.port import TestStep
from cxconsole.gateways.registry import check_settings, find_kind
from cxconsole.gateways.usage import sent_by_minute, used_per_minute
from cxconsole.gateways.views import SET, GatewayView, view_gateway
from cxconsole.journey.tape import append_event
from cxconsole.paging import parse_sort
from models.campaign import Campaign, CampaignState, Flow, campaign_code
from models.comm import CommDelivery
from models.event import EventType
from models.gateway import Gateway, GatewayHealth


class _Limits(GatewaySettings):
    per_minute: int | None = Field(None, ge=1, le=10_000_000)
    per_domain_per_minute: int | None = Field(None, ge=1, le=10_000_000)


class _GatewayData(BaseModel):
    """The shape of what the API and the pages send; a part that is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, min_length=1, max_length=120)
    kind: str | None = None
    channel: str | None = None
    settings: dict[str, Any] | None = None
    secrets: dict[str, str | None] | None = None
    limits: _Limits | None = None
    active: bool | None = None
    is_demo: bool = False


GATEWAY_SORTS: dict[str, Any] = {
    "channel": col(Gateway.channel), "name": func.lower(Gateway.name), "id": col(Gateway.id),
    "created_at": col(Gateway.created_at),
}  # fmt: skip


def list_gateways(
    session: Session, *, vault: Vault, actor: Actor, now: datetime, q: str = "", sort: str = "channel"
) -> list[GatewayView]:
    """All gateways, by channel and name unless sorted otherwise (see GATEWAY_SORTS); `q` is a part of the name."""
    actor.require("gateways.read")
    field, descending = parse_sort(sort, GATEWAY_SORTS)
    order = GATEWAY_SORTS[field]
    statement = select(Gateway).where(func.lower(Gateway.name).contains(q.strip().lower(), autoescape=True))
    rows = session.exec(
        statement.order_by(order.desc() if descending else order, func.lower(Gateway.name), col(Gateway.id))
    ).all()
    return _views(session, rows, vault=vault, now=now)


def get_gateway(session: Session, gateway_id: int, *, vault: Vault, actor: Actor, now: datetime) -> GatewayView:
    """One gateway. Raises NotFound."""
    actor.require("gateways.read")
    return _views(session, [find_gateway(session, gateway_id)], vault=vault, now=now)[0]


def get_gateway_traffic(
    session: Session, gateway_id: int, *, actor: Actor, now: datetime, minutes: int = 60
) -> tuple[tuple[int, int], ...]:
    """(minute as epoch seconds, messages sent) of the last hour, the oldest first."""
    actor.require("gateways.read")
    return sent_by_minute(session, gateway_id, now=now, minutes=minutes)


def create_gateway(
    session: Session, data: Mapping[str, Any], *, vault: Vault, actor: Actor, now: datetime
) -> GatewayView:
    """A new gateway from `{"name", "kind", "channel", "settings", "secrets", "limits", "active"}`.

    Raises Invalid with the path of each bad field, Conflict when the name is taken.
    """
    actor.require("gateways.edit")
    given = _checked(data)
    if not given.name or not given.name.strip():
        raise Invalid.field("name", "A gateway needs a name.")
    kind = find_kind(given.kind or "")
    channel = given.channel or kind.channels[0]
    _check_channel(kind, channel)
    settings = check_settings(kind.settings, given.settings or {}, loc="settings")
    secrets = _merged_secrets(kind, {}, given.secrets or {})
    limits = given.limits or _Limits()  # type: ignore[call-arg]
    row = Gateway(
        name=_free_name(session, given.name, but=None),
        kind=kind.kind,
        channel=channel,
        settings=settings.model_dump(mode="json"),
        secrets=vault.seal(secrets) if secrets else "",
        per_minute=limits.per_minute,
        per_domain_per_minute=limits.per_domain_per_minute,
        active=given.active is not False,
        is_demo=given.is_demo,
        health_since=now,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    _note(session, row, "created", actor=actor, now=now)
    return _views(session, [row], vault=vault, now=now)[0]


def update_gateway(
    session: Session,
    gateway_id: int,
    data: Mapping[str, Any],
    *,
    version: int | None,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> GatewayView:
    """Change what is given. Settings are replaced as a whole; a secret given as "***" stays, as null or "" goes.

    Changed settings or secrets make the last test worthless and give a stopped gateway a new start.
    Raises Conflict when `version` is not the present one; null does not check.
    """
    actor.require("gateways.edit")
    row = session.get(Gateway, gateway_id, with_for_update=True)
    if row is None:
        raise NotFound(f"There is no gateway {gateway_id}.")
    if version is not None and version != row.version:
        raise Conflict("Someone else has changed this gateway meanwhile. Load it again and repeat your change.")
    given = _checked(data)
    kind = find_kind(row.kind)
    if given.kind not in (None, row.kind):
        raise Invalid.field("kind", "The kind of a gateway cannot be changed. Add a new gateway.")
    if given.channel not in (None, row.channel):
        raise Invalid.field("channel", "The channel of a gateway cannot be changed. Add a new gateway.")
    if given.name is not None:
        row.name = _free_name(session, given.name, but=gateway_id)
    new_start = _change_settings(row, kind, given, vault=vault)
    if given.limits is not None:
        row.per_minute, row.per_domain_per_minute = given.limits.per_minute, given.limits.per_domain_per_minute
    if given.active is not None:
        new_start = new_start or (given.active and not row.active)
        row.active = given.active
    if new_start:
        row.health, row.health_error, row.health_since, row.health_retry_at = GatewayHealth.OK, None, now, None
        row.failures_in_a_row, row.slowed_to_per_minute, row.pace_before_slowing, row.paced_at = 0, None, None, None
    row.version += 1
    row.updated_at = now
    session.add(row)
    session.flush()
    _note(session, row, "changed", actor=actor, now=now)
    return _views(session, [row], vault=vault, now=now)[0]


def delete_gateway(session: Session, gateway_id: int, *, actor: Actor, now: datetime) -> None:
    """Take a gateway away.

    Raises Conflict while a published campaign sends through it, or messages wait for it: they would wait for ever.
    """
    actor.require("gateways.edit")
    row = find_gateway(session, gateway_id)
    users = campaigns_through(session, gateway_id, state=CampaignState.PUBLISHED)
    if users:
        names = ", ".join(users[:5]) + (f" and {len(users) - 5} more" if len(users) > 5 else "")
        raise Conflict(f"{row.name} is used by {names}. Unpublish, or give the step another gateway, then delete it.")
    waits = text("state IN ('D','R','sending')")  # word for word as in the index ix_delivery_due
    if session.exec(select(CommDelivery.id).where(CommDelivery.gateway_id == gateway_id, waits).limit(1)).first():
        raise Conflict(f"Messages still wait for {row.name}. Cancel them, or end their campaigns, then delete it.")
    _note(session, row, "deleted", actor=actor, now=now)
    session.delete(row)
    session.flush()


def record_test(session: Session, gateway_id: int, steps: list[TestStep], *, actor: Actor, now: datetime) -> None:
    """Keep what a test found, and put it on the Tape."""
    row = find_gateway(session, gateway_id)
    row.tested_at = now
    row.test_passed = bool(steps) and all(one.ok for one in steps)
    row.test_steps = [dataclasses.asdict(one) for one in steps]
    session.add(row)
    data = {"gateway_id": gateway_id, "passed": row.test_passed, "milliseconds": sum(one.milliseconds for one in steps)}
    append_event(session, EventType.GATEWAY_TESTED, now=now, actor=actor.name, data=data)


def find_gateway(session: Session, gateway_id: int) -> Gateway:
    """The row. Raises NotFound."""
    row = session.get(Gateway, gateway_id)
    if row is None:
        raise NotFound(f"There is no gateway {gateway_id}.")
    return row


def campaigns_through(session: Session, gateway_id: int, *, state: CampaignState | None = None) -> list[str]:
    """“Spring offer (CMP-1001)” of each campaign whose present flow sends through this gateway."""
    query = (
        select(Campaign.id, Campaign.name, Flow.graph)
        .join(Flow, (col(Flow.campaign_id) == Campaign.id) & (col(Flow.version) == Campaign.flow_version))
        .order_by(col(Campaign.id))
    )
    if state is not None:
        query = query.where(Campaign.state == state)
    return [
        f"{name} ({campaign_code(campaign_id or 0)})"
        for campaign_id, name, graph in session.exec(query)
        if any(str(node.get("gateway_id")) == str(gateway_id) for node in graph.get("nodes", ()))
    ]


def _views(session: Session, rows: Iterable[Gateway], *, vault: Vault, now: datetime) -> list[GatewayView]:
    rows = list(rows)
    used = used_per_minute(session, [one.id or 0 for one in rows], now=now)
    return [
        view_gateway(
            one,
            find_kind(one.kind),
            secret_names=sorted(name for name, value in vault.open(one.secrets).items() if value),
            used_per_minute=used[one.id or 0],
        )
        for one in rows
    ]


def _checked(data: Mapping[str, Any]) -> _GatewayData:
    return check_settings(_GatewayData, dict(data), loc="")


def _check_channel(kind: GatewayKind, channel: str) -> None:
    if channel not in kind.channels:
        raise Invalid.field("channel", f"{kind.title} carries {' or '.join(kind.channels)}, not “{channel}”.")


def _free_name(session: Session, name: str, *, but: int | None) -> str:
    name = name.strip()
    if not name:
        raise Invalid.field("name", "A gateway needs a name.")
    taken = session.exec(select(Gateway.id).where(func.lower(Gateway.name) == name.lower(), Gateway.id != (but or 0)))
    if taken.first() is not None:
        raise Conflict(f"There is already a gateway called “{name}”. Choose another name.")
    return name


def _change_settings(row: Gateway, kind: GatewayKind, given: _GatewayData, *, vault: Vault) -> bool:
    """Put settings and secrets in; whether anything is different."""
    before = (row.settings, vault.open(row.secrets))
    settings, secrets = before
    if given.settings is not None:
        settings = check_settings(kind.settings, given.settings, loc="settings").model_dump(mode="json")
    if given.secrets is not None:
        secrets = _merged_secrets(kind, secrets, given.secrets)
    if (settings, secrets) == before:
        return False
    row.settings, row.secrets = settings, vault.seal(secrets) if secrets else ""
    row.tested_at, row.test_passed, row.test_steps = None, None, []
    return True


def _merged_secrets(kind: GatewayKind, before: dict[str, str], given: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**before, **{name: value or "" for name, value in given.items() if value != SET}}
    merged = {name: value for name, value in merged.items() if value}
    check_settings(kind.secrets, merged, loc="secrets")
    return merged


def _note(session: Session, row: Gateway, what: str, *, actor: Actor, now: datetime) -> None:
    data = {"gateway_id": row.id, "kind": row.kind, "what": what, "active": row.active}
    append_event(session, EventType.GATEWAY_CHANGED, now=now, actor=actor.name, data=data)
