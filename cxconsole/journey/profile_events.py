"""The events of persons as profiles need them: the wanted fields of the wanted types, in blocks, newest first.

The database takes the fields out of the data and hands over whole columns, each as one document. To read the rows
and take them apart in Python costs several times as much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_core import from_json
from sqlmodel import Session

from cxconsole.driver import Driver
from cxconsole.journey.aggregation import Block, Outcome, Pass, Path, root_of
from cxconsole.journey.attributes import Attribute
from cxconsole.journey.deadline import deadline
from cxconsole.journey.personal import SEALED, open_documents
from cxconsole.journey.reading import Place

FIRST_BLOCK = 256
"""Most attributes want the last few events; who wants more waits little longer for it."""
LARGEST_BLOCK = 16_384
MOST_EVENTS = 100_000
"""So many events of a person are looked through, at most."""
_GROWTH = 8
_SECONDS = 5.0
_PERSONS_AT_ONCE = 40
_MOST_PARTS = 40

Condition = tuple[str, list[Any]]
"""A further condition on `event`, with its parameters."""


@dataclass(kw_only=True)
class _Walk:
    """Where one person's pass has come to."""

    family: Sequence[int]
    work: Pass
    before: Place | None = None
    seen: int = 0
    is_over: bool = False


@dataclass(kw_only=True)
class _Ask:
    """One statement for some persons: what is read of each."""

    attributes: list[Attribute]
    now: datetime
    size: int
    condition: Condition
    paths: list[Path] = field(init=False)
    moments: list[datetime] = field(init=False)
    events: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.paths = sorted({root for one in self.attributes if (root := root_of(one))})
        self.moments = sorted({since for one in self.attributes if (since := one.since(self.now)) is not None})
        self.events = sorted({one.event for one in self.attributes})

    @property
    def floor(self) -> datetime | None:
        """Before that nothing is wanted, if there is such a moment."""
        whole = any(one.since(self.now) is None for one in self.attributes)
        return None if whole or not self.moments else self.moments[0]


def compute_outcomes(
    session: Session,
    families: Mapping[int, Sequence[int]],
    attributes: Sequence[Attribute],
    *,
    now: datetime,
    condition: Condition = ("", []),
    most: int = MOST_EVENTS,
) -> dict[int, tuple[Outcome, ...]]:
    """What the attributes come to for each person, given all ids under which the person has events.

    At most so many events of each are looked through. Raises TooSlow when one statement takes longer than five seconds.
    """
    walks = {person_id: _Walk(family=family, work=Pass(attributes, now)) for person_id, family in families.items()}
    size = FIRST_BLOCK
    while going := [one for one in walks.values() if one.seen < most and not one.is_over and one.work.wanted]:
        for start in range(0, len(going), _PERSONS_AT_ONCE):
            with deadline(session, _SECONDS):
                _step(session, going[start : start + _PERSONS_AT_ONCE], now, size, condition)
        size = min(size * _GROWTH, LARGEST_BLOCK)
    return {person_id: one.work.outcomes() for person_id, one in walks.items()}


def _step(session: Session, walks: Sequence[_Walk], now: datetime, size: int, condition: Condition) -> None:
    """The next block of each, with one statement."""
    driver = Driver(session)
    wanted = list({id(one): one for walk in walks for one in walk.work.wanted}.values())
    ask = _Ask(attributes=wanted, now=now, size=size, condition=condition)
    parts = [_say_part(driver, ask, place, walk) for place, walk in enumerate(walks)]
    found = driver.run(" UNION ALL ".join(sql for sql, _ in parts), *(one for _, values in parts for one in values))
    last_of: dict[int, _Walk] = {}
    for place, *columns in found:
        walk = walks[place]
        block = _read_block(session, driver, ask, columns)
        walk.work.take(block)
        walk.seen += len(block.ids)
        walk.is_over = len(block.ids) < size
        if not walk.is_over:
            last_of[block.ids[-1]] = walk
    if last_of:
        sql = f"SELECT id, time FROM event WHERE id {driver.among_ids}"  # noqa: S608
        for key, time in driver.run(sql, list(last_of)):
            last_of[key].before = Place(driver.moment(time), key)  # type: ignore[arg-type]


