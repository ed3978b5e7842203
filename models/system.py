"""The small tables of the console itself."""

from datetime import datetime
from typing import Any

from sqlmodel import Field

from models.base import Table, at_field, json_field


class ApiKey(Table, table=True):
    """A key of another system. Only a hash is kept; `prefix` lets a person recognise it."""

    __tablename__ = "api_key"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    prefix: str
    key_hash: str = Field(unique=True, index=True)
    scopes: list[str] = json_field(list)
    expires_at: datetime | None = at_field(nullable=True)
    revoked_at: datetime | None = at_field(nullable=True)
    last_used_at: datetime | None = at_field(nullable=True)
    created_at: datetime = at_field()


class App(Table, table=True):
    """A system or page that signs its own tokens for the journey contract, with a secret of ours."""

    __tablename__ = "app"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, index=True)  # also the name of its key in a token
    secret: str  # sealed by the vault
    services: dict[str, str] = json_field()  # service -> r, w or rw; what a token may claim at most
    attributes: dict[str, Any] = json_field()
    created_at: datetime = at_field()
    key_changed_at: datetime = at_field()


class IdempotencyRecord(Table, table=True):
    """The answer to a POST with an Idempotency-Key, replayed for 24 hours."""

    __tablename__ = "idempotency_record"

    key: str = Field(primary_key=True)  # "<actor>:<Idempotency-Key>"
    fingerprint: str  # of method, path and body
    status: int | None = None  # null while the first still runs
    body: dict[str, Any] = json_field()
    created_at: datetime = at_field(index=True)


class JobRun(Table, table=True):
    """How each job fares: one row a job."""

    __tablename__ = "job_run"

    name: str = Field(primary_key=True)
    paused: bool = False
    last_run_at: datetime | None = at_field(nullable=True)
    last_count: int = 0
    runs: int = 0
    errors: int = 0
    last_error: str | None = None


class SystemFlag(Table, table=True):
    """What the whole console knows of itself: `sending_paused`, `demo_seeded`, `key_proof`, `engine_beat`."""

    __tablename__ = "system_flag"

    name: str = Field(primary_key=True)
    value: str = ""
    updated_at: datetime = at_field()


__all__ = ["ApiKey", "App", "IdempotencyRecord", "JobRun", "SystemFlag"]
