"""A merge is undone: what came along goes back, and the person lives again.

What happened while the two were one stays with who stayed: the Tape is not rewritten. What is gone since (an address
that was removed, a campaign that was deleted) does not come back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.counters import column_of, move_contacts
from cxconsole.audience.identity_changes import settle_primary
from cxconsole.audience.identity_lock import lock_identities
from cxconsole.audience.merge_contacts import FoldedContact
from cxconsole.audience.merge_records import FILLED, MOVED, Moved, Taken
from cxconsole.audience.people import PersonView, view_persons
from cxconsole.audience.search import queue_persons
from cxconsole.errors import Conflict, NotFound
from cxconsole.journey.recent import name_persons
from cxconsole.journey.tape import append_events
from cxconsole.journey.timeline import find_family
from models.campaign import Campaign
from models.comm import CommDelivery, CommRequest, DeliveryState
from models.contact import CampaignContact, ContactSource, ContactStatus, SourceMention
from models.event import EventType
from models.person import Identity, Person, PersonMerge

MOST = 50
_STOPPED = "its message was stopped when two customers were merged; try again to send it"


@dataclass(frozen=True, kw_only=True)
class MergeView:
    """One merge. `refusal` says why it cannot be undone any more; empty when it can.

    `merged` is what the person who went is called: by the name, or by an address that came along.
    """

    id: int
    person_id: int
    stayed: str
    merged_person_id: int
    merged: str
    identities: tuple[str, ...]
    actor: str
    merged_at: datetime
    undone_at: datetime | None
    undone_by: str | None
    refusal: str


def list_merges(session: Session, person_id: int, *, actor: Actor) -> tuple[MergeView, ...]:
    """The latest merges in which this person stayed or went, and those of who was merged before. Raises NotFound."""
    actor.require("persons.read")
    family = find_family(session, person_id)
    rows = session.execute(
        select(PersonMerge)
        .where(or_(col(PersonMerge.person_id).in_(family), col(PersonMerge.merged_person_id).in_(family)))
        .order_by(col(PersonMerge.id).desc())
        .limit(MOST)
    ).scalars()
    return _view(session, rows.all())


def undo_merge(session: Session, merge_id: int, *, actor: Actor, now: datetime) -> PersonView:
    """Give back what came along; the person who lives again. `campaigns.person_unmerging` then lets contacts go on.

    Raises NotFound, and Conflict for a merge that cannot be undone any more, or not while a message is sent.
    """
    actor.require("persons.edit")
    lock_identities(session)
    merge = session.get(PersonMerge, merge_id, with_for_update=True)
    if merge is None:
        raise NotFound(f"There is no merge {merge_id}.")
    stays, back = merge.person_id, merge.merged_person_id
    for one in sorted((stays, back)):
        session.get(Person, one, with_for_update=True)
    if refusal := _find_refusals(session, [merge])[merge_id]:
        raise Conflict(refusal)
    moved = Moved.from_json(merge.moved)
    _refuse_while_sending(session, moved)
    person, other = session.get_one(Person, stays), session.get_one(Person, back)
    _give_back_values(person, other, moved.taken)
    person.updated_at = other.updated_at = now
    other.merged_into = None
    session.flush()
    _give_back_identities(session, stays, back, moved)
    _give_back_contacts(session, stays, back, moved)
    for name, model in MOVED.items():
        session.execute(
            update(model)
            .where(col(model.id).in_(getattr(moved, name)), col(model.person_id) == stays)
            .values(person_id=back)
        )
    _give_back_mentions(session, stays, back, moved)
    merge.undone_at, merge.undone_by = now, actor.name
    session.flush()
    append_events(
        session,
        [
            {
                "type": EventType.PERSON_UNMERGED, "time": now, "actor": actor.name, "person_id": one,
                "data": {"merge_id": merge_id, "stayed_person_id": stays, "merged_person_id": back},
            }
            for one in (stays, back)
        ],
    )  # fmt: skip
    queue_persons(session, (stays, back))
    session.expire_all()
    return view_persons(session, [session.get_one(Person, back)])[0]


def _find_refusals(session: Session, merges: Sequence[PersonMerge]) -> dict[int, str]:
    """Why each of these merges cannot be undone; empty for one that can."""
    ids = sorted({one for merge in merges for one in (merge.person_id, merge.merged_person_id)})
    into = dict(session.execute(select(col(Person.id), col(Person.merged_into)).where(col(Person.id).in_(ids))).all())  # type: ignore[arg-type]
    borne: dict[int, set[int]] = {one: set() for one in ids}
    owned = select(col(Identity.person_id), col(Identity.id)).where(col(Identity.person_id).in_(ids))
    for person_id, key in session.execute(owned):
        borne[person_id].add(key)
    return {merge.id or 0: _refuse(merge, into, borne[merge.person_id]) for merge in merges}


def _refuse(merge: PersonMerge, into: Mapping[int, int | None], borne: set[int]) -> str:
    stays = merge.person_id
    if merge.undone_at is not None:
        return "This merge was undone already."
    if stays not in into or merge.merged_person_id not in into:
        return "One of the two was removed since."
    if into[stays] is not None:
        return f"Person {stays} was merged into person {into[stays]} since. Undo that merge first."
    came = {key for key, _ in Moved.from_json(merge.moved).identities}
    if not borne & came:
        return "None of the addresses and ids that came along is left, so nobody could be known by them again."
    if not borne - came:
        return f"Person {stays} would be left without any address or id. Add one first."
    return ""


def _refuse_while_sending(session: Session, moved: Moved) -> None:
    """Raise Conflict while a message of a folded contact is on the wire: its sender reports to the one it read."""
    keys = [key for folded in moved.folded for key in folded.deliveries]
    messages = select(col(CommDelivery.state)).where(col(CommDelivery.id).in_(keys)).order_by(col(CommDelivery.id))
    if DeliveryState.SENDING in session.execute(messages.with_for_update()).scalars().all():
        raise Conflict("A message to one of them is being sent right now. Try again in a moment.")


def _view(session: Session, rows: Sequence[PersonMerge]) -> tuple[MergeView, ...]:
    names = name_persons(session, sorted({key for one in rows for key in (one.person_id, one.merged_person_id)}))
    came = {one.id: [key for key, _ in Moved.from_json(one.moved).identities] for one in rows}
    wanted = sorted({key for keys in came.values() for key in keys})
    found = session.execute(select(col(Identity.id), col(Identity.value)).where(col(Identity.id).in_(wanted)))
    values = {key: value for key, value in found}  # noqa: C416 (a row is no pair for the type checker)
    refusals = _find_refusals(session, rows)
    views = []
    for one in rows:
        there = tuple(values[key] for key in came[one.id] if key in values)
        name = names.get(one.merged_person_id, "")
        is_named = name and name != f"Person {one.merged_person_id}"
        views.append(
            MergeView(
                id=one.id or 0, person_id=one.person_id, stayed=names.get(one.person_id, ""),
                merged_person_id=one.merged_person_id, merged=name if is_named or not there else there[0],
                identities=there, actor=one.actor, merged_at=one.merged_at, undone_at=one.undone_at,
                undone_by=one.undone_by, refusal=refusals[one.id or 0],
            )
        )  # fmt: skip
    return tuple(views)


def _give_back_values(person: Person, other: Person, taken: Taken) -> None:
    """Take out what came from the other one, where it is still as it came."""
    for name in FILLED:
        if name in taken.fields and getattr(person, name) == getattr(other, name):
            setattr(person, name, None)
    gone = {name for name in taken.attributes if person.attributes.get(name) == other.attributes.get(name)}
    person.attributes = {name: value for name, value in person.attributes.items() if name not in gone}
    consents = dict(person.consents)
    for channel, before in taken.consents.items():
        if consents.get(channel) == other.consents.get(channel):
            consents.pop(channel, None)
            if before is not None:
                consents[channel] = before
    person.consents = consents
    person.labels = [label for label in person.labels if label not in taken.labels]


def _give_back_identities(session: Session, stays: int, back: int, moved: Moved) -> None:
    for was_primary in (True, False):
        keys = [key for key, primary in moved.identities if primary == was_primary]
        session.execute(
            update(Identity)
            .where(col(Identity.id).in_(keys), col(Identity.person_id) == stays)
            .values(person_id=back, is_primary=was_primary)
        )
    session.expire_all()
    settle_primary(session, [stays, back])


def _give_back_contacts(session: Session, stays: int, back: int, moved: Moved) -> None:
    """Places go back with their messages; a place that gave way comes to be again."""
    there = col(CampaignContact.id).in_(moved.contacts), col(CampaignContact.person_id) == stays
    session.execute(update(CampaignContact).where(*there).values(person_id=back))
    for folded in moved.folded:
        _unfold(session, folded)
    for model in (CommDelivery, CommRequest):
        session.execute(update(model).where(col(model.contact_id).in_(moved.contacts)).values(person_id=back))
    single = col(CommDelivery.id).in_(moved.deliveries)
    requests = select(col(CommDelivery.request_id)).where(single)
    session.execute(update(CommRequest).where(col(CommRequest.id).in_(requests)).values(person_id=back))
    session.execute(update(CommDelivery).where(single).values(person_id=back))


def _unfold(session: Session, folded: FoldedContact) -> None:
    """The place that gave way, with its messages; nothing when its campaign is gone."""
    row = dict(folded.row)
    if session.get(Campaign, row["campaign_id"]) is None:
        return
    taken = session.execute(
        select(col(CampaignContact.id)).where(
            col(CampaignContact.campaign_id) == row["campaign_id"], col(CampaignContact.person_id) == row["person_id"]
        )
    ).scalar()
    if taken is None:
        if folded.is_stopped:  # its message will not leave by itself any more, and nobody is written to twice
            row.update(status=ContactStatus.FAILED, reason=_STOPPED, due_at=None)
        session.execute(insert(CampaignContact), [row])
        move_contacts(
            session, row["campaign_id"], Counter({"planned": 1, column_of(row["status"], row["hold_reason"]): 1})
        )
        source = col(ContactSource.id) == row["source_id"]
        session.execute(update(ContactSource).where(source).values(contacts=col(ContactSource.contacts) + 1))
        taken = row["id"]
    for model, keys in ((CommDelivery, folded.deliveries), (CommRequest, folded.requests)):
        session.execute(
            update(model).where(col(model.id).in_(keys)).values(contact_id=taken, person_id=row["person_id"])
        )


def _give_back_mentions(session: Session, stays: int, back: int, moved: Moved) -> None:
    came = [source_id for source_id, was_news in moved.mentions if was_news]
    session.execute(
        delete(SourceMention).where(col(SourceMention.person_id) == stays, col(SourceMention.source_id).in_(came))
    )
    there = select(col(ContactSource.id)).where(col(ContactSource.id).in_([one for one, _ in moved.mentions]))
    rows = [{"source_id": one, "person_id": back} for one in session.execute(there).scalars()]
    if rows:
        session.execute(insert(SourceMention), rows)


__all__ = ["MOST", "MergeView", "list_merges", "undo_merge"]
