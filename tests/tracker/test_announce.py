"""The words of the protocol."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracker.announces import FAILED, WIRE, decode, named, query
from tuishare.errors import BadInput
from tuishare.tracker.announce import encode_answer, parse_announce
from tuishare.tracker.peers import AnnounceRequest, AnnounceResponse, PeerAddress

PLAIN = AnnounceRequest(WIRE, b"-XX0001-bob_________", 6_881, 1)
ANSWER = AnnounceResponse(
    interval=20,
    least_interval=10,
    complete=1,
    incomplete=2,
    peers=(
        PeerAddress(ip_address("192.0.2.1"), 50_007),
        PeerAddress(ip_address("198.51.100.7"), 6_881, b"p" * 20),
        PeerAddress(ip_address("2001:db8::7"), 6_882, b"q" * 20),
    ),
)


def test_a_refusal_says_when_to_ask_again() -> None:
    """libtorrent was seen to be silent for more than five minutes where it was not told."""
    refusal = decode(FAILED)
    assert refusal[b"failure reason"]
    assert refusal[b"interval"] == 20


def test_a_plain_announce_is_read() -> None:
    assert parse_announce(query()) == PLAIN


@pytest.mark.parametrize(
    ("more", "change"),
    [
        ({"event": "started"}, {"event": "started"}),
        ({"event": ""}, {}),
        ({"numwant": "7"}, {"wanted": 7}),
        ({"numwant": "-1"}, {}),
        ({"compact": "1"}, {}),
        ({"compact": "0"}, {"compact": False}),
        ({"no_peer_id": "1"}, {"peer_ids": False}),
        ({"port": "0"}, {"port": 0}),
        ({"ip": "203.0.113.9", "ipv4": "203.0.113.9", "ipv6": "2001:db8::9", "key": "1"}, {}),
        ({"corrupt": "16384"}, {"corrupt": 16_384}),
        ({"corrupt": "-1"}, {}),
        ({"supportcrypto": "1", "redundant": "0"}, {}),
        ({"left": str(2**63 - 1)}, {"left": 2**63 - 1}),
    ],
)
def test_everything_else_that_clients_say(more: dict[str, str], change: dict[str, object]) -> None:
    assert parse_announce(query(**more)) == replace(PLAIN, **change)  # type: ignore[arg-type]


@given(st.binary(min_size=20, max_size=20), st.booleans())
def test_raw_bytes_come_through_however_they_are_escaped(digest: bytes, lazily: bool) -> None:
    """A plus stays a plus: some clients do not escape it, and none means a space by it."""
    escaped = "".join(
        chr(byte) if lazily and ((chr(byte).isalnum() and byte < 128) or byte == ord("+")) else f"%{byte:02x}"
        for byte in digest
    )
    text = query().replace(f"info_hash={'Z' * 20}", f"info_hash={escaped}")
    assert parse_announce(text).info_hash == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        query(info_hash=b"x" * 19),
        query(info_hash=b"x" * 32),
        query(port=65_536),
        query(port=-1),
        query(left=-1),
        query(left=2**63),
        query(event="begun"),
        query(event="%ff"),
        query(uploaded="many"),
        query(downloaded="%32%33%e2"),
        query() + "&left=0",
        query() + "&" + "x" * 2_048,
        query().replace("peer_id", "peer_ie"),
        query().replace("&left=1", ""),
        query(uploaded="٣"),
    ],
)
def test_what_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_announce(text)


@given(st.text(max_size=300))
def test_whatever_is_said_is_an_announce_or_refused(text: str) -> None:
    for said in (text, f"{query()}&{text}"):
        with suppress(BadInput):
            assert len(parse_announce(said).peer_id) == 20


def test_the_compact_form_has_both_families() -> None:
    answer = encode_answer(ANSWER, PLAIN)
    assert named(answer) == {"192.0.2.1:50007", "198.51.100.7:6881", "2001:db8::7:6882"}
    said = decode(answer)
    numbers = {b"interval": 20, b"min interval": 10, b"complete": 1, b"incomplete": 2}
    assert {key: said[key] for key in numbers} == numbers


def test_the_long_form_has_dictionaries() -> None:
    said = decode(encode_answer(ANSWER, replace(PLAIN, compact=False)))
    assert said[b"peers"] == [
        {b"ip": b"192.0.2.1", b"port": 50_007},
        {b"ip": b"198.51.100.7", b"port": 6_881, b"peer id": b"p" * 20},
        {b"ip": b"2001:db8::7", b"port": 6_882, b"peer id": b"q" * 20},
    ]


def test_the_long_form_leaves_peer_ids_out_on_request() -> None:
    answer = encode_answer(ANSWER, replace(PLAIN, compact=False, peer_ids=False))
    assert b"peer id" not in answer
    assert b"198.51.100.7" in answer
