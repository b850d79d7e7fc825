"""The surroundings of an agent."""

from __future__ import annotations

import os

import pytest

from tests.agent.homes import Home, opened
from tuishare.core.clock import wall_clock
from tuishare.errors import BadConfiguration


def test_the_clock_has_a_zone() -> None:
    assert wall_clock().utcoffset() is not None


async def test_an_edit_of_the_user_book_counts_at_once_and_moves_its_stamp(alice: Home, bob: Home) -> None:
    async with opened(alice) as context:
        stamp = context.users.stamp()
        assert [user.name for user in context.users.read().users] == ["bob"]
        assert context.users.stamp() == stamp
        alice.know(bob.user(name="robert"))
        assert [user.name for user in context.users.read().users] == ["robert"]
        assert context.users.stamp() != stamp
        alice.places.users_file.unlink()
        assert (context.users.read().users, context.users.stamp()) == ((), ())
        alice.places.users_file.touch(mode=0o600)
        assert context.users.stamp() != ()


async def test_an_edit_that_puts_size_and_mtime_back_counts_too(alice: Home, bob: Home) -> None:
    path = alice.places.users_file
    async with opened(alice) as context:
        stamp, status = context.users.stamp(), path.stat()
        assert [user.name for user in context.users.read()] == ["bob"]
        with path.open("r+b") as file:  # the same inode
            file.write(path.read_bytes().replace(b'"bob"', b'"rob"'))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert [user.name for user in context.users.read()] == ["rob"]
        assert context.users.stamp() != stamp


async def test_a_mistake_in_the_user_book_is_said(alice: Home, bob: Home) -> None:
    async with opened(alice) as context:
        alice.places.users_file.write_bytes(b"[[user]\n")
        with pytest.raises(BadConfiguration):
            context.users.read()
