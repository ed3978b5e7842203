"""The only place that joins the parts: settings in, a running application out."""

from dataclasses import dataclass
from functools import cache

from cxconsole.accounts.vault import Vault
from cxconsole.database import Database
from cxconsole.jobs import Job
from cxconsole.settings import Settings, get_settings
from cxconsole.signals import Signals


@dataclass(frozen=True, kw_only=True)
class Application:
    """What pages, API and engine share inside one process."""

    settings: Settings
    database: Database
    signals: Signals
    vault: Vault


def build_application(settings: Settings) -> Application:
    """A new application. Opens nothing yet but the way to the database and the key file."""
    return Application(
        settings=settings,
        database=Database(settings.resolved_database_url),
        signals=Signals(),
        vault=Vault.from_settings(settings.secret_key, settings.data_dir),
    )


@cache
def get_application() -> Application:
    """The application of this process."""
    return build_application(get_settings())


def build_jobs(application: Application) -> list[Job]:
    """All jobs of the engine, in the order of the pipeline."""
    return []
