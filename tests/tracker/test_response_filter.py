"""What trackers answer, without the peers that must not be called."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.net.test_addresses import Here
from tuishare.errors import VerificationFailed
from tuishare.torrents import bencode
from tuishare.tracker.response_filter import filter_peers

HOSTS = ("192.0.2.7", "127.0.0.1", "169.254.169.254", "224.0.0.1", "192.168.1.5")
HOSTS6 = ("2001:db8::7", "::1", "fe80::1", "::ffff:169.254.169.254")
HERE = Here(marked={("192.168.1.5", 7)})


def packed(*hosts: str) -> bytes:
    return b"".join(ip_address(host).packed + b"\0\7" for host in hosts)


def peers(answer: bytes, key: bytes = b"peers") -> bencode.Value:
    read = bencode.decode(answer)
    assert isinstance(read, dict)
    return read[key]


def test_of_a_received_tracker_peers_are_judged_like_contacts() -> None:
    said = bencode.encode({b"interval": 20, b"peers": packed(*HOSTS), b"peers6": packed(*HOSTS6)})
    sifted = filter_peers(said, HERE, judged=True)
    assert peers(sifted) == packed("192.0.2.7", "192.168.1.5")
    assert peers(sifted, b"peers6") == packed("2001:db8::7")
    assert peers(sifted, b"interval") == 20


def test_of_a_chosen_one_only_what_cannot_be_a_peer_goes() -> None:
    said = bencode.encode({b"peers": packed(*HOSTS), b"peers6": packed(*HOSTS6)})
    sifted = filter_peers(said, HERE, judged=False)
    assert peers(sifted) == packed("192.0.2.7", "127.0.0.1", "192.168.1.5")
    assert peers(sifted, b"peers6") == packed("2001:db8::7", "::1")


@pytest.mark.parametrize("judged", [True, False])
def test_the_other_form_may_hold_names_which_are_looked_up_by_libtorrent(judged: bool) -> None:
    entries: list[bencode.Value] = [
        {b"ip": host, b"port": 7} for host in (b"192.0.2.7", b"fe80::1", b"alice.example")
    ]
    sifted = peers(
        filter_peers(bencode.encode({b"peers": [*entries, b"x", {b"ip": b"192.0.2.8"}]}), HERE, judged=judged)
    )
    assert sifted == ([entries[0]] if judged else [entries[0], entries[2]])


def test_libtorrent_reads_the_answer_that_was_sifted() -> None:
    """Of keys that repeat it takes the first; what is out of order, or follows the end, it reads as well."""
    bad, good = packed("127.0.0.1"), packed("192.0.2.7")
    said = b"d5:peers6:%b5:peers6:%b8:intervali20ee\n" % (good, bad)
    assert filter_peers(said, HERE, judged=True) == b"d8:intervali20e5:peers6:%be" % good


def test_what_cannot_be_read_is_passed_on_for_a_chosen_tracker_only() -> None:
    for said in (b"<html>", b"", b"le", b"d5:peers"):
        assert filter_peers(said, HERE, judged=False) == said
        with pytest.raises(VerificationFailed):
            filter_peers(said, HERE, judged=True)
    assert filter_peers(b"d14:failure reason2:noe", HERE, judged=True) == b"d14:failure reason2:noe"
