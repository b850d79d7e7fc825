"""Proxies as people write them."""

from __future__ import annotations

import pytest

from tuishare.errors import BadInput
from tuishare.net.proxy_settings import Proxy, parse_proxy


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("socks5://proxy.example.org:1080", Proxy("socks5", "proxy.example.org", 1080)),
        ("http://10.0.0.1:3128/", Proxy("http", "10.0.0.1", 3128)),
        ("socks5://[fd00::1]:1080", Proxy("socks5", "fd00::1", 1080)),
        ("socks5://ann:p%40ss%3A@host:1", Proxy("socks5", "host", 1, "ann", "p@ss:")),
    ],
)
def test_proxies(text: str, proxy: Proxy) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "proxy:1080",
        "socks4://hunter2:1080",
        "socks5://:1080",
        "socks5://hunter2",
        "socks5://a:hunter2@host:0",
        "socks5://a:hunter2@host:65536",
        "http://a:hunter2@host:1/path",
        "http://host:1?hunter2",
        "http://a:hunter2%0a@host:1",
        "http://[a:hunter2@host:1",
    ],
)
def test_what_is_no_proxy_is_not_repeated(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_proxy(text)
    assert "hunter2" not in caught.value.detail + caught.value.hint


def test_a_password_does_not_show() -> None:
    assert "hunter2" not in repr(parse_proxy("socks5://ann:hunter2@host:1"))
