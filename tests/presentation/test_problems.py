from __future__ import annotations

import pytest

from tuishare.errors import BadInput, NotFound
from tuishare.presentation.problems import explain_error, no_recipients, request_failed, write_sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("Gone", "Gone."), ("Gone. ", "Gone."), ("Gone?", "Gone?"), ("more …", "more …"), ("", ""), (" \n", "")],
)
def test_a_sentence_ends_once(text: str, sentence: str) -> None:
    assert write_sentence(text) == sentence


def test_an_error_is_explained_with_its_hint_if_it_has_one() -> None:
    assert (
        explain_error(NotFound("There is none", hint="Try: tuishare agent"))
        == "There is none. Try: tuishare agent"
    )
    assert explain_error(NotFound("There is none")) == "There is none."


def test_errors_that_several_front_ends_raise_say_what_to_do() -> None:
    assert "Try again" in explain_error(request_failed())
    error = no_recipients()
    assert isinstance(error, BadInput)
    assert "--to NAME" in error.hint
