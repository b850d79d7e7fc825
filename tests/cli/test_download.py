from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.cli.homes import Person, left
from tests.cli.test_seed import take
from tests.cli.transfers import Made, create, seeding
from tests.swarm.conftest import (
    StartEngine,
    start_engine,  # noqa: F401 (a fixture)
)
from tests.swarm.shares import at, connect, make_share
from tests.waiting import wait_until
from tuishare.cli.download import warning_when_alone
from tuishare.envelope import MAX_SIZE
from tuishare.swarm import Endpoint, Progress
from tuishare.torrents import InfoHash, parse_torrent

MIB = 1024 * 1024


@pytest.fixture
def film(alice: Person) -> Made:
    return create(alice, alice.fill("film.mov", 3 * MIB))


def staging_of(person: Person) -> list[Path]:
    return list(person.desk.glob(".tuishare-*"))


def same(sent: Path, received: Path) -> bool:
    """Whether a file, or every file of a folder, arrived as it is."""
    if sent.is_file():
        return sent.read_bytes() == received.read_bytes()
    return {path.relative_to(sent) for path in sent.rglob("*")} == {
        path.relative_to(received) for path in received.rglob("*")
    } and all(same(path, received / path.relative_to(sent)) for path in sent.rglob("*") if path.is_file())


async def test_two_homes_on_one_machine_without_a_tracker(alice: Person, bob: Person, film: Made) -> None:
    with alice.started("seed", "--file", film.payload, "--torrent", film.torrent) as seed:
        await seed.until_saying("press Ctrl-C to stop")
        got = bob.run("download", "--torrent", film.envelope, "--user", "bob", TUISHARE_KEY=film.key)
    assert got.code == 0, got.err
    assert got.out == "film.mov\n"  # the path, for scripts
    # Not a terminal: words, but no progress.
    assert got.err == "The sender has your key.\nReceived film.mov, 3.1 MB, verified.\n"
    assert same(film.payload, bob.desk / "film.mov")
    assert left(bob.desk) == {"film.mov"}


@pytest.mark.parametrize("transport", ["tls", "plain"])
async def test_folders(alice: Person, bob: Person, transport: str) -> None:
    alice.know(bob.as_user())
    bob.know(alice.as_user())
    alice.fill("grüße 文/naïve.txt", 70_000)
    alice.fill("grüße 文/sub/empty", 0)
    alice.fill("single/only.txt", 10)
    for name in ("grüße 文", "single"):
        made = create(alice, alice.desk / name, "--transport", transport)
        async with seeding(alice, made) as seed:
            with bob.started("download", "-t", made.envelope, "--peer", seed.address) as download:
                got = await download.end()
        assert got.code == 0, got.err
        assert "From alice." in got.err
        assert same(made.payload, bob.desk / name), name
    assert left(bob.desk) == {"grüße 文", "single"}


