from __future__ import annotations

import pytest

from tuishare.torrents.path_rules import component_fault, tree_fault
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS, TorrentLimits


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "aux.c",
        "CON",
        "a:b",
        "...",
        " a ",
        "-rf",
        "naïve",
        "日本",
        "*?<>|",
        "x" * 255,
        "é" * 127,
        "\U0001f600",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467.jpg",
        "\u2764\ufe0f\u200d\U0001f525",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
    ],
)
def test_ordinary_names(name: str) -> None:
    assert component_fault(name, DEFAULT_LIMITS) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "is empty"),
        (".", "is reserved"),
        ("..", "is reserved"),
        ("a/b", "path separator"),
        ("/", "path separator"),
        ("a\\b", "path separator"),
        ("a\0b", "U+0000"),
        ("a\nb", "U+000A"),
        ("\x1b]0;x\x07", "U+001B"),
        ("\x7f", "U+007F"),
        ("\x85", "U+0085"),
        ("exe\u202efdp", "U+202E"),
        ("\u2066", "U+2066"),
        ("\u061c", "U+061C"),
        ("a\u200db", "U+200D"),
        ("\u200d\U0001f467", "U+200D"),
        ("\U0001f468\u200d", "U+200D"),
        ("\U0001f468\u200d\u200d\U0001f467", "U+200D"),
        ("\u0645\u200c.exe", "U+200C"),
        ("a\u200cb", "U+200C"),
        ("\ufeff", "U+FEFF"),
        ("a\u2028", "U+2028"),
        ("\U000e0041", "U+E0041"),
        ("\udcff", "not valid UTF-8"),
        ("x" * 256, "longer than 255"),
        ("é" * 128, "longer than 255"),
    ],
)
def test_faulty_names(name: str, fault: str) -> None:
    assert fault in (component_fault(name, DEFAULT_LIMITS) or "")


@pytest.mark.parametrize(
    "paths",
    [
        [("a",), ("b",)],
        [("a", "x"), ("a", "y"), ("a", "b", "x"), ("ab",)],
        [("x", "a"), ("y", "a")],
        [("ss",), ("s",)],
        [("a",), ("A",)],
        [("straße",), ("STRASSE",)],
        [("\u00e4",), ("a\u0308",)],
        [("a", "b", "x"), ("c",), ("a", "B", "y"), ("A", "c", "y")],
        [("a",), ("A", "b", "x")],
    ],
)
def test_ordinary_trees(paths: list[tuple[str, ...]]) -> None:
    assert tree_fault("t", paths, DEFAULT_LIMITS) is None


@pytest.mark.parametrize(
    ("paths", "fault"),
    [
        ([()], "is empty"),
        ([("a", "..", "b")], "is reserved"),
        ([("a",), ("a",)], "occurs twice"),
        ([("a",), ("a", "x")], "inside a path that is also a file"),
        ([("a", "b"), ("a", "b", "c", "x")], "inside a path that is also a file"),
        ([("a", "x"), ("a",)], "both a file and a folder"),
        ([("a", "b", "x"), ("a",)], "both a file and a folder"),
    ],
)
def test_faulty_trees(paths: list[tuple[str, ...]], fault: str) -> None:
    assert fault in (tree_fault("t", paths, DEFAULT_LIMITS) or "")


def test_faulty_name_of_the_torrent() -> None:
    assert tree_fault("..", [("a",)], DEFAULT_LIMITS) == "The name “..” is reserved by the system"


@pytest.mark.parametrize(
    "name", [".tuishare-folder", ".tuishareignore", ".Tuishare-incoming", ".TUISHARE-x.tmp"]
)
def test_a_name_of_our_own_files_is_refused(name: str) -> None:
    assert "reserved for tuishare's own files" in (tree_fault(name, [("a",)], DEFAULT_LIMITS) or "")
    assert tree_fault("t", [(name,)], DEFAULT_LIMITS) is None  # inside, it is read by nobody


def test_bounds() -> None:
    limits = TorrentLimits(max_files=2, max_depth=3, max_path_bytes=10)
    assert tree_fault("t", [("a", "b"), ("12345678",)], limits) is None
    assert "more than 2 files" in (tree_fault("t", [("a",), ("b",), ("c",)], limits) or "")
    assert "nested deeper than 3" in (tree_fault("t", [("a", "b", "c")], limits) or "")
    few = TorrentLimits(max_folders=3)
    assert tree_fault("t", [("a", "x"), ("a", "b", "x"), ("y",)], few) is None
    assert tree_fault("t", [("a", "b", "c", "x")], few) == "It has more than 3 folders"
    assert "longer than 10 bytes" in (tree_fault("t", [("123456789",)], limits) or "")
    assert "longer than 10 bytes" in (tree_fault("t", [("éééé", "b")], limits) or "")


def test_hostile_names_are_shown_safely() -> None:
    fault = tree_fault("t", [("a\x1b[2J\u202e" + "x" * 500,)], DEFAULT_LIMITS)
    assert fault is not None
    assert fault.isprintable()
    assert len(fault) < 200
