from __future__ import annotations

import pytest

from tests.cli.homes import Person


@pytest.mark.parametrize(
    ("words", "detail", "hint"),
    [
        (("create", "-file=./a"), "-file=./a has one dash too few", "Write --file=./a"),
        (("share", "x", "-expires", "3d"), "-expires has one dash too few", "Write --expires"),
        (("shre",), "No such command shre", "Did you mean share?"),
        (("user", "ad"), "No such command ad", "tuishare user --help"),
        (("--jsno",), "No such option: --jsno", "Did you mean --json?"),
        (("create", "--fiel", "x"), "No such option: --fiel", "--file"),
        (("create",), "Missing option --file / -f", "tuishare create --help shows the usage"),
        (("activity", "--limit", "0"), "it must be greater than or equal to 1", "activity --help"),
        (("list", "foo"), "foo is not one of shares, downloads", "list --help"),
    ],
)
def test_what_the_parser_refuses_is_an_error_like_all_others(
    alice: Person, words: tuple[str, ...], detail: str, hint: str
) -> None:
    said = alice.call(*words)
    assert (said.code, said.out) == (2, "")
    first, second = said.err.splitlines()
    assert first.startswith("tuishare: ")
    assert detail in first
    assert second.startswith("  hint: ")
    assert hint in second


def test_an_argument_that_begins_with_a_dash(alice: Person) -> None:
    (alice.desk / "-file").write_bytes(b"x")
    assert "one dash too few" not in alice.call("share", "--to", "bob", "--", "-file").err
