"""Who may see which attribute of a profile, and what of the events behind it.

An attribute in a compartment is for whoever has the right `profile.<compartment>`. What one view keeps to a compartment
nobody else reads by another way: neither by a view of their own nor in the events themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxconsole.accounts.actor import Actor
from cxconsole.errors import Forbidden
from cxconsole.journey.attributes import Attribute, fits
from cxconsole.journey.filtering import Filter, paths_in


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """A field of some events that the actor may not see."""

    event: str
    steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What is kept from one actor."""

    actor: Actor
    fields: tuple[Guarded, ...]

    def hides(self, one: Attribute) -> bool:
        """Whether the attribute must be left out."""
        if one.compartment and not self.actor.may(f"profile.{one.compartment}"):
            return True
        steps = _plain(one.steps)
        return any(_meet(field.steps, steps) and _overlap(field.event, one.event) for field in self.fields)

    def strip(self, event_type: str, data: Mapping[str, Any]) -> Any:
        """The data of an event without what is kept from the actor."""
        kept: Any = data
        for field in self.fields:
            if fits(field.event, event_type):
                kept = _without(kept, field.steps)
        return kept

    def check_filter(self, tree: Filter) -> None:
        """Raise Forbidden for a filter that asks for what is kept from the actor."""
        for path in paths_in(tree):
            self.check_path(path)

    def check_path(self, path: Sequence[str]) -> None:
        """The same for a search in one field."""
        if any(_meet(field.steps, tuple(path)) for field in self.fields):
            raise Forbidden(f"This looks at data/{'/'.join(path)}, which {self.actor.name} may not see.")


def make_guard(actor: Actor, attributes: Iterable[Attribute]) -> Guard:
    """What these attributes, of all views, keep from the actor."""
    hidden = [one for one in attributes if one.compartment and not actor.may(f"profile.{one.compartment}")]
    fields = [Guarded(event=one.event, steps=_plain(one.steps)) for one in hidden if one.path]
    return Guard(actor=actor, fields=tuple(dict.fromkeys(fields)))


def may_see_view(actor: Actor, roles: Sequence[str]) -> bool:
    """Whether a view with these roles is for the actor at all."""
    return not roles or any(actor.may(f"profile.{role}") for role in roles)


def _plain(steps: Sequence[str]) -> tuple[str, ...]:
    return tuple(step.removesuffix("[]") for step in steps)


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one path is the other, or leads to it."""
    shorter = min(len(one), len(other))
    return shorter > 0 and one[:shorter] == other[:shorter]


def _overlap(one: str, other: str) -> bool:
    """Whether there can be an event that both patterns mean."""
    stems = [pattern.removesuffix("/*") for pattern in (one, other)]
    return fits(one, stems[1]) or fits(other, stems[0])


def _without(value: Any, steps: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_without(one, steps) for one in value]
    if not isinstance(value, Mapping) or steps[0] not in value:
        return value
    if len(steps) == 1:
        return {name: one for name, one in value.items() if name != steps[0]}
    return {name: _without(one, steps[1:]) if name == steps[0] else one for name, one in value.items()}


__all__ = ["Guard", "make_guard", "may_see_view"]
