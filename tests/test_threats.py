"""The list of threats: its guards are code that runs, its proofs are there, and the code names no other threats."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PACKAGE = ROOT / "tuishare"
TABLE = (TESTS / "THREATS.md").read_text()
ROWS = {number: row.split("|") for number, row in re.findall(r"^\| (T\d+) \|(.*)\|$", TABLE, re.MULTILINE)}
GUARDS = sorted({guard for row in ROWS.values() for guard in re.findall(r"`([^`]+)`", row[2])})
PROOFS = sorted({proof for row in ROWS.values() for proof in re.findall(r"`([^`]+)`", row[3])})
Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def defines(path: Path, names: list[str]) -> bool:
    """Whether a module has that function, class, or method of a class."""
    body: list[ast.stmt] = parsed(path).body
    for name in names:
        found = [node for node in body if isinstance(node, Definition) and node.name == name]
        if not found:
            return False
        body = found[0].body
    return True


def uses(tree: ast.AST, name: str) -> bool:
    """Whether code calls a function, method or class of that name, or hands it on."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Name) and node.id == name)
        for node in ast.walk(tree)
    )


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules that a module imports from."""
    return frozenset(
        node.module for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom) and node.module
    )


def users_inside(room: Path, name: str) -> Iterator[str]:
    """The functions of a room that use a name; of a constructor its class, of what a base class calls that, too."""
    for path in room.glob("*.py"):
        for outer in (node for node in parsed(path).body if isinstance(node, Definition)):
            inner = [node for node in outer.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
            for node in inner if isinstance(outer, ast.ClassDef) else [outer]:
                if uses(node, name):
                    yield outer.name if node.name == "__init__" else node.name
                    if isinstance(outer, ast.ClassDef) and outer.bases and not node.name.startswith("_"):
                        yield outer.name


def is_reached(room: Path, name: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether code outside a room uses a name of it, or something in the room that leads to it."""
    dotted = ".".join(room.relative_to(ROOT).parts)
    for path in PACKAGE.rglob("*.py"):
        knows = any(f"{module}.".startswith(f"{dotted}.") for module in imports(path))
        if path.parent != room and knows and uses(parsed(path), name):
            return True
    seen |= {name}
    return any(is_reached(room, user, seen) for user in set(users_inside(room, name)) - seen)


@pytest.mark.parametrize("guard", GUARDS)
def test_every_guard_is_a_function_to_which_something_outside_its_own_room_leads(guard: str) -> None:
    """A guard that only tests call is none."""
    module, _, names = guard.partition(":")
    path = PACKAGE.joinpath(*module.split("/")).with_suffix(".py")
    assert names, "name the function: room/module:Class.method"
    assert defines(path, names.split("."))
    assert is_reached(path.parent, names.split(".")[-1])


def test_what_only_tests_call_is_no_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room, other = tmp_path / "house" / "room", tmp_path / "house" / "other"
    for folder in (room, other):
        folder.mkdir(parents=True)
    (room / "guards.py").write_text("def used(): inner()\ndef inner(): pass\ndef tested(): pass\n")
    (other / "caller.py").write_text("from house.room import used\nused()\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "house")
    assert defines(room / "guards.py", ["tested"])
    assert [is_reached(room, name) for name in ("used", "inner", "tested")] == [True, True, False]


@pytest.mark.parametrize("proof", PROOFS)
def test_every_proof_is_there(proof: str) -> None:
    place = proof.removeprefix("python -m tests.").split()[0].replace(".", "/")
    assert (TESTS / place).is_dir() or (TESTS / f"{place}.py").is_file()


def test_every_threat_has_guards_and_proofs_or_neither() -> None:
    assert len(GUARDS) > 40
    assert len(PROOFS) > 40
    for number, row in ROWS.items():
        assert bool(re.search("`", row[2])) == bool(re.search("`", row[3])) == (number != "T17"), number


def test_the_code_names_only_threats_of_the_list() -> None:
    sources = [*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py")]
    named = {
        number
        for path in sources
        for line in re.findall(r"[Tt]hreats? T\d+(?:[,–]? (?:and )?T\d+)*", path.read_text())
        for number in re.findall(r"T\d+", line)
    }
    assert len(named) > 10
    assert named <= set(ROWS)
