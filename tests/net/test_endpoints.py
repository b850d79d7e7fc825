"""Host and port, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.errors import BadInput
from tuishare.net.endpoints import is_on_loopback, parse_listen_address
from tuishare.swarm import Endpoint, parse_endpoint


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.7:50007", "192.0.2.7", 50007),
        ("[2001:DB8::7]:1", "2001:db8::7", 1),
        ("alice.example:65535", "alice.example", 65535),
        ("my_box:80", "my_box", 80),
    ],
)
def test_good_ones(text: str, host: str, port: int) -> None:
    endpoint = parse_endpoint(text)
    assert endpoint == Endpoint(host, port)
    assert parse_endpoint(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "text",
    ["", "host", "host:", ":50007", "host:0", "host:65536", "host:-1", "host:٣", "2001:db8::7:50007", "[192.0.2.7]:5",
     "1.2.3:80", "256.1.1.1:80", "a b:80", "-a:80", "a..b:80", "x" * 64 + ":80", "host:000080", "[::1:80", "a/b:80"],
)  # fmt: skip
def test_bad_ones(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_endpoint(text)
    assert caught.value.hint


def test_defaults_are_asked_for() -> None:
    assert parse_endpoint(":0", default_host="127.0.0.1", any_port=True) == Endpoint("127.0.0.1", 0)


@given(st.text(max_size=40))
def test_nothing_else_than_bad_input_is_raised(text: str) -> None:
    try:
        endpoint = parse_endpoint(text)
    except BadInput:
        return
    assert parse_endpoint(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:7/announce", True),
        ("http://[::1]:7/announce", True),
        ("http://localhost:7/announce", False),
        ("http://127.0.0.1.example.org/announce", False),
        ("http://192.0.2.7/announce", False),
        ("udp://192.0.2.7:6969", False),
        ("http://[127.0.0.1/announce", False),
        ("", False),
    ],
)
def test_only_an_address_of_this_machine_is_on_loopback(url: str, here: bool) -> None:
    assert is_on_loopback(url) is here


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (":50007", Endpoint("", 50007)),
        (":0", Endpoint("", 0)),
        ("127.0.0.1:0", Endpoint("127.0.0.1", 0)),
        ("[::]:50007", Endpoint("::", 50007)),
    ],
)
def test_an_address_to_listen_on(text: str, endpoint: Endpoint) -> None:
    assert parse_listen_address(text) == endpoint


@pytest.mark.parametrize(
    ("text", "detail", "hint"),
    [
        ("localhost:50007", "is a name", "Write 127.0.0.1:50007,"),
        ("studio.example.org:50007", "is a name", "Write :50007,"),
        ("50007", "is not a host and a port", "Write :50007 for all"),
        ("", "is not a host and a port", "Write :50007 for all"),
        (":99999", "no valid port", "Write :50007 for all"),
    ],
)
def test_a_name_is_not_listened_on(text: str, detail: str, hint: str) -> None:
    with pytest.raises(BadInput, match=detail) as caught:
        parse_listen_address(text)
    assert caught.value.hint.startswith(hint)
