"""Profiles: what the views come to for a person, for whom they may be seen by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from cxconsole.accounts.actor import Actor
from cxconsole.driver import Driver
from cxconsole.errors import NotFound
from cxconsole.journey.aggregation import Outcome, Pass
from cxconsole.journey.attributes import LISTS, Attribute, convert, find_named
from cxconsole.journey.filtering import Filter, say_sql
from cxconsole.journey.personal_fields import refuse_personal_filter
from cxconsole.journey.profile_cache import MAX_AGE, Built, ProfileCache
from cxconsole.journey.profile_events import compute_outcomes
from cxconsole.journey.profile_rights import Guard, make_guard, may_see_view
from cxconsole.journey.profile_views import View, load_views, read_view
from cxconsole.journey.reading import COLUMNS, EventView, Place, find_history, strip_events, view_rows
from cxconsole.journey.rules import Rule, compare, holds
from cxconsole.journey.timeline import find_families

MOST_FOR_MESSAGES = 10_000
"""So many events of a person are looked through for a message: a send has thousands of persons."""
MOST_TAKEN = 1_000
"""So many events of a verbose attribute are told."""


@dataclass(frozen=True, kw_only=True)
class AttributeResult:
    """What an attribute came to. `values` are as in `aggregation.Outcome`; none when its rules do not hold."""

    attribute: Attribute
    values: tuple[Any, ...]
    event_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A view of one person, as the actor may see it."""

    key: str
    name: str
    built_at: datetime
    results: tuple[AttributeResult, ...]


@dataclass(frozen=True, kw_only=True)
class Search:
    """Only events that a filter lets through; `text` is how it was written."""

    text: str
    tree: Filter
    people: Mapping[str, Sequence[int]]


def read_profiles(
    session: Session, person_id: int, *, profiles: ProfileCache, max_age: timedelta = MAX_AGE, actor: Actor,
    now: datetime,
) -> tuple[Profile, ...]:  # fmt: skip
    """All views that are for this actor, of one person: kept ones that are young enough, the others in one pass."""
    actor.require("profiles.read")
    views = load_views(session)
    if not views:
        return ()
    guard = _guard(views, actor)
    chosen = [one for one in views if may_see_view(actor, one.roles)]
    family = find_history(session, person_id)
    built = _build(session, chosen, family, profiles=profiles, max_age=max_age, now=now)
    return tuple(_show(view, one, guard) for view, one in zip(chosen, built, strict=True))


def read_profile(
    session: Session,
    family: Sequence[int],
    key: str,
    *,
    profiles: ProfileCache,
    max_age: timedelta = MAX_AGE,
    search: Search | None = None,
    actor: Actor,
    now: datetime,
) -> Profile:
    """One view of the person who has events under these ids; of nobody, it is empty. Raises NotFound, Forbidden."""
    actor.require("profiles.read")
    views = load_views(session)
    view = next((one for one in views if one.key == key and may_see_view(actor, one.roles)), None)
    if view is None:
        raise NotFound(f"There is no view {key[:80]!r}.")
    guard = _guard(views, actor)
    if search is not None:
        guard.check_filter(search.tree)
        refuse_personal_filter(session, search.tree)
    [built] = _build(session, [view], family, profiles=profiles, max_age=max_age, search=search, now=now)
    return _show(view, built, guard)


def preview_profile(session: Session, document: Any, family: Sequence[int], *, actor: Actor, now: datetime) -> Profile:
    """A view that is not kept, of a person. Raises Invalid with all that is wrong with it."""
    actor.require("profiles.read")
    view = read_view(document)
    guard = _guard(load_views(session), actor)
    # what is hidden is not even read: rules of a view of one's own must not tell what it came to
    seen = replace(view, attributes=tuple(one for one in view.attributes if not guard.hides(one)))
    [built] = _build(session, [seen], family, profiles=ProfileCache(), max_age=timedelta(0), now=now)
    return _show(seen, built, guard)


def read_taken_events(session: Session, profile: Profile, *, actor: Actor) -> dict[int, EventView]:
    """The events that verbose attributes took, by key, without what is kept from the actor."""
    actor.require("profiles.read")
    ids = sorted({key for one in profile.results for key in one.event_ids[:MOST_TAKEN]})
    if not ids:
        return {}
    driver = Driver(session)
    rows = driver.run(f"SELECT {COLUMNS} FROM event WHERE id {driver.among_ids}", ids).all()  # noqa: S608
    guard = _guard(load_views(session), actor)
    return {one.id: one for one in strip_events(view_rows(session, rows), guard)}


