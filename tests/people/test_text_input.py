from __future__ import annotations

import pytest

from tuishare.errors import BadInput
from tuishare.people import decode_text

TEXT = "Zoë\t9f9f\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_every_encoding_that_editors_and_shells_write(encoding: str) -> None:
    assert decode_text(TEXT.encode(encoding), "key") == TEXT


def test_a_start_that_ends_inside_a_character() -> None:
    assert decode_text("abë".encode()[:-1], "key") == "ab"


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "key is empty"), (b" \r\n", "empty"), (b"\x9f" * 32, "32 bytes")]
)
def test_what_is_no_text(data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        decode_text(data, "key")
