"""Jobs on a Dask cluster by its address: one at a time for each worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from siting.batch.claims import attempts_so_far, is_published, is_shared, note_attempt
from siting.batch.events import Ended, Event, Staged, Started
from siting.batch.job import Job, Outcome, Work, rarely
from siting.batch.local import RETRIED
from siting.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

__all__ = ["run_on"]

ANSWER_S = 10.0
"""How long a scheduler may take to answer, and to have a worker, seconds."""

LOOK_S = 1.0
"""How often the workers of the cluster are looked at, seconds."""

_ALONE = threading.Lock()
"""Held by the one run of a worker process, however many threads it has."""


def run_on(address: str, jobs: Sequence[Job], work: Work, *, retries: int) -> Generator[Event]:
    """
    Do jobs on the workers of a cluster, and give what happens as it happens.

    A worker that dies takes nothing with it but its attempt: Dask gives the job to another one, as
    often as ``retries`` says. Closing the iterator takes back what has not begun.

    Parameters
    ----------
    address
        Of the scheduler, for instance ``tcp://10.0.0.5:8786``.
    jobs
        What to do, in this order; files have the same paths on every machine.
    work
        What is done with each; importable by its name.
    retries
        How often a job is tried again whose worker died or ran out of memory.

    Raises
    ------
    ClusterError
        If Dask is not installed, the scheduler does not answer or has no workers, or a worker has
        another Siting or does not see the result folder.
    """
    client = _connect(address)
    try:
        _refuse_unlike_workers(client, address, jobs[0])
        with contextlib.closing(_Batch(client, work, retries)) as batch:
            yield from batch.events(jobs)
    finally:
        with contextlib.suppress(OSError, TimeoutError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client.close()


def _connect(address: str) -> Any:
    """Return a client of a scheduler that answers and has workers."""
    try:
        distributed: Any = import_module("distributed")  # an extra, and a second to load
    except ModuleNotFoundError as error:
        raise ClusterError.of("dask_missing", "--scheduler") from error
    try:
        with _unsaid(), ThreadPoolExecutor(1) as apart:  # a notebook has a loop of its own
            apart.submit(lambda: asyncio.run(_greet(address))).result()
            client = distributed.Client(address, timeout=ANSWER_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ClusterError.of(
            "scheduler_silent", "--scheduler", path=address, seconds=ANSWER_S, found=found
        ) from error
    try:
        client.wait_for_workers(1, timeout=ANSWER_S)
    except TimeoutError as error:
        client.close()
        raise ClusterError.of(
            "scheduler_idle", "--scheduler", path=address, seconds=ANSWER_S
        ) from error
    return client


async def _greet(address: str) -> None:
    """Connect once and leave: a client that never gets an answer cannot be closed cleanly."""
    core: Any = import_module("distributed.core")
    security: Any = import_module("distributed.security")
    arguments = security.Security().get_connection_args("client")
    asked = core.connect(address, timeout=ANSWER_S, **arguments)
    comm = await asyncio.wait_for(asked, ANSWER_S)
    await comm.close()


@contextlib.contextmanager
def _unsaid() -> Iterator[None]:
    """Keep off the screen what Dask logs while it tries to connect; the error says it."""
    logger = logging.getLogger("distributed")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _refuse_unlike_workers(client: Any, address: str, job: Job) -> None:
    """Refuse workers with another Siting, or without the result folder at the same path."""
    try:
        found: dict[str, tuple[str, bool]] = client.run(_look, job.desk, job.token)
    except ModuleNotFoundError as error:
        raise ClusterError.of("workers_unlike", address, expected=version("siting"), found="-"
        ) from error  # fmt: skip
    other = {name: said for name, (said, _) in found.items() if said != version("siting")}
    if other:
        raise ClusterError.of(
            "workers_unlike", address, sorted(other), expected=version("siting"),
            found=", ".join(sorted(set(other.values()))),
        )  # fmt: skip
    blind = sorted(name for name, (_, sees) in found.items() if not sees)
    if blind:
        path = job.folder.parent.as_posix()
        raise ClusterError.of("workers_blind", address, blind, path=path)


def _look(desk: Path, token: str) -> tuple[str, bool]:
    """Return, in a worker, its version of Siting and whether it sees the batch's folder."""
    return version("siting"), is_shared(desk, token)


