"""Jobs on this machine: a process for each worker, a new one where one dies."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from functools import partial
from typing import TYPE_CHECKING, Self

from siting.batch.events import Ended, Event, Staged, Started
from siting.batch.process import Process, surroundings

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from siting.batch.job import Job, Work

__all__ = ["Idle", "cores", "run_here"]

POLL_S = 0.2
LEAVE_S = 5.0
RETRIED = ("lost", "memory")
"""States after which a job is tried again."""


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_here(
    jobs: Sequence[Job],
    work: Work,
    *,
    workers: int,
    threads: int,
    retries: int,
    idle: Idle | None = None,
) -> Generator[Event]:
    """
    Do jobs in processes of this machine, and give what happens as it happens.

    A worker that dies takes nothing with it but its attempt: a new process takes its place, and the
    job goes back to the end of the queue. Closing the iterator ends the workers.

    Parameters
    ----------
    jobs
        What to do, in this order.
    work
        What is done with each; importable by its name.
    workers
        Processes.
    threads
        Threads of the libraries in each.
    retries
        How often a job is tried again whose worker died or ran out of memory.
    idle
        Takes the workers that are left at the end, and gives them to the next call.
    """
    asked: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
    for job in jobs:
        asked.put((1, job))
    pool = _Pool(asked, work, threads, retries, idle)
    attendants = [threading.Thread(target=pool.attend, daemon=True) for _ in range(workers)]
    for each in attendants:
        each.start()
    left = len(jobs)
    try:
        while left:
            with contextlib.suppress(queue.Empty):
                event = pool.events.get(timeout=POLL_S)
                left -= isinstance(event, Ended)
                yield event
    finally:
        if not left:
            for each in attendants:
                each.join(LEAVE_S)
        pool.close()
        for each in attendants:
            each.join(LEAVE_S)


class Idle:
    """Workers that have nothing to do between one call and the next; ended with the block."""

    def __init__(self) -> None:
        self.workers: list[Process] = []

    def take(self) -> Process | None:
        """Return a worker that is idle, or None."""
        with contextlib.suppress(IndexError):
            return self.workers.pop()
        return None

    def __enter__(self) -> Self:
        """Begin to keep workers."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the workers that are kept."""
        while (worker := self.take()) is not None:
            worker.end()


class _Pool:
    """What the threads share that look after one worker each."""

    def __init__(
        self,
        asked: queue.SimpleQueue[tuple[int, Job]],
        work: Work,
        threads: int,
        retries: int,
        idle: Idle | None,
    ) -> None:
        self.asked, self.work, self.retries, self.idle = asked, work, retries, idle
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.environment = surroundings(threads)
        self.closed = False
        self.workers: list[Process] = []

    def attend(self) -> None:
        """Hand jobs to one worker until none is left, and put a new one in the place of a dead."""
        worker: Process | None = None
        while not self.closed:
            try:
                attempt, job = self.asked.get_nowait()
            except queue.Empty:
                break
            self.events.put(Started(job.number, attempt))
            worker = worker or self._hire()
            outcome = worker.do(self.work, job, partial(self._tell, job.number))
            again = outcome.state in RETRIED
            if again:
                worker.end()
                worker = None
            if again and attempt <= self.retries and not self.closed:
                self.asked.put((attempt + 1, job))
            else:
                self.events.put(Ended(job.number, attempt, outcome))
        if worker is not None and self.idle is not None and not self.closed:
            self.idle.workers.append(worker)
        elif worker is not None:
            worker.end()

    def _tell(self, number: int, stage: str, gap: float | None, left: float) -> None:
        """Tell of a job that it has come to a stage."""
        self.events.put(Staged(number, stage, gap, left))

    def _hire(self) -> Process:
        """Start a worker."""
        rested = self.idle.take() if self.idle is not None else None
        worker = rested or Process(self.environment)
        self.workers.append(worker)
        if self.closed:
            worker.kill()
        return worker

    def close(self) -> None:
        """End all workers that are still at work, whatever they do."""
        self.closed = True
        for worker in list(self.workers):
            if self.idle is None or worker not in self.idle.workers:
                worker.kill()
