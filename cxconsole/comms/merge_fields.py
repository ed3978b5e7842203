"""The fields that a template can name: what the picker offers, and what one person has.

Known columns win over attributes of the same name; an empty value is left out, so that it counts as missing.
"""

import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from cxconsole.accounts.actor import Actor
from cxconsole.journey.profiles import list_profile_names
from models.contact import CampaignContact
from models.person import Identity, IdentityKind, Person

PERSON_COLUMNS = ("first_name", "last_name", "language", "time_zone", "preferred_channel", "external_ref")
ADDRESSES = (IdentityKind.EMAIL, IdentityKind.PHONE, IdentityKind.CUSTOMER_ID)
SAMPLE = 400
_TITLES = {
    "first_name": "First name", "last_name": "Last name", "email": "E-mail", "phone": "Phone",
    "customer_id": "Customer id", "language": "Language", "time_zone": "Time zone",
    "preferred_channel": "Preferred channel", "external_ref": "External reference",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]\w*", re.ASCII)
_RESERVED = frozenset(
    {"true", "false", "none", "True", "False", "None", "person", "campaign", "profile", "range", "loop"}
)


@dataclass(frozen=True, kw_only=True)
class MergeField:
    """One field of the picker. `expression` is what goes between the braces; `filled` is the share that has a value."""

    name: str
    title: str
    group: str  # person | attribute | profile | message
    expression: str
    sample: str
    filled: float


def list_merge_fields(session: Session, *, campaign_id: int | None = None, actor: Actor) -> list[MergeField]:
    """Person's columns, the attributes that are really there, and the message's own fields.

    Looked at are up to 400 persons, the first and the last of the campaign (or of all): a million cost no more.
    """
    actor.require("templates.read")
    samples = list(load_fields(session, sample_persons(session, campaign_id)).values())
    filled: Counter[str] = Counter(name for fields in samples for name in fields)
    first: dict[str, Any] = {}
    for fields in samples:
        for name, value in fields.items():
            first.setdefault(name, value)

    def field(name: str, group: str) -> MergeField:
        share = filled[name] / len(samples) if samples else 0.0
        sample = str(first.get(name, ""))[:80]
        title = _TITLES.get(name, name)
        return MergeField(
            name=name, title=title, group=group, expression=express(name, required=share == 1), sample=sample,
            filled=share,
        )  # fmt: skip

    attributes = sorted(filled.keys() - _TITLES.keys(), key=lambda name: (-filled[name], name.lower()))
    message = [
        MergeField(
            name=name, title=title, group="message", expression=name, sample="", filled=1.0
        )
        for name, title in (
            ("unsubscribe_url", "Link to unsubscribe"), ("campaign.name", "Name of the campaign"),
            ("campaign.id", "Id of the campaign"),
        )
    ]  # fmt: skip
    return [
        *(field(name, "person") for name in _TITLES),
        *(field(name, "attribute") for name in attributes[:200]),
        *_list_profile_fields(session, actor),
        *message,
    ]


def _list_profile_fields(session: Session, actor: Actor) -> list[MergeField]:
    """Attributes of profile views; what each person has of them is not looked up for the picker."""
    return [
        MergeField(
            name=f"profile.{key}", title=one.name, group="profile", sample=one.name, filled=0.0,
            expression=f"{_express_profile(key)} | default('')",
        )
        for key, one in list_profile_names(session, actor=actor).items()
    ]  # fmt: skip


def _express_profile(key: str) -> str:
    return f"profile.{key}" if _WORD.fullmatch(key) and not keyword.iskeyword(key) else f"profile['{key}']"


def express(name: str, *, required: bool = False) -> str:
    """How a template writes the field; with an empty fall-back unless everyone has it."""
    plain = _WORD.fullmatch(name) and not keyword.iskeyword(name) and name not in _RESERVED
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    expression = name if plain else f"person['{quoted}']"
    return expression if required else f"{expression} | default('')"


def sample_persons(session: Session, campaign_id: int | None, *, size: int = SAMPLE) -> list[int]:
    """Ids of the first and the last persons of a campaign, or of all: two reads of an index, whatever the size."""
    if campaign_id is None:
        key, statement = col(Person.id), select(Person.id).where(col(Person.merged_into).is_(None))
    else:
        # by person, along the unique index over campaign and person
        key = col(CampaignContact.person_id)
        statement = select(CampaignContact.person_id).where(CampaignContact.campaign_id == campaign_id)
    first = session.exec(statement.order_by(key).limit(size // 2)).all()
    last = session.exec(statement.order_by(key.desc()).limit(size // 2)).all()
    return sorted({one for one in (*first, *last) if one is not None})


def load_fields(session: Session, person_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The fields of each of these persons, as the engine merges them."""
    persons = session.exec(select(Person).where(col(Person.id).in_(person_ids))).all()
    rows = session.exec(
        select(Identity)
        .where(col(Identity.person_id).in_(person_ids))
        .order_by(col(Identity.is_primary), col(Identity.id))
    )
    addresses: dict[int, dict[str, str]] = defaultdict(dict)
    for row in rows:  # the primary one of a kind comes last and stays
        addresses[row.person_id][row.kind] = row.value
    found: dict[int, dict[str, Any]] = {}
    for person in persons:
        own = addresses[person.id or 0]
        values = {
            **person.attributes,
            **{name: value for name in PERSON_COLUMNS if (value := getattr(person, name))},
            **{kind.value: own[kind] for kind in ADDRESSES if kind in own},
        }
        found[person.id or 0] = {name: value for name, value in values.items() if value not in (None, "")}
    return found