def _work_on(work: Work, job: Job, topic: str, most: int) -> Outcome:
    """Do one job in a worker of a cluster, alone in its process; count the attempt first."""
    distributed: Any = import_module("distributed")
    worker = distributed.get_worker()

    def tell(stage: str, gap: float | None, left: float) -> None:
        """Tell the one who asked."""
        worker.log_event(topic, (job.number, stage, gap, left))

    with _ALONE:
        attempt = note_attempt(job.desk, job.key)
        if attempt > most and not is_published(job.desk, job.key):
            return Outcome("lost", message=worker.address)
        worker.log_event(topic, (job.number, attempt))
        return work(replace(job, threads=_fewest(job.threads, worker.state.nthreads)), rarely(tell))


def _fewest(asked: int | None, there: int) -> int:
    """Return the threads of a run: those of the worker, or fewer where fewer are asked for."""
    return there if asked is None else min(asked, there)


def _died_on(future: Any) -> str:
    """Return the address of the worker that a job was last lost with, or the kind of fault."""
    error = future.exception()
    last = getattr(error, "last_worker", None)
    return str(getattr(last, "address", None) or type(error).__name__)


class _Batch:
    """Jobs that wait, jobs on workers, and what is heard of them."""

    def __init__(self, client: Any, work: Work, retries: int) -> None:
        self.client, self.work, self.most = client, work, retries + 1
        self.heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.waiting: deque[Job] = deque()
        self.running: dict[Any, Job] = {}

    def events(self, jobs: Sequence[Job]) -> Generator[Event]:
        """Give what happens until every job has ended."""
        topic = f"siting-{jobs[0].token}"
        self.client.subscribe_topic(topic, lambda event: self.heard.put(("said", event[1])))
        self.waiting.extend(jobs)
        left = len(jobs)
        while left:
            self._hand_out(topic)
            try:
                kind, content = self.heard.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            if kind == "said":
                number, *rest = content
                yield Started(number, *rest) if len(rest) == 1 else Staged(number, *rest)
            elif (ended := self._settle(content)) is not None:
                left -= 1
                yield ended

    def _hand_out(self, topic: str) -> None:
        """
        Hand out as many jobs as the cluster has workers; Dask gives each to one that is idle.

        A job is not tied to a worker: Dask would wait for a tied one's worker that is gone.
        """
        while self.waiting and len(self.running) < self._workers():
            job = self.waiting.popleft()
            future = self.client.submit(_work_on, self.work, job, topic, self.most, pure=False)
            self.running[future] = job
            future.add_done_callback(lambda done: self.heard.put(("over", done)))

    def _workers(self) -> int:
        """Return how many workers the cluster has now."""
        try:
            return len(self.client.nthreads())
        except (OSError, TimeoutError) as error:
            raise ClusterError.of("scheduler_lost", "--scheduler") from error

    def _settle(self, future: Any) -> Ended | None:
        """Return the end of a job; None where it is tried again."""
        job = self.running.pop(future)
        if future.status in {"cancelled", "lost"}:
            raise ClusterError.of("scheduler_lost", "--scheduler")
        if future.status == "finished":
            outcome: Outcome = future.result()
        else:
            outcome = Outcome("lost", message=_died_on(future))
        attempts = attempts_so_far(job.desk, job.key)
        if outcome.state in RETRIED and attempts < self.most:
            self.waiting.append(job)
            return None
        return Ended(job.number, min(attempts, self.most), outcome)

    def close(self) -> None:
        """Take back what has not begun."""
        with contextlib.suppress(OSError, TimeoutError):
            self.client.cancel(list(self.running), force=True)
