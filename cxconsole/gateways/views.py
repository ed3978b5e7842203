"""What others may see of a gateway: never a secret, everything else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cxconsole.gateways.kind import GatewayKind
from cxconsole.gateways.words import advice_of, badge_of, limits_as_list, limits_in_words
from models.gateway import Gateway

SET = "***"
"""What stands for a secret that is set."""


@dataclass(frozen=True, kw_only=True)
class TestStepView:
    """One step of the last test."""

    __test__ = False

    name: str
    ok: bool
    detail: str
    milliseconds: int
    warning: bool


@dataclass(frozen=True, kw_only=True)
class GatewayView:
    """A gateway as pages and API show it."""

    id: int
    name: str
    kind: str
    kind_title: str
    channel: str
    sandbox: bool
    settings: dict[str, Any]
    secrets: dict[str, str]  # the names of those that are set, each with "***"
    per_minute: int | None
    per_domain_per_minute: int | None
    limits_in_words: str
    limits: tuple[str, ...]
    active: bool
    badge: str  # off | stopped | failing | slowed | sandbox | healthy
    health: str
    health_error: str | None
    health_advice: str  # what goes on and what to do, when it is slowed or stopped
    health_since: datetime | None
    health_retry_at: datetime | None
    slowed_to_per_minute: int | None
    failures_in_a_row: int
    used_per_minute: int
    used_share: float | None  # of the limit that holds now; null without one
    tested_at: datetime | None
    test_passed: bool | None
    test_words: str  # Not tested | Passed | Passed, slow | Failed
    test_steps: tuple[TestStepView, ...]
    is_demo: bool
    version: int
    created_at: datetime
    updated_at: datetime


def view_gateway(row: Gateway, kind: GatewayKind, *, secret_names: list[str], used_per_minute: int) -> GatewayView:
    """The view of one row."""
    assert row.id is not None
    steps = tuple(
        TestStepView(
            name=one["name"], ok=one["ok"], detail=one.get("detail", ""), milliseconds=one.get("milliseconds", 0),
            warning=one.get("warning", False),
        )
        for one in row.test_steps
    )  # fmt: skip
    limit = min(filter(None, (row.per_minute, row.slowed_to_per_minute)), default=None)
    return GatewayView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        kind_title=kind.title,
        channel=row.channel,
        sandbox=kind.sandbox,
        settings=row.settings,
        secrets=dict.fromkeys(secret_names, SET),
        per_minute=row.per_minute,
        per_domain_per_minute=row.per_domain_per_minute,
        limits_in_words=limits_in_words(row, sandbox=kind.sandbox),
        limits=limits_as_list(row, row.settings),
        active=row.active,
        badge=badge_of(row, sandbox=kind.sandbox),
        health=row.health,
        health_error=row.health_error,
        health_advice=advice_of(row, row.settings),
        health_since=row.health_since,
        health_retry_at=row.health_retry_at,
        slowed_to_per_minute=row.slowed_to_per_minute,
        failures_in_a_row=row.failures_in_a_row,
        used_per_minute=used_per_minute,
        used_share=used_per_minute / limit if limit else None,
        tested_at=row.tested_at,
        test_passed=row.test_passed,
        test_words=_test_words(row.test_passed, steps),
        test_steps=steps,
        is_demo=row.is_demo,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _test_words(passed: bool | None, steps: tuple[TestStepView, ...]) -> str:
    if passed is None:
        return "Not tested"
    if not passed:
        return "Failed"
    return "Passed, slow" if any(one.warning for one in steps) else "Passed"
