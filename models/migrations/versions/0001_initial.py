"""All tables of the first release, and the database's own guard over the Tape."""

from alembic import op

from models.campaign import FIRST_CAMPAIGN_ID
from models.person_search import create_person_search
from models.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REFUSAL = "the Tape is immutable"


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection)
    create_person_search(connection)
    if connection.dialect.name == "sqlite":
        op.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('campaign', {FIRST_CAMPAIGN_ID - 1})")
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER event_refuses_{verb.lower()} BEFORE {verb} ON event "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(f"ALTER SEQUENCE campaign_id_seq RESTART WITH {FIRST_CAMPAIGN_ID}")
    op.execute(
        "CREATE FUNCTION event_refuses_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER event_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON event "
        "FOR EACH STATEMENT EXECUTE FUNCTION event_refuses_change()"
    )


def downgrade() -> None:
    raise RuntimeError("there is nothing before the first release")
