"""Payloads on disk: walking, fingerprinting and deleting them.

Owns the fingerprint, by which a changed payload is noticed without reading it. Blocking: call it on a thread.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from tuishare.agent.folders.ignore_rules import read_ignore_rules
from tuishare.agent.folders.temporary_names import COMPANIONS, companion_of
from tuishare.core.left_out import MOST_NAMES, LeftOut, LeftOutReason
from tuishare.errors import TuishareError, from_os_error
from tuishare.sanitize import for_display
from tuishare.torrents import Parts, Skipped, Tree, walk

_IGNORED: Final = frozenset({LeftOutReason.TEMPORARY, LeftOutReason.PATTERN})
_REASONS: Final[dict[str, LeftOutReason]] = {reason.value: reason for reason in LeftOutReason}
_PROGRAMS_READ: Final = 1_000
"""Executable files that are looked into."""
_PROGRAM_STARTS: Final = (b"#!", b"\x7fELF")


def walk_payload(path: Path, folder: str = "") -> Tree:
    """Walk a payload; below a drop folder, apply its ignore rules: what they ignore is skipped with that reason.

    Raises:
        TuishareError: as `tuishare.torrents.walk`.
    """
    if not folder:
        return walk(path)
    rules = read_ignore_rules(Path(folder)).below(path.name)
    ignored: list[Skipped] = []

    def ignores(parts: Parts, is_folder: bool) -> bool:
        if not rules(parts, is_folder):
            return False
        own = rules.has_pattern(parts, is_folder)
        ignored.append(Skipped(parts, LeftOutReason.PATTERN if own else LeftOutReason.TEMPORARY))
        return True

    tree = walk(path, ignore=ignores)
    return msgspec.structs.replace(tree, skipped=(*tree.skipped, *ignored)) if ignored else tree


def ignored_paths(tree: Tree) -> tuple[Parts, ...]:
    """Return what the ignore rules of its drop folder leave out of a payload."""
    return tuple(skipped.parts for skipped in tree.skipped if skipped.reason in _IGNORED)


def find_left_out(tree: Tree) -> tuple[LeftOut, ...]:
    """Return what recipients of a payload do not get, by reason, with the first names; programs are read for that."""
    executable = (file for file in tree.files if file.is_executable)
    programs = [
        file.parts
        for file in itertools.islice(executable, _PROGRAMS_READ)
        if _is_program(tree.root.joinpath(*file.parts) if tree.is_folder else tree.root)
    ]
    return (*find_skipped(tree), *_summarize(LeftOutReason.EXECUTABLE, programs))


def find_skipped(tree: Tree) -> tuple[LeftOut, ...]:
    """Return what is not in the torrent of a payload, by reason, with the first names."""
    found: dict[LeftOutReason, list[Parts]] = {reason: [] for reason in LeftOutReason}
    for skipped in tree.skipped:
        found[_REASONS.get(skipped.reason, LeftOutReason.SPECIAL)].append(skipped.parts)
    return tuple(each for reason, paths in found.items() for each in _summarize(reason, paths))


def _summarize(reason: LeftOutReason, paths: list[Parts]) -> Iterator[LeftOut]:
    if paths:
        names = (for_display("/".join(parts), 200) for parts in paths[:MOST_NAMES])
        yield LeftOut(reason, len(paths), tuple(names))


def _is_program(path: Path) -> bool:
    """Return whether an executable file is one: on disks without permissions, all files are executable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.read(descriptor, 4).startswith(_PROGRAM_STARTS)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def find_companion(tree: Tree) -> Path | None:
    """Return a file that says that the payload, or a file in it, is not complete, such as ``NAME.aria2``; or None."""
    ignored = ignored_paths(tree)
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
