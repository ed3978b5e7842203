"""By which addresses and ids a person is known, as pages show it."""

from dataclasses import dataclass

from cxconsole.audience.people import PersonView
from state import format as show

_WORDS = {
    "email": "e-mail", "phone": "phone", "customer_id": "customer id", "temporary_id": "browser",
    "social_id": "social", "push": "push", "postal": "postal",
}  # fmt: skip


@dataclass(frozen=True)
class IdentityRow:
    """An address or name; `kind` chooses the icon, `word` says what it is."""

    kind: str
    value: str
    word: str


def identity_rows(person: PersonView) -> tuple[IdentityRow, ...]:
    """All of a person."""
    return tuple(
        IdentityRow(one.kind, show.address(one.value), _WORDS.get(one.kind, one.kind)) for one in person.identities
    )
