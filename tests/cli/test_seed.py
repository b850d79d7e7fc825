from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from hashlib import sha1
from pathlib import Path

import libtorrent as lt
import pytest
import torf

from tests.cli.homes import Person
from tests.cli.transfers import Made, create
from tests.recording_tracker import asked
from tests.tracker.trackers import answering, http_answer
from tests.waiting import wait_until
from tuishare.cli.seed import verify_payload
from tuishare.errors import VerificationFailed
from tuishare.torrents.bencode import Value, encode


@pytest.fixture
def film(alice: Person) -> Made:
    return create(alice, alice.fill("film.mov"))


def take(port: int) -> socket.socket:
    """Listen on a port, so that no other process can."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return taken


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_with_130_and_the_port_is_free(
    alice: Person, film: Made, number: signal.Signals
) -> None:
    with alice.started("seed", "--file", film.payload, "--torrent", film.torrent) as seed:
        said = await seed.until_saying("press Ctrl-C to stop")
        assert f"Seeding film.mov on port {alice.port} (tls)" in said
        ended = await seed.end(number)
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.endswith("Sent about 0 B.\n")
    take(alice.port).close()


async def test_with_the_envelope_and_a_port_of_its_own(alice: Person, bob: Person, film: Made) -> None:
    with alice.started("seed", "-f", film.payload, "-t", film.envelope, "--listen", f":{bob.port}") as seed:
        said = await seed.until_saying("press Ctrl-C to stop")
    assert f"on port {bob.port} (tls)" in said
    assert "your own share" in said


@pytest.mark.parametrize("transport", ["tls", "plain"])
async def test_a_port_that_recipients_do_not_know_is_told(alice: Person, bob: Person, transport: str) -> None:
    film = create(alice, alice.fill("film.mov"), "--transport", transport)
    for torrent in (film.torrent, film.envelope):
        words = ("seed", "-f", film.payload, "-t", torrent)
        with alice.started(*words, "--listen", f"127.0.0.1:{bob.port}") as seed:
            said = await seed.until_saying("warning: recipients look")
        assert f"on port {alice.port}, not on {bob.port}: they can use --peer HOST:{bob.port}, or" in said
        with alice.started(*words) as seed:
            await seed.until_saying("press Ctrl-C to stop")
            assert "warning" not in (await seed.end(signal.SIGINT)).err


async def test_a_port_that_others_tell_of_is_not_warned_of(alice: Person, bob: Person, film: Made) -> None:
    bob.know(alice.as_user())
    tracked = create(alice, alice.fill("tracked.mov"), "--tracker", "http://127.0.0.1:9/announce")
    alice.configure(network={"listen": "127.0.0.1:0"})
    unknown = create(alice, alice.fill("unknown.mov"))  # its envelope names no port at all
    raw = create(alice, alice.fill("raw.mov"), "--format", "raw")
    for person, made in ((alice, tracked), (alice, unknown), (alice, raw), (bob, film)):
        torrent = made.torrent if person is alice else made.envelope
        words = ("seed", "-f", made.payload, "-t", torrent, "--listen", "127.0.0.1:0")
        with person.started(*words, TUISHARE_KEY=made.key) as seed:
            await seed.until_saying("press Ctrl-C to stop")
            ended = await seed.end(signal.SIGINT)
        assert "recipients look" not in ended.err, made


async def test_a_raw_file_with_its_key(alice: Person) -> None:
    film = create(alice, alice.fill("film.mov"), "--format", "raw")
    words = ("seed", "-f", film.payload, "-t", film.envelope)
    assert alice.call(*words).failed(2, "neither a torrent nor an envelope")
    assert alice.call(*words, "--key", "9f" * 32).failed(5, "None of your keys")
    with alice.started(*words, TUISHARE_KEY=film.key) as seed:
        assert "(plain)" in await seed.until_saying("press Ctrl-C to stop")


def test_a_changed_payload_is_refused_and_left_alone(alice: Person, film: Made) -> None:
    changed = bytearray(film.payload.read_bytes())
    changed[50_000] ^= 1
    film.payload.write_bytes(changed)
    before = film.payload.stat()
    for torrent in (film.torrent, film.envelope):
        seeded = alice.call("seed", "-f", film.payload, "-t", torrent)
        assert seeded.failed(6, "does not match the torrent"), seeded
    assert film.payload.read_bytes() == changed
    assert film.payload.stat().st_mtime_ns == before.st_mtime_ns


def test_a_renamed_payload_is_refused(alice: Person, film: Made) -> None:
    other = film.payload.rename(alice.desk / "other.mov")
    assert alice.call("seed", "-f", other, "-t", film.torrent).failed(6, "is for “film.mov”, not for")


def test_a_place_whose_name_is_not_text(alice: Person, film: Made) -> None:
    odd = alice.desk / os.fsdecode(b"odd\xff")
    odd.mkdir()
    moved = film.payload.rename(odd / film.payload.name)
    assert alice.call("seed", "-f", moved, "-t", film.torrent).failed(2, "is not UTF-8")


def test_verifying_tells_where_the_payload_is(alice: Person, film: Made) -> None:
    torrent = film.torrent.read_bytes()
    assert verify_payload(film.payload, torrent) == alice.desk
    film.payload.write_bytes(b"short")
    with pytest.raises(VerificationFailed):
        verify_payload(film.payload, torrent)


async def test_what_another_program_has_made_of_the_same_payload(alice: Person) -> None:
    payload = alice.fill("film.mov")
    theirs = torf.Torrent(path=str(payload), piece_size=16 * 1024)
    theirs.generate(threads=1)
    theirs.write(str(alice.desk / "film.torrent"))
    with alice.started("seed", "-f", payload, "-t", alice.desk / "film.torrent") as seed:
        assert "(plain)" in await seed.until_saying("press Ctrl-C to stop")
    changed = bytearray(payload.read_bytes())
    changed[-1] ^= 1
    payload.write_bytes(changed)
    assert alice.call("seed", "-f", payload, "-t", "film.torrent").failed(6, "does not match the torrent")


@pytest.mark.parametrize(
    "padding",
    [{b"attr": b"p", b"path": [b".pad", b"23"]}, {b"path": [b"_____padding_file_0_if you see this file"]}],
)
async def test_a_torrent_of_another_program_with_padding_reaches_another_program(
    alice: Person, root: Path, padding: dict[bytes, Value]
) -> None:
    """Written as others do: padding, unsorted keys at the top, and a line end after its end."""
    top = alice.desk / "top"
    top.mkdir()
    content = {name: os.urandom(100_000) for name in ("a", "b")}
    for name, data in content.items():
        (top / name).write_bytes(data)
    gap = -len(content["a"]) % 32_768
    stream = content["a"] + bytes(gap) + content["b"]
    files: list[Value] = [
        {b"length": 100_000, b"path": [b"a"]},
        {b"length": gap, **padding},
        {b"length": 100_000, b"path": [b"b"]},
    ]
    pieces = b"".join(sha1(stream[at : at + 32_768]).digest() for at in range(0, len(stream), 32_768))
    info: Value = {b"name": b"top", b"piece length": 32_768, b"files": files, b"pieces": pieces}
    torrent = b"d4:info" + encode(info) + b"8:announce3:n/ae\n"
    (alice.desk / "top.torrent").write_bytes(torrent)
    session = lt.session({"listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False})
    params = lt.load_torrent_buffer(torrent)
    params.save_path = str(root)
    params.peers = [("127.0.0.1", alice.port)]
    with alice.started("seed", "-f", top, "-t", alice.desk / "top.torrent") as seed:
        await seed.until_saying("press Ctrl-C to stop")
        handle = session.add_torrent(params)
        await wait_until(lambda: handle.status().is_seeding, seconds=20)
    assert {name: (root / "top" / name).read_bytes() for name in content} == content


async def test_a_tracker_that_fails_is_named(alice: Person) -> None:
    payload = alice.fill("film.mov")
    refusal = http_answer(b"d14:failure reason16:no such torrent.e", "400 Bad Request")
    async with answering(refusal) as tracker:
        theirs = torf.Torrent(
            path=str(payload), trackers=[f"http://127.0.0.1:{tracker.port}/announce/5ec2e75ec2e7"]
        )
        theirs.generate(threads=1)
        theirs.write(str(alice.desk / "film.torrent"))
        alice.configure(tracker={"others": [f"http://127.0.0.1:{tracker.port}/announce/5ec2e75ec2e7"]})
        with alice.started("seed", "-f", payload, "-t", alice.desk / "film.torrent") as seed:
            said = await seed.until_saying("no such torrent.")
    assert f"warning: the tracker 127.0.0.1:{tracker.port} failed" in said
    assert "5ec2e7" not in said


def test_a_tls_torrent_of_another_home(alice: Person, bob: Person, film: Made) -> None:
    seeded = bob.call("seed", "-f", film.payload, "-t", film.torrent)
    assert seeded.failed(4, "credentials of “film.mov” are not in this home"), seeded


async def test_a_plain_torrent_of_another_home(alice: Person, bob: Person) -> None:
    film = create(alice, alice.fill("film.mov"), "--transport", "plain")
    with bob.started("seed", "-f", film.payload, "-t", film.torrent) as seed:
        assert "(plain)" in await seed.until_saying("press Ctrl-C to stop")


def test_a_port_in_use(alice: Person, film: Made) -> None:
    words = ("seed", "-f", film.payload, "-t", film.torrent)
    with take(alice.port):
        for more in ((), ("--listen", f"127.0.0.1:{alice.port}")):
            assert alice.call(*words, *more).failed(1, "is already in use")


@pytest.mark.parametrize("listen", ["", "nowhere", ":99999", "127.0.0.1"])
def test_a_malformed_address(alice: Person, film: Made, listen: str) -> None:
    assert alice.call("seed", "-f", film.payload, "-t", film.torrent, "--listen", listen).code == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"hello", "neither a torrent"), (b"d4:infodee", "torrent"), (b"", "neither"), (b"TSE1", "intact")],
)
def test_what_is_no_torrent(alice: Person, content: bytes, sentence: str) -> None:
    payload = alice.fill("film.mov")
    (alice.desk / "x.torrent").write_bytes(content)
    seeded = alice.call("seed", "-f", payload, "-t", "x.torrent")
    assert seeded.code == (5 if content == b"TSE1" else 2)
    assert sentence in seeded.err
    assert seeded.out == ""


def test_missing_things(alice: Person, film: Made) -> None:
    assert alice.call("seed", "-f", film.payload, "-t", "missing").failed(4, "does not exist")
    assert alice.call("seed", "-f", "missing", "-t", film.torrent).failed(4, "does not exist")


async def test_a_payload_that_goes_away_is_not_seeded_on(
    alice: Person, bob: Person, film: Made, root: Path
) -> None:
    key = root / "key"
    key.write_text(film.key)
    with alice.started("seed", "-f", film.payload, "-t", film.torrent) as seed:
        await seed.until_saying("press Ctrl-C to stop")
        film.payload.unlink()
        with bob.started("download", "-t", film.envelope, "--key-file", key):
            ended = await seed.end()
    assert ended.code == 6
    assert "Seeding failed" in ended.err


@pytest.mark.parametrize("transport", ["tls", "plain"])
async def test_the_trackers_that_it_was_made_with_are_told(alice: Person, transport: str) -> None:
    async with asked() as tracker:
        words = ("--tracker", tracker.url, "--transport", transport)
        made = await asyncio.to_thread(create, alice, alice.fill("film.mov"), *words)
        with alice.started("seed", "--file", made.payload, "--torrent", made.torrent):
            line = await tracker.once()
    assert re.match(r"GET /announce/[0-9a-f]{64}\?", line)
    assert "left=0" in line
