"""Events of others: who they are about, where they come from, and what may sign for them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cxconsole.database import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AT = UtcDateTime()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_TYPE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _widen_the_tape()
    _create_tables()


def downgrade() -> None:
    raise RuntimeError("the Tape may hold what the release before cannot read")


def _widen_the_tape() -> None:
    # plain ALTER TABLE: the rows are not touched, however many there are
    op.add_column("event", sa.Column("identity_id", BIG, nullable=True))
    op.add_column("event", sa.Column("extensions", JSON_TYPE, nullable=True))
    if op.get_bind().dialect.name == "postgresql":  # SQLite never looks at the length
        op.alter_column("event", "type", type_=sa.String(), existing_nullable=False)
    op.create_index("ix_event_person_time", "event", ["person_id", "time", "id"])
    op.drop_index("ix_event_person", "event")


def _create_tables() -> None:
    op.create_table(
        "app",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("services", JSON_TYPE, nullable=False),
        sa.Column("attributes", JSON_TYPE, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("key_changed_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_app_name", "app", ["name"], unique=True)
    op.create_table(
        "event_source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("allowed_types", JSON_TYPE, nullable=True),
        sa.Column("per_second", sa.Integer(), nullable=True),
        sa.Column("sample_percent", sa.Integer(), nullable=False),
        sa.Column("excess", sa.String(length=40), nullable=False),
        sa.Column("first_seen_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_event_source_name", "event_source", ["name"], unique=True)
    op.create_table(
        "event_type_seen",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("fields", JSON_TYPE, nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("minute_at", AT, nullable=False),
        sa.Column("minute_count", sa.Integer(), nullable=False),
        sa.Column("last_minute_count", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", AT, nullable=False),
        sa.Column("last_seen_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uq_event_type_seen", "event_type_seen", ["type", "source"], unique=True)
    op.create_table(
        "quarantined_event",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("document", JSON_TYPE, nullable=False),
        sa.Column("received_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_quarantined_source", "quarantined_event", ["source", "id"])
    op.create_table(
        "identity_conflict",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("other_person_id", BIG, nullable=False),
        sa.Column("identity_id", BIG, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("seen_at", AT, nullable=False),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("decision", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    undecided = sa.text("decided_at IS NULL")
    op.create_index(
        "uq_identity_conflict", "identity_conflict", ["person_id", "other_person_id"], unique=True,
        sqlite_where=undecided, postgresql_where=undecided,
    )
