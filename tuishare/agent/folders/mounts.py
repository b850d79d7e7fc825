"""What is mounted at and below a folder, and whether its changes are all reported to this machine.

Owns reading the table of mounts (proc(5), ``/proc/PID/mountinfo``). Must not watch anything.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/self/mountinfo")
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")
_SHARED_TYPES: Final = frozenset(
    {
        *(
            "9p",
            "afs",
            "ceph",
            "cifs",
            "coda",
            "gfs2",
            "gpfs",
            "lustre",
            "ncpfs",
            "nfs",
            "nfs4",
            "ocfs2",
            "orangefs",
        ),
        *("prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"),
    }
)
"""Types of file systems that other machines, or the host of a virtual one, change as well (inotify(7), Limitations)."""
_FUSE: Final = "fuse."
"""Programs that show what lies elsewhere (sshfs, rclone, bindfs) and may change; ``fuseblk`` has a disk of its own."""


@dataclass(frozen=True, slots=True)
class MountView:
    """The mounts that concern a folder.

    Attributes:
        mounts: id and place of the one that it is on, and of those below it; another tuple: another disk is seen there.
        is_shared: whether one of them may change without an event.
    """

    mounts: tuple[tuple[int, bytes], ...] = ()
    is_shared: bool = False


def view_mounts(folder: Path) -> MountView:
    """Return the mounts that concern a folder; nothing where the system tells none.

    Args:
        folder: its real path.
    """
    try:
        table = _TABLE.read_bytes()
    except OSError:
        return MountView()
    return parse_mounts(table, os.fsencode(folder))


def parse_mounts(table: bytes, folder: bytes) -> MountView:
    """Return the mounts of a table that concern a folder."""
    own: tuple[int, bytes, bool] | None = None
    below: list[tuple[int, bytes, bool]] = []
    inside = folder.rstrip(b"/") + b"/"
    for line in table.splitlines():
        before, _, after = line.partition(b" - ")
        fields = before.split()
        place = _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), fields[4])
        kind = after.split()[0].decode(errors="replace")
        mount = int(fields[0]), place, kind in _SHARED_TYPES or f"{kind}.".startswith(_FUSE)
        if place.startswith(inside):
            below.append(mount)
        elif inside.startswith(place.rstrip(b"/") + b"/") and (own is None or len(place) >= len(own[1])):
            own = mount  # a later one at the same place covers an earlier one
    found = [*([own] if own else []), *sorted(below)]
    return MountView(tuple(mount[:2] for mount in found), any(mount[2] for mount in found))
