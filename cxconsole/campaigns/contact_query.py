"""Finds the contacts that match a query, in order, by page, with a million of them as with ten.

Three ways, chosen by the numbers that are kept beside the rows:
- **gather**: few can match (a small campaign, a rare word, a rare status). All of them are read and sorted.
- **scan**: many match, the order is that of the ids, and the nearest ids do not fill the page.
  An index gives all that match.
- **walk**: contacts are passed in the order asked for, by an index of that order, until the page is full.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, func, null, select, text
from sqlmodel import Session, col

from cxconsole.audience.search import is_sqlite, read_keys
from cxconsole.campaigns.contact_drivers import Driver, find_drivers, query_conditions
from cxconsole.campaigns.contact_filter import PERSON_FIELDS, TEXT_FIELDS, TIME_FIELDS, ContactQuery, needs_person
from cxconsole.campaigns.contact_walks import count_of, delivery_stretch, in_campaign, make_walk, walks_deliveries
from cxconsole.campaigns.delivery_words import DELIVERY_STATES
from cxconsole.errors import FieldProblem, Invalid
from cxconsole.paging import COUNT_CAP
from models.campaign import CampaignProgress
from models.contact import CampaignContact, ContactSource, ContactStatus, HoldReason
from models.person import Channel, Person

CONTACT_SORTS = ("id", *TEXT_FIELDS, *TIME_FIELDS)
"""What lists of contacts can be sorted by; contacts without a value come last, in either direction."""

GATHER_LIMIT = 20_000
"""So many rows are read and sorted in less time than people notice."""
WORDS_LIMIT = 40_000
"""As many that hold a word: in a walk all who hold it may come last, as one name is of one country."""
SMALL_CAMPAIGN = 10_000
SCAN_LIMIT = 50_000
"""With further conditions, which are looked at one by one, a scan is for no more than this many."""
COUNT_REACH = 10_000
"""Where nothing tells how many match, so many contacts are looked at to count them."""


_PLAN_SETTINGS = {"enable_hashjoin": "off", "enable_mergejoin": "off", "random_page_cost": "1.1", "jit": "off"}


@dataclass(frozen=True, kw_only=True)
class FoundContacts:
    """Keys of contacts in order, and how many there are in all (see Page)."""

    ids: tuple[int, ...]
    total: int
    total_is_capped: bool


def check_query(query: ContactQuery) -> None:
    """Raise Invalid when a value of the query is none that contacts can have."""
    problems = []
    if query.status and query.status not in list(ContactStatus):
        problems.append(FieldProblem(loc="status", msg=f"A contact's status is one of {', '.join(ContactStatus)}."))
    if query.hold_reason and query.hold_reason not in list(HoldReason):
        problems.append(FieldProblem(loc="hold_reason", msg=f"A hold reason is one of {', '.join(HoldReason)}."))
    for channel, state in query.delivery.items():
        if channel not in list(Channel):
            problems.append(FieldProblem(loc="delivery", msg=f"{channel!r} is no channel."))
        elif state not in DELIVERY_STATES:
            problems.append(
                FieldProblem(loc=f"delivery.{channel}", msg=f"Ask for one of {', '.join(DELIVERY_STATES)}.")
            )
    if problems:
        raise Invalid(problems[0].msg, errors=problems)


def find_contacts(
    session: Session, campaign_id: int, query: ContactQuery, *, sort: str, descending: bool, limit: int, offset: int
) -> FoundContacts:
    """One page of the contacts that match, and their number."""
    finder = _Finder(session, campaign_id, query)
    if is_sqlite(session):
        return finder.find(sort, descending, limit, offset)
    with _index_plans(session):
        return finder.find(sort, descending, limit, offset)


@contextmanager
def _index_plans(session: Session) -> Iterator[None]:
    """Let PostgreSQL follow indexes row by row, as every statement here is made for.

    Its planner takes a page of fifty out of a million for more than it is, and would read and hash whole tables.
    """
    names = ", ".join(f"current_setting('{name}')" for name in _PLAN_SETTINGS)
    before = session.execute(text(f"SELECT {names}")).one()

    def put(values: Sequence[str]) -> None:
        settings = ", ".join(f"set_config('{name}', :{name}, true)" for name in _PLAN_SETTINGS)
        session.execute(text(f"SELECT {settings}"), dict(zip(_PLAN_SETTINGS, values, strict=True)))

    put(tuple(_PLAN_SETTINGS.values()))
    yield
    put(before)  # a statement that failed has ended the transaction, and with it the settings


def match_statement(session: Session, campaign_id: int, query: ContactQuery) -> Select[Any]:
    """A statement of the ids of all contacts that match, in no order."""
    finder = _Finder(session, campaign_id, query)
    return finder.matching(finder.conditions)


class _Finder:
    """One query, with what is known of its size."""

    def __init__(self, session: Session, campaign_id: int, query: ContactQuery) -> None:
        self._session = session
        self._campaign_id = campaign_id
        self._query = query
        self._numbers = session.get(CampaignProgress, campaign_id) or CampaignProgress(campaign_id=campaign_id)
        self._needs_person = needs_person(query.filter)
        self._conditions = query_conditions(query, sqlite=is_sqlite(session))
        self.conditions = list(self._conditions.values())

    def find(self, sort: str, descending: bool, limit: int, offset: int) -> FoundContacts:
        """One page."""
        planned = self._numbers.planned
        if self.conditions and planned > SMALL_CAMPAIGN:
            words_limit = min(WORDS_LIMIT, planned)
            drivers = list(find_drivers(self._session, self._numbers, self._query, words_limit=words_limit))
            driver = min(drivers, key=lambda one: one.size, default=None)
        else:
            driver = None
        if planned <= SMALL_CAMPAIGN or (driver and (driver.is_words or driver.size <= GATHER_LIMIT)):
            return self._gather(driver, sort, descending, limit, offset)
        if driver and self._is_scan_best(driver, sort):
            ids = self._scan(driver, descending, limit, offset)
        else:
            ids = self._walk(sort, descending, limit, offset)
        total, capped = self._count(driver)
        return FoundContacts(ids=ids, total=total, total_is_capped=capped)

    def _is_scan_best(self, driver: Driver, sort: str) -> bool:
        """Statuses come in runs of ids, so that a walk by id may pass all others first."""
        alone = len(self.conditions) == 1
        return sort in _BY_ID and driver.is_status and (alone or driver.size <= SCAN_LIMIT)

    def matching(
        self, conditions: Sequence[ColumnElement[bool]], *, with_person: bool = False, driver: Driver | None = None
    ) -> Select[Any]:
        """The ids of the campaign's contacts for which these, and what drives, hold."""
        statement: Any = select(col(CampaignContact.id)).where(self._in_campaign(driver), *conditions)
        if driver is not None:
            statement = statement.where(driver.narrow)
        if self._needs_person or with_person:
            statement = statement.join(Person, col(Person.id) == col(CampaignContact.person_id))
        return statement

    def _in_campaign(self, driver: Driver | None) -> ColumnElement[bool]:
        keyed = driver is not None and driver.is_key
        return in_campaign(self._campaign_id, indexed=not keyed and self._query.source_id is None)

    def _gather(self, driver: Driver | None, sort: str, descending: bool, limit: int, offset: int) -> FoundContacts:
        # no index has these sums and values, so none is walked in vain for the few that are wanted
        key = col(CampaignContact.id) + 0
        values = [func.coalesce(value, null()) for value in _SORT_VALUES[sort]()]
        order = [(one.desc() if descending else one.asc()) for one in (*values[1:], key)]
        if values:
            order.insert(0, (values[0].desc() if descending else values[0].asc()).nulls_last())
        with_person = sort in PERSON_FIELDS
        # what drives the statement need not be asked of each contact again
        conditions = [one for name, one in self._conditions.items() if driver is None or name != driver.covers]
        statement = self.matching(conditions, with_person=with_person, driver=driver).order_by(*order)
        ids = read_keys(self._session, statement)
        return FoundContacts(ids=tuple(ids[offset : offset + limit]), total=len(ids), total_is_capped=False)

    def _scan(self, driver: Driver, descending: bool, limit: int, offset: int) -> tuple[int, ...]:
        """Looks at the nearest contacts first: only when they do not fill the page, all of the driver's are read."""
        key = col(CampaignContact.id)
        way = key.desc() if descending else key.asc()
        near = _first_of(select(key.label("id")).where(self._in_campaign(None)).order_by(way))
        nearest = self.matching(self.conditions, driver=near).order_by(way)
        ids = self._session.execute(nearest.limit(limit).offset(offset)).scalars().all()
        if len(ids) < limit:
            # the sum is no column of an index, so the index that answers the driver is taken
            way = (key + 0).desc() if descending else (key + 0).asc()
            every = self.matching(self.conditions, driver=driver).order_by(way)
            ids = self._session.execute(every.limit(limit).offset(offset)).scalars().all()
        return tuple(ids)

    def _walk(self, sort: str, descending: bool, limit: int, offset: int) -> tuple[int, ...]:
        walk = make_walk(self._campaign_id, self._query, sort, descending=descending, source_ids=self._source_ids)
        if walk is None:
            return self._sort_all(sort, descending, limit, offset)
        found: list[int] = []
        # a walk along the deliveries has their condition built in
        by_delivery = sort in _BY_ID and len(self.conditions) == 1
        conditions = [] if by_delivery and walks_deliveries(self._query) else self.conditions
        for position, stretch in enumerate(walk.stretches):
            wanted = limit - len(found)
            statement = stretch.build(conditions, offset + wanted)
            part = self._session.execute(statement.limit(wanted).offset(offset)).scalars().all()
            found.extend(part)
            if len(found) == limit or position == len(walk.stretches) - 1:
                break
            passed = len(part) + offset if part else self._session.execute(count_of(statement)).scalar_one()
            offset = max(offset - passed, 0)
        return tuple(found)

    def _sort_all(self, sort: str, descending: bool, limit: int, offset: int) -> tuple[int, ...]:
        value = _SORT_VALUES[sort]()[0]
        key = col(CampaignContact.id)
        statement = self.matching(self.conditions, with_person=sort in PERSON_FIELDS).order_by(
            (value.desc() if descending else value.asc()).nulls_last(), key.desc() if descending else key.asc()
        )
        return tuple(self._session.execute(statement.limit(limit).offset(offset)).scalars())

    @cached_property
    def _source_ids(self) -> Sequence[int]:
        return self._session.execute(
            select(col(ContactSource.id))
            .where(col(ContactSource.campaign_id) == self._campaign_id)
            .order_by(col(ContactSource.name), col(ContactSource.id))
        ).scalars().all()  # fmt: skip

    def _count(self, driver: Driver | None) -> tuple[int, bool]:
        """How many match, and whether that is only a lower bound."""
        if not self.conditions:
            return self._numbers.planned, False
        if (known := self._known_count(driver)) is not None:
            return known, False
        if len(self.conditions) == 1 and (walk := delivery_stretch(self._campaign_id, self._query, descending=False)):
            count = self._session.execute(count_of(walk.build([], COUNT_CAP), COUNT_CAP)).scalar_one()
            return count, count == COUNT_CAP
        narrow = [driver.narrow] if driver else []
        near = _first_of(select(col(CampaignContact.id).label("id")).where(self._in_campaign(driver), *narrow))
        looked_at = self.matching(self.conditions, driver=near)
        count = self._session.execute(count_of(looked_at, COUNT_CAP)).scalar_one()
        size = driver.size if driver else self._numbers.planned
        return count, count == COUNT_CAP or size > COUNT_REACH

    def _known_count(self, driver: Driver | None) -> int | None:
        """The number that is kept beside the rows, when the query asks for exactly that."""
        query = self._query
        if query.q or query.filter is not None or query.delivery:
            return None
        if query.source_id is not None:
            if driver:
                return None
            source = self._session.get(ContactSource, query.source_id)
            return source.contacts if source is not None and source.campaign_id == self._campaign_id else 0
        return driver.size if driver and driver.is_status else None


def _first_of(statement: Select[Any]) -> Driver:
    """The first keys that a statement finds, as many as are looked at where numbers tell nothing."""
    first = statement.limit(COUNT_REACH).subquery()
    return Driver(size=COUNT_REACH, narrow=col(CampaignContact.id).in_(select(first.c.id)), is_key=True)


_BY_ID = frozenset({"id", "created_at"})
_FULL_NAME = (col(Person.last_name), col(Person.first_name))
_SORT_VALUES: dict[str, Any] = {
    **{name: (lambda build=build: (build(),)) for name, build in (TEXT_FIELDS | TIME_FIELDS).items()},
    "id": lambda: (),
    "created_at": lambda: (),
    "name": lambda: _FULL_NAME,
    "last_name": lambda: _FULL_NAME,
}
