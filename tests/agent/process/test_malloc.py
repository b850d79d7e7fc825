"""The allocator's setting, as a process that has it shows."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from tuishare.agent.process.malloc import limit_arenas

_COUNT_ARENAS = """
import ctypes, threading
from tuishare.agent.process.malloc import limit_arenas
LIMIT
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def allocate():
    together.wait()
    libc.malloc(100)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_stats()
"""


def count_arenas(first: str) -> int:
    script = _COUNT_ARENAS.replace("LIMIT", first)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stderr.count("Arena ")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="another C library than glibc")
def test_many_threads_share_two_arenas() -> None:
    assert count_arenas("limit_arenas()") == 2
    assert count_arenas("") > 2


def test_a_c_library_without_arenas_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert not limit_arenas()
