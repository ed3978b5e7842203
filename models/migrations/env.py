"""Alembic's entry: runs on the connection that `models.migrate` hands over."""

from alembic import context

from models.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    include_name=lambda name, kind, _parents: (
        not (
            (kind == "table" and (name or "").startswith(("person_search_fts", "sqlite_stat")))
            or name == "person_search"
        )
    ),
)
with context.begin_transaction():
    context.run_migrations()
