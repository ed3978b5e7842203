"""Notes about persons and follow-ups with them."""

import sqlalchemy as sa
from alembic import op

from cxconsole.database import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

AT = UtcDateTime()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "note",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_note_person", "note", ["person_id"])
    op.create_table(
        "scheduled_activity",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_activity_person", "scheduled_activity", ["person_id", "due_at"])
    is_open = sa.text("state = 'scheduled'")
    op.create_index("ix_activity_due", "scheduled_activity", ["due_at"], sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    op.drop_table("scheduled_activity")
    op.drop_table("note")
