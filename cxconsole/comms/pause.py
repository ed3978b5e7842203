"""The switch that holds everything: nothing leaves while it is on, and nothing is lost."""

from datetime import datetime

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.comms.gate import PAUSE_FLAG
from cxconsole.journey.tape import append_event
from models.event import EventType
from models.system import SystemFlag


def pause_sending(session: Session, *, actor: Actor, now: datetime) -> None:
    """Hold all sending, within 2 seconds. Publish topics.WORK and topics.CAMPAIGNS afterwards."""
    _switch(session, on=True, actor=actor, now=now)


def resume_sending(session: Session, *, actor: Actor, now: datetime) -> None:
    """Let everything go on where it stood."""
    _switch(session, on=False, actor=actor, now=now)


def is_sending_paused(session: Session) -> bool:
    """Whether somebody holds all sending."""
    flag = session.get(SystemFlag, PAUSE_FLAG)
    return flag is not None and flag.value not in ("", "0", "false")


def _switch(session: Session, *, on: bool, actor: Actor, now: datetime) -> None:
    actor.require("campaigns.publish")
    session.merge(SystemFlag(name=PAUSE_FLAG, value="1" if on else "", updated_at=now))
    append_event(session, EventType.SENDING_PAUSED if on else EventType.SENDING_RESUMED, now=now, actor=actor.name)
