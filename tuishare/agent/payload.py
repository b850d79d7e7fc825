"""Payload on disk: how it is looked at, and by what it is known again.

Owns the signature, which tells whether a payload is still what was hashed or delivered without reading it. Blocking:
call it on a thread.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from tuishare.agent.ignoring import read_ignoring
from tuishare.errors import TuishareError
from tuishare.torrents import Tree, walk


def walk_payload(path: Path, folder: str = "") -> Tree:
    """Walk a payload; below a drop folder, its ignore patterns hold.

    Raises:
        TuishareError: as `tuishare.torrents.walk`.
    """
    return walk(path, ignore=read_ignoring(Path(folder)).below(path.name) if folder else None)


def sign_tree(tree: Tree) -> str:
    """Condense a tree: equal exactly when sizes, times, inodes and the names inside are, whatever its own name is."""
    files = tree.files if tree.is_folder else [msgspec.structs.replace(file, parts=()) for file in tree.files]
    return hashlib.sha256(msgspec.msgpack.encode((tree.is_folder, files))).hexdigest()


def sign_payload(path: Path, folder: str = "") -> str:
    """The signature of what is there now; empty when it cannot be looked at."""
    try:
        return sign_tree(walk_payload(path, folder))
    except TuishareError:
        return ""
