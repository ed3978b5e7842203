"""The documentation is complete: what is not in it fails here, by name."""

import re
from pathlib import Path

import pytest

from cxconsole.api.app import build_api
from cxconsole.bootstrap import build_application
from cxconsole.gateways.registry import KINDS
from cxconsole.settings import Settings
from models.event import EventType

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)(\[[^]]*\])?==", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^]]*\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


def first_cells(page: str) -> set[str]:
    """What the tables of a page explain: the first cell of each row, without backticks."""
    rows = re.findall(r"^\| *([^|]+?) *\|", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {cell.strip("`") for cell in rows}


def test_every_setting_is_documented() -> None:
    missing = {f"CXCONSOLE_{name.upper()}" for name in Settings.model_fields} - first_cells("settings.md")
    assert not missing, "explain them in docs/settings.md"


def test_every_event_type_is_documented() -> None:
    missing = {str(one.value) for one in EventType} - first_cells("events.md")
    assert not missing, "explain them in docs/events.md"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_gateway_kind_is_documented_with_its_settings(kind: str) -> None:
    text = (DOCS / "gateways.md").read_text(encoding="utf-8")
    sections = {match[1]: match[2] for match in re.finditer(r"^## `(\w+)`.*?\n(.*?)(?=^## |\Z)", text, re.M | re.S)}
    assert kind in sections, "give it a section in docs/gateways.md"
    explained = set(re.findall(r"^\| `(\w+)` \|", sections[kind], re.MULTILINE))
    fields = set(KINDS[kind].settings.model_fields) | set(KINDS[kind].secrets.model_fields)
    assert not fields - explained, f"explain them in docs/gateways.md, in the section of {kind}"


def test_every_dependency_is_documented() -> None:
    files = ("requirements.txt", "requirements-dev.txt", "tests/bench/requirements.txt")
    pinned = {match[1].lower() for name in files for match in _REQUIREMENT.finditer((ROOT / name).read_text())}
    assert len(pinned) > 30
    assert not pinned - first_cells("dependencies.md"), "say in docs/dependencies.md what they are for"
    assert not first_cells("dependencies.md") - pinned - {"package", "---"}, "no longer in use: take them out"


def test_every_rest_route_is_documented(tmp_path: Path) -> None:
    api = build_api(build_application(Settings(data_dir=tmp_path, demo=False)))  # type: ignore[call-arg]
    routes = {f"{verb.upper()} {path}" for path, verbs in api.openapi()["paths"].items() for verb in verbs}
    assert len(routes) > 30
    calls = {cell for cell in first_cells("api.md") if " /" in cell}
    assert not routes - calls, "add each to the tables of docs/api.md"
    assert not calls - routes, "these routes are gone: take them out of docs/api.md"


def test_no_link_between_pages_is_broken() -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in pages
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken
