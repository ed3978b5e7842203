"""New persons by the thousand, with set-based SQL.

The groups of a batch go into a table of this connection's own (COPY on PostgreSQL, one executemany on
SQLite); from there each real table is filled with one statement. That is several times faster than one
insert a row, and both databases run the same statements.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, text
from sqlmodel import Session

from cxconsole.audience.bulk import slices
from cxconsole.audience.grouping import FIRST_OF_KIND
from cxconsole.audience.rows import IDENTITY_COLUMNS, PERSON_COLUMNS, ParsedRow
from cxconsole.audience.search import QUEUE_ROW
from cxconsole.database import UtcDateTime
from models.contact import ContactStatus
from models.event import EventType

_COLUMNS = ("n", *IDENTITY_COLUMNS, *PERSON_COLUMNS, "attributes")
_NAMES = ", ".join(_COLUMNS)
_TEXTS = ", ".join(f"{name} TEXT" for name in _COLUMNS[1:])


def _lookup(collate: str) -> str:
    """Asks for each identity of a batch whose it is.

    Each kind is asked for in the order of the index, so that a page of it is read once; without the inner limit SQLite
    ignores that order. It is a subquery and not a join: the planner of PostgreSQL knows nothing of the size of tables
    that were filled a moment ago, and may join them the other way round, which takes minutes a batch. The outer limit
    is above any size; it keeps the subquery from being run a second time for the condition.
    """
    whose = (
        "SELECT f.n, {answer}, f.person_id FROM (SELECT s.*, (SELECT person_id FROM identity WHERE kind = {kind} AND "
        "value = {value}) AS person_id FROM {source} AS s LIMIT 1000000000) AS f WHERE f.person_id IS NOT NULL"
    )
    parts = [
        whose.format(
            answer=f"{slot}, NULL, NULL", kind=f"'{kind}'", value=f"s.{kind}",
            source=f"(SELECT n, {kind} FROM stage_row WHERE {kind} IS NOT NULL ORDER BY {kind}{collate} LIMIT :size)",
        )
        for slot, kind in enumerate(FIRST_OF_KIND)
    ]  # fmt: skip
    parts.append(
        whose.format(answer="NULL, CAST(f.kind AS TEXT), f.value", kind="s.kind", value="s.value", source="stage_more")
    )
    return " UNION ALL ".join(parts)


class Hit(NamedTuple):
    """An identity of a group that belongs to somebody."""

    group: int
    kind: str
    value: str
    person_id: int


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a batch comes from."""

    campaign_id: int
    source_id: int
    actor: str
    now: datetime


