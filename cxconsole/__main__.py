"""`python -m cxconsole <command>`."""

import argparse
import gc
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.errors import CxError

# Each command imports what it needs when it runs: making a key must not load the engine or the pages.


_MOST_DAYS = 36_500


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    given = _make_parser().parse_args(arguments)
    try:
        given.run(given)
    except CxError as error:
        raise SystemExit(f"cxconsole: {error.detail}") from None
    except BrokenPipeError:
        raise SystemExit(1) from None


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cxconsole", description="The customer experience console.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start the console").set_defaults(run=_run)
    worker = commands.add_parser("worker", help="run the jobs alone, beside a console elsewhere")
    worker.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    worker.set_defaults(run=_work)
    seed = commands.add_parser("seed", help="fill an empty database with the demo world, or add a campaign of any size")
    seed.add_argument("--contacts", type=_count, help="instead, add a campaign with so many made-up contacts")
    seed.set_defaults(run=_seed)
    backup = commands.add_parser("backup", help="write all that the console knows to a file, while it runs")
    backup.add_argument("file", type=Path)
    backup.set_defaults(run=_back_up)
    restore = commands.add_parser("restore", help="put a backup in the place of the database; stop the console first")
    restore.add_argument("file", type=Path)
    restore.add_argument("--replace", action="store_true", help="although the database holds something")
    restore.set_defaults(run=_restore)
    keys = commands.add_parser("apikey", help="keys for other systems").add_subparsers(dest="action", required=True)
    create = keys.add_parser("create", help="make a key and print it, and nothing else")
    create.add_argument("--name", required=True, help="which system it is for")
    create.add_argument("--scopes", required=True, help="all, or rights with commas: campaigns.read,contacts.edit")
    create.add_argument("--expires-in-days", type=_count, help="when it stops working; without, never")
    create.set_defaults(run=_create_key)
    keys.add_parser("list", help="list the keys, without the keys themselves").set_defaults(run=_list_keys)
    revoke = keys.add_parser("revoke", help="end a key at once")
    revoke.add_argument("id", type=int)
    revoke.set_defaults(run=_revoke_key)
    return parser


def _run(_given: argparse.Namespace) -> None:
    # What the start loads stays, so to look through it for what could go, again and again, costs a sixth of its time.
    gc.disable()
    sys.dont_write_bytecode = False  # images like to forbid it; then each start would compile the console anew
    from cxconsole import serve
    from cxconsole.processes import share_heaps

    share_heaps()
    serve.run()


def _work(given: argparse.Namespace) -> None:
    from cxconsole import serve
    from cxconsole.engine import run_worker
    from cxconsole.processes import share_heaps

    share_heaps()
    application = _open()
    serve.start_logging(application.settings)
    run_worker(application, parent=given.parent)


def _seed(given: argparse.Namespace) -> None:
    from cxconsole.demo.load import seed_contacts
    from cxconsole.demo.seed import seed_demo
    from models.campaign import campaign_code

    if given.contacts is not None:
        print(campaign_code(seed_contacts(_open(), given.contacts)))
    elif not seed_demo(_open()):
        raise SystemExit("cxconsole: The database is not empty, so nothing was seeded.")


def _back_up(given: argparse.Namespace) -> None:
    from cxconsole.backup import make_backup

    make_backup(_open(), given.file)
    print(f"{given.file} is written. Keep the secret key elsewhere: without it what is sealed in there cannot be read.")


def _restore(given: argparse.Namespace) -> None:
    from cxconsole.backup import restore_backup
    from cxconsole.bootstrap import get_application

    restore_backup(get_application(), given.file, replace=given.replace)
    print(f"{given.file} is restored. Sending is paused: let it go on from the first page when you have looked.")


def _create_key(given: argparse.Namespace) -> None:
    from cxconsole.accounts.keys import create_key

    now = clock.now()
    days = given.expires_in_days
    expires_at = None if days is None else now + timedelta(days=min(days, _MOST_DAYS))
    with _open().database.write() as session:
        scopes = given.scopes.split(",")
        _, plaintext = create_key(session, given.name, scopes, expires_at, actor=OPERATOR, now=now)
    print(plaintext)


def _list_keys(_given: argparse.Namespace) -> None:
    from cxconsole.accounts.keys import list_keys

    with _open().database.read() as session:
        for key in list_keys(session, actor=OPERATOR):
            ends = key.revoked_at or key.expires_at
            word = "revoked" if key.revoked_at else "expires"
            end = f"{word} {ends:%Y-%m-%d %H:%M} UTC" if ends else "does not expire"
            print(f"{key.id}\t{key.prefix}…\t{key.name}\t{','.join(key.scopes)}\t{end}")


def _revoke_key(given: argparse.Namespace) -> None:
    from cxconsole.accounts.keys import revoke_key

    with _open().database.write() as session:
        revoke_key(session, given.id, actor=OPERATOR, now=clock.now())


def _count(text: str) -> int:
    """A number from 1 to 100 million, for argparse."""
    number = int(text)
    if not 1 <= number <= 100_000_000:
        raise argparse.ArgumentTypeError("a whole number from 1 to 100,000,000")
    return number


def _open():
    """The application on a migrated database."""
    from cxconsole.bootstrap import get_application, prepare_database

    application = get_application()
    prepare_database(application)
    return application


if __name__ == "__main__":
    main(sys.argv[1:])
