"""The only place that joins the parts: settings in, a running application out."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, cached_property, partial

from sqlmodel import col, select

from cxconsole import clock
from cxconsole.accounts.doorkeeper import Doorkeeper
from cxconsole.accounts.idempotency import drain_kept_answers
from cxconsole.accounts.vault import Vault
from cxconsole.audience.identity_import_run import drain_identity_imports, has_identity_imports
from cxconsole.audience.recognition import recognise
from cxconsole.audience.search import INDEX_BATCH, drain_person_search_queue, has_unindexed
from cxconsole.audience.search_fragments import drain_fragments, has_fragments
from cxconsole.campaigns.advance import FlowHooks
from cxconsole.campaigns.due import drain_due_contacts, has_room_for_due
from cxconsole.campaigns.holds import has_unsettled, settle_holds
from cxconsole.campaigns.lifecycle import has_leftovers, remove_leftovers
from cxconsole.comms.limits import purge_usage
from cxconsole.comms.recall import has_stopped, recall_deliveries
from cxconsole.comms.recovery import has_lost, recover_deliveries
from cxconsole.comms.sender import Sender
from cxconsole.database import Database
from cxconsole.demo.refill import refill_demo
from cxconsole.demo.sandbox_world import drain_sandbox_receipts, has_sandbox_receipts
from cxconsole.demo.visitors import drain_visitors, has_visitors
from cxconsole.gateways.sandbox.inbox import trim_sandbox_messages
from cxconsole.jobs import Job, beat
from cxconsole.journey.intake import Intake
from cxconsole.journey.live import LiveTape
from cxconsole.journey.personal import know_personal
from cxconsole.journey.profile_cache import ProfileCache
from cxconsole.settings import Settings, get_settings
from cxconsole.signals import Signals, topics
from models.gateway import Gateway
from models.migrate import find_revision, migrate
from models.system import App, SystemFlag
from models.webhook import Webhook

_KEY_PROOF = "key_proof"
"""The flag that holds a text sealed with the key of this console."""


@dataclass(frozen=True, kw_only=True)
class Application:
    """What pages, API and engine share inside one process."""

    settings: Settings
    database: Database
    signals: Signals
    vault: Vault

    @cached_property
    def doorkeeper(self) -> Doorkeeper:
        """Who may come in by the journey contract."""
        return Doorkeeper(self.database, self.vault)

    @cached_property
    def intake(self) -> Intake:
        """The way onto the Tape for events of others."""
        return Intake(self.database, self.signals, recognise)

    @cached_property
    def live_tape(self) -> LiveTape:
        """What comes onto the Tape, for those who follow it."""
        return LiveTape(self.database, self.signals)

    @cached_property
    def profiles(self) -> ProfileCache:
        """Profiles that were built lately."""
        return ProfileCache()

    def forget_person(self, person_ids: Collection[int]) -> None:
        """Somebody was erased: nothing of them is kept in memory or in the database's log, and all look again."""
        self.profiles.forget(person_ids)
        self.signals.publish(topics.WORK, topics.CAMPAIGNS, topics.TAPE, topics.SUPPRESSIONS, topics.SANDBOX)
        self.database.scrub()

    def close(self) -> None:
        """Write what is still to be written, and close all connections."""
        if "intake" in self.__dict__:
            self.intake.close()
        self.database.dispose()


def build_application(settings: Settings) -> Application:
    """A new application. Opens nothing yet but the way to the database and the key file."""
    database = Database(settings.resolved_database_url)
    vault = Vault.from_settings(settings.secret_key, settings.data_dir)
    know_personal(database, vault)
    return Application(settings=settings, database=database, signals=Signals(), vault=vault)


