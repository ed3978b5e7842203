"""What makes imports cheaper: kinds of identities compared as numbers and names by their bytes, and many persons in a
row of the search queue. And the requests of a person, found by an index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ENUM

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KIND = ENUM(
    "customer_id", "email", "phone", "postal", "push", "social_id", "temporary_id", name="identity_kind", create_type=False
)
NAMES = ("first_name", "last_name", "language")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_TYPE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _make_queue(*column: sa.Column) -> None:
    op.create_table(
        "person_search_queue",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        *column,
        sa.PrimaryKeyConstraint("id"),
    )


def upgrade() -> None:
    is_postgresql = op.get_context().dialect.name == "postgresql"
    op.rename_table("person_search_queue", "queue_before")
    if is_postgresql:
        op.execute("ALTER TABLE queue_before RENAME CONSTRAINT person_search_queue_pkey TO queue_before_pkey")
        op.execute("ALTER SEQUENCE person_search_queue_id_seq RENAME TO queue_before_id_seq")
    _make_queue(sa.Column("person_ids", JSON_TYPE, nullable=False))
    collect = "jsonb_agg" if is_postgresql else "json_group_array"
    op.execute(
        f"INSERT INTO person_search_queue (person_ids) SELECT {collect}(person_id) FROM queue_before "
        "GROUP BY id / 500 ORDER BY id / 500"
    )
    op.drop_table("queue_before")
    op.create_index("ix_request_person", "comm_request", ["person_id", "id"])
    if is_postgresql:
        KIND.create(op.get_bind())
        op.alter_column("identity", "kind", type_=KIND, postgresql_using="kind::identity_kind")
        for column in NAMES:
            op.alter_column("person", column, type_=sa.String(collation="C"))


def downgrade() -> None:
    is_postgresql = op.get_context().dialect.name == "postgresql"
    if is_postgresql:
        op.execute("ALTER TABLE identity ALTER COLUMN kind TYPE VARCHAR(40) USING kind::text")
        KIND.drop(op.get_bind())
        for column in NAMES:
            op.alter_column("person", column, type_=sa.String(collation="default"))
    op.drop_index("ix_request_person", "comm_request")
    op.drop_table("person_search_queue")
    _make_queue(sa.Column("person_id", BIG, nullable=False))
    op.execute("INSERT INTO person_search_queue (person_id) SELECT id FROM person")
