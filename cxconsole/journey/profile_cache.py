"""Built profiles, kept for a while in this process: nothing of a person is written anywhere else."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cxconsole.journey.aggregation import Outcome
from cxconsole.journey.reading import Place

MAX_AGE = timedelta(minutes=15)
MOST_VALUES = 1_000_000
"""So many values are kept, of all profiles together."""
_BASE_WEIGHT = 50

Key = tuple[str, datetime | None, int, int, str]
"""View, when it was made and its version, person, and what the events were searched for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a view came to. `newest` is the last event that was seen, by its own time."""

    outcomes: tuple[Outcome, ...]
    family: tuple[int, ...]
    newest: Place | None
    built_at: datetime

    @property
    def weight(self) -> int:
        """How many values it holds, and a bit."""
        return _BASE_WEIGHT + sum(len(one.values) + len(one.event_ids) for one in self.outcomes)


class ProfileCache:
    """The latest built profiles of one process. Safe to use from any thread."""

    def __init__(self, most_values: int = MOST_VALUES) -> None:
        self._most = most_values
        self._lock = threading.Lock()
        self._built: OrderedDict[Key, Built] = OrderedDict()
        self._of_person: dict[int, set[Key]] = {}
        self._weight = 0

    def find(self, key: Key, *, newest: Place | None, max_age: timedelta, now: datetime) -> Built | None:
        """What was built, if it is young enough and nothing has happened to the person since."""
        with self._lock:
            built = self._built.get(key)
            if built is None or built.newest != newest or now - built.built_at >= max_age:
                return None
            self._built.move_to_end(key)
            return built

    def keep(self, key: Key, built: Built) -> None:
        """Keep it; what was not asked for longest makes room."""
        with self._lock:
            self._drop([key] if key in self._built else [])
            self._built[key] = built
            self._weight += built.weight
            for person_id in built.family:
                self._of_person.setdefault(person_id, set()).add(key)
            while self._weight > self._most and len(self._built) > 1:
                self._drop([next(iter(self._built))])

    def forget(self, person_ids: Collection[int] | None) -> None:
        """These persons have moved, None is everybody: also an event that came late, behind the newest, counts."""
        with self._lock:
            if person_ids is None:
                person_ids = list(self._of_person)
            self._drop({key for person_id in person_ids for key in self._of_person.get(person_id, ())})

    def _drop(self, keys: Iterable[Key]) -> None:
        for key in keys:
            built = self._built.pop(key)
            self._weight -= built.weight
            for person_id in built.family:
                self._of_person[person_id].discard(key)
                if not self._of_person[person_id]:
                    del self._of_person[person_id]


__all__ = ["MAX_AGE", "Built", "ProfileCache"]
