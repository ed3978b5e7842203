"""Finds people by any part of a name, an address, an id or an attribute.

Each person has one text in `person_search`: all values in lower case and without accents, a line
each. Writers queue persons (`queue_persons`), the job `index_persons` brings their texts up to date.
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    any_,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    select,
    table,
    text,
    update,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger
from sqlmodel import Session, col

from cxconsole.audience.bulk import execute_many, slices
from models.contact import ContactImport, ImportState
from models.person import PersonSearchQueue
from models.person_search import FTS

_FTS = table(FTS, column("rowid", BigInteger))
SEARCH = table("person_search", column("person_id", BigInteger), column("body", String))

MAX_WORDS = 8
INDEX_BATCH = 2_000
"""Persons a turn of the job: about a tenth of a second, so that other writers of SQLite wait no longer."""
_BESIDE_IMPORT = 200
QUEUE_ROW = 500
"""Persons in one row of the queue: few enough for a turn of the job, enough for the row to cost an import nothing."""
_QUEUE_ROWS = 64
_GRAM = 3
_LONGEST_PHRASE = 40
"""Letters; what is longer is found by its beginning and then compared."""


def search_fold(value: str) -> str:
    """The text as it is compared: `Müller` and `muller` are the same."""
    if value.isascii():
        return value.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", value.casefold()) if not unicodedata.combining(c))


def split_words(q: str) -> tuple[str, ...]:
    """The words of a search, folded; each must be found. Further words than MAX_WORDS are ignored."""
    return tuple(dict.fromkeys(search_fold(q.replace("\x00", " ")).split()))[:MAX_WORDS]


def is_sqlite(session: Session) -> bool:
    """Whether the session speaks to SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def find_person_ids(session: Session, words: Sequence[str], *, limit: int) -> list[int]:
    """Persons whose text holds every word, in no order; at most `limit`."""
    if not words:
        return []
    if is_sqlite(session) and (phrases := _phrases(words)):
        return read_keys(session, _match(words, phrases).limit(limit))
    return read_keys(session, select(SEARCH.c.person_id).where(*_holds(words)).limit(limit))


def _match(words: Sequence[str], phrases: str) -> Select[Any]:
    """SQLite's index finds words of three letters or more by itself; others are looked for in what it has found."""
    matches = text(f"{FTS} MATCH :phrases").bindparams(phrases=phrases)
    left = [word for word in words if not _GRAM <= len(word) <= _LONGEST_PHRASE]
    if not left:
        return select(_FTS.c.rowid).where(matches)
    # joined, not asked for as a set: so it ends as soon as there are enough
    return select(SEARCH.c.person_id).where(SEARCH.c.person_id == _FTS.c.rowid, matches, *_holds(left))


def read_keys(session: Session, statement: Select[Any]) -> list[int]:
    """The keys that a statement finds, in its order.

    SQLite hands them over in one row: for each row of its own Python gives up its lock and queues for it
    again, which beside a busy engine takes longer than finding thousands.
    """
    if not is_sqlite(session):
        return list(session.execute(statement).scalars())
    found = statement.subquery()
    [key] = list(found.c)[:1]
    return json.loads(session.execute(select(func.json_group_array(key))).scalar_one())


def holds_words(person_id: Any, words: Sequence[str]) -> ColumnElement[bool]:
    """Whether the text of one person, named by a column, holds every word."""
    return exists().where(SEARCH.c.person_id == person_id, *_holds(words))


def is_one_of(key: Any, ids: Sequence[int], *, sqlite: bool) -> ColumnElement[bool]:
    """Whether a key is in a list of any length; one parameter, so that no limit on parameters is met."""
    if sqlite:
        values = func.json_each(json.dumps(list(ids))).table_valued("value")
        return key.in_(select(values.c.value))
    return key == any_(bindparam(None, list(ids), type_=ARRAY(BigInteger)))


def queue_persons(session: Session, person_ids: Iterable[int]) -> None:
    """Have the texts of these persons brought up to date."""
    queue = PersonSearchQueue.__table__  # type: ignore[attr-defined]
    execute_many(session, insert(queue), [{"person_ids": ids} for ids in slices(list(person_ids), QUEUE_ROW)])


def queued_person_ids(session: Session, *, limit: int) -> list[int]:
    """Persons whose text is not up to date, at most `limit`."""
    found: list[int] = []
    for ids in session.execute(select(col(PersonSearchQueue.person_ids)).limit(limit)).scalars():
        found += ids
        if len(found) >= limit:
            break
    return found[:limit]


def _holds(words: Sequence[str]) -> list[ColumnElement[bool]]:
    return [SEARCH.c.body.contains(word, autoescape=True) for word in words]


def _phrases(words: Sequence[str]) -> str:
    """What SQLite's index is asked for: a word is a phrase of the trigrams that follow each other in it."""
    known = [word[:_LONGEST_PHRASE] for word in words if len(word) >= _GRAM]
    return " AND ".join('"' + word.replace('"', '""') + '"' for word in known)


def has_unindexed(session: Session, now: datetime) -> bool:
    """Whether any person's text is not up to date."""
    del now  # the text of a person does not depend on the time
    return session.execute(text("SELECT 1 FROM person_search_queue LIMIT 1")).first() is not None


