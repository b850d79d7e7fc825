from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest

from tuishare.torrents import Cancelled, hash_workers

_MIB = bytes(1 << 20)


class Counting:
    """A worker that hands each task to a function and counts them."""

    def __init__(self, act: Callable[[int], None]) -> None:
        self.done = 0
        self.closed = False
        self._act = act

    def do(self, task: int) -> None:
        self._act(task)
        self.done += 1

    def close(self) -> None:
        self.closed = True


class Bureau:
    """Hires counting workers and remembers them."""

    def __init__(self, act: Callable[[int], None]) -> None:
        self.hired: list[Counting] = []
        self._act = act

    def hire(self) -> Counting:
        self.hired.append(Counting(self._act))
        return self.hired[-1]


def labour(_task: int) -> None:
    """Half a millisecond of the kind of work that the pool is for."""
    sha256(_MIB)


def hashing_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("hashing")]


def test_every_task_is_done_once() -> None:
    seen: list[int] = []
    bureau = Bureau(seen.append)
    hash_workers.run(range(1_000), bureau.hire, 1_000)
    assert sorted(seen) == list(range(1_000))
    assert sum(worker.done for worker in bureau.hired) == 1_000
    assert all(worker.closed for worker in bureau.hired)


def test_as_many_workers_as_cores_but_not_more_than_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hash_workers.cores() == len(os.sched_getaffinity(0))
    monkeypatch.setattr(hash_workers, "cores", lambda: 3)
    for tasks, workers in [(0, 1), (1, 1), (2, 2), (9, 3)]:
        bureau = Bureau(lambda _task: None)
        hash_workers.run(range(tasks), bureau.hire, tasks)
        assert len(bureau.hired) == workers


def test_cores_are_those_allowed() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert hash_workers.cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_all_workers_work_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_workers, "cores", lambda: 3)
    meeting = threading.Barrier(3, timeout=30)

    def meet(_task: int) -> None:
        meeting.wait()

    hash_workers.run(range(3), Bureau(meet).hire, 3)
    assert not meeting.broken


def test_first_failure_ends_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_workers, "cores", lambda: 2)
    failed = threading.Event()
    seen: list[int] = []

    def act(task: int) -> None:
        seen.append(task)
        if task == 0:
            failed.set()
            raise ValueError("task 0")
        failed.wait(30)
        labour(task)

    bureau = Bureau(act)
    with pytest.raises(ValueError, match="task 0"):
        hash_workers.run(range(100_000), bureau.hire, 100_000)
    assert len(seen) < 100_000
    assert all(worker.closed for worker in bureau.hired)
    assert not hashing_threads()


def test_cancelling_ends_everything() -> None:
    started = threading.Event()

    def act(task: int) -> None:
        started.set()
        labour(task)

    bureau = Bureau(act)
    with pytest.raises(Cancelled):
        hash_workers.run(range(1_000_000), bureau.hire, 1_000_000, cancelled=started.is_set)
    assert all(worker.closed for worker in bureau.hired)
    assert not hashing_threads()


def test_interrupt_in_the_calling_thread_ends_everything() -> None:
    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hash_workers.run(range(1_000_000), Bureau(labour).hire, 1_000_000, progress=interrupt)
    assert not hashing_threads()


def test_progress_grows_slowly_to_the_end_in_the_calling_thread() -> None:
    reports: list[tuple[int, int]] = []
    threads: set[int] = set()

    def report(done: int, total: int) -> None:
        reports.append((done, total))
        threads.add(threading.get_ident())

    tasks: Sequence[int] = range(1_000)
    begun = time.monotonic()
    hash_workers.run(tasks, Bureau(labour).hire, 1_000, progress=report)
    assert 2 <= len(reports) <= (time.monotonic() - begun) / 0.1 + 1
    assert reports == sorted(reports)
    assert reports[-1] == (1_000, 1_000)
    assert threads == {threading.get_ident()}
