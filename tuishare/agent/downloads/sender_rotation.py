"""A sender who has a new card, and his former card's word for it.

Owns what follows in our user book. Whether the word holds, `tuishare.core.opening` has found out.
"""

from __future__ import annotations

import asyncio
import logging

from tuishare.agent.context import Context
from tuishare.core.activity import ActivityKind
from tuishare.people import KeyRotation, apply_rotation, edit_book

_log = logging.getLogger(__name__)


async def apply_key_rotation(context: Context, sender: str, succession: KeyRotation) -> None:
    """Know a sender by his new card from now on.

    Raises:
        Refused: his card was replaced meanwhile.
        BadInput: the new card is somebody else's.
        BadConfiguration: the user book is not usable.
        SystemFailed: the disk refused.
    """
    await asyncio.to_thread(
        edit_book, context.places.users_file, lambda book: apply_rotation(book, succession)
    )
    fingerprint = succession.card.fingerprint.base32
    _log.info("%s has a new card, fingerprint %s", sender, fingerprint)
    context.activity.note(
        ActivityKind.ROTATED, sender, f"has a new card, and the former one vouches for it: {fingerprint}"
    )