def _say_part(driver: Driver, ask: _Ask, place: int, walk: _Walk) -> tuple[str, list[Any]]:
    """One row with all columns of one person's block."""
    if driver.sqlite:
        columns = ["json_group_array(id)", "json_group_array(type)"]
        columns += ["coalesce(sum(time >= ?), 0)"] * len(ask.moments)
        columns += ["group_concat(substr(v, 2, length(v) - 2))"] * bool(ask.paths)
        paths = _sqlite_paths(ask)
        taken = f"json_extract(data, {', '.join('?' * len(paths))}) AS v" if paths else "1"
        rows, values = _say_rows(driver, ask, walk, taken, paths)
        number, given = "?", [place, *ask.moments, *values]
    else:
        columns = ["array_agg(id)", "array_agg(type)"]
        columns += ["count(*) FILTER (WHERE time >= ?)"] * len(ask.moments)
        columns += [f"string_agg(coalesce(v{at}, 'null'), ',')" for at in range(len(ask.paths))]
        # taken out before the rows are put in order, so that what is put in order is short
        taken = [f"(data #> ?::text[])::text AS v{at}" for at in range(len(ask.paths))]
        rows, values = _say_rows(driver, ask, walk, ", ".join(taken) or "1", [list(path) for path in ask.paths])
        number, given = "?::int", [place, *ask.moments, *values]
    return f"SELECT {number}, {', '.join(columns)} FROM ({rows}) AS part{place}", given  # noqa: S608


def _sqlite_paths(ask: _Ask) -> list[str]:
    """All paths for one call, which reads the document once; of a path alone it would make no document."""
    paths = ["$" + "".join(f'."{name}"' for name in path) for path in ask.paths]
    return [*paths, *paths[:1]]


def _say_rows(driver: Driver, ask: _Ask, walk: _Walk, taken: str, paths: Sequence[Any]) -> tuple[str, list[Any]]:
    """The newest rows of one person, with what is taken out of each."""
    where, values = _say_where(ask, walk.before)
    # each part is read from the end of its own stretch of the index, however long the history is
    part = (
        f"SELECT id, time, type, {taken} FROM event WHERE person_id = ?{where} "  # noqa: S608
        "ORDER BY time DESC, id DESC LIMIT ?"
    )
    if len(walk.family) == 1:
        return part, [*paths, walk.family[0], *values, ask.size]
    if len(walk.family) > _MOST_PARTS:
        among = part.replace("person_id = ?", f"person_id {driver.among_ids}", 1)
        return among, [*paths, list(walk.family), *values, ask.size]
    together = " UNION ALL ".join(f"SELECT * FROM ({part}) AS one{place}" for place in range(len(walk.family)))  # noqa: S608
    given = [one for person_id in walk.family for one in (*paths, person_id, *values, ask.size)]
    return f"SELECT * FROM ({together}) AS family ORDER BY time DESC, id DESC LIMIT ?", [*given, ask.size]  # noqa: S608


def _say_where(ask: _Ask, before: Place | None) -> tuple[str, list[Any]]:
    where, values = _say_types(ask.events)
    if ask.condition[0]:
        where, values = f"{where} AND {ask.condition[0]}", [*values, *ask.condition[1]]
    if ask.floor is not None:
        where, values = f"{where} AND time >= ?", [*values, ask.floor]
    if before is not None:
        where, values = f"{where} AND (time, id) < (?, ?)", [*values, before.time, before.id]
    return where, values


def _say_types(events: Sequence[str]) -> tuple[str, list[Any]]:
    """Only types that some attribute means: as `attributes.fits`."""
    if "*" in events:
        return "", []
    conditions, values = [], []
    plain = [one for one in events if not one.endswith("/*")]
    if plain:
        conditions.append(f"type IN ({', '.join('?' * len(plain))})")
        values += plain
    for stem in (one[:-2] for one in events if one.endswith("/*")):
        conditions.append("type = ? OR substr(type, 1, ?) IN (?, ?, ?)")
        values += [stem, len(stem) + 1, f"{stem}/", f"{stem}.", f"{stem}:"]
    return f" AND ({' OR '.join(conditions)})", values


def _read_block(session: Session, driver: Driver, ask: _Ask, columns: Sequence[Any]) -> Block:
    ids, types, *more = columns
    cuts, given = more[: len(ask.moments)], more[len(ask.moments) :]
    if driver.sqlite:
        ids, types = from_json(ids), from_json(types)
        # one flat list: ten thousand small ones would set the collector of garbage to work
        flat = from_json(f"[{given[0] or ''}]") if given else []
        found = [flat[at :: len(ask.paths) + 1] for at in range(len(ask.paths))]
    else:
        found = [from_json(f"[{one or ''}]") for one in given]
    if any(one and SEALED in one for one in given):
        found = [open_documents(session, column) for column in found]
    return Block(
        ids=ids or [],
        types=types or [],
        columns=dict(zip(ask.paths, found or [()] * len(ask.paths), strict=True)),
        cuts=dict(zip(ask.moments, cuts, strict=True)),
    )


__all__ = ["MOST_EVENTS", "compute_outcomes"]
