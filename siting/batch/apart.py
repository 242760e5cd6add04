"""
What a worker of a cluster does with a job: it runs apart, in a process of its own.

The libraries below a run are not made for the threads of a Dask worker: it keeps frames of what
runs in them (its profiler), and with them XML elements alive that a report has long replaced. And a
job that takes too much memory takes its process with it, not the worker.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import psutil

from siting.batch.claims import is_published, is_shared, note_attempt
from siting.batch.job import Job, Outcome, Work
from siting.batch.process import Process, surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["look", "work_apart"]

WATCH_S = 0.5
"""How often a job is looked after: whether it is still wanted and has memory left, seconds."""

_ALONE = threading.Lock()
"""Held by the one run of a worker, however many threads it has."""


def look(desk: Path, token: str) -> tuple[str, bool]:
    """Return, in a worker, its version of Siting and whether it sees the batch's folder."""
    return version("siting"), is_shared(desk, token)


def work_apart(work: Work, job: Job, topic: str, most: int) -> Outcome:
    """
    Do one job beside a worker of a cluster, one at a time; count the attempt first.

    Parameters
    ----------
    work
        What is done; importable by its name.
    job
        What it is done with, by no more threads than the worker has.
    topic
        Where the worker tells of the attempt and its stages.
    most
        Attempts after which the job is given up.
    """
    distributed: Any = import_module("distributed")
    worker = distributed.get_worker()
    with _ALONE:
        attempt = note_attempt(job.desk, job.key)
        if attempt > most and not is_published(job.desk, job.key):
            return Outcome("lost", message=worker.address)
        worker.log_event(topic, (job.number, attempt))
        threads = _fewest(job.threads, worker.state.nthreads)
        process = Process(surroundings(threads))
        try:
            with _watched(process, job, worker.memory_manager.memory_limit) as ended:
                outcome = process.do(
                    work, replace(job, threads=threads),
                    lambda *stage: worker.log_event(topic, (job.number, *stage)),
                )  # fmt: skip
        finally:
            process.end()
        return Outcome(ended[0]) if ended and outcome.state == "lost" else outcome


def _fewest(asked: int | None, there: int) -> int:
    """Return the threads of a run: those of the worker, or fewer where fewer are asked for."""
    return there if asked is None else min(asked, there)


@contextlib.contextmanager
def _watched(process: Process, job: Job, memory: int | None) -> Iterator[list[str]]:
    """Look after a job, and give what it comes to where its process has to be ended."""
    ended: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_S):
            if not is_shared(job.desk, job.token):
                ended.append("interrupted")
            elif memory and _bytes_of(process.pid) > memory:
                ended.append("memory")
            if ended:
                process.kill()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield ended
    finally:
        over.set()
        watcher.join()


def _bytes_of(pid: int) -> int:
    """Return the memory that a process holds; 0 where it has ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
