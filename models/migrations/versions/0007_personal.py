"""Personal fields of events, the keys of persons, and who was erased."""

import sqlalchemy as sa
from alembic import op

from cxconsole.database import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AT = UtcDateTime()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "personal_field",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("is_personal", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uq_personal_field", "personal_field", ["type", "source", "path"], unique=True)
    op.create_table(
        "person_key",
        sa.Column("person_id", BIG, autoincrement=False, nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.add_column("person", sa.Column("erased_at", AT, nullable=True))


def downgrade() -> None:
    op.drop_column("person", "erased_at")
    op.drop_table("person_key")
    op.drop_table("personal_field")
