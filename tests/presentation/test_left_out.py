from __future__ import annotations

import pytest

from tuishare.api.messages import LeftOut
from tuishare.core.left_out import LeftOut as StoredLeftOut
from tuishare.core.left_out import LeftOutReason, name_left_out
from tuishare.presentation.left_out import describe_left_out


def left_out(reason: str, number: int, *names: str) -> LeftOut:
    return LeftOut(reason=reason, number=number, names=names)


def test_what_is_left_out_is_said_by_reason_with_names() -> None:
    words = describe_left_out(
        [left_out(LeftOutReason.LINK, 1, "a"), left_out(LeftOutReason.TEMPORARY, 1_200, "x~", "b/y.tmp")]
    )
    assert words == "1 link (a); 1,200 temporary or system names (x~, b/y.tmp, …)"
    assert describe_left_out([]) == ""


@pytest.mark.parametrize("reason", LeftOutReason)
def test_every_reason_has_words(reason: LeftOutReason) -> None:
    assert not describe_left_out([left_out(reason, 2, "a", "b")]).startswith(f"2 {reason.value} (")


def test_the_text_of_a_sender_is_made_safe() -> None:
    assert describe_left_out([left_out("odd\x1b", 1, "a\n")]) == "1 odd\ufffd (a\ufffd)"


def test_in_one_line_some_names_stand_for_all() -> None:
    many = [StoredLeftOut("r", 4, ("a", "b", "c", "d")), StoredLeftOut("s", 9, ("e\x1b", "f"))]
    assert name_left_out(many) == "a, b, c, d, e\ufffd, 8 more"
    assert name_left_out(many[:1]) == "a, b, c, d"
