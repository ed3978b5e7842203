"""Indexes that cost less to keep: keys compared by their bytes, one index for a person's places in campaigns."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEYS = (("identity", "value"), ("event", "event_id"), ("event", "source"))


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":  # SQLite compares by bytes unless told otherwise
        for table, column in KEYS:
            op.alter_column(table, column, type_=sa.String(collation="C"))
    op.create_index("uq_contact_person_campaign", "campaign_contact", ["person_id", "campaign_id"], unique=True)
    op.drop_index("uq_contact_campaign_person", "campaign_contact")
    op.drop_index("ix_contact_person", "campaign_contact")


def downgrade() -> None:
    op.create_index("uq_contact_campaign_person", "campaign_contact", ["campaign_id", "person_id"], unique=True)
    op.create_index("ix_contact_person", "campaign_contact", ["person_id"])
    op.drop_index("uq_contact_person_campaign", "campaign_contact")
    if op.get_context().dialect.name == "postgresql":
        for table, column in KEYS:
            op.alter_column(table, column, type_=sa.String(collation="default"))
