from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.cli.homes import Person, left, nothing_made
from tuishare.core.clock import wall_clock
from tuishare.core.opened_envelope import OpenedEnvelope, Trust, open_received
from tuishare.people import UserBook, load_or_create_identity
from tuishare.torrents import Torrent, parse_torrent

KEY = "9f" * 32


def torrent_of(path: Path) -> Torrent:
    return parse_torrent(path.with_name(f"{path.name}.torrent").read_bytes())


def opened_by(person: Person, path: Path, *keys: str) -> OpenedEnvelope:
    envelope = path.with_name(f"{path.name}.torrent.encrypted").read_bytes()
    identity = load_or_create_identity(person.places.identity_file)
    return open_received(
        envelope, identity, UserBook(), keys=[bytes.fromhex(key) for key in keys], now=wall_clock()
    )


def test_one_file_in_a_process_of_its_own(alice: Person, bob: Person) -> None:
    film = alice.fill("film.mov")
    made = alice.run("create", "--file", "film.mov", "--user", "bob")
    assert made.code == 0
    (key,) = made.keys.values()
    assert made.out == f"bob\t{key}\n"
    assert torrent_of(film).version == 2
    assert opened_by(bob, film, key).torrent == torrent_of(film)
    assert left(alice.desk) == {"film.mov", "film.mov.torrent", "film.mov.torrent.encrypted"}


def test_a_folder_with_an_empty_file_and_unicode_names(alice: Person) -> None:
    alice.fill("grüße 文/naïve 🎬.txt")
    alice.fill("grüße 文/sub/empty", 0)
    assert alice.call("create", "-f", "grüße 文").code == 0
    torrent = torrent_of(alice.desk / "grüße 文")
    assert {file.parts: file.size for file in torrent.files} == {
        ("naïve 🎬.txt",): 100_000,
        ("sub", "empty"): 0,
    }


def test_without_a_user_one_guest_gets_a_key(alice: Person, bob: Person) -> None:
    film = alice.fill("film.mov")
    made = alice.call("create", "-f", "film.mov")
    ((name, key),) = made.keys.items()
    assert name.startswith("guest-")
    assert opened_by(bob, film, key).trust is Trust.KEY_ONLY


def test_strangers_get_keys_known_users_are_not_printed(alice: Person, bob: Person) -> None:
    alice.know(bob.as_user(groups=("crew",)))
    film = alice.fill("film.mov")
    made = alice.call("create", "-f", film, "-u", "carol", "-u", "@crew", "-u", "dave", "-u", "carol")
    assert list(made.keys) == ["carol", "dave"]
    assert opened_by(bob, film).ticket.leaf_key  # with the card alone
    assert (
        len(
            {
                bytes(opened_by(alice, film).ticket.passkey),
                *(opened_by(bob, film, key).ticket.passkey for key in made.keys.values()),
            }
        )
        == 2
    )


def test_an_unknown_group_is_no_stranger(alice: Person) -> None:
    alice.fill("film.mov")
    assert alice.call("create", "-f", "film.mov", "-u", "@crew").failed(4, "no group 'crew'")
    assert nothing_made(alice, "film.mov")


def test_the_key_may_come_in_five_ways(alice: Person, bob: Person) -> None:
    (alice.desk / "key").write_text(f"{KEY}\n")
    pipe, end = os.pipe()
    os.write(end, KEY.encode())
    os.close(end)
    ways: list[tuple[list[str], bytes, dict[str, str]]] = [
        (["--key", KEY], b"", {}),
        (["--key-file", "key"], b"", {}),
        (["--key-file", f"/dev/fd/{pipe}"], b"", {}),
        (["--key-file", "-"], f" {KEY}\n".encode(), {}),
        ([], b"", {"TUISHARE_KEY": KEY}),
    ]
    for number, (words, stdin, variables) in enumerate(ways):
        film = alice.fill(f"{number}.mov", 1000)
        made = alice.call("create", "-f", film, "-u", "bob", *words, stdin=stdin, **variables)
        assert (made.code, made.out) == (0, ""), made  # a key that was given is not printed again
        assert ("other users" in made.err) == ("--key" in words)
        assert KEY not in made.err
        assert opened_by(bob, film, KEY).trust is Trust.KEY_ONLY
    os.close(pipe)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--key", KEY, "--key-file", "-"], 2, "were both given"),
        (["--key", "9f"], 2, "64 hexadecimal digits"),
        (["--key", "0" * 64], 2, "all zero"),
        (["--key", KEY, "-u", "x", "-u", "y"], 2, "A key was given"),
        (["--key-file", "missing"], 4, "does not exist"),
        (["--piece-length", "100KiB"], 2, "piece length"),
        (["--piece-length", "lots"], 2, "not a size"),
        (["--tracker", "tracker.example:80"], 2, "does not begin with"),
        (["--tracker", "http://"], 2, "names no host"),
        (["--tracker", "udp://t.example:6969", "--tracker", "wss://t.example"], 2, "Tracker URL 2 does not"),
        (["--format", "raw", "--transport", "tls"], 2, "no tickets"),
        (["--format", "raw", "-u", "x", "-u", "y"], 2, "one key"),
        (["--output", "missing"], 4, "does not exist"),
        (["--output", "film.mov"], 2, "film.mov is not a folder"),
        (["-u", "a\tb"], 2, ""),
    ],
)  # fmt: skip
def test_bad_words_leave_nothing(alice: Person, words: list[str], code: int, sentence: str) -> None:
    alice.fill("film.mov", 100)
    made = alice.call("create", "-f", "film.mov", *words)
    assert made.failed(code, sentence), made
    assert nothing_made(alice, "film.mov")


