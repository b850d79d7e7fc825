"""Numbers, sizes, rates and times as short text.

Owns their wording; sizes and rates are those of `tuishare.config.units`. Pure: the present moment is an argument.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tuishare.config.units import format_rate, format_size

__all__ = [
    "NOTHING",
    "format_amount",
    "format_count",
    "format_exact_size",
    "format_moment",
    "format_part",
    "format_percent",
    "format_rate",
    "format_size",
    "format_span",
    "format_timestamp",
]

NOTHING: Final = "–"
"""Shown where there is no value."""

_SPANS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def format_count(number: int, one: str, many: str = "") -> str:
    """Write a number of things: ``1 file``, ``1,204 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def format_part(part: int, whole: int) -> str:
    """Write a part of a whole: ``3 of 5``."""
    return f"{part:,} of {whole:,}"


def format_percent(fraction: float) -> str:
    """Write a fraction as whole percent; 100 % only for all of it."""
    return f"{100 if fraction >= 1 else min(99, int(max(0.0, fraction) * 100))} %"


def format_exact_size(size: int) -> str:
    """Write a number of bytes, rounded and exact: ``38.2 GB (38,200,000,000 bytes)``."""
    return f"{format_size(size)} ({size:,} bytes)" if size >= 1000 else format_size(size)


def format_amount(files: int, size: int, separator: str = " · ") -> str:
    """Write the size of a payload: ``1,204 files · 38.2 GB``; size in bytes."""
    return f"{format_count(files, 'file')}{separator}{format_size(size)}"


def format_span(seconds: float) -> str:
    """Write a length of time in its largest unit: ``12 s``, ``4 min``, ``3 d``. Never negative."""
    for length, unit in _SPANS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def format_moment(moment: float, now: float) -> str:
    """Write a time in six characters, local time: ``10:02`` today, ``Nov 02`` this year, else ``2024``.

    Args:
        moment: Unix seconds.
        now: Unix seconds.
    """
    then, today = (datetime.fromtimestamp(value).astimezone() for value in (moment, now))
    if then.date() == today.date():
        return f"{then:%H:%M}"
    return f"{then:%b %d}" if then.year == today.year else f"{then:%Y}"


def format_timestamp(moment: float, *, seconds: bool = False) -> str:
    """Write date and time, local: ``2026-11-21 10:02``, optionally with seconds.

    Args:
        moment: Unix seconds.
        seconds: include the seconds.
    """
    then = datetime.fromtimestamp(moment).astimezone()
    return f"{then:%Y-%m-%d %H:%M:%S}" if seconds else f"{then:%Y-%m-%d %H:%M}"
