"""Merges that can be undone, decisions about identity conflicts, and files of identities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cxconsole.database import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

AT = UtcDateTime()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_TYPE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "person_merge",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("merged_person_id", BIG, nullable=False),
        sa.Column("moved", JSON_TYPE, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("merged_at", AT, nullable=False),
        sa.Column("undone_at", AT, nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_person_merge_person", "person_merge", ["person_id"])
    op.create_index("ix_person_merge_merged", "person_merge", ["merged_person_id"])
    op.add_column("identity_conflict", sa.Column("decided_by", sa.String(), nullable=True))
    op.create_index("ix_identity_conflict_other", "identity_conflict", ["other_person_id"])
    op.create_index("ix_identity_conflict_decided", "identity_conflict", ["decided_at", "id"])
    op.create_table(
        "identity_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("columns", JSON_TYPE, nullable=False),
        sa.Column("format", JSON_TYPE, nullable=False),
        sa.Column("bytes_done", BIG, nullable=False),
        sa.Column("bytes_total", BIG, nullable=False),
        sa.Column("records_done", sa.Integer(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("merged", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_identity_import_state", "identity_import", ["state"])
    op.create_table(
        "rejected_identity",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("remedy", sa.String(), nullable=False),
        sa.Column("raw", JSON_TYPE, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["identity_import.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_rejected_identity_import", "rejected_identity", ["import_id", "id"])


def downgrade() -> None:
    raise RuntimeError("the Tape may hold what the release before cannot read")