@pytest.mark.parametrize(
    ("text", "length"), [("32KiB", 32_768), ("65536", 65_536), ("1m", 1_048_576), (None, 262_144)]
)
def test_piece_lengths(alice: Person, text: str | None, length: int) -> None:
    film = alice.fill("film.mov")
    words = ["--piece-length", text] if text else []
    assert alice.call("create", "-f", film, *words).code == 0
    assert torrent_of(film).piece_length == length


def test_trackers_of_a_plain_torrent_stand_in_it(alice: Person) -> None:
    film = alice.fill("film.mov")
    urls = ["udp://one.example:6969/announce", "https://two.example/announce"]
    words = [word for url in urls for word in ("--tracker", url)]
    assert alice.call("create", "-f", film, "--transport", "plain", *words).code == 0
    torrent = torrent_of(film)
    assert (torrent.version, torrent.private) == (1, True)
    assert torrent.announce == tuple((url,) for url in urls)


def test_trackers_of_a_tls_torrent_stand_only_in_the_envelope(alice: Person) -> None:
    film = alice.fill("film.mov")
    url = "http://tracker.example/announce"
    assert alice.call("create", "-f", film, "--tracker", url).code == 0
    assert torrent_of(film).announce == ()
    assert url.encode() not in (alice.desk / "film.mov.torrent").read_bytes()
    assert [tracker.url for tracker in opened_by(alice, film).trackers] == [url]


@pytest.mark.parametrize("transport", ["tls", "plain"])
def test_nobody_recognises_content_by_its_info_hash(alice: Person, transport: str) -> None:
    film = alice.fill("film.mov")
    hashes = set()
    for _ in range(2):
        assert alice.call("create", "-f", film, "--transport", transport, "--force").code == 0
        hashes.add(torrent_of(film).info_hash)
    assert len(hashes) == 2
    assert len(torrent_of(film).salt) == 16


def test_contacts_are_where_seed_will_listen(alice: Person) -> None:
    film = alice.fill("film.mov")
    alice.configure(network={"listen_plain": "127.0.0.1:4711", "public_host": "alice.example"})
    alice.call("create", "-f", film)
    assert opened_by(alice, film).manifest.contacts == (
        f"alice.example:{alice.port}",
        f"127.0.0.1:{alice.port}",
    )
    alice.call("create", "-f", film, "--force", "--transport", "plain")
    assert opened_by(alice, film).manifest.contacts == ("alice.example:4711", "127.0.0.1:4711")


def test_a_port_that_nobody_knows_yet_is_no_contact(alice: Person) -> None:
    film = alice.fill("film.mov")
    alice.configure(network={"listen": ":0"})
    alice.call("create", "-f", film)
    assert opened_by(alice, film).manifest.contacts == ()


def test_the_raw_form_opens_with_plain_cryptography(alice: Person) -> None:
    film = alice.fill("film.mov")
    made = alice.run("create", "--file", film, "--user", "bob", "--format", "raw")
    key = bytes.fromhex(made.keys["bob"])
    data = (alice.desk / "film.mov.torrent.encrypted").read_bytes()
    torrent = AESGCM(key).decrypt(data[:12], data[12:], None)
    assert torrent == (alice.desk / "film.mov.torrent").read_bytes()
    assert parse_torrent(torrent).version == 1


def test_the_raw_form_is_not_for_a_card(alice: Person, bob: Person) -> None:
    alice.know(bob.as_user())
    alice.fill("film.mov")
    assert alice.call("create", "-f", "film.mov", "-u", "bob", "--format", "raw").failed(2, "one key")
    assert nothing_made(alice, "film.mov")


@pytest.mark.parametrize("suffix", [".torrent", ".torrent.encrypted"])
def test_existing_files_are_refused_before_hashing_and_replaced_by_force(alice: Person, suffix: str) -> None:
    film = alice.fill("film.mov")
    taken = alice.desk / f"film.mov{suffix}"
    taken.write_text("mine")
    assert alice.call("create", "-f", film).failed(5, "exists already")
    assert taken.read_text() == "mine"
    assert nothing_made(alice, "film.mov", taken.name)
    assert alice.call("create", "-f", film, "--force").code == 0
    assert opened_by(alice, film).torrent == torrent_of(film)


def test_a_link_that_leads_nowhere_is_in_the_way_too(alice: Person) -> None:
    film = alice.fill("film.mov")
    (alice.desk / "film.mov.torrent").symlink_to("nowhere")
    assert alice.call("create", "-f", film).failed(5, "exists already")


def test_output_names_the_folder_of_both(alice: Person) -> None:
    film = alice.fill("film.mov")
    (alice.desk / "out").mkdir()
    assert alice.call("create", "-f", film, "-o", "out").code == 0
    assert left(alice.desk / "out") == {"film.mov.torrent", "film.mov.torrent.encrypted"}
    assert left(alice.desk) == {"film.mov", "out"}


def test_payloads_that_cannot_be_shared(alice: Person) -> None:
    (alice.desk / "empty").mkdir()
    alice.fill("none", 0)
    os.mkfifo(alice.desk / "pipe")
    cases = {"missing": 4, "empty": 2, "none": 2, "pipe": 2}
    for name, code in cases.items():
        assert alice.call("create", "-f", name).failed(code, f"{name}"), name
    assert nothing_made(alice, "empty", "none", "pipe")


def test_what_is_left_out_is_named(alice: Person) -> None:
    alice.fill("folder/file")
    (alice.desk / "folder" / "link").symlink_to("file")
    made = alice.call("create", "-f", "folder")
    assert made.code == 0
    assert "Left out 'link'" in made.err
