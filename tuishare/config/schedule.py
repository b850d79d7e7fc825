"""Bandwidth limits by time of the week.

Owns the ``[limits]`` table and the meaning of its schedule. Pure: the caller passes the time. Must not know the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final, Literal

import msgspec

from tuishare.config.units import parse_size
from tuishare.errors import BadInput

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEK: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_FASTEST: Final = 2**31 - 1
"""The highest rate the engine can represent, bytes per second."""


@dataclass(frozen=True, slots=True)
class BandwidthRates:
    """Bytes per second over all shares and downloads; 0: no limit."""

    upload: int = 0
    download: int = 0


class BandwidthPeriod(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``[[limits.schedule]]``: limits for certain hours of certain days.

    Attributes:
        start: ``HH:MM``, local time; written ``from`` in the file.
        until: likewise, exclusive. Earlier than `start`: on the next day; equal: 24 hours later.
        days: on which the period begins; empty: every day.
        upload: size per second, such as ``5MiB``; ``0``: no limit.
        download: likewise.
    """

    start: str = msgspec.field(name="from")
    until: str
    days: list[Day] = []
    upload: str = "0"
    download: str = "0"

    def holds(self, now: datetime) -> bool:
        """Whether `now` (local time) lies in the period."""
        start, until = parse_time(self.start), parse_time(self.until)
        days, clock = self.days or _WEEK, now.time()
        today, yesterday = _WEEK[now.weekday()] in days, _WEEK[now.weekday() - 1] in days
        if start < until:
            return today and start <= clock < until
        return (today and clock >= start) or (yesterday and clock < until)


class BandwidthLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[limits]``: bandwidth and parallel downloads.

    Attributes:
        upload: size per second over all shares, such as ``5MiB``; ``0``: no limit.
        download: likewise.
        by_hub: of what goes by the hub that makes us reachable, both directions together.
        active_downloads: how many downloads run at a time, the others are queued; 0: as many as the limit of
            open files allows, see `tuishare.net.descriptors`.
        schedule: periods with limits of their own; the first match wins.
    """

    upload: str = "0"
    download: str = "0"
    by_hub: str = "0"
    active_downloads: int = 0
    schedule: list[BandwidthPeriod] = []

    def rates(self, now: datetime) -> BandwidthRates:
        """Return the rates in force at `now` (local time)."""
        source = next((period for period in self.schedule if period.holds(now)), self)
        return BandwidthRates(_parse_rate(source.upload), _parse_rate(source.download))

    @property
    def hub_rate(self) -> int:
        """`by_hub` in bytes a second; 0: no limit."""
        return _parse_rate(self.by_hub)

    def texts(self) -> Iterator[tuple[str, str, Callable[[str], object]]]:
        """Yield each text that has a grammar: its key, the text, and the parser, which may raise `BadInput`."""
        yield "upload", self.upload, parse_size
        yield "download", self.download, parse_size
        yield "by_hub", self.by_hub, parse_size
        for number, period in enumerate(self.schedule):
            place = f"schedule[{number}]"
            yield f"{place}.from", period.start, parse_time
            yield f"{place}.until", period.until, parse_time
            yield f"{place}.upload", period.upload, parse_size
            yield f"{place}.download", period.download, parse_size


def parse_time(text: str) -> time:
    """Parse a time of day, ``HH:MM``.

    Raises:
        BadInput: the text has another form.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise BadInput(f"{text[:40]!r} is not a time of day", hint="Write it like 08:00 or 23:30.")
    return time(int(match[1]), int(match[2]))


def _parse_rate(text: str) -> int:
    return min(parse_size(text), _FASTEST)
