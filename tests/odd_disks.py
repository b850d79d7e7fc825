"""Disks that lack what others have: without chmod, without links, with few names. For root, and where the tool is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _run(*command: str | Path) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        pytest.skip(f"{command[0]} is not allowed here: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def without_chmod(folder: Path) -> Iterator[Path]:
    """A folder on a file system that refuses chmod, as many network mounts do."""
    behind = folder.with_name(f"{folder.name}.behind")
    for made in (folder, behind):
        made.mkdir(exist_ok=True)
    _run("bindfs", "--chmod-deny", behind, folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@contextmanager
def exfat_disk(folder: Path) -> Iterator[Path]:
    """A folder on exFAT, as on most sticks: no modes, no links, few characters, one case."""
    folder.mkdir(exist_ok=True)
    image = folder.with_name(f"{folder.name}.img")
    with image.open("wb") as file:
        file.truncate(64 << 20)
    _run("mkfs.exfat", image)
    device = _run("losetup", "--find", "--show", image)
    try:
        _run("mount.exfat-fuse", device, folder)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=False)
    finally:
        subprocess.run(["losetup", "--detach", device], check=False)
