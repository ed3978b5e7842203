"""What came along in a merge, as it is kept: keys and names of fields, never an address or a value of a person."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlmodel import Session, col

from cxconsole.audience.bulk import slices
from cxconsole.audience.merge_contacts import FoldedContact
from models.activity import Note, ScheduledActivity
from models.comm import CommDelivery
from models.contact import CampaignContact
from models.suppression import Suppression

FILLED = ("first_name", "last_name", "language", "time_zone", "preferred_channel", "external_ref")
"""Columns of a person that a merge fills where they are empty."""
MOVED: Mapping[str, Any] = {"suppressions": Suppression, "notes": Note, "activities": ScheduledActivity}
"""Rows that a person who goes brings along, each by the name of its list in a record."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Which values of the person who went filled a gap of the one who stayed.

    consents: of each channel whose answer was replaced, the one before, None when there was none.
    """

    fields: list[str]
    attributes: list[str]
    consents: dict[str, Any]
    labels: list[str]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """All that came along with one person, by key.

    identities: with whether each was used for sending. mentions: sources, with whether it was news to who stayed.
    deliveries: those that are of no contact, such as single messages; the others follow their contacts.
    """

    taken: Taken
    identities: list[tuple[int, bool]]
    contacts: list[int]
    folded: list[FoldedContact]
    mentions: list[tuple[int, bool]]
    deliveries: list[int]
    suppressions: list[int]
    notes: list[int]
    activities: list[int]

    def to_json(self) -> dict[str, Any]:
        """As kept with the merge."""
        kept = asdict(self)
        for one in kept["folded"]:
            one["row"] = {
                name: value.isoformat() if isinstance(value, datetime) else value for name, value in one["row"].items()
            }
        return kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Moved":
        """The one that was kept."""
        folded = [FoldedContact(**{**one, "row": _read_row(one["row"])}) for one in kept["folded"]]
        return cls(**{**kept, "taken": Taken(**kept["taken"]), "folded": folded})


def read_moved(session: Session, losers: Sequence[int]) -> dict[int, dict[str, list[int]]]:
    """What these persons will bring along besides identities, contacts and values; lists of keys by their names."""
    found = {loser: {name: [] for name in (*MOVED, "deliveries")} for loser in losers}
    orphans = ~exists().where(col(CampaignContact.id) == col(CommDelivery.contact_id))
    wanted = [(name, model, ()) for name, model in MOVED.items()]
    for name, model, more in (*wanted, ("deliveries", CommDelivery, (orphans,))):
        for ids in slices(losers):
            key, owner = col(model.id), col(model.person_id)
            these = select(owner, key).where(owner.in_(ids), *more).order_by(key)
            for loser, one in session.execute(these):
                found[loser][name].append(one)
    return found


def _read_row(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value is not None else value
        for name, value in kept.items()
    }
