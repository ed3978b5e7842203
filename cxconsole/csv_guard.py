"""CSV that a spreadsheet opens without running anything.

A cell that begins like a formula is written with an apostrophe before it, as OWASP advises
(https://owasp.org/www-community/attacks/CSV_Injection). Phone numbers and plain numbers are left
alone: they begin with a sign but hold nothing that a spreadsheet could run.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-][0-9]{1,30}(?:\.[0-9]{1,30})?\Z")
_FLUSH_AT_CHARACTERS = 65_536


def guard_cell(value: object) -> str:
    """The cell as text, harmless to a spreadsheet. None is empty; times are ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    # spaces before the sign do not stop a spreadsheet that trims on import
    if text.lstrip(" ").startswith(_STARTS_A_FORMULA) and not _NUMBER.match(text):
        return "'" + text
    return text


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A CSV file as chunks of text of about 64 kB, every cell guarded. Lines end as RFC 4180 says."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([guard_cell(name) for name in header])
    for row in rows:
        writer.writerow([guard_cell(value) for value in row])
        if buffer.tell() >= _FLUSH_AT_CHARACTERS:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
