"""The wording of what is not as the sender has it: what is left out of a share, and which files have other names.

Pure; the reasons and names of a download are the sender's text, which is made safe here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tuishare.api.messages import Download, LeftOut
from tuishare.sanitize import for_display

_LONGEST: Final = 120
_WORDS: Final = {
    "symbolic link": ("link", "links"),
    "special file": ("pipe, socket or device", "pipes, sockets or devices"),
    "empty folder": ("empty folder", "empty folders"),
    "temporary name": ("temporary or system name", "temporary or system names"),
    "ignored by a pattern": ("name in .tuishareignore", "names in .tuishareignore"),
    "executable": (
        "program arrives without permission to execute it",
        "programs arrive without permission to execute them",
    ),
}
"""By `tuishare.core.left_out.LeftOutReason`: one, and several."""


def describe_left_out(left_out: Iterable[LeftOut]) -> str:
    """Return how much is left out of a share, by reason, with the first names; safe to display, empty for nothing."""
    return "; ".join(map(_describe, left_out))


def describe_renamed(download: Download) -> str:
    """Return which files have other names here, with the first ones; safe to display, empty without any."""
    names = [f"{_shown(file.name)} is {_shown(file.here)} here" for file in download.renamed_files]
    if more := download.renamed - len(names):
        names.append(f"{more:,} more")
    return f"this disk does not take every name: {', '.join(names)}" if names else ""


def _shown(name: str) -> str:
    return f"“{for_display(name, _LONGEST)}”"


def _describe(each: LeftOut) -> str:
    reason = for_display(each.reason)
    one, many = _WORDS.get(each.reason, (reason, reason))
    names = [for_display(name, _LONGEST) for name in each.names]
    if len(names) < each.number:
        names.append("…")
    return f"{each.number:,} {one if each.number == 1 else many} ({', '.join(names)})"
