"""Two classes, one sentence each."""

import pytest

from tuishare.envelope import Damaged, NotForUs
from tuishare.errors import Refused


@pytest.mark.parametrize("failure", [NotForUs, Damaged])
def test_it_is_a_refusal_with_a_sentence_and_a_hint(failure: type[NotForUs | Damaged]) -> None:
    error = failure()
    assert isinstance(error, Refused)
    assert error.detail
    assert error.hint
    assert (error.detail, error.hint) == (failure().detail, failure().hint)


def test_programs_can_tell_them_apart() -> None:
    assert NotForUs.code != Damaged.code != Refused.code
