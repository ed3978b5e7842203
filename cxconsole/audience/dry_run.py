"""The check of a file as a process of its own runs it; kept apart so that such a process loads little."""

from pathlib import Path

from cxconsole.audience.inspect import DryRun, ImportOptions, check_file
from cxconsole.database import Database


def dry_run(
    url: str,
    path: str,
    mapping: dict[str, str | None] | None,
    region: str,
    campaign_id: int,
    options: ImportOptions | None = None,
) -> DryRun:
    """What the import of this file into the campaign would do. Changes nothing. `options` say more than the region."""
    database = Database(url)
    try:
        return check_file(Path(path), mapping, options or ImportOptions(default_region=region), database, campaign_id)
    finally:
        database.dispose()
