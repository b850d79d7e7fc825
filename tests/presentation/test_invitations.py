from __future__ import annotations

import msgspec

from tests.api.samples import INVITATION, NOW
from tuishare.presentation.invitations import describe_invitation


def test_what_became_of_an_invitation() -> None:
    def words(now: float, **fields: object) -> str:
        return describe_invitation(msgspec.structs.replace(INVITATION, **fields), now, "t{}".format)

    assert words(NOW, until=NOW + 1) == f"open until t{NOW + 1}"
    assert words(NOW + 1, until=NOW + 1) == f"ended t{NOW + 1}"
    assert words(NOW + 2, until=NOW + 1, used=NOW, user="bob") == f"used by bob t{NOW}"
