"""The two ways in which opening an envelope fails.

Owns two fixed sentences. It must not grow a third class or a reason: whoever made a hostile file learns from the
answer only what he could compute himself (SPEC.md, section "Failures").
"""

from __future__ import annotations

from typing import ClassVar

from tuishare.errors import Refused


class NotForUs(Refused):
    """No slot opened with any of the keys given; which slot was tried for whom is told to nobody."""

    code: ClassVar[str] = "not-for-us"
    title: ClassVar[str] = "Locked"

    def __init__(self) -> None:
        super().__init__(
            "None of the keys given here opens this envelope",
            hint="Check the key, or ask the sender to seal it for your card; if both are right, ask for a fresh copy.",
        )


class Damaged(Refused):
    """The file breaks a rule of the format, wherever that is."""

    code: ClassVar[str] = "damaged"
    title: ClassVar[str] = "Damaged envelope"

    def __init__(self) -> None:
        super().__init__("This file is not an intact envelope", hint="Ask the sender for a fresh copy.")
