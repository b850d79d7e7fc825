"""What `create` meets on a real machine: nothing is left behind."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.homes import Person, Result, left, nothing_made, shares_of


def as_nobody(person: Person, *words: str) -> Result:
    """Run a command as a user who, unlike root, may not read everything."""
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything, and setpriv is missing to become another user")
        for path in (person.desk.parents[1], *person.desk.parent.rglob("*"), person.desk.parent):
            os.chown(path, 65_534, 65_534)
        words = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *words)
    done = subprocess.run(words, cwd=person.desk, env=person.environment, capture_output=True, check=False)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_what_may_not_be_read(alice: Person) -> None:
    secret = alice.fill("secret")
    secret.chmod(0)
    command = (sys.executable, "-m", "tuishare", "create", "--file", "secret")
    made = as_nobody(alice, *command)
    assert made.failed(1, "Cannot read"), made
    assert nothing_made(alice, "secret")


def test_a_name_that_leaves_no_room_for_the_suffix_is_shortened(alice: Person) -> None:
    alice.fill(name := "n" * 236 + ".mov")
    made = alice.call("create", "--file", name, "--user", "zed")
    assert made.code == 0, made
    (envelope,) = (file for file in left(alice.desk) if file.endswith(".torrent.encrypted"))
    assert left(alice.desk) == {name, envelope, envelope.removesuffix(".encrypted")}
    assert envelope.endswith("nnn.mov.torrent.encrypted")


def test_a_folder_that_has_the_name(alice: Person) -> None:
    alice.fill("film.mov")
    (alice.desk / "film.mov.torrent").mkdir()
    made = alice.call("create", "--file", "film.mov", "--force")
    assert made.failed(1, "film.mov.torrent: is a directory"), made
    assert "The path is a folder" in made.err
    assert nothing_made(alice, "film.mov", "film.mov.torrent")


@pytest.fixture
def small_disk(root: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = root / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tuishare-test", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a file system can be mounted only by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk(alice: Person, small_disk: Path) -> None:
    film = alice.fill("film.mov", 1_000_000)
    words = ("create", "-f", film, "--piece-length", "16KiB", "-o", small_disk)
    (small_disk / "other").write_bytes(bytes(56 * 1024))
    full = alice.call(*words)
    assert full.failed(1, "no space left on device"), full
    assert left(small_disk) == {"other"}
    assert nothing_made(alice, "film.mov")
    (small_disk / "other").unlink()
    assert alice.call(*words).code == 0


def test_a_home_on_a_full_disk(alice: Person) -> None:
    first = alice.fill("first")
    assert alice.call("create", "-f", first).code == 0
    made = left(alice.desk)
    with alice.fill("film.mov").open("ab") as film:
        film.truncate(1 << 26)  # sparse: only its torrent is large, 128 KiB
    limit = 100_000
    done = subprocess.run(
        [sys.executable, "-m", "tuishare", "create", "-f", "film.mov", "--piece-length", "16KiB"],
        cwd=alice.desk,
        env=alice.environment,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    full = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert full.failed(1, "Cannot use the database"), full
    assert left(alice.desk) == made | {"film.mov"}
    assert shares_of(alice) == 1


def test_keys_that_nobody_could_read_leave_nothing(alice: Person) -> None:
    film = alice.fill("film.mov")
    assert alice.run_unheard("create", "-f", film).failed(1, "no space left")
    assert nothing_made(alice, "film.mov")


def test_a_place_whose_name_is_not_text(alice: Person) -> None:
    odd = os.fsdecode(b"odd\xff")
    (alice.desk / odd).mkdir()
    film = alice.fill(f"{odd}/film.mov")
    assert alice.call("create", "-f", film).failed(2, "is not UTF-8")
    assert os.listdir(film.parent) == [film.name]
    assert shares_of(alice) == 0
    assert alice.call("card", TUISHARE_HOME=str(film.parent)).failed(2, "is not UTF-8")
