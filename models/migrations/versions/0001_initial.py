"""All tables of the first release, and the database's own guard over the Tape."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cxconsole.database import UtcDateTime
from models.campaign import FIRST_CAMPAIGN_ID
from models.person_search import create_person_search

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

AT = UtcDateTime()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_TYPE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_REFUSAL = "the Tape is immutable"


def upgrade() -> None:
    _create_tables()
    create_person_search(op.get_bind())
    _guard_the_tape()


def downgrade() -> None:
    raise RuntimeError("there is nothing before the first release")


def _guard_the_tape() -> None:
    if op.get_bind().dialect.name == "sqlite":
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


def _create_tables() -> None:
    op.create_table('api_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('prefix', sa.String(), nullable=False),
    sa.Column('key_hash', sa.String(), nullable=False),
    sa.Column('scopes', JSON_TYPE, nullable=False),
    sa.Column('expires_at', AT, nullable=True),
    sa.Column('revoked_at', AT, nullable=True),
    sa.Column('last_used_at', AT, nullable=True),
    sa.Column('created_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_api_key_key_hash'), 'api_key', ['key_hash'], unique=True)
    op.create_table('campaign',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('description', sa.String(), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('time_zone', sa.String(), nullable=False),
    sa.Column('window_start', sa.String(), nullable=False),
    sa.Column('window_end', sa.String(), nullable=False),
    sa.Column('window_days', JSON_TYPE, nullable=False),
    sa.Column('window_in_zone_of', sa.String(length=40), nullable=False),
    sa.Column('starts_at', AT, nullable=True),
    sa.Column('ends_at', AT, nullable=True),
    sa.Column('dialing_modes', JSON_TYPE, nullable=False),
    sa.Column('queue_id', sa.String(), nullable=True),
    sa.Column('per_minute', sa.Integer(), nullable=True),
    sa.Column('per_person_count', sa.Integer(), nullable=True),
    sa.Column('per_person_window', sa.String(), nullable=True),
    sa.Column('flow_version', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('first_published_at', AT, nullable=True),
    sa.Column('published_at', AT, nullable=True),
    sa.Column('ended_at', AT, nullable=True),
    sa.Column('created_at', AT, nullable=False),
    sa.Column('updated_at', AT, nullable=False),
    sa.Column('last_activity_at', AT, nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_campaign_created_at'), 'campaign', ['created_at'], unique=False)
    op.create_index('ix_campaign_name', 'campaign', ['name', 'id'], unique=False)
    op.create_index('ix_campaign_state', 'campaign', ['state', 'id'], unique=False)
    op.create_table('campaign_contact',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('person_id', BIG, nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('hold_reason', sa.String(length=40), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('node', sa.String(length=40), nullable=True),
    sa.Column('due_at', AT, nullable=True),
    sa.Column('last_activity_at', AT, nullable=True),
    sa.Column('created_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_contact_activity', 'campaign_contact', ['campaign_id', 'last_activity_at', 'id'], unique=False, sqlite_where=sa.text('last_activity_at IS NOT NULL'), postgresql_where=sa.text('last_activity_at IS NOT NULL'))
    op.create_index('ix_contact_due', 'campaign_contact', ['campaign_id', 'status', 'due_at', 'id'], unique=False)
    op.create_index('ix_contact_held', 'campaign_contact', ['campaign_id', 'hold_reason', 'id'], unique=False, sqlite_where=sa.text("status = 'held'"), postgresql_where=sa.text("status = 'held'"))
    op.create_index('ix_contact_list', 'campaign_contact', ['campaign_id', 'id'], unique=False)
    op.create_index('ix_contact_person', 'campaign_contact', ['person_id'], unique=False)
    op.create_index('ix_contact_reason', 'campaign_contact', ['campaign_id', 'reason', 'status', 'last_activity_at'], unique=False, sqlite_where=sa.text('reason IS NOT NULL'), postgresql_where=sa.text('reason IS NOT NULL'))
    op.create_index('ix_contact_source', 'campaign_contact', ['source_id', 'id'], unique=False)
    op.create_index('uq_contact_campaign_person', 'campaign_contact', ['campaign_id', 'person_id'], unique=True)
    op.create_table('comm_delivery',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('request_id', BIG, nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=True),
    sa.Column('contact_id', BIG, nullable=True),
    sa.Column('person_id', BIG, nullable=False),
    sa.Column('node', sa.String(length=40), nullable=True),
    sa.Column('channel', sa.String(length=40), nullable=False),
    sa.Column('target', sa.String(), nullable=False),
    sa.Column('gateway_id', sa.Integer(), nullable=False),
    sa.Column('template_version_id', sa.Integer(), nullable=False),
    sa.Column('merge', JSON_TYPE, nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('not_before', AT, nullable=False),
    sa.Column('lease_owner', sa.String(), nullable=True),
    sa.Column('lease_until', AT, nullable=True),
    sa.Column('possible_duplicate', sa.Boolean(), nullable=False),
    sa.Column('provider_id', sa.String(), nullable=True),
    sa.Column('checks', JSON_TYPE, nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('created_at', AT, nullable=False),
    sa.Column('sent_at', AT, nullable=True),
    sa.Column('delivered_at', AT, nullable=True),
    sa.Column('bounced_at', AT, nullable=True),
    sa.Column('opened_at', AT, nullable=True),
    sa.Column('clicked_at', AT, nullable=True),
    sa.Column('read_at', AT, nullable=True),
    sa.Column('replied_at', AT, nullable=True),
    sa.Column('unsubscribed_at', AT, nullable=True),
    sa.Column('complained_at', AT, nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_delivery_campaign', 'comm_delivery', ['campaign_id', 'channel', 'state', 'contact_id'], unique=False)
    op.create_index('ix_delivery_clicked', 'comm_delivery', ['campaign_id', 'channel', 'contact_id'], unique=False, sqlite_where=sa.text('clicked_at IS NOT NULL'), postgresql_where=sa.text('clicked_at IS NOT NULL'))
    op.create_index('ix_delivery_contact', 'comm_delivery', ['contact_id'], unique=False)
    op.create_index('ix_delivery_due', 'comm_delivery', ['gateway_id', 'not_before', 'id'], unique=False, sqlite_where=sa.text("state IN ('D','R','sending')"), postgresql_where=sa.text("state IN ('D','R','sending')"))
    op.create_index('ix_delivery_opened', 'comm_delivery', ['campaign_id', 'channel', 'contact_id'], unique=False, sqlite_where=sa.text('opened_at IS NOT NULL'), postgresql_where=sa.text('opened_at IS NOT NULL'))
    op.create_index('ix_delivery_person', 'comm_delivery', ['person_id', 'sent_at'], unique=False)
    op.create_index('ix_delivery_provider', 'comm_delivery', ['gateway_id', 'provider_id'], unique=False, sqlite_where=sa.text('provider_id IS NOT NULL'), postgresql_where=sa.text('provider_id IS NOT NULL'))
    op.create_index('ix_delivery_request', 'comm_delivery', ['request_id'], unique=False)
    op.create_index('ix_delivery_unsubscribed', 'comm_delivery', ['campaign_id', 'channel', 'contact_id'], unique=False, sqlite_where=sa.text('unsubscribed_at IS NOT NULL'), postgresql_where=sa.text('unsubscribed_at IS NOT NULL'))
    op.create_table('comm_request',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('trigger_kind', sa.String(length=40), nullable=False),
    sa.Column('trigger_id', sa.String(), nullable=False),
    sa.Column('unique_ref', sa.String(), nullable=True),
    sa.Column('campaign_id', sa.Integer(), nullable=True),
    sa.Column('contact_id', BIG, nullable=True),
    sa.Column('person_id', BIG, nullable=False),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('comm_code', sa.String(), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('created_at', AT, nullable=False),
    sa.Column('updated_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_request_contact', 'comm_request', ['contact_id'], unique=False)
    op.create_index('uq_request_unique_ref', 'comm_request', ['unique_ref'], unique=True, sqlite_where=sa.text('unique_ref IS NOT NULL'), postgresql_where=sa.text('unique_ref IS NOT NULL'))
    op.create_table('event',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('event_id', sa.String(), nullable=True),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('type', sa.String(length=40), nullable=False),
    sa.Column('person_id', BIG, nullable=True),
    sa.Column('campaign_id', sa.Integer(), nullable=True),
    sa.Column('contact_id', BIG, nullable=True),
    sa.Column('delivery_id', BIG, nullable=True),
    sa.Column('time', AT, nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('data', JSON_TYPE, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_event_campaign', 'event', ['campaign_id', 'id'], unique=False, sqlite_where=sa.text('person_id IS NULL'), postgresql_where=sa.text('person_id IS NULL'))
    op.create_index('ix_event_person', 'event', ['person_id', 'id'], unique=False)
    op.create_index('uq_event_source_id', 'event', ['source', 'event_id'], unique=True, sqlite_where=sa.text('event_id IS NOT NULL'), postgresql_where=sa.text('event_id IS NOT NULL'))
    op.create_table('gateway',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('channel', sa.String(length=40), nullable=False),
    sa.Column('settings', JSON_TYPE, nullable=False),
    sa.Column('secrets', sa.String(), nullable=False),
    sa.Column('per_minute', sa.Integer(), nullable=True),
    sa.Column('per_domain_per_minute', sa.Integer(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('health', sa.String(length=40), nullable=False),
    sa.Column('health_error', sa.String(), nullable=True),
    sa.Column('health_since', AT, nullable=True),
    sa.Column('health_retry_at', AT, nullable=True),
    sa.Column('slowed_to_per_minute', sa.Integer(), nullable=True),
    sa.Column('pace_before_slowing', sa.Integer(), nullable=True),
    sa.Column('paced_at', AT, nullable=True),
    sa.Column('failures_in_a_row', sa.Integer(), nullable=False),
    sa.Column('tested_at', AT, nullable=True),
    sa.Column('test_passed', sa.Boolean(), nullable=True),
    sa.Column('test_steps', JSON_TYPE, nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', AT, nullable=False),
    sa.Column('updated_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('idempotency_record',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.String(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('body', JSON_TYPE, nullable=False),
    sa.Column('created_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('key')
    )
    op.create_index(op.f('ix_idempotency_record_created_at'), 'idempotency_record', ['created_at'], unique=False)
    op.create_table('identity',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('person_id', BIG, nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('is_primary', sa.Boolean(), nullable=False),
    sa.Column('created_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_identity_person', 'identity', ['person_id'], unique=False)
    op.create_index('uq_identity_kind_value', 'identity', ['kind', 'value'], unique=True)
    op.create_table('job_run',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('paused', sa.Boolean(), nullable=False),
    sa.Column('last_run_at', AT, nullable=True),
    sa.Column('last_count', sa.Integer(), nullable=False),
    sa.Column('runs', sa.Integer(), nullable=False),
    sa.Column('errors', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('person',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('first_name', sa.String(), nullable=True),
    sa.Column('last_name', sa.String(), nullable=True),
    sa.Column('language', sa.String(), nullable=True),
    sa.Column('time_zone', sa.String(), nullable=True),
    sa.Column('preferred_channel', sa.String(length=40), nullable=True),
    sa.Column('external_ref', sa.String(), nullable=True),
    sa.Column('attributes', JSON_TYPE, nullable=False),
    sa.Column('consents', JSON_TYPE, nullable=False),
    sa.Column('labels', JSON_TYPE, nullable=False),
    sa.Column('merged_into', BIG, nullable=True),
    sa.Column('created_by_source', sa.Integer(), nullable=True),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('created_at', AT, nullable=False),
    sa.Column('updated_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_person_first_name', 'person', ['first_name', 'id'], unique=False)
    op.create_index('ix_person_language', 'person', ['language', 'id'], unique=False)
    op.create_index('ix_person_last_name', 'person', ['last_name', 'first_name', 'id'], unique=False)
    op.create_index('ix_person_merged', 'person', ['merged_into'], unique=False, sqlite_where=sa.text('merged_into IS NOT NULL'), postgresql_where=sa.text('merged_into IS NOT NULL'))
    op.create_table('person_search_queue',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('person_id', BIG, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('rate_usage',
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('second', sa.Integer(), nullable=False),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('scope', 'second')
    )
    op.create_table('sandbox_message',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('gateway_id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', BIG, nullable=True),
    sa.Column('channel', sa.String(length=40), nullable=False),
    sa.Column('target', sa.String(), nullable=False),
    sa.Column('sender', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('html', sa.String(), nullable=True),
    sa.Column('text', sa.String(), nullable=True),
    sa.Column('received_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_sandbox_message_gateway_id'), 'sandbox_message', ['gateway_id'], unique=False)
    op.create_table('sandbox_receipt',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('delivery_id', BIG, nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('due_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_sandbox_receipt_due_at'), 'sandbox_receipt', ['due_at'], unique=False)
    op.create_table('suppression',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('address', sa.String(), nullable=True),
    sa.Column('person_id', BIG, nullable=True),
    sa.Column('channel', sa.String(length=40), nullable=True),
    sa.Column('campaign_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('created_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_suppression_address', 'suppression', ['address'], unique=False)
    op.create_index('ix_suppression_person', 'suppression', ['person_id'], unique=False)
    op.create_table('system_flag',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('updated_at', AT, nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('channel', sa.String(length=40), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('current_version_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('created_at', AT, nullable=False),
    sa.Column('updated_at', AT, nullable=False),
    sa.Column('deleted_at', AT, nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_template_name'), 'template', ['name'], unique=False)
    op.create_table('traffic_minute',
    sa.Column('minute', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('gateway_id', sa.Integer(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('sent', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('minute', 'campaign_id', 'gateway_id', 'channel')
    )
    op.create_index('ix_traffic_campaign', 'traffic_minute', ['campaign_id', 'minute'], unique=False)
    op.create_table('campaign_channel',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('sent', sa.Integer(), nullable=False),
    sa.Column('delivered', sa.Integer(), nullable=False),
    sa.Column('bounced', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('opened', sa.Integer(), nullable=False),
    sa.Column('clicked', sa.Integer(), nullable=False),
    sa.Column('replied', sa.Integer(), nullable=False),
    sa.Column('unsubscribed', sa.Integer(), nullable=False),
    sa.Column('complained', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id', 'channel')
    )
    op.create_table('campaign_progress',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('planned', sa.Integer(), nullable=False),
    sa.Column('pending', sa.Integer(), nullable=False),
    sa.Column('in_progress', sa.Integer(), nullable=False),
    sa.Column('completed', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('suppressed', sa.Integer(), nullable=False),
    sa.Column('held_unpublished', sa.Integer(), nullable=False),
    sa.Column('held_expired', sa.Integer(), nullable=False),
    sa.Column('held_ended', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id')
    )
    op.create_table('contact_source',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('rows_read', sa.Integer(), nullable=False),
    sa.Column('created', sa.Integer(), nullable=False),
    sa.Column('merged', sa.Integer(), nullable=False),
    sa.Column('duplicates', sa.Integer(), nullable=False),
    sa.Column('rejected', sa.Integer(), nullable=False),
    sa.Column('left_out', sa.Integer(), nullable=False),
    sa.Column('contacts', sa.Integer(), nullable=False),
    sa.Column('created_at', AT, nullable=False),
    sa.Column('last_row_at', AT, nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_source_campaign', 'contact_source', ['campaign_id', 'id'], unique=False)
    op.create_table('flow',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('graph', JSON_TYPE, nullable=False),
    sa.Column('created_at', AT, nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('uq_flow_campaign_version', 'flow', ['campaign_id', 'version'], unique=True)
    op.create_table('import_check',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('file_name', sa.String(), nullable=False),
    sa.Column('bytes_done', sa.BigInteger(), nullable=False),
    sa.Column('bytes_total', sa.BigInteger(), nullable=False),
    sa.Column('rows_read', sa.Integer(), nullable=False),
    sa.Column('created', sa.Integer(), nullable=False),
    sa.Column('merged', sa.Integer(), nullable=False),
    sa.Column('duplicates', sa.Integer(), nullable=False),
    sa.Column('rejected', sa.Integer(), nullable=False),
    sa.Column('started_at', AT, nullable=False),
    sa.Column('finished_at', AT, nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_import_check_finished_at'), 'import_check', ['finished_at'], unique=False)
    op.create_table('template_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('template_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('html', sa.String(), nullable=True),
    sa.Column('text', sa.String(), nullable=True),
    sa.Column('created_at', AT, nullable=False),
    sa.ForeignKeyConstraint(['template_id'], ['template.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('uq_template_version', 'template_version', ['template_id', 'version'], unique=True)
    op.create_table('contact_import',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('file_name', sa.String(), nullable=False),
    sa.Column('path', sa.String(), nullable=False),
    sa.Column('mapping', JSON_TYPE, nullable=False),
    sa.Column('options', JSON_TYPE, nullable=False),
    sa.Column('bytes_done', sa.BigInteger(), nullable=False),
    sa.Column('bytes_total', sa.BigInteger(), nullable=False),
    sa.Column('rows_total', sa.Integer(), nullable=True),
    sa.Column('records_done', sa.Integer(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('undo_actor', sa.String(), nullable=True),
    sa.Column('lease_until', AT, nullable=True),
    sa.Column('started_at', AT, nullable=True),
    sa.Column('finished_at', AT, nullable=True),
    sa.Column('created_at', AT, nullable=False),
    sa.Column('error', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['source_id'], ['contact_source.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('source_id')
    )
    op.create_index(op.f('ix_contact_import_state'), 'contact_import', ['state'], unique=False)
    op.create_table('rejected_row',
    sa.Column('id', BIG, autoincrement=True, nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('row_number', sa.Integer(), nullable=False),
    sa.Column('column', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('remedy', sa.String(), nullable=False),
    sa.Column('raw', JSON_TYPE, nullable=False),
    sa.Column('is_stored', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['contact_source.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_rejected_source', 'rejected_row', ['source_id', 'id'], unique=False)
    op.create_table('source_mention',
    sa.Column('person_id', BIG, autoincrement=False, nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['source_id'], ['contact_source.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', 'source_id'),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_source_mention_source_id'), 'source_mention', ['source_id'], unique=False)
