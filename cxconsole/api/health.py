"""Whether the console lives, and whether it can work; for supervisors, without a key."""

import logging
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from cxconsole.bootstrap import Application
from models.migrate import is_migrated

log = logging.getLogger("cxconsole.api")

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """Alive."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Each thing that is needed to work, and whether it is there."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, Literal["ok", "failed"]]


@router.get("/healthz")
def check_health() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Something that is needed is missing."}})
def check_readiness(request: Request, response: Response) -> Readiness:
    """The database answers and its schema is the newest."""
    application: Application = request.app.state.application
    checks: dict[str, Literal["ok", "failed"]] = {"database": "failed", "schema": "failed"}
    try:
        migrated = is_migrated(application.database)
        checks = {"database": "ok", "schema": "ok" if migrated else "failed"}
    except SQLAlchemyError as error:
        log.warning("action=not_ready %s", type(error).__name__)
    ready = set(checks.values()) == {"ok"}
    response.status_code = 200 if ready else 503
    response.headers["Cache-Control"] = "no-store"
    return Readiness(status="ok" if ready else "unavailable", checks=checks)
