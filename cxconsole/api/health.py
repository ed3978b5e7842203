"""Whether the console lives, whether it can work, and its numbers; for supervisors, without a key."""

import logging
import shutil
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.bootstrap import Application
from cxconsole.campaigns.measures import read_measures
from cxconsole.jobs import engine_is_alive
from models.migrate import is_migrated

log = logging.getLogger("cxconsole.api")

router = APIRouter(tags=["operations"])

LEAST_DISK = 256 * 1024 * 1024
"""Bytes that must be free where the data is: an upload and a checkpoint of the database fit."""

Check = Literal["ok", "failed"]


class Health(BaseModel):
    """Alive."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Each thing that is needed to work, and whether it is there."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, Check]


@router.get("/healthz")
def check_health() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Something that is needed is missing."}})
def check_readiness(request: Request, response: Response) -> Readiness:
    """The database answers, its schema is the newest, an engine runs the jobs, and there is room on the disk."""
    application: Application = request.app.state.application
    found = _look(application)
    ready = all(found.values())
    response.status_code = 200 if ready else 503
    response.headers["Cache-Control"] = "no-store"
    checks: dict[str, Check] = {name: "ok" if good else "failed" for name, good in found.items()}
    return Readiness(status="ok" if ready else "unavailable", checks=checks)


@router.get("/metrics", responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}})
def show_metrics(request: Request) -> Response:
    """Contacts, deliveries, jobs, events and this process as Prometheus reads them: counts, of nobody in particular."""
    # here, because most consoles are never asked
    from cxconsole.api.metrics import CONTENT_TYPE, write_metrics

    application: Application = request.app.state.application
    with application.database.read() as session:
        measures = read_measures(session, actor=OPERATOR, now=clock.now())
    free = shutil.disk_usage(application.settings.data_dir).free
    text = write_metrics(measures, waiting=application.intake.waiting, free_bytes=free)
    return Response(text, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _look(application: Application) -> dict[str, bool]:
    found = {"database": False, "schema": False, "jobs": False}
    try:
        found = {"database": True, "schema": is_migrated(application.database), "jobs": False}
        if found["schema"]:
            with application.database.read() as session:
                found["jobs"] = engine_is_alive(session, now=clock.now())
    except SQLAlchemyError as error:
        log.warning("action=not_ready %s", type(error).__name__)
    folder = application.settings.data_dir
    return {**found, "disk": folder.is_dir() and shutil.disk_usage(folder).free >= LEAST_DISK}
