from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.samples import SHARE
from tuishare.api.codec import decode, decode_event, encode
from tuishare.api.messages import Heartbeat, Share
from tuishare.errors import VerificationFailed


@given(st.text())
def test_any_name_survives_and_stays_on_one_line(name: str) -> None:
    share = msgspec.structs.replace(SHARE, name=name)
    line = encode(share)
    assert b"\n" not in line
    assert decode(line, Share) == share


def test_a_name_that_is_not_utf8_travels_with_replacements() -> None:
    share = msgspec.structs.replace(SHARE, name="caf\udce9.txt", path="/d/caf\udce9.txt")
    assert decode(encode(share), Share).name == "caf\ufffd.txt"
    assert decode(encode([share, SHARE]), list[Share])[0].path == "/d/caf\ufffd.txt"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"now":"x","type":"heartbeat"}', b"null"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationFailed, match="not understood"):
        decode(data, Share)
    with pytest.raises(VerificationFailed, match="not understood"):
        decode_event(data)


def test_an_event_is_told_by_its_type() -> None:
    assert decode_event(b'{"type":"heartbeat","now":1}') == Heartbeat(now=1)
    with pytest.raises(VerificationFailed):
        decode_event(b'{"type":"future","now":1}')
