"""All that is known of where events come from, in one answer for the page that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.journey.personal_fields import load_personal
from cxconsole.journey.registry import TypeView, list_event_types
from cxconsole.journey.sources import SourceView, list_sources


@dataclass(frozen=True, kw_only=True)
class SourceOverview:
    """A source with what it has really sent, and which fields of each type are personal."""

    source: SourceView
    types: tuple[TypeView, ...]
    personal: Mapping[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        """Events in all."""
        return sum(one.count for one in self.types)

    @property
    def per_minute(self) -> int:
        """Events of a minute, now."""
        return sum(one.per_minute for one in self.types)

    @property
    def last_seen_at(self) -> datetime | None:
        """When an event of it last came."""
        return max((one.last_seen_at for one in self.types), default=None)


def read_sources(session: Session, *, actor: Actor, now: datetime) -> tuple[SourceOverview, ...]:
    """Every source, the one that sent last first."""
    by_source: dict[str, list[TypeView]] = {}
    for one in list_event_types(session, actor=actor, now=now):
        by_source.setdefault(one.source, []).append(one)
    personal: dict[str, dict[str, tuple[str, ...]]] = {}
    for (kind, source), paths in load_personal(session).items():
        personal.setdefault(source, {})[kind] = paths
    found = [
        SourceOverview(
            source=source, types=tuple(by_source.get(source.name, ())), personal=personal.get(source.name, {})
        )
        for source in list_sources(session, actor=actor)
    ]
    return tuple(sorted(found, key=lambda one: one.last_seen_at or one.source.first_seen_at, reverse=True))


__all__ = ["SourceOverview", "read_sources"]
