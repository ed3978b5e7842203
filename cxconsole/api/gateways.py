"""Gateways: the configured ways out. Secrets go in and never come out."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from cxconsole.api.call import MAX_SMALL_KEY, Body, Caller, Listing, Pages, Search, parse_key
from cxconsole.api.route import ApiRoute
from cxconsole.api.views import View
from cxconsole.gateways import testing
from cxconsole.gateways.service import create_gateway, delete_gateway, get_gateway, list_gateways, update_gateway
from cxconsole.gateways.views import GatewayView
from cxconsole.signals import topics
from models.gateway import GatewayHealth

router = APIRouter(prefix="/gateways", tags=["gateways"], route_class=ApiRoute)


class GatewayLimits(Body):
    """Rolling limits; null is none."""

    per_minute: int | None = None
    per_domain_per_minute: int | None = None


class GatewayPatch(Body):
    """What is to change. `settings` are replaced as a whole; a secret given as `***` stays, one given as null goes."""

    name: str | None = None
    kind: str | None = None
    channel: str | None = None
    settings: dict[str, Any] | None = None
    secrets: dict[str, str | None] | None = None
    limits: GatewayLimits | None = None
    active: bool | None = None


class NewGateway(GatewayPatch):
    """A way out. Which `settings` and `secrets` there are depends on the kind; see docs/gateways.md."""

    name: str = Field(examples=["Main SMTP"])
    kind: str = Field(examples=["smtp"])


class HealthReading(BaseModel):
    """`ok`, `degraded` (asked to slow down) or `open` (stopped after repeated failure)."""

    state: GatewayHealth
    error: str | None
    since: datetime | None


class LimitsReading(BaseModel):
    """Rolling limits; null is none."""

    per_minute: int | None
    per_domain_per_minute: int | None


class GatewayReading(BaseModel):
    """A gateway; each secret that is set is shown as `***`."""

    id: str
    name: str
    kind: str
    channel: str
    settings: dict[str, Any]
    secrets: dict[str, str]
    limits: LimitsReading
    active: bool
    health: HealthReading

    @classmethod
    def of(cls, one: GatewayView) -> "GatewayReading":
        """From what the service says."""
        return cls(
            id=str(one.id),
            name=one.name,
            kind=one.kind,
            channel=one.channel,
            settings=one.settings,
            secrets=one.secrets,
            limits=LimitsReading(per_minute=one.per_minute, per_domain_per_minute=one.per_domain_per_minute),
            active=one.active,
            health=HealthReading(state=GatewayHealth(one.health), error=one.health_error, since=one.health_since),
        )


class GatewayTest(Body):
    """With a target, a real message is sent to it as the last step."""

    target: str | None = Field(None, max_length=320)


class TestStepReading(View):
    """One step on the way to a delivery: what was found, or what failed, why, and how to mend it."""

    name: str
    ok: bool
    detail: str
    milliseconds: int


class TestReading(BaseModel):
    """What the test found; it stops at the first step that fails."""

    passed: bool
    steps: list[TestStepReading]


@router.get("")
def list_all(
    call: Caller,
    pages: Pages,
    q: Search = "",
    sort: Annotated[str, Query(description="channel, name, id or created_at; - in front turns it round.")] = "channel",
) -> Listing[GatewayReading]:
    """List the gateways, by channel and name; `q` is a part of the name."""
    with call.read() as session:
        found = list_gateways(session, vault=call.application.vault, actor=call.actor, now=call.now, q=q, sort=sort)
    return pages.listing_all(found, GatewayReading.of)


@router.post("", status_code=201)
def create(call: Caller, body: NewGateway, response: Response) -> GatewayReading:
    """Add a gateway."""
    with call.write() as session:
        made = create_gateway(session, body.given(), vault=call.application.vault, actor=call.actor, now=call.now)
    call.publish(topics.GATEWAYS)
    response.headers["Location"] = f"/api/v1/gateways/{made.id}"
    return GatewayReading.of(made)


@router.get("/{gateway_id}")
def get_one(call: Caller, gateway_id: str) -> GatewayReading:
    """Read one gateway."""
    with call.read() as session:
        found = get_gateway(session, _key(gateway_id), vault=call.application.vault, actor=call.actor, now=call.now)
    return GatewayReading.of(found)


@router.patch("/{gateway_id}")
def change(call: Caller, gateway_id: str, body: GatewayPatch) -> GatewayReading:
    """Change a gateway."""
    with call.write() as session:
        changed = update_gateway(
            session, _key(gateway_id), body.given(), version=None, vault=call.application.vault, actor=call.actor,
            now=call.now,
        )  # fmt: skip
    call.publish(topics.GATEWAYS, topics.WORK)
    return GatewayReading.of(changed)


@router.delete("/{gateway_id}", status_code=204)
def delete(call: Caller, gateway_id: str) -> None:
    """Delete a gateway that no published campaign sends through."""
    with call.write() as session:
        delete_gateway(session, _key(gateway_id), actor=call.actor, now=call.now)
    call.publish(topics.GATEWAYS)


@router.post("/{gateway_id}/test")
async def test(call: Caller, gateway_id: str, body: GatewayTest | None = None) -> TestReading:
    """Try each step on the way to a delivery, and keep what was found; takes 90 seconds at most."""
    target = body.target if body else None
    steps = await testing.test_gateway(call.application, _key(gateway_id), target, actor=call.actor, now=call.now)
    return TestReading(
        passed=bool(steps) and all(one.ok for one in steps), steps=[TestStepReading.of(one) for one in steps]
    )


def _key(gateway_id: str) -> int:
    return parse_key(gateway_id, "gateway", most=MAX_SMALL_KEY)
