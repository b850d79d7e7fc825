"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "tuishare").rglob("*.py"))
ROOMS = (
    *("config", "fs", "net", "envelope", "people", "torrents", "swarm", "link", "tracker"),
    *("core", "api", "presentation", "agent", "tui", "cli"),
)


def test_files_are_small() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert statistics.median(lengths.values()) < 170
    assert [path for path, length in lengths.items() if length > 500] == []


def test_functions_are_small() -> None:
    lengths = {
        f"{path.name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert statistics.median(lengths.values()) < 12
    assert {name: length for name, length in lengths.items() if length > 60} == {}


def test_steps_change_in_the_transitions_modules_alone() -> None:
    changing = {
        f"{path.relative_to(ROOT / 'tuishare')}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in {"replace", "_replace", "__replace__"}
        and any(keyword.arg == "step" for keyword in node.keywords)
    }
    places = {place.partition(":")[0] for place in changing}
    assert places == {f"agent/{room}/transitions.py" for room in ("shares", "downloads")}, changing


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_what_it_owns(room: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "tuishare" / room / "__init__.py").read_text())) or ""
    assert "Owns" in docstring
    assert "ust not" in docstring


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("tuishare.cli.agent", ("textual", "libtorrent")),
        ("tuishare.cli.main", ("asyncssh",)),
        ("tuishare.agent.daemon", ("textual",)),
        ("tuishare.tui.app", ("libtorrent",)),
        ("tuishare.link", ("libtorrent", "textual", "aiohttp", "asyncssh")),
        ("tuishare.envelope", ("libtorrent", "textual", "aiohttp")),
    ],
)
def test_modules_load_without_what_they_must_not_know(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in {absent!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
