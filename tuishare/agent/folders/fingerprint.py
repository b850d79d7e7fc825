"""Payloads on disk: walking, fingerprinting and deleting them.

Owns the fingerprint, by which a changed payload is noticed without reading it. Blocking: call it on a thread.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection
from pathlib import Path

import msgspec

from tuishare.agent.folders.ignore_rules import read_ignore_rules
from tuishare.agent.folders.temporary_names import COMPANIONS, companion_of
from tuishare.errors import TuishareError, from_os_error
from tuishare.torrents import Parts, Tree, walk


def walk_payload(path: Path, folder: str = "", ignored: set[Parts] | None = None) -> Tree:
    """Walk a payload; below a drop folder, apply its ignore rules, and add the paths that they ignore to `ignored`.

    Raises:
        TuishareError: as `tuishare.torrents.walk`.
    """
    if not folder:
        return walk(path)
    rules = read_ignore_rules(Path(folder)).below(path.name)

    def ignores(parts: Parts, is_folder: bool) -> bool:
        if not rules(parts, is_folder):
            return False
        if ignored is not None:
            ignored.add(parts)
        return True

    return walk(path, ignore=ignores)


def find_companion(tree: Tree, ignored: Collection[Parts]) -> Path | None:
    """Return a file that says that the payload, or a file in it, is not complete, such as ``NAME.aria2``; or None.

    Args:
        tree: the payload.
        ignored: what the walk has ignored.
    """
    for suffix in COMPANIONS:
        if os.path.lexists(beside := tree.root.with_name(tree.name + suffix)):
            return beside
    files: frozenset[Parts] = frozenset(file.parts for file in tree.files) if ignored else frozenset()
    for parts in ignored:
        if (name := companion_of(parts[-1])) and (*parts[:-1], name) in files:
            return tree.root.joinpath(*parts)
    return None


def files_of(tree: Tree) -> list[Path]:
    """Return the paths of all files of a payload."""
    return [tree.root.joinpath(*file.parts) for file in tree.files] if tree.is_folder else [tree.root]


def tree_fingerprint(tree: Tree) -> str:
    """Return the fingerprint of a tree: names, sizes, times and inodes of its files, without the name of its root.

    Device numbers are left out: the same disk gets another one after a restart. The time of the last change (ctime) is
    set by the kernel alone, so an edit whose mtime was put back is found. Fingerprints of earlier versions have no
    colon and equal none of these, so their payloads are hashed once more.

    Returns:
        Two digests, separated by a colon: of what a rename keeps, and of the times that it changes.
    """
    files = tree.files if tree.is_folder else [msgspec.structs.replace(file, parts=()) for file in tree.files]
    lasting = [(file.parts, file.size, file.mtime_ns, file.inode) for file in files]
    return f"{_condense((tree.is_folder, lasting))}:{_condense([file.ctime_ns for file in files])}"


def lasting_part(fingerprint: str) -> str:
    """Return the digest of what a rename keeps, which an edit may keep as well; empty for those of earlier versions."""
    lasting, colon, _ = fingerprint.partition(":")
    return lasting if colon else ""


def _condense(value: object) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(value)).hexdigest()


def payload_fingerprint(path: Path, folder: str = "") -> str:
    """Return the fingerprint of the payload at a path; empty if it cannot be walked."""
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
