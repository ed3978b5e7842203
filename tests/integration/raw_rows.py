"""Looking for a text in all that a database keeps, whatever table or file it is in."""

from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from cxconsole.database import Database


def find_raw(database: Database, wanted: str) -> list[str]:
    """The tables, and of SQLite also the files, that hold this text in capitals or not."""
    found = []
    with database.read() as session:
        for table in inspect(database.reader).get_table_names():
            columns = [one["name"] for one in inspect(database.reader).get_columns(table)]
            joined = " || ' ' || ".join(f'''coalesce(CAST("{name}" AS text), '')''' for name in columns)
            sql = f'SELECT count(*) FROM "{table}" WHERE lower({joined}) LIKE :wanted'
            if columns and session.execute(text(sql), {"wanted": f"%{wanted.lower()}%"}).scalar_one():
                found.append(table)
    if database.is_sqlite:
        path = Path(make_url(database.url).database or "")
        files = [path, path.with_name(f"{path.name}-wal")]
        found += [one.name for one in files if one.exists() and wanted.lower().encode() in one.read_bytes().lower()]
    return found
