"""Yardstick: the least a Python import can do: csv, two regular expressions, upsert into one table, SQLite."""

import csv
import re
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness import report, write_contacts_csv

MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
CHUNK = 10_000


def measure(path: Path, rows: int) -> float:
    """Rows a second, validated and stored, with unique e-mail and phone."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE contact (id INTEGER PRIMARY KEY, email TEXT UNIQUE, phone TEXT UNIQUE, customer_id TEXT, "
            "first_name TEXT, last_name TEXT, city TEXT)"
        )
        upsert = (
            "INSERT INTO contact (email, phone, customer_id, first_name, last_name, city) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (email) DO UPDATE SET customer_id = excluded.customer_id, first_name = excluded.first_name, "
            "last_name = excluded.last_name, city = excluded.city"
        )
        begun = time.perf_counter()
        with path.open(newline="", encoding="utf-8") as file:
            reader, chunk = csv.reader(file), []
            next(reader)
            for row in reader:
                if MAIL.fullmatch(row[0]) and PHONE.fullmatch(row[1]):
                    chunk.append(row)
                if len(chunk) == CHUNK:
                    _store(connection, upsert, chunk)
                    chunk = []
            _store(connection, upsert, chunk)
        spent = time.perf_counter() - begun
        connection.close()
    return rows / spent


def _store(connection: sqlite3.Connection, upsert: str, chunk: list[list[str]]) -> None:
    with connection:
        connection.executemany(upsert, chunk)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as home:
        source = write_contacts_csv(Path(home) / "contacts.csv", count)
        report("yardstick_bare_import", rows=count, rows_per_second=measure(source, count))