def read_profile_fields(
    session: Session, person_ids: Sequence[int], names: Iterable[str], *, actor: Actor, now: datetime
) -> dict[int, dict[str, Any]]:
    """For messages: the named attributes of many persons, `{person: {name: value}}`. What has no value is left out.

    Of two views with an attribute of one name the older one counts.
    """
    wanted = set(names)
    chosen: list[tuple[View, tuple[Attribute, ...]]] = []
    for view in _see_all(session, actor):
        mine = tuple(one for one in view.attributes if one.key in wanted)
        wanted -= {one.key for one in mine}
        if mine:
            chosen.append((view, mine))
    found: dict[int, dict[str, Any]] = {one: {} for one in person_ids}
    families = find_families(session, person_ids) if chosen else {}
    for view, mine in chosen:
        needed = [one for one in view.attributes if one in mine or _is_asked_for(one, mine)]
        outcomes = compute_outcomes(session, families, needed, now=now, most=MOST_FOR_MESSAGES)
        for person_id, some in outcomes.items():
            known = {one.key: outcome for one, outcome in zip(needed, some, strict=True)}
            for one in mine:
                values = _ruled(one, needed, known).values
                if values:
                    found[person_id][one.key] = plain(values[0] if _is_single(one) else values)
    return found


def list_profile_names(session: Session, *, actor: Actor) -> dict[str, Attribute]:
    """What messages can name, with the attribute that is meant."""
    found: dict[str, Attribute] = {}
    for view in _see_all(session, actor):
        for one in view.attributes:
            found.setdefault(one.key, one)
    return found


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z") if isinstance(value, datetime) else value


def _see_all(session: Session, actor: Actor) -> list[View]:
    """All views that are for the actor, without what is kept from them; none for who may see no profiles."""
    if not actor.may("profiles.read"):
        return []
    views = load_views(session)
    guard = _guard(views, actor)
    return [
        replace(view, attributes=tuple(one for one in view.attributes if not guard.hides(one)))
        for view in views
        if may_see_view(actor, view.roles)
    ]


def _is_asked_for(one: Attribute, others: Sequence[Attribute]) -> bool:
    """Whether a rule of one of the others is about it."""
    return any(one.is_named_by(rule) for other in others for rule in other.rules or ())


def _is_single(one: Attribute) -> bool:
    return one.mode not in LISTS or one.limit == 1


def _guard(views: Sequence[View], actor: Actor) -> Guard:
    return make_guard(actor, [one for view in views for one in view.attributes])


def _build(
    session: Session,
    views: Sequence[View],
    family: Sequence[int],
    *,
    profiles: ProfileCache,
    max_age: timedelta,
    search: Search | None = None,
    now: datetime,
) -> list[Built]:
    """What the views come to, before anybody's rights."""
    newest = _find_newest(Driver(session), family)
    person_id = family[0] if family else 0
    # one that was taken away and made again begins with the same version
    keys = [(view.key, view.created_at, view.version, person_id, search.text if search else "") for view in views]
    found = [profiles.find(key, newest=newest, max_age=max_age, now=now) for key in keys]
    missing = [view for view, one in zip(views, found, strict=True) if one is None]
    attributes = [one for view in missing for one in view.attributes]
    condition = say_sql(search.tree, search.people, Driver(session)) if search else ("", [])
    if attributes and family:
        left = iter(compute_outcomes(session, {person_id: family}, attributes, now=now, condition=condition)[person_id])
    else:
        left = iter(Pass(attributes, now).outcomes())  # of nobody there are no events
    made = []
    for view, key, one in zip(views, keys, found, strict=True):
        if one is None:
            mine = tuple(next(left) for _ in view.attributes)
            one = Built(outcomes=mine, family=tuple(family), newest=newest, built_at=now)
            profiles.keep(key, one)
        made.append(one)
    return made


def _find_newest(driver: Driver, family: Sequence[int]) -> Place | None:
    """The last event of the person by its own time: one look at the index for each id."""
    row = driver.run(
        "SELECT time, id FROM event WHERE id IN (SELECT (SELECT e.id FROM event e WHERE e.person_id = p.id "  # noqa: S608
        f"ORDER BY e.time DESC, e.id DESC LIMIT 1) FROM person p WHERE p.id {driver.among_ids}) "
        "ORDER BY time DESC, id DESC LIMIT 1",
        list(family),
    ).first()
    moment = driver.moment(row[0]) if row is not None else None
    return None if row is None or moment is None else Place(moment, row[1])


def _show(view: View, built: Built, guard: Guard) -> Profile:
    seen = [one for one in view.attributes if not guard.hides(one)]
    known = _by_key(view, built.outcomes)
    results = tuple(_ruled(one, seen, known) for one in seen)
    return Profile(key=view.key, name=view.name, built_at=built.built_at, results=results)


def _by_key(view: View, outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    return {one.key: outcome for one, outcome in zip(view.attributes, outcomes, strict=True)}


def _ruled(one: Attribute, others: Sequence[Attribute], known: Mapping[str, Outcome]) -> AttributeResult:
    """What it came to, or nothing when its rules do not hold. A rule about what is hidden does not."""

    def ask(rule: Rule) -> bool:
        named = find_named(others, rule, one)
        if named is None:
            return False
        return compare(rule.operator, known[named.key].values, convert(rule.value, named.result_kind))

    outcome = known[one.key]
    if one.rules is not None and not holds(one.rules, ask):
        return AttributeResult(attribute=one, values=())
    return AttributeResult(attribute=one, values=outcome.values, event_ids=outcome.event_ids)


__all__ = [
    "AttributeResult", "Profile", "Search", "list_profile_names", "plain", "preview_profile", "read_profile",
    "read_profile_fields", "read_profiles", "read_taken_events",
]  # fmt: skip
