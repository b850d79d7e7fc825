"""How the link to one contact is.

Owns the value only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkState:
    """The link to one contact; times in Unix seconds, 0 where there is none.

    Attributes:
        since: since when it is open.
        away: since when it is not.
        called: this agent called.
        error: why it is not open, one sentence.
        tried: when the contact was called last without an answer.
        addresses: at how many addresses.
    """

    since: int = 0
    away: int = 0
    called: bool = False
    error: str = ""
    tried: int = 0
    addresses: int = 0
