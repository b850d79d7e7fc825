"""No passkey survives, wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuishare.net.redaction import redact_text, redact_url

KEY = "0123456789abcdef0123456789abcdef"
PLACES = [
    f"http://127.0.0.1:8080/announce/{KEY}",
    f"https://tracker.example/{KEY}/announce",
    f"http://tracker.example/announce?passkey={KEY}",
    f"http://tracker.example/announce.php?x=1&passkey={KEY}",
    f"http://{KEY}:secret-word@tracker.example/announce",
    f"udp://tracker.example:80/{KEY}",
    f"http://[2001:db8::1]:80/announce/{KEY}#{KEY}",
    f"http://tracker.example:bad/{KEY}",
]


@pytest.mark.parametrize("url", PLACES)
def test_a_url_loses_its_passkey(url: str) -> None:
    assert KEY not in redact_url(url)
    assert "secret-word" not in redact_url(url)


@pytest.mark.parametrize("url", PLACES)
def test_an_error_that_quotes_it_loses_it_too(url: str) -> None:
    text = f"no such user {KEY.upper()} at {url} ({KEY})"
    assert KEY not in redact_text(text, url).lower()


def test_what_helps_stays() -> None:
    assert redact_url(PLACES[0]) == "http://127.0.0.1:8080/announce/…"
    assert redact_url("http://tracker.example/announce") == "http://tracker.example/announce"
    assert redact_text("connection refused", PLACES[0]) == "connection refused"


def test_hostile_text_is_made_harmless() -> None:
    assert "\x1b" not in redact_text("\x1b[2J gone", "http://tracker.example/announce")
    assert len(redact_text("x" * 5000, "http://tracker.example/announce")) <= 200


@given(
    st.text(
        alphabet=st.characters(codec="ascii", exclude_characters="/?&=:#;@%[]\\"), min_size=8, max_size=40
    )
)
def test_any_path_part_is_hidden(secret: str) -> None:
    if secret in "http://tracker.example/announce":
        return
    url = f"http://tracker.example/announce/{secret}"
    assert secret not in redact_url(url)
    assert secret.lower() not in redact_text(f"bad {secret}", url).lower()
