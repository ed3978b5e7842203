"""A million people in one campaign, made by the database itself."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import text
from sqlmodel import Session

from cxconsole.audience.search import INDEX_BATCH, drain_person_search_queue, queue_persons
from cxconsole.database import Database
from models.campaign import Campaign
from models.contact import ContactSource
from models.migrate import migrate

BIG, MIDDLE, SMALL = 1001, 1002, 1003
SOURCES = (
    (1, BIG, "north.csv"),
    (2, BIG, "south.csv"),
    (3, BIG, "east.csv"),
    (4, MIDDLE, "m.csv"),
    (5, SMALL, "s.csv"),
)
_SYLLABLES = ("ka", "lo", "mi", "ne", "ra", "su", "ti", "vo", "be", "da", "fe", "gu", "ha", "ji", "ko", "li")

Run = Callable[..., None]

_PERSONS = """
INSERT INTO person (id, first_name, last_name, language, time_zone, attributes, consents, labels, is_demo, created_at,
                    updated_at)
SELECT i, f.v, l.v,
       CASE r % 10 WHEN 0 THEN 'sv' WHEN 1 THEN 'fr' WHEN 2 THEN 'de' WHEN 3 THEN NULL ELSE 'en' END,
       CASE r % 3 WHEN 0 THEN 'Europe/Berlin' ELSE 'Europe/Stockholm' END,
       CAST('{"plan":"' || CASE WHEN i % 50000 = 7 THEN 'platinum' WHEN r % 4 = 0 THEN 'premium' ELSE 'basic' END
            || '","points":"' || (r % 1000) || '"}' AS <json>),
       CAST('{}' AS <json>), CAST('[]' AS <json>), <no>, <now>, <now>
FROM num JOIN first_name_word f ON f.n = r % 500 JOIN last_name_word l ON l.n = (r / 500) % 1500
"""
_IDENTITY = """
INSERT INTO identity (person_id, kind, value, is_primary, created_at)
SELECT i, '<kind>', <value>, <yes>, <now> FROM num JOIN person p ON p.id = num.i WHERE <where> ORDER BY i
"""
_IDENTITIES = (
    ("email", "lower(p.first_name || '.' || p.last_name) || i || CASE i % 3 WHEN 0 THEN '@example.com' "
     "ELSE '@posteo.example' END", "i % 20 <> 3"),
    ("phone", "'+467' || substr(CAST(1000000000 + (i * 7368787) % 999999937 AS TEXT), 2)", "i % 3 <> 1"),
    ("customer_id", "'C' || substr(CAST(100000000 + (i * 7919) % 99999989 AS TEXT), 2)", "i % 2 = 0"),
)  # fmt: skip
_CONTACTS = """
INSERT INTO campaign_contact (campaign_id, person_id, source_id, status, hold_reason, reason, node, due_at,
                              last_activity_at, created_at)
SELECT <campaign>, i, <source>,
       CASE WHEN i % 100 < 55 THEN 'completed' WHEN i % 100 = 55 THEN 'failed' WHEN i % 100 < 58 THEN 'suppressed'
            WHEN i % 100 = 58 THEN 'held' WHEN i % 100 = 59 THEN 'in_progress' ELSE 'pending' END,
       CASE WHEN i % 100 = 58 THEN 'validity-period-expired' END,
       CASE WHEN i % 100 = 55 THEN 'The mailbox does not exist.' WHEN i % 100 IN (56, 57) THEN 'unsubscribed' END,
       CASE WHEN i % 100 < 60 THEN 's1' END,
       CASE WHEN i % 100 >= 58 THEN <at> END, CASE WHEN i % 100 < 60 THEN <at> END, <now>
FROM num WHERE i % <every> = 0 ORDER BY i
"""
_DELIVERIES = """
INSERT INTO comm_delivery (request_id, campaign_id, contact_id, person_id, node, channel, target, gateway_id,
                           template_version_id, merge, state, attempts, not_before, possible_duplicate, checks,
                           created_at, sent_at, delivered_at, bounced_at, opened_at, clicked_at, unsubscribed_at)
SELECT c.id, c.campaign_id, c.id, c.person_id, 's1', 'email', 'x@example.com', 1, 1, CAST('{}' AS <json>),
       CASE WHEN i % 100 = 55 THEN 'E' WHEN i % 700 = 11 THEN 'bounced' WHEN i % 100 < 50 THEN 'delivered' ELSE 'S' END,
       1, <now>, <no>, CAST('{}' AS <json>), <now>,
       CASE WHEN i % 100 <> 55 THEN <at> END, CASE WHEN i % 100 < 50 THEN <at> END,
       CASE WHEN i % 700 = 11 THEN <at> END, CASE WHEN i % 100 < 20 THEN <at> END,
       CASE WHEN i % 500 = 4 THEN <at> END, CASE WHEN i % 20000 = 4 THEN <at> END
FROM campaign_contact c JOIN num ON num.i = c.person_id WHERE c.campaign_id = <campaign> AND i % 100 < 56 ORDER BY i
"""
_PROGRESS = """
INSERT INTO campaign_progress (campaign_id, planned, pending, in_progress, completed, failed, suppressed, held_expired,
                               held_unpublished, held_ended)
SELECT g.id, count(c.id), <statuses>, 0, 0
FROM campaign g LEFT JOIN campaign_contact c ON c.campaign_id = g.id GROUP BY g.id
"""
_CHANNELS = """
INSERT INTO campaign_channel (campaign_id, channel, sent, delivered, bounced, opened, clicked, unsubscribed, failed,
                              replied, complained)
SELECT campaign_id, channel, count(sent_at), count(delivered_at), count(bounced_at), count(opened_at),
       count(clicked_at), count(unsubscribed_at), sum(CASE WHEN state = 'E' THEN 1 ELSE 0 END), 0, 0
