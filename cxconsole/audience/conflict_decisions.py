"""What a person decides about an identity conflict: the two are one, are two, or the name belongs to the other one."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.identity_changes import has_identity, note_identities, settle_primary, unite_persons
from cxconsole.audience.identity_conflicts import ConflictDetail, find_open_between, get_conflict
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.errors import Conflict, Invalid
from cxconsole.journey.tape import append_events
from models.event import EventType
from models.journey import Decision, IdentityConflict
from models.person import Identity


def decide_conflict(
    session: Session,
    conflict_id: int,
    decision: str,
    *,
    primary_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> ConflictDetail:
    """Settle a conflict for good, and all others between the same two.

    `merged` makes them one: the primary, else the oldest, stays. `kept` leaves them two, and nobody is asked again.
    `moved` gives the name that both claim to the one who does not have it. The caller publishes TAPE, WORK and
    CAMPAIGNS. Raises NotFound, Invalid, and Conflict for one that is settled or cannot be settled so.
    """
    actor.require("persons.edit")
    if decision not in set(Decision):
        raise Invalid.field("decision", f"Choose one of {', '.join(Decision)}.")
    lock_identities(session)
    found = get_conflict(session, conflict_id, actor=actor)
    if found.conflict.decision is not None:
        raise Conflict(f"This conflict is settled already: {found.conflict.decision}.")
    if not found.sides and decision != Decision.KEPT:
        raise Conflict("One of the two was removed. Keep them apart, and the question is gone.")
    between = find_open_between(session, found.conflict.person_id, found.conflict.other_person_id)
    if decision == Decision.MERGED:
        ids = [side.person.id for side in found.sides]
        if primary_id is not None and primary_id not in ids:
            raise Invalid.field("primary_id", "The primary is one of the two.")
        unite_persons(session, ids, primary_id=primary_id, actor=actor, now=now)  # which settles the conflict
    elif decision == Decision.MOVED:
        _move_identity(session, found, actor=actor, now=now)
    session.execute(
        update(IdentityConflict)
        .where(col(IdentityConflict.id).in_([conflict_id, *between]), col(IdentityConflict.decided_at).is_(None))
        .values(decision=decision, decided_at=now, decided_by=actor.name)
    )
    data = {"conflict_id": conflict_id, "decision": decision}
    append_events(
        session,
        [
            {"type": EventType.CONFLICT_DECIDED, "time": now, "actor": actor.name, "person_id": one, "data": data}
            for one in (found.conflict.person_id, found.conflict.other_person_id)
        ],
    )
    session.expire_all()
    return get_conflict(session, conflict_id, actor=actor)


def _move_identity(session: Session, found: ConflictDetail, *, actor: Actor, now: datetime) -> None:
    row = session.get_one(IdentityConflict, found.conflict.id)
    identity = session.get(Identity, row.identity_id)
    ids = [side.person.id for side in found.sides]
    if identity is None or identity.person_id not in ids:
        raise Conflict("Neither of the two has this name any more. Merge them, or keep them apart.")
    before = identity.person_id
    after = next(one for one in ids if one != before)
    identity.person_id, identity.is_primary = after, False
    session.flush()
    if not has_identity(session, before):
        raise Conflict("This is the only name of that person, so nobody would be left. Merge the two instead.")
    settle_primary(session, ids)
    for one in ids:
        note_identities(session, one, [identity.kind], actor=actor, now=now)


__all__ = ["decide_conflict"]
