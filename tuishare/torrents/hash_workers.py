"""A thread pool for hashing on all cores available to this process.

Threads suffice: reading and hashing release the interpreter lock. The calling thread only supervises, so the progress
and cancellation callbacks run in it and need no locks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Generic, Protocol, TypeAlias, TypeVar

from tuishare.torrents.errors import Cancelled

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes done and in total, at most ten times a second and once at the end."""

IsCancelled: TypeAlias = Callable[[], bool]
"""Polled about ten times a second; if it returns True, `Cancelled` is raised."""

_INTERVAL = 0.1
"""Polling interval of the supervisor in seconds; users notice no difference below."""

Task = TypeVar("Task")
Task_contra = TypeVar("Task_contra", contravariant=True)


class Worker(Protocol[Task_contra]):
    """The buffers and descriptors of one thread. `done` counts bytes and is read by the supervisor."""

    done: int

    def do(self, task: Task_contra) -> None:
        """Run one task."""

    def close(self) -> None:
        """Release buffers and descriptors."""


def cores() -> int:
    """Return the number of cores this process may use, which a container may restrict."""
    return len(os.sched_getaffinity(0))


def run(
    tasks: Sequence[Task],
    make_worker: Callable[[], Worker[Task]],
    total: int,
    *,
    progress: OnProgress | None = None,
    cancelled: IsCancelled | None = None,
) -> None:
    """Run all tasks in any order; return when the last is done.

    Args:
        tasks: each is taken by the next free worker.
        make_worker: called once per thread.
        total: bytes in total, for `progress`.
        progress: see `OnProgress`.
        cancelled: see `IsCancelled`.

    Raises:
        Cancelled: `cancelled` returned True. An error of a task is raised as it is. No thread is left running.
    """
    workers = _Workers(tasks)
    count = max(1, min(cores(), len(tasks)))
    with ThreadPoolExecutor(count, thread_name_prefix="hashing") as executor:
        try:
            pending = [executor.submit(workers.work, make_worker) for _ in range(count)]
            while _continues(cancelled) and _unfinished(pending):
                if progress is not None:
                    progress(workers.done(), total)
        finally:
            workers.stopped = True
    if progress is not None:
        progress(total, total)


def _continues(cancelled: IsCancelled | None) -> bool:
    if cancelled is not None and cancelled():
        raise Cancelled("Hashing was cancelled")
    return True


def _unfinished(pending: list[Future[None]]) -> bool:
    """Wait one interval; return whether work is left, and re-raise a worker's error."""
    finished, rest = wait(pending, _INTERVAL, FIRST_EXCEPTION)
    for future in finished:
        future.result()
    return bool(rest)


class _Workers(Generic[Task]):
    """The remaining tasks and their workers."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.stopped = False
        self._tasks: Iterator[Task] = iter(tasks)
        self._workers: list[Worker[Task]] = []

    def done(self) -> int:
        """Return the bytes hashed so far by all workers."""
        return sum(worker.done for worker in self._workers)

    def work(self, make_worker: Callable[[], Worker[Task]]) -> None:
        """Run tasks until none is left; called in each thread."""
        worker = make_worker()
        self._workers.append(worker)
        try:
            for task in self._tasks:  # advancing the iterator of a list is atomic
                if self.stopped:
                    return
                worker.do(task)
        finally:
            worker.close()
