"""Finds a Chromium for the tests in a browser; with `--install`, gets one where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
HELP = (
    "No Chromium was found for the tests in a browser, and none could be installed.\n"
    "Install one (Debian: apt-get install chromium; Fedora: dnf install chromium),\n"
    "or set CXCONSOLE_TEST_BROWSER to its path."
)


def find_browser() -> str | None:
    """The path of a Chromium: the one named, the system's, or the one Playwright keeps."""
    if named := os.environ.get("CXCONSOLE_TEST_BROWSER"):
        return named
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return found
    kept = sorted((Path.home() / ".cache" / "ms-playwright").glob("chromium-*/chrome-linux*/chrome"))
    return str(kept[-1]) if kept else None


def _install() -> None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
        done = subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], env=environment, check=False)
        if done.returncode == 0:
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


if __name__ == "__main__":
    if find_browser() is None and "--install" in sys.argv:
        _install()
    if find_browser() is None:
        raise SystemExit(HELP)
