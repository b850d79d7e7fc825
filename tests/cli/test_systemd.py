"""Programs of systemd: what they say, and that they need not be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuishare.cli import systemd
from tuishare.cli.systemd import find_version, linger_command, lingers, show_unit, systemctl
from tuishare.errors import SystemFailed


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(programs: Path, name: str, *lines: str) -> None:
    (programs / name).write_text("\n".join(["#!/bin/sh", *lines, ""]))
    (programs / name).chmod(0o755)


def test_the_version_is_read(programs: Path) -> None:
    put(programs, "systemctl", "echo 'systemd 252 (252.38-1~deb12u1)'", "echo +PAM +AUDIT")
    assert find_version() == 252


def test_what_it_is_told_is_for_this_user(programs: Path) -> None:
    put(programs, "systemctl", 'echo "$@"')
    assert systemctl("restart", "x y") == "--user restart x y\n"


def test_properties_are_read(programs: Path) -> None:
    put(programs, "systemctl", "echo ActiveState=active", "echo Result=a=b")
    assert show_unit() == {"ActiveState": "active", "Result": "a=b"}


def test_its_first_words_are_passed_on_when_it_refuses(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (programs / "systemd").mkdir()
    (programs / "systemd" / "private").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(programs))
    put(programs, "systemctl", "echo 'Job failed.' >&2", "echo 'See more.' >&2", "exit 1")
    with pytest.raises(SystemFailed, match=r"`systemctl --user restart x` failed: Job failed\.") as caught:
        systemctl("restart", "x")
    assert "journalctl" in caught.value.hint


@pytest.mark.parametrize("runtime", [None, "folder"])
def test_a_user_without_session_gets_another_hint(
    programs: Path, monkeypatch: pytest.MonkeyPatch, runtime: str | None
) -> None:
    if runtime is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(programs / runtime))
    put(programs, "systemctl", "echo 'Failed to connect' >&2", "exit 1")
    with pytest.raises(SystemFailed) as caught:
        systemctl("restart", "x")
    assert "Log in" in caught.value.hint


def test_one_that_refuses_in_silence_or_cannot_run(programs: Path) -> None:
    put(programs, "systemctl", "exit 1")
    with pytest.raises(SystemFailed, match="no reason"):
        systemctl("x")
    (programs / "systemctl").write_text("#!/nowhere/sh\n")
    with pytest.raises(SystemFailed, match="cannot be run"):
        systemctl("x")


def test_one_that_never_ends(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_SECONDS", 0.05)
    put(programs, "systemctl", "exec /bin/sleep 60")
    with pytest.raises(SystemFailed, match="does not end"):
        systemctl("x")


@pytest.mark.usefixtures("programs")
def test_without_it_that_is_said() -> None:
    with pytest.raises(SystemFailed, match="There is no systemd on this machine") as caught:
        find_version()
    assert "tuishare agent" in caught.value.hint
    assert lingers() is None


@pytest.mark.parametrize(("word", "expected"), [("yes", True), ("no", False), ("", None)])
def test_linger(programs: Path, monkeypatch: pytest.MonkeyPatch, word: str, expected: bool | None) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    put(programs, "loginctl", f'[ "$2" = alice ] && echo {word}')
    assert lingers() is expected
    assert linger_command() == "loginctl enable-linger alice"
