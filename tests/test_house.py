"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import io
import re
import statistics
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tuishare"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ROOMS = (
    *("config", "fs", "net", "envelope", "people", "torrents", "swarm", "link", "tracker"),
    *("core", "api", "presentation", "agent", "hub", "tui", "web", "cli"),
)

TEXTS: Final = {
    str(path.relative_to(ROOT)): path.read_text()
    for pattern in ("*.md", "docs/**/*.md", "config/*", "systemd/*", "tuishare/**/*.md", "tests/THREATS.md")
    for path in ROOT.glob(pattern)
}

WORDS: Final = re.compile(r"\b(?:somebody|nobody|whoever|anew|he|him|his)\b", re.IGNORECASE)
"""Sentences name their subject: a user, the sender, a peer, an attacker; and they are “they”."""


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of all strings, docstrings and comments of a program, each with its number."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        # From Python 3.12 on, the text of an f-string is a token of its own, FSTRING_MIDDLE.
        if tokenize.tok_name[token.type] in {"STRING", "COMMENT", "FSTRING_MIDDLE"}:
            yield from enumerate(token.string.splitlines(), start=token.start[0])


def refused_words(lines: Iterable[tuple[int, str]]) -> list[str]:
    return [f"{number}: {found[0]}" for number, line in lines for found in WORDS.finditer(line)]


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


TWINS = {
    **dict.fromkeys(
        ("Activity", "HandoverState", "JoinerState", "Problem", "Receipt", "ReceiptState", "User"),
        "what is stored or signed, and its message of the API",
    ),
    "LeftOut": "what is stored, and its message of the API",
    "Introduction": "what is signed, and its message of the API",
    "GivenIntroduction": "what is stored, and its message of the API",
    "Invitation": "the line of text that a user passes on, and its message of the API",
    "ShareId": "text in the API, bytes in an envelope",
}
"""Names that two modules define on purpose, one of them in `api/messages`, and what they are there."""


def public_names(path: Path) -> Iterator[str]:
    """The classes that a module defines, and its names for types."""
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if name[0].isupper() and not name.isupper():
                    yield name


def test_a_public_name_has_one_meaning() -> None:
    places: dict[str, list[str]] = {}
    for path in SOURCES:
        for name in public_names(path):
            places.setdefault(name, []).append(str(path.relative_to(PACKAGE)))
    doubled = {name: where for name, where in places.items() if len(where) > 1 and not name.startswith("_")}
    assert doubled.keys() == TWINS.keys(), doubled
    for name, where in doubled.items():
        assert sum(place.startswith("api/messages/") for place in where) == 1 == len(where) - 1, (name, where)


REPEATED_FILES = {
    **dict.fromkeys(
        ("admission", "commands", "pipeline", "queue", "repository", "transitions"),
        "the twins: shares and downloads on one plan",
    ),
    **dict.fromkeys(
        ("client", "connection", "messages", "server", "session", "sessions"),
        "the ends of a protocol: each room that speaks one has them",
    ),
    **dict.fromkeys(
        ("errors", "events", "process", "settings", "store"), "what several rooms have one of, each its own"
    ),
    **dict.fromkeys(
        ("activity", "agent", "app", "cards", "details", "download", "downloads", "folders", "introduction"),
        "one subject: its rules, its messages, and how each front end shows it",
    ),
    **dict.fromkeys(
        (
            "introductions",
            "invitations",
            "left_out",
            "links",
            "open_envelope",
            "people",
            "problems",
            "qr_code",
        ),
        "one subject: its rules, its messages, and how each front end shows it",
    ),
    **dict.fromkeys(
        ("reach", "receipts", "revoke", "shares", "transfers", "users"),
        "one subject: its rules, its messages, and how each front end shows it",
    ),
    "service": "the methods of the API, and the command `tuishare service`",
}
"""Names that several files have on purpose."""


def test_a_file_name_stands_once_or_is_repeated_on_purpose() -> None:
    places: dict[str, list[str]] = {}
    for path in SOURCES:
        places.setdefault(path.stem, []).append(str(path.relative_to(PACKAGE)))
    repeated = {name: where for name, where in places.items() if len(where) > 1 and not name.startswith("_")}
    assert repeated.keys() == REPEATED_FILES.keys(), repeated.keys() ^ REPEATED_FILES.keys()


def test_sentences_of_the_program_name_their_subject() -> None:
    found = {str(path.relative_to(PACKAGE)): refused_words(prose_of(path.read_text())) for path in SOURCES}
    assert {path: words for path, words in found.items() if words} == {}


def test_sentences_of_the_documents_name_their_subject() -> None:
    assert {
        "README.md",
        "docs/security.md",
        "config/tuishare.toml",
        "systemd/tuishare.service",
    } <= TEXTS.keys()
    found = {name: refused_words(enumerate(text.splitlines(), start=1)) for name, text in TEXTS.items()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""Ask somebody."""', ["1: somebody"]),
        ('def f():\n    """Ask.\n\n    Nobody answers.\n    """', ["4: Nobody"]),
        ("x = 'it is his'", ["1: his"]),
        ("x = f'{name} lost {count}, ask him'", ["1: him"]),
        ("x = 1  # drawn anew, by whoever asks", ["1: anew", "1: whoever"]),
        ("he = him + 1  # the history of this, theirs", []),
    ],
)
def test_refused_words_are_found_in_strings_docstrings_and_comments(source: str, found: list[str]) -> None:
    assert refused_words(prose_of(source)) == found


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
        ("tuishare.web.process", ("libtorrent", "textual", "asyncssh")),
        ("tuishare.cli.app", ("jinja2",)),
        ("tuishare.hub.process", ("libtorrent", "textual", "aiohttp")),
        ("tuishare.link", ("libtorrent", "textual", "aiohttp", "asyncssh")),
        ("tuishare.envelope", ("libtorrent", "textual", "aiohttp")),
    ],
)
def test_modules_load_without_what_they_must_not_know(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in {absent!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
