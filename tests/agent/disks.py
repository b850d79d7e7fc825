"""Small disks that fill up: a tmpfs of our own, where we may mount one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BALLAST = ".ballast"
_LARGEST, _SMALLEST = 1 << 24, 1 << 12


def mount(folder: Path, size: str, inodes: int = 0) -> bool:
    """Put an empty disk of that size in the place of a folder; returns whether that was allowed. 0 inodes: many."""
    options = f"size={size},mode=0700" + (f",nr_inodes={inodes}" if inodes else "")
    command = ["mount", "-t", "tmpfs", "-o", options, "tuishare-test", str(folder)]
    return os.geteuid() == 0 and not subprocess.run(command, capture_output=True, check=False).returncode


def remount(folder: Path, how: str) -> None:
    """Let a disk be read-only, ``ro``, or not, ``rw``."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


def unmount(folder: Path) -> None:
    """Take it away again, whoever still uses it."""
    subprocess.run(["umount", "-l", str(folder)], check=False)


@contextmanager
def small_disk(folder: Path, size: str = "1m", *, inodes: int = 0) -> Iterator[Path]:
    """A disk for as long as the block lasts; what the folder holds is on it. Skips the test where none is allowed."""
    kept = folder.with_name(f"{folder.name}.kept")
    folder.rename(kept)
    folder.mkdir(mode=0o700)
    if not mount(folder, size, inodes):
        pytest.skip("a tmpfs can be mounted by root only")
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(folder)], check=True)
        yield folder
    finally:
        unmount(folder)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave no byte free on a disk for as long as the block lasts."""
    ballast = disk / BALLAST
    descriptor = os.open(ballast, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        step = _LARGEST
        while step >= _SMALLEST:
            try:
                os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, step)
            except OSError:
                step //= 2
        yield
    finally:
        os.close(descriptor)
        ballast.unlink()


@contextmanager
def refusing(folder: Path) -> Iterator[None]:
    """Let nothing be written into a folder for as long as the block lasts; what is there can be read."""
    if os.geteuid() == 0:  # whom no mode stops
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
            yield
        finally:
            unmount(folder)
    else:
        mode = folder.stat().st_mode
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(mode)
