"""Alembic's entry: runs on the connection that `models.migrate` hands over."""

from alembic import context

from models.tables import metadata


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether alembic looks after it; the search for people is made by hand (`models/person_search.py`)."""
    by_hand = name == "person_search" or (name or "").startswith("person_search_fts")
    return not (kind == "table" and by_hand)


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    include_name=_is_ours,
)
with context.begin_transaction():
    context.run_migrations()
