from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.agent.homes import make_home, seal_manifest, share_of
from tests.cli.homes import Person
from tests.cli.transfers import Made, create
from tuishare.cli.download import Transfer
from tuishare.cli.offline_home import Home, open_home
from tuishare.cli.torrent_source import TorrentSource, open_any, open_encrypted, read_torrent_file
from tuishare.envelope import MAX_SIZE, Announce
from tuishare.errors import BadInput, NotFound, Refused, SystemFailed
from tuishare.people import User
from tuishare.swarm import Endpoint
from tuishare.torrents import parse_torrent


@pytest.fixture
def payload(alice: Person) -> Path:
    return alice.fill("film.mov")


@pytest.fixture
def home(bob: Person, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Bob's home, with an empty user book."""
    monkeypatch.setenv("TUISHARE_HOME", str(bob.places.files))
    return open_home()


def test_reading_follows_a_link_that_was_named(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x" * MAX_SIZE)
    (tmp_path / "link").symlink_to("real")
    assert len(read_torrent_file(tmp_path / "link")) == MAX_SIZE


def test_reading_what_cannot_be_one(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_SIZE + 1)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    cases = {"large": BadInput, "pipe": SystemFailed, "circle": SystemFailed, "missing": NotFound}
    for name, kind in cases.items():
        with pytest.raises(kind):
            read_torrent_file(tmp_path / name)


def test_an_envelope(alice: Person, home: Home, payload: Path) -> None:
    made = create(alice, payload, "--tracker", "http://t.example/announce")
    offer = open_encrypted(made.envelope.read_bytes(), home, bytes.fromhex(made.key))
    assert offer.data == made.torrent.read_bytes()
    assert offer.torrent == parse_torrent(offer.data)
    assert offer.transport == "tls"
    assert offer.credentials is not None
    assert offer.contacts == (Endpoint("127.0.0.1", alice.port),)
    assert offer.trackers == (("http://t.example/announce", ""),)
    assert repr(offer.data) not in repr(offer)


def test_a_torrent_that_was_never_encrypted(home: Home, alice: Person, payload: Path) -> None:
    made = create(alice, payload)
    for key in (None, bytes.fromhex(made.key)):
        with pytest.raises(BadInput, match="not encrypted") as caught:
            open_encrypted(made.torrent.read_bytes(), home, key)
        assert ".torrent.encrypted" in caught.value.hint


def test_trackers_of_our_own_making_are_asked_wherever_they_are(
    alice: Person, bob: Person, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.know(bob.as_user())
    bob.know(alice.as_user())
    made = create(alice, payload, "--tracker", "http://127.0.0.1:7/t.php")
    for person, rules, refused in ((alice, False, 0), (bob, True, 1)):
        monkeypatch.setenv("TUISHARE_HOME", str(person.places.files))
        offer = open_encrypted(made.envelope.read_bytes(), open_home(), None)
        assert (offer.rules is not None, len(offer.refused)) == (rules, refused)


def test_the_raw_form(home: Home, alice: Person, payload: Path) -> None:
    made = create(alice, payload, "--format", "raw", "--tracker", "http://t.example/announce")
    key = bytes.fromhex(made.key)
    offer = open_encrypted(made.envelope.read_bytes(), home, key)
    assert (offer.transport, offer.credentials, offer.contacts) == ("plain", None, ())
    assert offer.trackers == (("http://t.example/announce", ""),)
    with pytest.raises(Refused, match="needs a key"):
        open_encrypted(made.envelope.read_bytes(), home, None)


def test_the_raw_form_may_hold_a_hostile_torrent(home: Home, alice: Person, payload: Path) -> None:
    made = create(alice, payload, "--transport", "plain")
    hostile = made.torrent.read_bytes().replace(b"8:film.mov", b"8:../a.mov")
    key, iv = os.urandom(32), b"\x00" * 12
    data = iv + AESGCM(key).encrypt(iv, hostile, None)
    for opening in (open_encrypted, open_any):
        with pytest.raises(Refused):
            opening(data, home, key)


@pytest.mark.parametrize("opening", [open_encrypted, open_any])
def test_an_envelope_of_somebody_unknown_is_not_acted_on(
    root: Path, home: Home, payload: Path, opening: Callable[[bytes, Home, bytes | None], TorrentSource]
) -> None:
    mallory = make_home(root, "mallory")
    for_us = User("us", card=home.identity.card("us"))
    data = seal_manifest(
        mallory, share_of(payload), for_us, announce=(Announce("http://track.example/announce", None),)
    )
    with pytest.raises(Refused, match="signed by an unknown user"):
        opening(data, home, None)


@pytest.mark.parametrize(
    ("verified", "said"), [(True, "From alice."), (False, "their fingerprint is not verified")]
)
def test_who_made_it_is_said(
    alice: Person, bob: Person, payload: Path, verified: bool, said: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    alice.know(bob.as_user())
    bob.know(alice.as_user(verified=verified))
    made = create(alice, payload)
    monkeypatch.setenv("TUISHARE_HOME", str(bob.places.files))
    open_encrypted(made.envelope.read_bytes(), open_home(), None)
    assert said in capsys.readouterr().err


def test_a_malformed_contact_is_not_in_the_way_of_others(root: Path, home: Home, payload: Path) -> None:
    friend = make_home(root, "friend")
    data = seal_manifest(
        friend,
        share_of(payload),
        User("us", card=home.identity.card("us")),
        contacts=("nonsense", "192.0.2.1:0", "192.0.2.1:7"),
    )
    knowing = Home(home.places, home.config, home.identity, home.book.add(friend.user()))
    assert open_encrypted(data, knowing, None).contacts == (Endpoint("192.0.2.1", 7),)


def test_what_an_envelope_names_and_is_not_used_is_said(root: Path, home: Home, payload: Path) -> None:
    friend = make_home(root, "friend")
    data = seal_manifest(
        friend,
        share_of(payload),
        User("us", card=home.identity.card("us")),
        contacts=("169.254.169.254:80", "192.0.2.1:7"),
        announce=(
            Announce("http://127.0.0.1:28080/api?confirm=yes", None),
            Announce("https://192.0.2.1/announce", b"k" * 32),
        ),
    )
    knowing = Home(home.places, home.config, home.identity, home.book.add(friend.user()))
    offer = open_encrypted(data, knowing, None)
    assert [clause.partition(" is ")[0] for clause in offer.refused] == [
        "169.254.169.254:80",
        "the tracker 127.0.0.1:28080",
    ]
    transfer = Transfer(offer, (Endpoint("169.254.7.7", 7),), payload.parent)
    assignment = transfer.downloading(None)
    assert (assignment.contacts, assignment.received) == (
        transfer.peers,
        offer.contacts,
    )  # a person's are called


def test_a_torrent_made_here_brings_its_credentials(
    alice: Person, payload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(alice, payload)
    monkeypatch.setenv("TUISHARE_HOME", str(alice.places.files))
    offer = open_any(made.torrent.read_bytes(), open_home(), None)
    assert offer.transport == "tls"
    assert offer.credentials is not None


def test_a_torrent_of_another_home(alice: Person, home: Home, payload: Path) -> None:
    made = create(alice, payload)
    with pytest.raises(NotFound, match="are not in this home"):
        open_any(made.torrent.read_bytes(), home, None)
    plain: Made = create(alice, payload, "--transport", "plain", "--force")
    assert open_any(plain.torrent.read_bytes(), home, bytes(31) + b"1").transport == "plain"
