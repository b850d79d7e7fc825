from __future__ import annotations

import io
from pathlib import Path

import pytest

from tuishare.cli.secrets import KEY_VARIABLE, read_key
from tuishare.errors import BadInput, NotFound, SystemFailed

KEY = bytes.fromhex("9f" * 32)


@pytest.fixture(autouse=True)
def no_key_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def test_no_key_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_key(None, None) is None
    monkeypatch.setenv(KEY_VARIABLE, "")
    assert read_key(None, None) is None


def test_only_the_command_line_is_warned_about(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY.hex())
    assert read_key(None, None) == KEY
    (tmp_path / "key").write_text(KEY.hex())
    assert read_key(None, str(tmp_path / "key")) == KEY
    assert capsys.readouterr().err == ""
    assert read_key(KEY.hex(), None) == KEY
    said = capsys.readouterr().err
    assert "other users" in said
    assert KEY.hex() not in said


def test_what_was_named_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "00" * 32)
    (tmp_path / "key").write_text(KEY.hex().upper())
    assert read_key(KEY.hex(), None) == KEY
    assert read_key(None, str(tmp_path / "key")) == KEY


def test_stdin_may_be_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {b"": "empty", b"\xff\xfe\x00": "empty", b"\x9f" * 32: "not text", b"9f" * 40_000: "64 hex"}
    for given, said in cases.items():
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(BadInput, match=said):
            read_key(None, "-")
    monkeypatch.setattr("sys.stdin", None)  # closed before we started
    with pytest.raises(BadInput):
        read_key(None, "-")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_as_people_have_it(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "key").write_bytes(f"bob\t{KEY.hex()}\r\n".encode(encoding))
    assert read_key(None, str(tmp_path / "key")) == KEY


def test_errors_never_repeat_the_key(tmp_path: Path) -> None:
    almost = KEY.hex()[:-1]
    (tmp_path / "key").write_text(almost)
    for words in ((almost, None), (None, str(tmp_path / "key"))):
        with pytest.raises(BadInput) as caught:
            read_key(*words)
        assert almost not in f"{caught.value.detail} {caught.value.hint}"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_key(None, str(tmp_path / "missing"))
    with pytest.raises(SystemFailed):
        read_key(None, str(tmp_path))
