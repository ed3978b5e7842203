"""Takes what is left of erased persons out of SQLite's search index: the job `merge_search_index`.

FTS5 does not take out what is deleted. It notes that it is gone, and drops the two when it next merges the parts of its
index. So after an erasure the parts are merged into one, some pages at a time: for a million persons that is two
seconds in turns of some hundredths. ('secure-delete' would do it at once, but older versions could not read the file
any more.)
"""

from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from cxconsole.audience.search import is_sqlite
from models.person_search import FTS
from models.system import SystemFlag

_FLAG = "search_fragments"
_NEW, _GOING = "new", "going"
_PAGES = 200


def note_fragments(session: Session, *, now: datetime) -> None:
    """Somebody was erased: the job is to begin, from the start if it is at it."""
    if is_sqlite(session):
        session.merge(SystemFlag(name=_FLAG, value=_NEW, updated_at=now))


def has_fragments(session: Session, now: datetime) -> bool:
    """Whether there is anything to merge."""
    return session.get(SystemFlag, _FLAG) is not None


def drain_fragments(session: Session, *, now: datetime, limit: int) -> int:
    """One turn: 1 as long as there may be more."""
    flag = session.get(SystemFlag, _FLAG)
    if flag is None:
        return 0
    if flag.value == _NEW:
        _merge(session, -_PAGES)  # less than nothing: all parts are to become one
        flag.value, flag.updated_at = _GOING, now
    elif _merge(session, _PAGES) < 2:  # it changes its own settings at least when it does anything
        session.delete(flag)
    return 1


def _merge(session: Session, pages: int) -> int:
    """How many rows of the index it changed."""
    changes = text("SELECT total_changes()")
    before = session.execute(changes).scalar_one()
    session.execute(text(f"INSERT INTO {FTS} ({FTS}, rank) VALUES ('merge', :pages)"), {"pages": pages})  # noqa: S608
    return session.execute(changes).scalar_one() - before


__all__ = ["drain_fragments", "has_fragments", "note_fragments"]
