"""Payload on disk: how it is looked at, and by what it is known again.

Owns the fingerprint, which tells whether a payload is still what was hashed or delivered without reading it, and how
one is deleted. Blocking: call it on a thread.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec

from tuishare.agent.folders.ignore_rules import read_ignore_rules
from tuishare.errors import TuishareError, from_os_error
from tuishare.torrents import Tree, walk


def walk_payload(path: Path, folder: str = "") -> Tree:
    """Walk a payload; below a drop folder, its ignore patterns hold.

    Raises:
        TuishareError: as `tuishare.torrents.walk`.
    """
    return walk(path, ignore=read_ignore_rules(Path(folder)).below(path.name) if folder else None)


def tree_fingerprint(tree: Tree) -> str:
    """Condense a tree: equal exactly when names, sizes, times and inodes of its files are, whatever its own name is.

    No device number: the same disk gets another one after a restart. The time of the last change (ctime) is set by the
    kernel alone, so an edit whose mtime was put back is found. Fingerprints of earlier versions have no colon; they
    equal none of these, so what they were of is read and hashed once.

    Returns:
        Two digests with a colon between: of what a rename leaves as it is, and of the times that it changes.
    """
    files = tree.files if tree.is_folder else [msgspec.structs.replace(file, parts=()) for file in tree.files]
    lasting = [(file.parts, file.size, file.mtime_ns, file.inode) for file in files]
    return f"{_condense((tree.is_folder, lasting))}:{_condense([file.ctime_ns for file in files])}"


def may_be_renamed(fingerprint: str, other: str) -> bool:
    """Whether two fingerprints differ in nothing but what renaming a file changes; only reading it tells for sure."""
    return ":" in fingerprint and fingerprint.partition(":")[0] == other.partition(":")[0]


def _condense(value: object) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(value)).hexdigest()


def payload_fingerprint(path: Path, folder: str = "") -> str:
    """The fingerprint of what is there now; empty when it cannot be looked at."""
    try:
        return tree_fingerprint(walk_payload(path, folder))
    except TuishareError:
        return ""


def delete_payload(path: Path) -> None:
    """Delete a file or folder; links are deleted, not followed. Blocking.

    Raises:
        SystemFailed: the file system refused.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, f"delete {path}") from error
