"""No module imports itself by way of others, also not inside functions or for the type checker alone."""

from __future__ import annotations

import ast
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
