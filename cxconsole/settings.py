"""What an operator can set, by environment variables that begin with `CXCONSOLE_`."""

from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EngineMode(StrEnum):
    """Where the jobs run: in this process, in a child of it, or not at all (workers elsewhere)."""

    HERE = "here"
    WORKER = "worker"
    OFF = "off"


class Settings(BaseSettings):
    """The settings of one process. `docs/settings.md` explains each; a test keeps it complete."""

    model_config = SettingsConfigDict(env_prefix="CXCONSOLE_", env_file=None, extra="ignore")

    host: str = Field("127.0.0.1", description="The address the console listens on.")
    port: int = Field(3000, description="The port of pages and API.")
    data_dir: Path = Field(Path(".data"), description="Where the database, uploads and keys are kept.")
    database_url: str = Field("", description="SQLAlchemy URL; empty means one SQLite file in the data folder.")
    demo: bool = Field(True, description="Whether an empty database is seeded with the demo world.")
    engine: EngineMode = Field(EngineMode.HERE, description="Where the jobs run: here, worker or off.")
    public_url: str = Field("", description="The console's address as recipients reach it, for links in messages.")
    secret_key: str = Field("", description="Key for stored secrets; empty means the key file in the data folder.")
    outgoing_allow: str = Field(
        "", description="Names and CIDRs, comma-separated, that gateways may reach although they are private."
    )
    log_level: str = Field("INFO", description="The least level that is logged.")

    @property
    def resolved_database_url(self) -> str:
        """The URL that is used: the one set, or the SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'cxconsole.db').absolute()}"

    @property
    def base_url(self) -> str:
        """The address put into messages, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_public(self) -> bool:
        """Whether recipients reach this console, so that links in messages lead somewhere."""
        return bool(self.public_url)

    @property
    def browser_origins(self) -> list[str]:
        """The addresses from which a browser may talk to the console; anything else is another site."""
        names = {"127.0.0.1", "localhost", self.host}
        return sorted({self.base_url, *(f"http://{name}:{self.port}" for name in names)})

    @property
    def import_dir(self) -> Path:
        """Where uploads wait to be read; never served to browsers."""
        return self.data_dir / "imports"


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()  # type: ignore[call-arg]