FROM comm_delivery GROUP BY campaign_id, channel
"""
_TRAFFIC = """
INSERT INTO traffic_minute (minute, campaign_id, gateway_id, channel, sent, failed)
SELECT <minute> - i, 1001 + i % 10, 1, 'email', 100 + i % 50, i % 3 FROM num WHERE i <= 43200
"""
_SOURCE_COUNTS = """
UPDATE contact_source SET contacts = (SELECT count(*) FROM campaign_contact c WHERE c.source_id = contact_source.id)
"""


def last_names() -> list[str]:
    """The family names of the people."""
    return _names(1500, 3)


def _names(count: int, syllables: int) -> list[str]:
    base = len(_SYLLABLES)
    return ["".join(_SYLLABLES[n // base**k % base] for k in range(syllables)).title() for n in range(count)]


def build_world(database: Database, people: int) -> None:
    """Fill an empty database: three campaigns that share the people, and 997 without contacts."""
    migrate(database)
    with database.write() as session:
        if database.is_sqlite:
            session.execute(text("PRAGMA cache_size=-400000"))
        indexes = _drop_indexes(session, database.is_sqlite)
        _fill(session, people, sqlite=database.is_sqlite)
        for definition in indexes:
            session.execute(text(definition))
    if database.is_sqlite:
        with database.writer.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    else:
        with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def index_people(database: Database, people: int) -> float:
    """Bring the search index up to date as the job does; persons a second."""
    with database.write() as session:
        queue_persons(session, session.execute(text("SELECT id FROM person ORDER BY id")).scalars())
    began, count = time.perf_counter(), 1
    while count:
        with database.write() as session:
            count = drain_person_search_queue(session, now=datetime.now(UTC), limit=INDEX_BATCH)
    speed = people / (time.perf_counter() - began)
    with database.write() as session:
        session.execute(text("ANALYZE person_search"))
    return speed


def _drop_indexes(session: Session, sqlite: bool) -> list[str]:
    """Indexes are made again at the end, which is quicker; their definitions."""
    tables = "('person', 'identity', 'campaign_contact', 'comm_delivery')"
    query = f"SELECT name, sql FROM sqlite_master WHERE type='index' AND tbl_name IN {tables} AND sql IS NOT NULL"
    if not sqlite:
        query = (
            f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN {tables} AND indexname NOT LIKE '%_pkey'"
        )
    found = session.execute(text(query)).all()
    for name, _definition in found:
        session.execute(text(f"DROP INDEX {name}"))
    return [definition for _name, definition in found]


def _fill(session: Session, people: int, *, sqlite: bool) -> None:
    now = datetime(2026, 5, 19, 10, tzinfo=UTC)
    stamp = f"{now:%Y-%m-%d %H:%M:%S.000000}"
    words = {
        "json": "text" if sqlite else "jsonb", "no": "0" if sqlite else "false", "yes": "1" if sqlite else "true",
        "now": f"'{stamp}'" if sqlite else f"timestamptz '{stamp}+00'",
        "at": f"datetime('{stamp}', '-' || (i % 86400) || ' seconds') || '.000000'" if sqlite else
              f"timestamptz '{stamp}+00' - (i % 86400) * interval '1 second'",
        "minute": str(int(datetime.now(UTC).timestamp()) // 60),
    }  # fmt: skip

    def run(statement: str, **more: object) -> None:
        for name, value in (words | more).items():
            statement = statement.replace(f"<{name}>", str(value))
        session.connection().exec_driver_sql(statement if sqlite else statement.replace("%", "%%"))

    for table, count, syllables in (("first_name_word", 500, 2), ("last_name_word", 1500, 3)):
        run(f"CREATE TEMPORARY TABLE {table} (n INTEGER PRIMARY KEY, v TEXT)")
        rows = [{"n": n, "v": v} for n, v in enumerate(_names(count, syllables))]
        session.execute(text(f"INSERT INTO {table} VALUES (:n, :v)"), rows)
    run("CREATE TEMPORARY TABLE num (i BIGINT PRIMARY KEY, r BIGINT)")
    series = "SELECT generate_series(1, <people>)::bigint AS i"
    if sqlite:
        series = "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < <people>) SELECT i FROM s"
    # r scatters: neighbours in age are no neighbours in the alphabet
    run(f"INSERT INTO num SELECT i, (i * 48271) % 2147483647 FROM ({series}) AS x", people=people)
    run("ANALYZE num")
    run(_PERSONS)
    for kind, value, where in _IDENTITIES:
        run(_IDENTITY, kind=kind, value=value, where=where)
    _add_campaigns(session, now)
    for campaign, every, source in ((BIG, 1, "1 + (i / 400000)"), (MIDDLE, 20, "4"), (SMALL, 2000, "5")):
        run(_CONTACTS, campaign=campaign, every=every, source=source)
    run(_DELIVERIES, campaign=BIG)
    statuses = ("pending", "in_progress", "completed", "failed", "suppressed", "held")
    run(_PROGRESS, statuses=", ".join(f"sum(CASE WHEN c.status = '{s}' THEN 1 ELSE 0 END)" for s in statuses))
    for statement in (_CHANNELS, _TRAFFIC, _SOURCE_COUNTS):
        run(statement)


def _add_campaigns(session: Session, now: datetime) -> None:

    states = ("published", "unpublished", "ended")
    session.add_all(
        Campaign(id=1001 + n, name=f"Campaign {n * 7919 % 1000}", state=states[n % 3], created_at=now, updated_at=now)
        for n in range(1000)
    )
    session.flush()
    session.add_all(
        ContactSource(id=n, campaign_id=campaign, kind="file", name=name, created_at=now)
        for n, campaign, name in SOURCES
    )
    session.flush()
