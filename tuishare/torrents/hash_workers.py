"""Runs the tasks of one hashing on all cores that this process may use.

Threads suffice: reading and hashing release the interpreter's lock. The calling thread only supervises, so progress
and cancellation callbacks run where the caller is and need no locks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Generic, Protocol, TypeAlias, TypeVar

from tuishare.torrents.errors import Cancelled

Progress: TypeAlias = Callable[[int, int], None]
"""Called with bytes done and bytes in all; at most ten times a second, and once at the end."""

IsCancelled: TypeAlias = Callable[[], bool]
"""Polled about ten times a second; True ends the work with `Cancelled`."""

_INTERVAL = 0.1
"""Seconds between two looks of the supervisor; a person sees no difference below that."""

Task = TypeVar("Task")
Task_contra = TypeVar("Task_contra", contravariant=True)


class Worker(Protocol[Task_contra]):
    """What one thread owns: its buffers and descriptors. `done` counts bytes and is read by the supervisor."""

    done: int

    def do(self, task: Task_contra) -> None:
        """Carry out one task."""

    def close(self) -> None:
        """Give back what it holds."""


def cores() -> int:
    """Return how many cores this process may run on, which in a container are fewer than there are."""
    return len(os.sched_getaffinity(0))


def run(
    tasks: Sequence[Task],
    hire: Callable[[], Worker[Task]],
    total: int,
    *,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> None:
    """Carry out all tasks in no particular order; return when the last is done.

    Args:
        tasks: taken one by one by whichever worker is free.
        hire: makes a worker; called once per thread.
        total: bytes in all, for `progress`.
        progress: see `Progress`.
        cancelled: see `IsCancelled`.

    Raises:
        Cancelled: `cancelled` said so; or whatever the first failing task raised. No thread is left running.
    """
    crew = _Workers(tasks)
    count = max(1, min(cores(), len(tasks)))
    with ThreadPoolExecutor(count, thread_name_prefix="hashing") as executor:
        try:
            pending = [executor.submit(crew.work, hire) for _ in range(count)]
            while _go_on(cancelled) and _unfinished(pending):
                if progress is not None:
                    progress(crew.done(), total)
        finally:
            crew.stopped = True
    if progress is not None:
        progress(total, total)


def _go_on(cancelled: IsCancelled | None) -> bool:
    if cancelled is not None and cancelled():
        raise Cancelled("Hashing was cancelled")
    return True


def _unfinished(pending: list[Future[None]]) -> bool:
    """Wait one interval; tell whether work is left, raise what a worker raised."""
    finished, rest = wait(pending, _INTERVAL, FIRST_EXCEPTION)
    for future in finished:
        future.result()
    return bool(rest)


class _Workers(Generic[Task]):
    """The tasks that are left and the workers at them."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.stopped = False
        self._tasks: Iterator[Task] = iter(tasks)
        self._workers: list[Worker[Task]] = []

    def done(self) -> int:
        """Return the bytes hashed so far by all workers."""
        return sum(worker.done for worker in self._workers)

    def work(self, hire: Callable[[], Worker[Task]]) -> None:
        """Take tasks until none is left; runs in each thread."""
        worker = hire()
        self._workers.append(worker)
        try:
            for task in self._tasks:  # taking the next one of a list's iterator is atomic
                if self.stopped:
                    return
                worker.do(task)
        finally:
            worker.close()
