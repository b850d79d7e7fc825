"""Errors of the system in the classes of the program: the number decides, and no sentence does."""

from __future__ import annotations

import errno
import os

import pytest

from tuishare.errors import DiskRefused, NotFound, SystemFailed, TooManyOpen, from_os_error

OF_DISK = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS]


def translated(number: int) -> SystemFailed:
    error = from_os_error(OSError(number, os.strerror(number)), "write x")
    assert isinstance(error, SystemFailed)
    return error


@pytest.mark.parametrize("number", [*OF_DISK, errno.EMFILE, errno.ENFILE])
def test_a_disk_or_a_lack_of_descriptors_is_known_by_its_number(number: int) -> None:
    error = translated(number)
    assert error.errno == number
    assert type(error) is (DiskRefused if number in OF_DISK else TooManyOpen)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EISDIR, errno.EADDRINUSE])
def test_another_number_is_carried_and_is_not_of_the_disk(number: int) -> None:
    error = translated(number)
    assert (type(error), error.errno) == (SystemFailed, number)


def test_a_missing_file_is_not_found() -> None:
    assert isinstance(from_os_error(FileNotFoundError(errno.ENOENT, "x"), "read x"), NotFound)
