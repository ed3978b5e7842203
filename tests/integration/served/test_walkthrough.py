"""`docs/journey-walkthrough.md`: every command is run as it stands, and answers what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "journey-walkthrough.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$(?:\s+^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
END = "----end of block----"


def test_every_command_does_what_the_page_says(console, application, tmp_path):
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 10
    script = "set -eo pipefail\n" + "".join(f"{commands}\nprintf '\\n{END}\\n'\n" for commands, _ in blocks)
    settings = application.settings
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CXCONSOLE_DATABASE_URL": settings.database_url,
        "CXCONSOLE_DATA_DIR": str(settings.data_dir),
    }
    done = subprocess.run(
        ["bash", "-c", script.replace("http://127.0.0.1:3000", console)], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    answers = done.stdout.split(END)
    for (commands, expected), answer in zip(blocks, answers, strict=False):
        pattern = re.escape(expected.strip()).replace("…", ".*")
        assert re.fullmatch(pattern, answer.strip()), f"{commands}\nanswered\n{answer}"
