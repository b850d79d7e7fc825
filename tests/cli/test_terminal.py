from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from tuishare.cli.terminal import ask, can_ask, is_terminal, metered, print_rows, say, warn


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


@contextmanager
def on_terminal() -> Iterator[Terminal]:
    """Let a person look at both streams; a fixture would meet pytest's own capturing."""
    screen = Terminal()
    with redirect_stdout(screen), redirect_stderr(screen):
        yield screen


ROWS = [("agent", "alice"), ("evil\x1b[31m\u202e", "a\tb\nc[red]")]


def test_rows_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(("what", "value"), ROWS)
    assert capsys.readouterr().out == "agent\talice\nevil�[31m�\ta�b�c[red]\n"


def test_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    with on_terminal() as screen:
        print_rows(("what", "value"), ROWS)
    heading, first, second = screen.getvalue().splitlines()
    assert heading.split() == ["what", "value"]
    assert first.split() == ["agent", "alice"]
    assert second.split() == ["evil�[31m�", "a�b�c[red]"]


def test_words_go_to_stderr_in_one_safe_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb\x1b[2J")
    warn("careful")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "a�b�[2J\ntuishare: warning: careful\n"


def test_no_meter_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with metered("Hashing") as meter:
        meter(1, 2, "note")
    assert capsys.readouterr() == ("", "")


def test_a_meter_on_a_terminal() -> None:
    with on_terminal() as screen, metered("Hashing") as meter:
        meter(1, 2, "[bold]note[/bold]")
    shown = screen.getvalue()
    assert "Hashing" in shown
    assert "50%" in shown
    assert "[bold]note[/bold]" in shown  # no markup from outside


def test_a_closed_stream_is_no_terminal() -> None:
    assert not is_terminal(None)
    assert is_terminal(Terminal())


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False), ("yep\n", False)],
)
def test_only_a_clear_yes_agrees(monkeypatch: pytest.MonkeyPatch, answer: str, agreed: bool) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    with on_terminal() as screen:
        assert can_ask()
        assert ask("Delete\x1b?") is agreed
    assert screen.getvalue() == "Delete\ufffd? [y/N] "


def test_nobody_can_be_asked_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    with on_terminal():
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        assert not can_ask()
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert not can_ask()