class Stage:
    """Groups of a batch, on their way into the tables. One at a time per connection."""

    def __init__(self, session: Session, groups: Mapping[int, ParsedRow]) -> None:
        self._session = session
        self._sqlite = session.get_bind().dialect.name == "sqlite"
        self._groups = groups
        self._size = len(groups)
        self._bases = (0, 0)
        # Bytes are sorted many times faster than words of a language, and what is near in one order is in the other.
        self._collate = "" if self._sqlite else ' COLLATE "C"'
        rows = [(n, *row[:10]) for n, row in groups.items()]
        more = [(n, kind, value) for n, row in groups.items() if row[10] for kind, value in row.more_identities]
        if self._sqlite:
            self._fill_sqlite(rows, more)
        else:
            self._fill_postgres(rows, more)

    def find_known(self) -> list[Hit]:
        """Every identity of the batch that exists, with its person; one statement."""
        groups = self._groups
        found = self._session.execute(text(_lookup(self._collate)), {"size": self._size}).all()
        return [
            Hit(n, kind, value, person_id) if slot is None else Hit(n, FIRST_OF_KIND[slot], groups[n][slot], person_id)
            for n, slot, kind, value, person_id in found
        ]

    def read_ids(self, groups: Iterable[int]) -> Callable[[int], tuple[int, int]]:
        """Answers which (person id, contact id) each of these groups has if it is new."""
        if self._sqlite:
            person, contact = self._bases
            return lambda group: (person + group, contact + group)
        found: dict[int, tuple[int, int]] = {}
        for some in slices(list(groups)):
            wanted = text("SELECT n, pid, cid FROM stage_row WHERE n IN :groups")
            rows = self._session.execute(wanted.bindparams(bindparam("groups", expanding=True)), {"groups": some})
            found.update({n: (person, contact) for n, person, contact in rows})
        return found.__getitem__

    def drop(self, groups: Iterable[int]) -> None:
        """Take groups out that are not new."""
        dropped = list(groups)
        for some in slices(dropped):
            for table in ("stage_row", "stage_more"):
                statement = text(f"DELETE FROM {table} WHERE n IN :groups")
                self._session.execute(statement.bindparams(bindparam("groups", expanding=True)), {"groups": some})
        self._size -= len(dropped)

    def store_new(self, origin: Origin) -> int:
        """Persons, identities, contacts, events and the search queue for all groups left; how many."""
        if self._size == 0:
            return 0
        pid, cid = ("(:pbase + s.n)", "(:cbase + s.n)") if self._sqlite else ("s.pid", "s.cid")
        json_of = "{}" if self._sqlite else "CAST({} AS jsonb)"
        # a constant and not a parameter, which PostgreSQL would read anew for each row
        data = json_of.format(f"'{{\"source_id\": {origin.source_id}}}'")
        order = " ORDER BY s.n" if self._sqlite else ""  # COPY leaves the rows in order
        self._run(
            f"INSERT INTO person (id, {', '.join(PERSON_COLUMNS)}, attributes, consents, labels, created_by_source, "
            "is_demo, created_at, updated_at) "
            f"SELECT {pid}, {', '.join(f's.{name}' for name in PERSON_COLUMNS)}, {json_of.format('s.attributes')}, "
            f"'{{}}', '[]', :source_id, false, :now, :now FROM stage_row s{order}",
            origin,
        )
        for kind in FIRST_OF_KIND:
            # in the order of the unique index, so that a page of it is written once and not once a row
            self._run(
                "INSERT INTO identity (person_id, kind, value, is_primary, created_at) "
                f"SELECT {pid}, '{kind}', s.{kind}, true, :now FROM stage_row s "
                f"WHERE s.{kind} IS NOT NULL ORDER BY s.{kind}{self._collate}",
                origin,
            )
        self._run(
            "INSERT INTO identity (person_id, kind, value, is_primary, created_at) "
            f"SELECT {pid}, m.kind, m.value, false, :now FROM stage_more m JOIN stage_row s ON s.n = m.n",
            origin,
        )
        self._run(
            "INSERT INTO campaign_contact (id, campaign_id, person_id, source_id, status, due_at, created_at) "
            f"SELECT {cid}, :campaign_id, {pid}, :source_id, '{ContactStatus.PENDING.value}', :now, :now "
            f"FROM stage_row s{order}",
            origin,
        )
        for event_type, contact in ((EventType.PERSON_CREATED, "NULL"), (EventType.CONTACT_ADDED, cid)):
            self._run(
                "INSERT INTO event (source, type, person_id, campaign_id, contact_id, time, actor, data) "
                f"SELECT 'cxconsole', '{event_type.value}', {pid}, :campaign_id, {contact}, :now, :actor, "
                f"{data} FROM stage_row s{order}",
                origin,
            )
        collect = "json_group_array" if self._sqlite else "jsonb_agg"
        self._run(
            f"INSERT INTO person_search_queue (person_ids) SELECT {collect}({pid}) FROM stage_row s "
            f"GROUP BY s.n / {QUEUE_ROW}",
            origin,
        )
        return self._size

    def _run(self, statement: str, origin: Origin) -> None:
        values = {
            "now": origin.now, "source_id": origin.source_id, "campaign_id": origin.campaign_id,
            "actor": origin.actor, "pbase": self._bases[0], "cbase": self._bases[1],
        }  # fmt: skip
        prepared = text(statement)
        if ":now" in statement:
            prepared = prepared.bindparams(bindparam("now", type_=UtcDateTime()))
        self._session.execute(prepared, values)

    def _fill_sqlite(self, rows: Sequence[tuple[Any, ...]], more: Sequence[tuple[Any, ...]]) -> None:
        raw = self._session.connection().connection.driver_connection
        assert raw is not None
        raw.execute(f"CREATE TEMP TABLE IF NOT EXISTS stage_row (n INTEGER PRIMARY KEY, {_TEXTS})")
        raw.execute("CREATE TEMP TABLE IF NOT EXISTS stage_more (n INTEGER, kind TEXT, value TEXT)")
        raw.execute("DELETE FROM stage_row")
        raw.execute("DELETE FROM stage_more")
        raw.executemany(f"INSERT INTO stage_row ({_NAMES}) VALUES ({', '.join('?' * len(_COLUMNS))})", rows)
        raw.executemany("INSERT INTO stage_more (n, kind, value) VALUES (?, ?, ?)", more)
        # there is one writer at a time, so the ids after the last one given are free
        self._bases = tuple(
            raw.execute("SELECT COALESCE(MAX(seq), 0) + 1 FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()[0]
            for table in ("person", "campaign_contact")
        )  # type: ignore[assignment]

    def _fill_postgres(self, rows: Sequence[tuple[Any, ...]], more: Sequence[tuple[Any, ...]]) -> None:
        raw = self._session.connection().connection.driver_connection
        assert raw is not None
        with raw.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE IF NOT EXISTS stage_row (pid bigint DEFAULT nextval('person_id_seq'), "
                f"cid bigint DEFAULT nextval('campaign_contact_id_seq'), n int, {_TEXTS}) ON COMMIT DELETE ROWS"
            )
            cursor.execute(
                "CREATE TEMP TABLE IF NOT EXISTS stage_more (n int, kind identity_kind, value TEXT) "
                "ON COMMIT DELETE ROWS"
            )
            # the planner cannot know how small this is, and compiling the statements takes longer than running them
            cursor.execute("SET LOCAL jit = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_seqscan = off")  # what was small at the last ANALYZE need not be small now
            cursor.execute("SET LOCAL work_mem = '32MB'")  # a block is sorted without a file
            # several batches may come in one transaction
            cursor.execute("TRUNCATE stage_row, stage_more")
            with cursor.copy(f"COPY stage_row ({_NAMES}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            if more:
                with cursor.copy("COPY stage_more (n, kind, value) FROM STDIN") as copy:
                    for row in more:
                        copy.write_row(row)
