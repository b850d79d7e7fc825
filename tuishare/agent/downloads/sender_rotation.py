"""Key rotation of a sender: a new card, signed by the previous one.

Owns the change of the user book. Must not verify the rotation: `tuishare.core.opening` has done that.
"""

from __future__ import annotations

import asyncio
import logging

from tuishare.agent.context import Context
from tuishare.core.activity import ActivityKind
from tuishare.people import KeyRotation, apply_rotation, edit_book

_log = logging.getLogger(__name__)


async def apply_key_rotation(context: Context, sender: str, rotation: KeyRotation) -> None:
    """Replace a sender's card in the user book.

    Raises:
        Refused: their card was replaced meanwhile.
        BadInput: the new card belongs to another user.
        BadConfiguration: the user book is not usable.
        SystemFailed: the disk refused.
    """
    await asyncio.to_thread(edit_book, context.places.users_file, lambda book: apply_rotation(book, rotation))
    fingerprint = rotation.card.fingerprint.base32
    _log.info("%s has a new card, fingerprint %s", sender, fingerprint)
    context.activity.note(
        ActivityKind.ROTATED, sender, f"has a new card, which the previous one has signed: {fingerprint}"
    )
