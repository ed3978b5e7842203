"""Which rows of one batch are about the same person: those that share an e-mail, phone or customer id."""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cxconsole.audience.rows import ParsedRow
from models.person import IdentityKind

Node = TypeVar("Node", bound=Hashable)

FIRST_OF_KIND = (IdentityKind.EMAIL.value, IdentityKind.PHONE.value, IdentityKind.CUSTOMER_ID.value)


class Unions:
    """A union-find over whatever can be a key of a dict; its sets are found by their first member."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, node: Node) -> Node:
        """The member that stands for this node's set."""
        parent = self._parent
        root: Hashable = node
        while (above := parent.get(root, root)) != root:
            root = above
        here: Hashable = node
        while here != root:
            parent[here], here = root, parent.get(here, root)
        return root  # type: ignore[return-value]

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one set of two."""
        self._parent[self.find(other)] = self.find(one)


@dataclass(kw_only=True)
class Batch:
    """Rows grouped into persons. A group goes by the position of its first row."""

    groups: dict[int, ParsedRow]
    """The groups in order; a later row's values win over an earlier one's, its identities come on top."""
    group_of: Sequence[int]
    """For each row the group it went to."""
    first_row_of: dict[str, int]
    """For each identity the first row that names it; two batches with a key in common are about the same person."""

    @property
    def further_rows(self) -> int:
        """How many rows are about a person whom an earlier row named."""
        return len(self.group_of) - len(self.groups)

    def find_groups(self, keys: Mapping[str, int]) -> set[int]:
        """The groups that name one of these identities, the `first_row_of` of another batch."""
        return {self.group_of[self.first_row_of[key]] for key in self.first_row_of.keys() & keys.keys()}


def group_rows(rows: Sequence[ParsedRow]) -> Batch:
    """Find the persons of a batch."""
    owner: dict[str, int] = {}
    claim = owner.setdefault
    links: list[tuple[int, int]] = []
    for at, row in enumerate(rows):
        email, phone, customer_id = row[:3]
        # an e-mail holds an @ and a phone begins with +, so only customer ids need a mark of their own
        if email is not None and (first := claim(email, at)) != at:
            links.append((first, at))
        if phone is not None and (first := claim(phone, at)) != at:
            links.append((first, at))
        if customer_id is not None and (first := claim("\0" + customer_id, at)) != at:
            links.append((first, at))
        for kind, value in row.more_identities:
            key = "\0" + value if kind == IdentityKind.CUSTOMER_ID else value
            if (first := claim(key, at)) != at:
                links.append((first, at))
    groups = dict(enumerate(rows))
    if not links:
        return Batch(groups=groups, group_of=range(len(rows)), first_row_of=owner)
    unions = Unions()
    for first, at in links:
        unions.join(first, at)
    group_of = list(range(len(rows)))
    head_of: dict[int, int] = {}
    for at in sorted({at for link in links for at in link}):
        head = head_of.setdefault(unions.find(at), at)
        if head != at:
            groups[head] = fold(groups[head], groups.pop(at))
            group_of[at] = head
    return Batch(groups=groups, group_of=group_of, first_row_of=owner)


def fold(earlier: ParsedRow, later: ParsedRow) -> ParsedRow:
    """Two rows about one person as one row."""
    first = [mine if mine is not None else theirs for mine, theirs in zip(earlier[:3], later[:3], strict=True)]
    known = {*zip(FIRST_OF_KIND, first, strict=True), *earlier.more_identities}
    more = tuple(identity for identity in identities_of(later) if identity not in known)
    values = [mine if theirs is None else theirs for mine, theirs in zip(earlier[3:9], later[3:9], strict=True)]
    attributes = earlier.attributes
    if later.attributes != "{}" and later.attributes != attributes:
        attributes = json.dumps({**json.loads(attributes), **json.loads(later.attributes)})
    return ParsedRow(*first, *values, attributes, earlier.more_identities + more)  # type: ignore[call-arg]


def identities_of(row: ParsedRow) -> Iterable[tuple[str, str]]:
    """All (kind, value) of a row."""
    for kind, value in zip(FIRST_OF_KIND, row[:3], strict=True):
        if value is not None:
            yield kind, value
    yield from row.more_identities
