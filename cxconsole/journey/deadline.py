"""Questions that anybody may ask must not keep the database for ever."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from cxconsole.errors import TooSlow


@contextmanager
def deadline(session: Session, seconds: float) -> Iterator[None]:
    """End what the database does in this block after so long. Raises TooSlow."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.driver_connection
        end = time.monotonic() + seconds
        raw.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        end_it = partial(raw.set_progress_handler, None, 0)
    else:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
        end_it = partial(connection.exec_driver_sql, "SET LOCAL statement_timeout = 0")
    try:
        yield
    except OperationalError as error:
        if "interrupted" in str(error.orig) or getattr(error.orig, "sqlstate", "") == "57014":
            if connection.dialect.name == "sqlite":
                end_it()
            raise TooSlow("This takes too long. Narrow it, such as by a person.") from error
        raise
    end_it()
