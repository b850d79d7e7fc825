from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.homes import Person, Running, left
from tests.cli.terminals import Tmux
from tests.waiting import wait_until
from tuishare.cli.demo import _identical


def agents_in(folder: Path) -> list[str]:
    """The agents whose home is below a folder."""
    home = b"TUISHARE_HOME=" + bytes(folder)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if home in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
    return found


@pytest.fixture
def temporary(root: Path) -> Path:
    """Where the demo makes its folder."""
    folder = root / "tmp"
    folder.mkdir()
    return folder


def nothing_left(temporary: Path) -> bool:
    return left(temporary) == set() and agents_in(temporary) == []


def test_it_delivers_and_leaves_nothing(alice: Person, temporary: Path) -> None:
    shown = alice.run("demo", "--size", "1MiB", TMPDIR=str(temporary))
    assert (shown.code, shown.err) == (0, ""), shown
    for step in (
        "alice invites: tuishare-invite-v1:",
        "bob joins; each is verified for the other",
        "bob has film.mov (1.0 MB), verified.",
        "bob has small files (60 B), verified.",
    ):
        assert step in shown.out
    assert shown.out.endswith("All files are identical, byte for byte.\n")
    assert nothing_left(temporary)


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, "Two homes are ready"), (signal.SIGTERM, "Both agents are running")],
)
async def test_interrupted_it_leaves_nothing(
    alice: Person, temporary: Path, number: signal.Signals, moment: str
) -> None:
    def reached(demo: Running) -> bool:
        return moment in demo.out.read_text()

    with alice.started("demo", "--size", "1MiB", TMPDIR=str(temporary)) as demo:
        await wait_until(lambda: reached(demo), seconds=20)
        assert moment == "Two homes are ready" or len(agents_in(temporary)) == 2
        ended = await demo.end(number)
    assert (ended.code, ended.err) == (130, "")
    assert "identical" not in ended.out
    assert nothing_left(temporary)


@pytest.mark.parametrize(("words", "code"), [(["--size", "0"], 2), (["--size", "x"], 2), (["--tui"], 2)])
def test_bad_words(alice: Person, temporary: Path, words: list[str], code: int) -> None:
    assert alice.call("demo", *words, TMPDIR=str(temporary)).failed(code, "")
    assert nothing_left(temporary)


def test_a_temporary_folder_too_deep_for_a_socket(alice: Person, temporary: Path) -> None:
    deep = temporary / ("x" * 90)
    deep.mkdir()
    assert alice.run("demo", TMPDIR=str(deep)).code == 3
    assert left(deep) == set()


@pytest.mark.parametrize("code", [130, 0])
async def test_beside_the_dashboard(alice: Person, temporary: Path, tmux: Tmux, code: int) -> None:
    tmux.open(alice, "demo", "--tui", "--size", "1MiB", TMPDIR=str(temporary))
    await wait_until(tmux.shows("Alice shares"), seconds=30)
    if code == 0:
        await wait_until(tmux.shows("Press q to quit"), seconds=30)
    tmux.press("q")
    await wait_until(tmux.shows("ended with"), seconds=20)
    assert tmux.shows(f"ended with {code}")()
    assert nothing_left(temporary)


@pytest.mark.parametrize(
    ("sent", "received", "identical"),
    [
        ({"a": b"1"}, {"a": b"1"}, True),
        ({"a": b"1"}, {"a": b"2"}, False),
        ({"a": b"1"}, {}, False),
        ({"a": b"1"}, {"a": b"1", "b": b""}, False),
        ({"d/a": b"1", "d/b": b""}, {"d/a": b"1", "d/b": b""}, True),
    ],
)
def test_comparing(
    tmp_path: Path, sent: dict[str, bytes], received: dict[str, bytes], identical: bool
) -> None:
    for side, files in (("sent", sent), ("received", received)):
        for name, content in files.items():
            path = tmp_path / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    assert _identical(tmp_path / "sent", tmp_path / "received") is identical
