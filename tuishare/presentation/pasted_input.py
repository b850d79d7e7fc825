"""Text that users paste or type: cards, invitations, lists of groups.

Owns how they are found in what is around them. Pure; whether one is valid, the agent says.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final

CARD_PREFIX: Final = "tuishare-card-v1:"
"""Every card begins with it."""
INVITATION_PREFIX: Final = "tuishare-invite-"
"""Every invitation begins with it, whatever its version."""
_LINE: Final = re.compile(r"[\w-]+", re.ASCII)


def find_card(text: str) -> str:
    """Find a card in pasted text, with sentences around it and line breaks as mail inserts them.

    The card continues as long as lines hold only characters of cards. Without a card, return the whole text.
    """
    if CARD_PREFIX not in text:
        return "".join(text.split())
    first, *lines = text[text.find(CARD_PREFIX) :].splitlines()
    wrapped = takewhile(_LINE.fullmatch, (line.strip() for line in lines))
    return "".join([*first.split(), *wrapped])


def find_invitation(text: str) -> str:
    """Find an invitation in pasted text, with sentences around it and line breaks as mail inserts them.

    It continues as long as lines hold only its characters. Without one, return the whole text.
    """
    if INVITATION_PREFIX not in text:
        return "".join(text.split())
    first, *lines = text[text.find(INVITATION_PREFIX) :].splitlines()
    start, *rest = first.split(maxsplit=1)
    wrapped = [] if rest else takewhile(_LINE.fullmatch, (line.strip() for line in lines))
    return "".join([start, *wrapped])


def split_groups(text: str) -> tuple[str, ...]:
    """Split typed groups, with or without ``@``."""
    return tuple(dict.fromkeys(word.removeprefix("@") for word in text.replace(",", " ").split()))
