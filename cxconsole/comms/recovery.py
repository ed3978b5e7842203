"""After a crash: what was on the wire goes again, flagged, because it may have arrived already."""

import hashlib
import os
import socket
import uuid
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlmodel import Session

from cxconsole.comms.outbox import OPEN_STATES
from cxconsole.driver import Driver
from cxconsole.journey.tape import append_rows
from models.comm import DeliveryState
from models.event import EventType


@cache
def _place() -> str:
    """This boot of this machine, and this container of it: process ids mean nothing elsewhere."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        names = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot, names = socket.gethostname(), ""
    return hashlib.sha256(f"{boot}{names}".encode()).hexdigest()[:12]


def owner_of_this_process() -> str:
    """The name a sender writes into its leases: where it runs, its process, and which of its senders."""
    return f"{_place()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def is_dead(owner: str) -> bool:
    """Whether that sender's process certainly is gone. In doubt it is not, and its leases run out by themselves."""
    place, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if place != _place() or not pid.isdigit() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def has_lost(session: Session, now: datetime) -> bool:
    """Whether `recover_deliveries` would find anything."""
    driver = Driver(session)
    lost = driver.run(
        f"SELECT 1 FROM comm_delivery WHERE {OPEN_STATES} AND state = 'sending' "  # noqa: S608
        f"AND (lease_until < ? OR lease_until IS NULL OR lease_owner {driver.among_texts}) LIMIT 1",
        now, _dead_owners(driver),
    )  # fmt: skip
    return lost.first() is not None


def _dead_owners(driver: Driver) -> list[str]:
    owners = driver.run(
        f"SELECT DISTINCT lease_owner FROM comm_delivery WHERE {OPEN_STATES} AND state = 'sending'"  # noqa: S608
    )
    return [row[0] for row in owners if row[0] and is_dead(row[0])]


def recover_deliveries(session: Session, *, now: datetime, limit: int) -> int:
    """The job: messages marked `sending` whose sender is dead, or silent past its lease, are made ready again."""
    driver = Driver(session)
    found = driver.run(
        f"SELECT id, person_id, campaign_id, contact_id FROM comm_delivery WHERE {OPEN_STATES} "  # noqa: S608
        f"AND state = 'sending' AND (lease_until < ? OR lease_until IS NULL OR lease_owner {driver.among_texts}) "
        f"ORDER BY id LIMIT ? {driver.for_update} {driver.skip_locked}",
        now, _dead_owners(driver), limit,
    ).all()  # fmt: skip
    if not found:
        return 0
    driver.run(
        "UPDATE comm_delivery SET state = ?, possible_duplicate = ?, lease_owner = NULL, lease_until = NULL "  # noqa: S608
        f"WHERE id {driver.among_ids}",
        DeliveryState.AWAITING_DISTRIBUTION.value, True, [row[0] for row in found],
    )  # fmt: skip
    data = {"reason": "the sender stopped while this was on the wire", "possible_duplicate": True}
    append_rows(
        session,
        [
            (EventType.COMM_RETRIED, person, campaign, contact, delivery, data)
            for delivery, person, campaign, contact in found
        ],
        now=now,
    )
    return len(found)


__all__ = ["has_lost", "is_dead", "owner_of_this_process", "recover_deliveries"]
