"""No module imports itself by way of others, also not inside functions or for the type checker alone."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "tuishare"

Graph = Mapping[str, set[str]]


def read_sources() -> dict[str, str]:
    """Give the text of every module of the package by its dotted name."""
    sources = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        sources[".".join(parts).removesuffix(".__init__")] = path.read_text()
    return sources


def build_graph(sources: Mapping[str, str]) -> Graph:
    """Give which modules each module imports, wherever in its text that stands.

    A package whose submodule is imported is no dependency by that alone: importing ``a.b`` runs ``a`` first, but needs
    nothing of it.
    """
    return {
        module: set(find_imports(module, source, sources)) - {module} for module, source in sources.items()
    }


def find_imports(module: str, source: str, known: Mapping[str, str]) -> Iterator[str]:
    """Give every known module that a text imports."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name in known)
            case ast.ImportFrom(module=str(base), names=names, level=0):
                for alias in names:
                    name = f"{base}.{alias.name}"
                    yield from {name if name in known else base} & known.keys()
            case ast.ImportFrom():
                pytest.fail(f"{module} imports relatively")


def find_cycle(graph: Graph) -> list[str]:
    """Give the modules of one cycle, the first one also last; empty without a cycle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = build_graph(read_sources())
    assert sum(map(len, graph.values())) > 1000  # it is a graph at all
    assert find_cycle(graph) == []


@pytest.mark.parametrize(
    "late",
    [
        "from tuishare.a import A",
        "def f():\n    import tuishare.a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tuishare.a import A",
        "from tuishare import a",
    ],
)
def test_a_cycle_is_found_wherever_an_import_stands(late: str) -> None:
    sources = {
        "tuishare": "",
        "tuishare.a": "from tuishare.b import B",
        "tuishare.b": "import tuishare.c",
        "tuishare.c": late,
    }
    assert set(find_cycle(build_graph(sources))) == {"tuishare.a", "tuishare.b", "tuishare.c"}
    assert find_cycle(build_graph(sources | {"tuishare.c": "import os"})) == []


ON_THE_DISK = {
    "os",
    "io",
    "pathlib",
    "shutil",
    "glob",
    "tempfile",
    "subprocess",
    "tuishare.fs",
    "tuishare.torrents",
}
"""What reaches files on the machine where it runs."""


def find_names(source: str) -> set[str]:
    """Give everything that a text imports, with the packages it lies in, and each call of `open`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(base), names=aliases):
                names |= {base, *(f"{base}.{alias.name}" for alias in aliases)}
            case ast.Call(func=ast.Name(id="open")):
                names.add("open")
    return {".".join(name.split(".")[:depth]) for name in names for depth in (1, 2, 3)} | names


@pytest.mark.parametrize("room", ["tui", "presentation"])
def test_a_front_end_reaches_no_file(room: str) -> None:
    """It may run on another machine than the agent, whose files are the ones to choose from."""
    for module, source in read_sources().items():
        if module.startswith(f"{PACKAGE}.{room}"):
            found = find_names(source)
            assert not found & (ON_THE_DISK | {"open", "textual.widgets.DirectoryTree"}), module


def test_the_contract_forbids_it_as_well() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    forbidden = {
        module
        for contract in contracts
        if contract["type"] == "forbidden" and "tuishare.tui" in contract["source_modules"]
        for module in contract["forbidden_modules"]
    }
    assert forbidden >= ON_THE_DISK


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import os.path", "os"),
        ("from pathlib import Path", "pathlib"),
        ("def f():\n    from tuishare.fs.browse import measure", "tuishare.fs"),
        ("from tuishare import torrents", "tuishare.torrents"),
        ("open('x')", "open"),
        ("from textual.widgets import DirectoryTree", "textual.widgets.DirectoryTree"),
    ],
)
def test_each_way_to_a_file_is_found(text: str, found: str) -> None:
    assert found in find_names(text)
