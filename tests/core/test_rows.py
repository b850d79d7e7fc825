"""Rows that are no records: refused one by one, in words that quote nothing of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.agent.state.test_store import DOWNLOAD, SHARE
from tuishare.core.records import DownloadRecord, ShareRecord
from tuishare.core.rows import as_text, decode, encode


def test_what_is_written_is_read() -> None:
    assert decode(ShareRecord, encode(SHARE)) == SHARE
    assert decode(DownloadRecord, encode(DOWNLOAD)) == DOWNLOAD


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", as_text(b"a\xff")),
        ("name", "a\0b"),
        ("name", "../x"),
        ("envelope", "../../users.toml"),
        ("sender", ".."),
        ("path", "here"),
        ("staging", "here"),
        ("replaces", "here"),
        ("step", "?"),
        ("size", -1),
        ("size", 2**63),
        ("size", 1.5),
        ("size", None),
        ("leaf_key", "text"),
        ("contacts", "["),
        ("contacts", 5),
        ("contacts", json.dumps([{"a": 1}])),
        ("contacts", json.dumps(["a\0"])),
        ("contacts", "[" * 100_000),
        ("trackers", json.dumps([["url"]])),
        ("transport", "pigeon"),
    ],
)
def test_one_value_makes_it_no_record(column: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^(its|one of its|a value) ") as raised:
        decode(DownloadRecord, {**encode(DOWNLOAD), column: value})
    assert "users" not in str(raised.value)


@pytest.mark.parametrize(("column", "value"), [("path", "here"), ("folder", "here"), ("name", "../x")])
def test_nor_is_a_share_with_one(column: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"^its {column} is not "):
        decode(ShareRecord, {**encode(SHARE), column: value})
