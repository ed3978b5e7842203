"""SQLite's index of persons finds words by itself, so that no text is read to search."""

from alembic import op

from models.person_search import FTS, make_fts

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _make_anew(detail: str) -> None:
    if op.get_context().dialect.name != "sqlite":
        return
    op.execute(f"DROP TABLE {FTS}")
    op.execute(make_fts(detail))
    op.execute(f"INSERT INTO {FTS} ({FTS}) VALUES ('rebuild')")  # some twenty seconds for a million persons


def upgrade() -> None:
    _make_anew("full")


def downgrade() -> None:
    _make_anew("none")