def prepare_database(application: Application) -> None:
    """Bring the schema up to date, if the key at hand is the one that stored secrets were sealed with.

    Raises CxError, with nothing touched, if it is another one.
    """
    database, vault = application.database, application.vault
    with database.read() as session:
        proof = session.get(SystemFlag, _KEY_PROOF) if find_revision(session.connection()) else None
    if proof is not None:
        vault.check(proof.value)
    migrate(database)
    if proof is None:
        with database.write() as session:
            for kept in (Gateway.secrets, Webhook.secrets, App.secret):  # of a version that kept no proof
                vault.check(session.exec(select(kept).where(col(kept) != "").limit(1)).first() or "")
            session.merge(SystemFlag(name=_KEY_PROOF, value=vault.prove(), updated_at=clock.now()))


@cache
def get_application() -> Application:
    """The application of this process."""
    return build_application(get_settings())


def build_jobs(application: Application) -> list[Job]:
    """All jobs of the engine, in the order of the pipeline."""
    hooks = FlowHooks()
    return [
        Job(
            name="drain_due_contacts",
            drain=drain_due_contacts,
            has_work=has_room_for_due,
            every_seconds=0.5,
            limit=1000,
            wakes_on=(topics.WORK, topics.ROOM),
            announces=(topics.DELIVERIES, topics.CAMPAIGNS),
        ),
        Job(
            name="recall_deliveries",
            drain=partial(recall_deliveries, hooks=hooks),
            has_work=has_stopped,
            every_seconds=1,
            announces=(topics.CAMPAIGNS,),
        ),
        Job(
            name="settle_holds",
            drain=settle_holds,
            has_work=has_unsettled,
            every_seconds=1,
            limit=10_000,
            announces=(topics.CAMPAIGNS,),
        ),
        Job(name="remove_leftovers", drain=remove_leftovers, has_work=has_leftovers, every_seconds=5, limit=10_000),
        Job(
            name="recover_deliveries",
            drain=recover_deliveries,
            has_work=has_lost,
            every_seconds=2,
            announces=(topics.DELIVERIES,),
        ),
        Job(
            name="refill_demo",
            drain=refill_demo,
            every_seconds=20,
            wakes_on=(),
            announces=(topics.WORK, topics.CAMPAIGNS),
        ),
        Job(
            name="visit_shop",
            drain=drain_visitors,
            has_work=has_visitors,
            every_seconds=2,
            wakes_on=(),
            announces=(topics.TAPE,),
        ),
        Job(
            name="play_sandbox",
            drain=drain_sandbox_receipts,
            has_work=has_sandbox_receipts,
            every_seconds=1,
            limit=2000,
            wakes_on=(),
            announces=(topics.SANDBOX, topics.CAMPAIGNS, topics.SUPPRESSIONS),
        ),
        Job(
            name="trim_sandbox",
            drain=trim_sandbox_messages,
            every_seconds=60,
            limit=5000,
            wakes_on=(),
            announces=(topics.SANDBOX,),
        ),
        Job(name="forget_kept_answers", drain=drain_kept_answers, every_seconds=600, wakes_on=()),
        Job(
            name="index_persons",
            drain=drain_person_search_queue,
            has_work=has_unindexed,
            every_seconds=1,
            limit=INDEX_BATCH,
            wakes_on=(topics.IMPORTS,),
        ),
        Job(name="merge_search_index", drain=drain_fragments, has_work=has_fragments, every_seconds=60, limit=1),
        Job(
            name="import_identities",
            drain=drain_identity_imports,
            has_work=has_identity_imports,
            every_seconds=2,
            limit=1,
            wakes_on=(topics.IMPORTS,),
            announces=(topics.IMPORTS, topics.TAPE),
        ),
        Job(name="beat", drain=beat, every_seconds=10, wakes_on=()),
        Job(name="purge_usage", drain=purge_usage, every_seconds=60, limit=10_000, wakes_on=()),
    ]


def build_sender(application: Application) -> Sender:
    """The sender of this process."""
    return Sender(
        database=application.database,
        signals=application.signals,
        vault=application.vault,
        settings=application.settings,
        hooks=FlowHooks(),
    )
