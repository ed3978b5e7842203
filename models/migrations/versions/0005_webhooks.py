"""Webhooks that come in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cxconsole.database import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT = UtcDateTime()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_TYPE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("secrets", sa.String(), nullable=False),
        sa.Column("signature_header", sa.String(), nullable=True),
        sa.Column("mapping", JSON_TYPE, nullable=False),
        sa.Column("received", BIG, nullable=False),
        sa.Column("stored", BIG, nullable=False),
        sa.Column("failed", BIG, nullable=False),
        sa.Column("last_received_at", AT, nullable=True),
        sa.Column("last_problem", sa.String(), nullable=True),
        sa.Column("last_problem_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_webhook_name", "webhook", ["name"], unique=True)
    op.create_index("ix_webhook_token_hash", "webhook", ["token_hash"], unique=True)
    op.create_table(
        "webhook_payload",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("webhook_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("payload", JSON_TYPE, nullable=False),
        sa.Column("received_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_webhook_payload", "webhook_payload", ["webhook_id", "id"])


def downgrade() -> None:
    op.drop_table("webhook_payload")
    op.drop_table("webhook")
