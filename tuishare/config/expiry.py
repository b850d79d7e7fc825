"""Expiry dates of shares as users write them.

Owns the grammar: a whole number of hours, days or weeks (``12h``, ``30d``, ``2w``), or the last day (``2026-12-31``).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from tuishare.errors import BadInput

_SPAN: Final = re.compile(r"(\d{1,6})\s*([hdw])", re.IGNORECASE | re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SECONDS: Final = {"h": 3600, "d": 86_400, "w": 604_800}
_FARTHEST: Final = 100 * 366 * 86_400  # within what clocks and certificates can represent


def parse_expiry(text: str, now: float) -> int:
    """Parse the time at which a share expires.

    Args:
        text: a duration from now, or a date in local time; that day is included.
        now: Unix seconds.

    Returns:
        Unix seconds.

    Raises:
        BadInput: the text is neither, or the time is past or more than a hundred years away.
    """
    moment = _read(text.strip(), now)
    if moment <= now:
        raise BadInput(f"{text[:40]!r} is in the past", hint="Use a future date, or a duration such as 30d.")
    if moment > now + _FARTHEST:
        raise BadInput(
            f"{text[:40]!r} is too far away", hint="Use an earlier date, or none to share without expiry."
        )
    return moment


def _read(text: str, now: float) -> int:
    if match := _SPAN.fullmatch(text):
        return int(now) + int(match[1]) * _SECONDS[match[2].lower()]
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        following = date.fromisoformat(text) + timedelta(days=1)
        return int(datetime.combine(following, time()).astimezone().timestamp()) - 1
    except (ValueError, OverflowError):
        raise BadInput(
            f"{text[:40]!r} is neither a date nor a duration", hint="Write 12h, 30d, 2w or 2026-12-31."
        ) from None
