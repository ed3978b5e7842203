"""Profile views."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cxconsole.database import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON_TYPE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "profile_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("attributes", JSON_TYPE, nullable=False),
        sa.Column("roles", JSON_TYPE, nullable=False),
        sa.Column("datapoint_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_profile_view_key", "profile_view", ["key"], unique=True)


def downgrade() -> None:
    op.drop_table("profile_view")
