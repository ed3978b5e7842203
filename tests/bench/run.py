"""Runs the benches one after another and prints one JSON line a result: `python tests/bench/run.py [name ...]`.

Each is a process of its own, so that none warms up the next; the world of a million contacts is made once for all.
A bench that fails says so in its line and the others go on; the exit code tells.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BENCH, ROOT, machine, report

YARDSTICKS = ("raw_smtp", "django_post_office", "bare_import", "django_import_export")


def main(names: list[str]) -> int:
    """Run what was named, or everything; the number of benches that failed."""
    report("machine", **machine())
    scripts = [BENCH / "yardsticks" / f"{name}.py" for name in YARDSTICKS] + sorted(BENCH.glob("bench_*.py"))
    chosen = [script for script in scripts if not names or script.stem in names or script.stem[6:] in names]
    with tempfile.TemporaryDirectory() as world:
        return sum(_run(script, os.environ.get("CXCONSOLE_BENCH_WORLD", world)) for script in chosen)


def _run(script: Path, world: str) -> bool:
    """Whether it failed."""
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    environment = {**os.environ, "PYTHONPATH": path, "CXCONSOLE_BENCH_WORLD": world}
    done = subprocess.run([sys.executable, script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        print(line if _is_json(line) else json.dumps({"bench": script.stem, "says": line}), flush=True)
    if done.returncode:
        report(script.stem, failed=True, exit_code=done.returncode)
    return done.returncode != 0


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