def drain_person_search_queue(session: Session, *, now: datetime, limit: int) -> int:
    """Bring the texts of up to `limit` queued persons up to date; how many were taken from the queue."""
    del now  # the text of a person does not depend on the time
    if _imports_run(session):
        limit = min(limit, _BESIDE_IMPORT)
    taken = _take_queued(session, limit)
    if not taken:
        return 0
    sqlite, person_ids = is_sqlite(session), sorted(set(taken))
    texts = _read_texts(session, person_ids, sqlite=sqlite)
    if sqlite:
        _write_sqlite(session, person_ids, texts)
    else:
        _write_postgresql(session, person_ids, texts)
    return len(taken)


def _take_queued(session: Session, limit: int) -> list[int]:
    """The oldest of the queue, which they leave."""
    queue = PersonSearchQueue.__table__  # type: ignore[attr-defined]
    taken: list[int] = []
    oldest = select(queue.c.id, queue.c.person_ids).order_by(queue.c.id).limit(_QUEUE_ROWS)
    while rows := session.execute(oldest.with_for_update(skip_locked=True)).all():
        done: list[int] = []
        for key, ids in rows:
            room = limit - len(taken)
            taken += ids[:room]
            if len(ids) <= room:
                done.append(key)
            elif room:
                session.execute(update(queue).where(queue.c.id == key).values(person_ids=ids[room:]))
        session.execute(delete(queue).where(queue.c.id.in_(done)))
        if len(taken) == limit:
            break
    return taken


def forget_texts(session: Session, person_ids: Sequence[int]) -> None:
    """Nobody finds these persons any more, from this transaction on."""
    write = _write_sqlite if is_sqlite(session) else _write_postgresql
    write(session, list(person_ids), {})


def _imports_run(session: Session) -> bool:
    """While a file is read, the index steps back: an import is what somebody waits for."""
    running = exists().where(col(ContactImport.state) == ImportState.RUNNING.value)
    return bool(session.execute(select(running)).scalar())


def _in_list(sqlite: bool) -> str:
    return "IN (SELECT value FROM json_each(:ids))" if sqlite else "= ANY(:ids)"


def _list(ids: list[int], sqlite: bool) -> Any:
    return json.dumps(ids) if sqlite else ids


def _read_texts(session: Session, person_ids: list[int], *, sqlite: bool) -> dict[int, str]:
    chosen = _list(person_ids, sqlite)
    addresses: dict[int, list[str]] = defaultdict(list)
    for row in session.execute(
        text(f"SELECT person_id, value FROM identity WHERE person_id {_in_list(sqlite)} ORDER BY id"),  # noqa: S608
        {"ids": chosen},
    ):
        addresses[row.person_id].append(row.value)
    persons = session.execute(
        text(
            "SELECT id, first_name, last_name, external_ref, attributes FROM person "  # noqa: S608
            f"WHERE id {_in_list(sqlite)} AND merged_into IS NULL"
        ),
        {"ids": chosen},
    )
    return {
        row.id: _text(
            " ".join(part for part in (row.first_name, row.last_name) if part),
            *addresses[row.id],
            row.external_ref,
            *_values(json.loads(row.attributes) if isinstance(row.attributes, str) else row.attributes),
        )
        for row in persons
    }


def _values(document: Any) -> Iterable[str]:
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from _values(value)
        elif value is not None:
            yield json.dumps(value)


def _text(*parts: str | None) -> str:
    return search_fold("\n".join(part for part in parts if part)).replace("\x00", " ")


def _write_sqlite(session: Session, person_ids: list[int], texts: dict[int, str]) -> None:
    driver: Any = session.connection().connection.driver_connection
    old = driver.execute(
        "SELECT person_id, body FROM person_search WHERE person_id IN (SELECT value FROM json_each(?))",
        (json.dumps(person_ids),),
    ).fetchall()
    changed = [(person_id, body) for person_id, body in old if texts.get(person_id) != body]
    # the index keeps no text of its own: to forget an entry it must be told what the text was
    driver.executemany(f"INSERT INTO {FTS}({FTS}, rowid, body) VALUES ('delete', ?, ?)", changed)  # noqa: S608
    driver.executemany("DELETE FROM person_search WHERE person_id = ?", [(person_id,) for person_id, _ in changed])
    kept = {person_id for person_id, _ in old} - {person_id for person_id, _ in changed}
    new = [(person_id, body) for person_id, body in texts.items() if person_id not in kept]
    driver.executemany("INSERT INTO person_search (person_id, body) VALUES (?, ?)", new)
    driver.executemany(f"INSERT INTO {FTS}(rowid, body) VALUES (?, ?)", new)  # noqa: S608


def _write_postgresql(session: Session, person_ids: list[int], texts: dict[int, str]) -> None:
    gone = [person_id for person_id in person_ids if person_id not in texts]
    if gone:
        session.execute(text("DELETE FROM person_search WHERE person_id = ANY(:ids)"), {"ids": gone})
    ordered = sorted(texts.items())  # two workers that meet the same persons wait for each other in one order
    session.execute(
        text(
            "INSERT INTO person_search (person_id, body) "
            "SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:bodies AS text[])) "
            "ON CONFLICT (person_id) DO UPDATE SET body = excluded.body WHERE person_search.body <> excluded.body"
        ),
        {"ids": [key for key, _ in ordered], "bodies": [body for _, body in ordered]},
    )
