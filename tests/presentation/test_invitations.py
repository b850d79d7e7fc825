from __future__ import annotations

import msgspec
import pytest

from tests.api.samples import INVITATION, JOINER, NOW
from tuishare.api.messages import JoinerState, Joining
from tuishare.presentation.invitations import describe_invitation, describe_joiner, describe_waiting


def test_what_became_of_an_invitation() -> None:
    def words(now: float, **fields: object) -> str:
        return describe_invitation(msgspec.structs.replace(INVITATION, **fields), now, "t{}".format)

    asks = msgspec.structs.replace(JOINER, state=JoinerState.ASKS, user="")
    assert words(NOW, until=NOW + 1) == f"open until t{NOW + 1}"
    assert words(NOW + 1, until=NOW + 1) == f"ended t{NOW + 1}"
    assert words(NOW + 2, until=NOW + 1, joiners=(JOINER,)) == f"used by bob t{NOW}"
    assert words(NOW, until=NOW + 1, joiners=(asks,)) == f"1 person asks to join, open until t{NOW + 1}"
    several = words(NOW, until=NOW + 1, uses=10, joiners=(JOINER, asks, asks))
    assert several == f"2 people ask to join, 1 of 10 joined, open until t{NOW + 1}"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (JoinerState.JOINED, "joined as bob"),
        (JoinerState.ASKS, "asks to join"),
        (JoinerState.APPROVED, "approved, joins when their agent calls again"),
        (JoinerState.DECLINED, "declined"),
        (JoinerState.TRIED, "refused"),
    ],
)
def test_how_far_one_has_come(state: JoinerState, words: str) -> None:
    joiner = msgspec.structs.replace(JOINER, state=state)
    assert describe_joiner(joiner, "t{}".format) == f"{words} t{NOW}"


def test_why_and_how_long_the_inviter_is_called_again() -> None:
    words = describe_waiting(Joining(id="ab" * 16, until=9, error="It does not answer"), "t{}".format)
    assert words == "It does not answer. Your agent calls again until t9, also after a restart."
