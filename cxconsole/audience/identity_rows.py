"""The rows of a file of identities: two names of one person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cxconsole.audience.csv_format import Head
from cxconsole.audience.emails import normalise_email
from cxconsole.audience.problems import Problem
from cxconsole.audience.recognition import Name, read_name
from cxconsole.errors import Invalid
from cxconsole.journey.cloud_event import MAX_NAME
from models.person import IdentityKind

COLUMNS = ("identity", "alias", "kind")
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "identity": ("identity", "primary identity", "primary", "person", "customer", "customer id", "customer_id"),
    "alias": ("alias", "aliases", "other identity", "further identity", "also known as"),
    "kind": ("kind", "alias kind", "kind of alias", "type"),
}


class Pair(NamedTuple):
    """Two names of one person."""

    identity: Name
    alias: Name


@dataclass(frozen=True, kw_only=True)
class Places:
    """In which cell each of the columns stands."""

    identity: int
    alias: int
    kind: int | None = None

    def cells(self, row: Sequence[str]) -> list[str]:
        """Identity, alias and kind of a row, as they stand; what a guarded export put before them is taken off."""
        places = (self.identity, self.alias, self.kind)
        return ["" if at is None else row[at].strip().removeprefix("'") for at in places]


def find_places(head: Head) -> Places:
    """Which columns of the file are which, by their names. Raises Invalid."""
    names = [name.strip().lower() for name in head.format.headers]
    found = {
        column: next((names.index(name) for name in known if name in names), None) for column, known in _HEADERS.items()
    }
    if found["identity"] is not None and found["alias"] is not None:
        return Places(identity=found["identity"], alias=found["alias"], kind=found["kind"])
    raise Invalid("The file needs a column called identity and one called alias. Name them in the first row.")


def read_pair(cells: Sequence[str]) -> Pair | Problem:
    """The two names of a row, as they are stored, or what is wrong with them."""
    identity, alias, kind = cells
    for column, text in (("identity", identity), ("alias", alias)):
        if not text:
            return Problem(f"No {column}", "Fill both columns, or take the row out")
        if len(text) > MAX_NAME or not text.isprintable():
            return Problem(f"The {column} is no name", f"A name has 1 to {MAX_NAME} printable characters")
    other = _read_alias(alias, kind.lower().replace(" ", "_"))
    if isinstance(other, Problem):
        return other
    name = read_name(identity)
    if name == other:
        return Problem("Both names are the same", "Take the row out")
    return Pair(name, other)


def _read_alias(alias: str, kind: str) -> Name | Problem:
    name = read_name(alias)
    if not kind or kind == name.kind:
        return name
    if kind not in set(IdentityKind):
        return Problem(
            f"The kind “{kind[:40]}” is not known", f"Use one of {', '.join(IdentityKind)}, or leave it empty"
        )
    if kind == IdentityKind.EMAIL:
        email = normalise_email(alias)
        return email if isinstance(email, Problem) else Name(kind, email)
    if kind == IdentityKind.PHONE:
        return Problem("This is no phone number", "Write it with + and the country code, such as +46701442108")
    if kind == IdentityKind.TEMPORARY_ID:
        return Problem(
            "This is no id of a browser", "Write it as it came, such as anon-6f0c3ea4-3f6e-4a57-9a1d-6a1b2f5d7c11"
        )
    return Name(kind, alias)


__all__ = ["COLUMNS", "Pair", "Places", "find_places", "read_pair"]
