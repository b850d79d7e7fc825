from __future__ import annotations

import pytest

from tuishare.errors import BadInput
from tuishare.torrents.bencode import Value
from tuishare.torrents.dict_reader import DictReader, text, texts


def test_getters_return_what_is_there() -> None:
    fields = DictReader.of({b"n": 1, b"b": b"x", b"d": {b"k": b""}, b"l": [b"a", b"b"], b"\xff": 0}, "it")
    assert fields.natural("n") == 1
    assert fields.octets("b") == b"x"
    assert fields.only_text("b") == "x"
    assert fields.fields("d").has("k")
    assert fields.values("l") == [b"a", b"b"]
    assert fields.values("absent") == []
    assert fields.text_or_texts("l") == ["a", "b"]
    assert fields.text_or_texts("b") == ["x"]
    assert fields.text_or_texts("absent") == []
    assert fields.names() == {"n", "b", "d", "l", "\udcff"}


def test_empty_string_is_no_text() -> None:
    assert DictReader({b"url-list": b""}).text_or_texts("url-list") == []


@pytest.mark.parametrize("value", [-1, b"1", [], {}])
def test_not_a_natural_number(value: Value) -> None:
    with pytest.raises(BadInput, match="“n” is not a natural number"):
        DictReader({b"n": value}).natural("n")


@pytest.mark.parametrize("value", [1, [], {}])
def test_not_a_string(value: Value) -> None:
    with pytest.raises(BadInput, match="“s” is not a string"):
        DictReader({b"s": value}).octets("s")
    with pytest.raises(BadInput, match="“s”"):
        DictReader({b"s": [value]}).text_or_texts("s")


@pytest.mark.parametrize("value", [1, b"", []])
def test_not_a_dictionary(value: Value) -> None:
    with pytest.raises(BadInput, match="“d” is not a dictionary"):
        DictReader({b"d": value}).fields("d")


@pytest.mark.parametrize("value", [1, b"x", {}])
def test_not_a_list(value: Value) -> None:
    with pytest.raises(BadInput, match="“l” is not a list"):
        DictReader({b"l": value}).values("l")
    with pytest.raises(BadInput, match="“l” is not a list"):
        list(texts(value, "l"))


def test_missing() -> None:
    with pytest.raises(BadInput, match="“n” is missing"):
        DictReader({}).natural("n")


def test_a_second_name_must_be_the_same() -> None:
    assert DictReader({b"name": b"a", b"name.utf-8": b"a"}).only_text("name") == "a"
    with pytest.raises(BadInput, match="twice with different values"):
        DictReader({b"name": b"a", b"name.utf-8": b"b"}).only_text("name")


def test_text_keeps_what_is_not_utf8() -> None:
    assert text(b"a\xff") == "a\udcff"
