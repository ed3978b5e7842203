"""How tables and columns are declared here: aware times, JSON, and codes kept as text."""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, String
from sqlmodel import Field, SQLModel

from cxconsole.database import JsonType, UtcDateTime


class Table(SQLModel):
    """The base of every table."""

    model_config = {"defer_build": True}  # a row is not validated, so no start makes validators for all of them


def at_field(*, nullable: bool = False, index: bool = False, default: Any = ...) -> Any:
    """A moment, aware UTC. Nullable ones are None until they happen."""
    if nullable:
        default = None
    return Field(default=default, sa_column=Column(UtcDateTime(), nullable=nullable, index=index))


BIG = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's own row ids are 64 bits wide already


KEY_TEXT = String(collation="C").with_variant(String(), "sqlite")
"""Text that is found by an index. PostgreSQL compares it by its bytes, as SQLite does, which costs its indexes several
times less than the rules of a language."""


def key_field(default: Any = ..., *, nullable: bool = False) -> Any:
    """A text by which rows are found."""
    return Field(default=default, sa_column=Column(KEY_TEXT, nullable=nullable))


def id_field() -> Any:
    """The integer key of a table that may grow without end."""
    return Field(default=None, sa_column=Column(BIG, primary_key=True, autoincrement=True))


def ref_field(*, nullable: bool = False) -> Any:
    """The key of a row in a table that may grow without end."""
    return Field(default=None if nullable else ..., sa_column=Column(BIG, nullable=nullable))


def count_field() -> Any:
    """A number that may grow without end."""
    return Field(default=0, sa_column=Column(BIG, nullable=False))


def json_field(default_factory: Any = dict, *, nullable: bool = False) -> Any:
    """A JSON document. A nullable one is absent (NULL) until it is given."""
    if nullable:
        return Field(default=None, sa_column=Column(JsonType, nullable=True))
    return Field(default_factory=default_factory, sa_column=Column(JsonType, nullable=False))


def code_field(default: Any = ..., *, index: bool = False, nullable: bool = False) -> Any:
    """A state or kind: a StrEnum in Python, its value as text in the database."""
    return Field(default=default, sa_column=Column(String(40), nullable=nullable, index=index))


__all__ = ["BIG", "Table", "at_field", "code_field", "count_field", "id_field", "json_field", "key_field", "ref_field"]