async def test_that_nobody_answers_is_said_once(
    start_engine: StartEngine,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    share, engine = make_share(tmp_path / "alice"), await start_engine()
    closed = Endpoint("127.0.0.1", 9)
    info_hash = await engine.add(share.downloading(tmp_path / "bob", closed))
    with warning_when_alone(engine, info_hash, [closed], seconds=0.05):
        await wait_until(lambda: "no peer has answered at 127.0.0.1:9" in capsys.readouterr().err)
    progress, looks, checking = engine.progress, 0, True

    def look(_: InfoHash) -> Progress:
        nonlocal looks
        looks += 1
        return replace(progress(info_hash), state="checking") if checking else progress(info_hash)

    monkeypatch.setattr(engine, "progress", look)
    with warning_when_alone(engine, info_hash, [closed], seconds=0.01):
        await wait_until(lambda: looks > 3)
    assert capsys.readouterr().err == ""  # no peer is contacted during the check
    checking = False
    seed = await start_engine()
    seed.apply(upload_limit=20_000, download_limit=0)  # those who have everything would leave each other
    await seed.add(share.seeding())
    connect(engine, info_hash, at(seed))
    await wait_until(lambda: progress(info_hash).peers == 1)
    looks = 0
    with warning_when_alone(engine, info_hash, [closed], seconds=0):
        await wait_until(lambda: looks == 2)  # at its state and at its peers
    assert capsys.readouterr().err == ""


async def test_a_raw_file_made_with_plain_cryptography(alice: Person, bob: Person) -> None:
    film = create(alice, alice.fill("film.mov"), "--transport", "plain")
    key, iv = os.urandom(32), b"d" + os.urandom(11)  # the first byte is that of a torrent, too
    film.envelope.write_bytes(iv + AESGCM(key).encrypt(iv, film.torrent.read_bytes(), None))
    with alice.started("seed", "-f", film.payload, "-t", film.envelope, TUISHARE_KEY=key.hex()) as seed:
        await seed.until_saying("press Ctrl-C to stop")
        words = ("download", "-t", film.envelope, "--peer", f"127.0.0.1:{alice.port}")
        assert bob.call(*words).failed(5, "needs a key")
        got = bob.run(*words, TUISHARE_KEY=key.hex())
    assert got.code == 0, got.err
    assert same(film.payload, bob.desk / "film.mov")


def refused_without_a_trace(person: Person, *words: object, key: str = "") -> bool:
    got = person.call("download", *words, TUISHARE_KEY=key)
    return got.failed(5, "") and left(person.desk) == set()


def test_a_wrong_key(bob: Person, film: Made) -> None:
    assert refused_without_a_trace(bob, "-t", film.envelope, key="9f" * 32)
    assert refused_without_a_trace(bob, "-t", film.envelope)  # and none


def test_a_flipped_byte_anywhere(bob: Person, film: Made) -> None:
    whole = film.envelope.read_bytes()
    places = sorted({0, 4, 6, 38, len(whole) - 1, *range(70, len(whole), len(whole) // 40)})
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        film.envelope.write_bytes(damaged)
        assert refused_without_a_trace(bob, "-t", film.envelope, key=film.key), place


def test_an_unknown_signer(alice: Person, bob: Person) -> None:
    alice.know(bob.as_user())
    film = create(alice, alice.fill("film.mov"))
    got = bob.call("download", "-t", film.envelope)
    assert got.failed(5, "signed by an unknown user"), got
    assert left(bob.desk) == set()


def test_a_file_over_the_limit(bob: Person) -> None:
    with (bob.desk / "x.torrent.encrypted").open("wb") as file:
        file.truncate(MAX_SIZE + 1)
    assert bob.call("download", "-t", "x.torrent.encrypted").failed(2, "larger than 32 MiB")


def test_what_is_in_the_way(bob: Person, film: Made) -> None:
    words = ("download", "-t", film.envelope, "--key", film.key)
    (bob.desk / "film.mov").write_text("mine")
    there = bob.call(*words)
    assert (there.code, "exists already" in there.err) == (5, True)
    assert (bob.desk / "film.mov").read_text() == "mine"
    (bob.desk / "film.mov").unlink()
    (bob.desk / "film.mov").symlink_to("nowhere")
    assert bob.call(*words).code == 5
    bob.fill("file")
    assert bob.call(*words, "-o", "file/below").failed(1, "Cannot make the folder")
    there = bob.call(*words, "-o", "file")
    assert (there.code, "file is not a folder.\n  hint: " in there.err) == (2, True)


def test_a_folder_that_no_engine_can_be_told_of(bob: Person, film: Made) -> None:
    odd = os.fsdecode(b"odd\xff")
    (bob.desk / odd).mkdir()
    got = bob.call("download", "-t", film.envelope, "--key", film.key, "-o", odd)
    assert got.failed(2, "is not UTF-8")
    assert os.listdir(bob.desk / odd) == []


@pytest.mark.parametrize("peer", ["nonsense", "host:", "host:0", "host:99999", "1.2.3:5", "::1:50007"])
def test_a_malformed_peer(bob: Person, film: Made, peer: str) -> None:
    got = bob.call("download", "-t", film.envelope, "--peer", peer, TUISHARE_KEY=film.key)
    assert got.failed(2, "is not a host and a port") or got.failed(2, "no valid port")
    assert left(bob.desk) == set()


def test_a_port_that_was_asked_for_and_is_in_use(bob: Person, film: Made) -> None:
    words = ("download", "-t", film.envelope, "--listen", f"127.0.0.1:{bob.port}")
    with take(bob.port):
        got = bob.call(*words, TUISHARE_KEY=film.key)
    assert got.code == 1
    assert f"127.0.0.1:{bob.port} is already in use.\n  hint: " in got.err
    assert left(bob.desk) == set()


async def test_the_configured_port_in_use(alice: Person, bob: Person, film: Made) -> None:
    async with seeding(alice, film) as seed:
        words = ("download", "-t", film.envelope, "--peer", seed.address)
        with take(bob.port), bob.started(*words, TUISHARE_KEY=film.key) as download:
            got = await download.end()
    assert got.code == 0, got.err
    assert "is already in use; listening on port" in got.err


@pytest.mark.parametrize("kind", ["link", "open to others", "file"])
def test_a_private_folder_that_is_not(bob: Person, film: Made, root: Path, kind: str) -> None:
    staging = bob.desk / f".tuishare-{parse_torrent(film.torrent.read_bytes()).info_hash[:16]}"
    match kind:
        case "link":
            (root / "elsewhere").mkdir(mode=0o700)
            staging.symlink_to(root / "elsewhere")
        case "open to others":
            staging.mkdir()
            staging.chmod(0o770)
        case _:
            staging.write_text("mine")
    got = bob.call("download", "-t", film.envelope, TUISHARE_KEY=film.key)
    assert got.code == (1 if kind == "file" else 5)
    assert ("file exists" if kind == "file" else "not a private folder of yours") in got.err
    assert left(bob.desk) == {staging.name}
    assert kind != "link" or left(root / "elsewhere") == set()


async def test_interrupted_it_goes_on_where_it_was(alice: Person, bob: Person) -> None:
    film = create(alice, alice.fill("film.mov", 8 * MIB))
    words = ("download", "-t", film.envelope, "--user", "bob")
    async with seeding(alice, film, rate=2 * MIB) as seed:
        with bob.started(*words, "--peer", seed.address, TUISHARE_KEY=film.key) as download:
            await wait_until(lambda: seed.sent > 2 * MIB)
            interrupted = await download.end(signal.SIGINT)
        first = (await seed.left_alone()).sent
    assert (interrupted.code, interrupted.out) == (130, "")
    assert interrupted.err.endswith(
        "\nInterrupted. Downloaded data is kept: run the same command again to continue.\n"
    )
    (staging,) = staging_of(bob)
    assert left(bob.desk) == {staging.name}
    assert staging.stat().st_mode & 0o777 == 0o700
    assert first < 7 * MIB
    async with seeding(alice, film) as seed:
        with bob.started(*words, "--peer", seed.address, TUISHARE_KEY=film.key) as download:
            got = await download.end()
        second = (await seed.left_alone()).sent
    assert got.code == 0, got.err
    assert same(film.payload, bob.desk / "film.mov")
    assert left(bob.desk) == {"film.mov"}
    # What was under way when it was interrupted is sent again: a few pieces, not everything.
    assert first + second < 10 * MIB


async def test_two_do_not_download_the_same_into_one_folder(alice: Person, bob: Person, film: Made) -> None:
    words: tuple[object, ...] = ("download", "-t", film.envelope)
    (bob.desk / "other").mkdir()
    async with seeding(alice, film) as seed:
        with bob.started(*words, TUISHARE_KEY=film.key) as first:  # it knows no peer yet
            await wait_until(lambda: any((staging / "payload").exists() for staging in staging_of(bob)))
            words += ("--peer", seed.address)
            with bob.started(*words, TUISHARE_KEY=film.key) as second:
                refused = await second.end()
            assert refused.failed(5, "Another command downloads the same torrent into this folder"), refused
            with bob.started(*words, "-o", "other", TUISHARE_KEY=film.key) as elsewhere:
                assert (await elsewhere.end()).code == 0
            await first.end(signal.SIGINT)
        with bob.started(*words, TUISHARE_KEY=film.key) as third:
            got = await third.end()
    assert got.code == 0, got.err
    assert same(film.payload, bob.desk / "film.mov")


async def test_killed_it_reads_what_is_there(alice: Person, bob: Person, film: Made) -> None:
    words = ("download", "-t", film.envelope)
    with bob.started(*words, TUISHARE_KEY=film.key) as download:
        await wait_until(lambda: bool(staging_of(bob)))
        await download.end(signal.SIGKILL)
    (staging,) = staging_of(bob)
    (staging / "payload").mkdir(mode=0o700, exist_ok=True)
    (staging / "payload" / "film.mov").write_bytes(film.payload.read_bytes())
    got = bob.run(*words, TUISHARE_KEY=film.key)  # there is no seed
    assert got.code == 0, got.err
    assert same(film.payload, bob.desk / "film.mov")
    assert left(bob.desk) == {"film.mov"}


async def test_it_stays_and_seeds_when_asked_to(alice: Person, bob: Person, film: Made, root: Path) -> None:
    words = ("download", "-t", film.envelope)
    async with seeding(alice, film) as seed:
        first = bob.started(*words, "--seed", "--peer", seed.address, TUISHARE_KEY=film.key)
        with first as download:
            await download.until_saying("Seeding")
            assert download.out.read_text() == "film.mov\n"
            (root / "elsewhere").mkdir()
            address = f"127.0.0.1:{bob.port}"
            with bob.started(
                *words, "--listen", ":0", "-o", root / "elsewhere", "--peer", address, TUISHARE_KEY=film.key
            ) as second:
                got = await second.end()
            assert got.code == 0, got.err
            assert (await download.end(signal.SIGTERM)).code == 130
    assert same(film.payload, root / "elsewhere" / "film.mov")
    assert left(bob.desk) == {"film.mov"}


async def test_a_progress_bar_on_a_terminal(alice: Person, bob: Person, film: Made) -> None:
    ours, theirs = pty.openpty()
    shown = b""

    def ended() -> bool:
        nonlocal shown
        try:
            shown += os.read(ours, 65_536)
        except BlockingIOError:
            return False
        except OSError:  # the other end is closed
            return True
        return False

    async with seeding(alice, film, rate=MIB) as seed:
        words = ("download", "-t", film.envelope, "--peer", seed.address)
        process = subprocess.Popen(  # noqa: ASYNC220 — a few milliseconds
            [sys.executable, "-m", "tuishare", *map(str, words)],
            cwd=bob.desk,
            env=bob.environment | {"TUISHARE_KEY": film.key, "TERM": "xterm-256color", "COLUMNS": "120"},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        os.set_blocking(ours, False)
        try:
            await wait_until(ended, seconds=30)
            await wait_until(lambda: process.poll() is not None)
        finally:
            process.kill()
            process.wait()
            os.close(ours)
    assert process.returncode == 0
    text = shown.decode()
    assert all(words in text for words in ("Downloading", "━", "1 peer", "B/s")), text
