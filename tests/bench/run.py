"""Runs the benches one after another and prints one JSON line a result: `python tests/bench/run.py [name ...]`.

Each is a process of its own, so that none warms up the next. A bench that fails says so in its line and
the others go on; the exit code tells.
"""

import json
import os
import subprocess
import sys

from harness import BENCH, ROOT, machine, report

YARDSTICKS = ("raw_smtp", "django_post_office", "bare_import", "django_import_export")


def main(names: list[str]) -> int:
    """Run what was named, or everything; the number of benches that failed."""
    report("machine", **machine())
    scripts = [BENCH / "yardsticks" / f"{name}.py" for name in YARDSTICKS] + sorted(BENCH.glob("bench_*.py"))
    chosen = [script for script in scripts if not names or script.stem in names or script.stem[6:] in names]
    failed = 0
    for script in chosen:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
        done = subprocess.run([sys.executable, script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for line in done.stdout.splitlines():
            print(line if _is_json(line) else json.dumps({"bench": script.stem, "says": line}), flush=True)
        if done.returncode:
            failed += 1
            report(script.stem, failed=True, exit_code=done.returncode)
    return failed


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
