"""The command with which another system adds contacts to a campaign, made from the campaign's own fields."""

import json
import shlex
from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from cxconsole.accounts.actor import Actor
from cxconsole.audience.rows import IDENTITY_COLUMNS, PERSON_COLUMNS
from models.campaign import campaign_code
from models.contact import CampaignContact
from models.person import Identity, Person

_SAMPLE = 20

_SAMPLES = {
    "email": "ada@customer.example",
    "phone": "+14155550123",
    "customer_id": "C-1001",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "language": "en",
    "time_zone": "Europe/London",
    "preferred_channel": "email",
    "external_ref": "crm-1001",
}


def contacts_endpoint(campaign_id: int, base_url: str) -> str:
    """Where contacts of this campaign are posted to."""
    return f"{base_url.rstrip('/')}/api/v1/campaigns/{campaign_code(campaign_id)}/contacts"


def curl_example(campaign_id: int, attributes: Sequence[str], base_url: str, key_hint: str) -> str:
    """A curl command that adds one contact; safe to paste into a shell whatever the names contain.

    `attributes` are names of columns and attributes the campaign's templates use; an identity is
    always among the fields. `key_hint` stands for the key: `$CXCONSOLE_API_KEY`, or the key itself once.
    """
    names = list(dict.fromkeys(attributes))
    if not any(name in names for name in ("email", "phone", "customer_id")):
        names.insert(0, "email")
    row = {name: _SAMPLES.get(name, f"<{name}>") for name in names}
    body = json.dumps([row], ensure_ascii=False, indent=2)
    return " \\\n  ".join(
        [
            f"curl -X POST {shlex.quote(contacts_endpoint(campaign_id, base_url))}",
            f'-H "Authorization: Bearer {_in_double_quotes(key_hint)}"',
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(body)}",
        ]
    )


def _in_double_quotes(hint: str) -> str:
    """The hint with only a leading variable left to the shell."""
    variable = hint.startswith("$") and hint[1:].isidentifier()
    return hint if variable else "".join(f"\\{one}" if one in '"\\$`' else one for one in hint)


def sample_field_names(session: Session, campaign_id: int, *, actor: Actor) -> list[str]:
    """The columns and attributes that this campaign's newest contacts have: the fields of its own example."""
    actor.require("contacts.read")
    newest = select(CampaignContact.person_id).where(col(CampaignContact.campaign_id) == campaign_id)  # type: ignore[call-overload]
    ids = session.scalars(newest.order_by(col(CampaignContact.id).desc()).limit(_SAMPLE)).all()
    persons = session.scalars(select(Person).where(col(Person.id).in_(ids))).all()
    kinds = set(session.scalars(select(Identity.kind).where(col(Identity.person_id).in_(ids)).distinct()))  # type: ignore[call-overload]
    columns = [name for name in PERSON_COLUMNS if any(getattr(one, name) for one in persons)]
    attributes = sorted({name for one in persons for name in one.attributes})
    return [*(kind for kind in IDENTITY_COLUMNS if kind in kinds), *columns, *attributes[:6]]
