"""The two errors of opening an envelope.

Owns two fixed messages. It must not grow a third class or a reason: an attacker who made a file learns from the
error only what they could compute themselves (SPEC.md, section "Failures").
"""

from __future__ import annotations

from typing import ClassVar

from tuishare.errors import Refused


class NotForUs(Refused):
    """No slot opened with any of the given keys; the error does not reveal which slots were tried."""

    code: ClassVar[str] = "not-for-us"
    title: ClassVar[str] = "Locked"

    def __init__(self) -> None:
        super().__init__(
            "None of your keys opens this envelope",
            hint="Check the key, or ask the sender to seal it for your card; if both are right, ask for a new copy.",
        )


class Damaged(Refused):
    """The file violates the format."""

    code: ClassVar[str] = "damaged"
    title: ClassVar[str] = "Damaged envelope"

    def __init__(self) -> None:
        super().__init__("This file is not an intact envelope", hint="Ask the sender for a new copy.")
