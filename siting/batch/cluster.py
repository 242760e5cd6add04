"""Jobs on a Dask cluster by its address: one at a time beside each worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import warnings
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import version
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from siting.batch.apart import look, work_apart
from siting.batch.claims import attempts_so_far
from siting.batch.events import Ended, Event, Staged, Started
from siting.batch.job import Job, Outcome, Work
from siting.batch.local import RETRIED
from siting.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

__all__ = ["run_on"]

ANSWER_S = 10.0
"""How long a scheduler may take to answer, and to have a worker, seconds."""

LOOK_S = 1.0
"""How often the workers of the cluster are looked at, seconds."""

GONE_S = 60.0
"""How long a cluster may be without any worker before the batch is given up, seconds."""


def run_on(address: str, jobs: Sequence[Job], work: Work, *, retries: int) -> Generator[Event]:
    """
    Do jobs on the workers of a cluster, and give what happens as it happens.

    Each job runs in a process of its own beside its worker. One that dies, or a worker that does,
    takes nothing with it but its attempt: the job is given out again, as often as ``retries`` says.
    Closing the iterator takes back what has not begun; what runs ends with the batch's desk.

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
        If Dask is not installed, the scheduler does not answer or has no workers, now or for a
        minute, or a worker has another Siting or does not see the result folder.
    """
    with _unsaid():
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
        with ThreadPoolExecutor(1) as apart:  # a notebook has a loop of its own
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
    """Keep off the screen what Dask logs of a scheduler that does not answer; the error says it."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)


def _refuse_unlike_workers(client: Any, address: str, job: Job) -> None:
    """Refuse another Siting than here, or workers without the result folder at the same path."""
    ours, patience = version("siting"), {"callback_timeout": GONE_S}
    try:
        found = {"scheduler": client.run_on_scheduler(version, "siting", **patience)}
        told: dict[str, tuple[str, bool]] = client.run(look, job.desk, job.token, **patience)
    except ModuleNotFoundError as error:  # not installed, or too old
        raise ClusterError.of("workers_unlike", address, expected=ours, found="-") from error
    except (OSError, TimeoutError) as error:
        raise ClusterError.of("workers_gone", address, seconds=GONE_S) from error
    found |= {name: said for name, (said, _) in told.items()}
    other = {name: said for name, said in found.items() if said != ours}
    if other:
        raise ClusterError.of(
            "workers_unlike", address, sorted(other), expected=ours,
            found=", ".join(sorted(set(other.values()))),
        )  # fmt: skip
    blind = sorted(name for name, (_, sees) in told.items() if not sees)
    if blind:
        path = job.folder.parent.as_posix()
        raise ClusterError.of("workers_blind", address, blind, path=path)


def _died_on(future: Any) -> str:
    """Return the address of the worker that a job was last lost with, or the fault."""
    error = future.exception()
    last = getattr(error, "last_worker", None)
    fault = f"{type(error).__name__}: {error}".splitlines()[0]
    return str(getattr(last, "address", None) or fault)


class _Batch:
    """Jobs that wait, jobs on workers, and what is heard of them."""

    def __init__(self, client: Any, work: Work, retries: int) -> None:
        self.client, self.work, self.most = client, work, retries + 1
        self.heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.waiting: deque[Job] = deque()
        self.running: dict[Any, Job] = {}
        self.given: Counter[int] = Counter()
        self.workers, self.looked, self.alive = 0, -inf, monotonic()

    def events(self, jobs: Sequence[Job]) -> Generator[Event]:
        """Give what happens until every job has ended."""
        topic = f"siting-{jobs[0].token}"
        self.client.subscribe_topic(topic, lambda event: self.heard.put(("said", event[1])))
        self.waiting.extend(jobs)
        left = len(jobs)
        while left:
            self._look()
            self._hand_out(topic)
            try:
                kind, content = self.heard.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            self.alive = monotonic()
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
        while self.waiting and len(self.running) < self.workers:
            job = self.waiting.popleft()
            self.given[job.number] += 1
            future = self.client.submit(work_apart, self.work, job, topic, self.most, pure=False)
            self.running[future] = job
            future.add_done_callback(lambda done: self.heard.put(("over", done)))

    def _look(self) -> None:
        """Count, now and then, the workers that take jobs; give up where none has for long."""
        now = monotonic()
        if now - self.looked < LOOK_S:
            return
        ask = self.client.scheduler.ncores_running
        try:
            self.workers = len(self.client.sync(ask, callback_timeout=ANSWER_S))
        except (OSError, TimeoutError) as error:
            raise ClusterError.of("scheduler_lost", "--scheduler") from error
        self.looked = now
        if self.workers:
            self.alive = now
        elif now - self.alive > GONE_S:
            raise ClusterError.of("workers_gone", "--scheduler", seconds=GONE_S)

    def _settle(self, future: Any) -> Ended | None:
        """Return the end of a job; None where it is tried again."""
        job = self.running.pop(future)
        if future.status in {"cancelled", "lost"}:
            raise ClusterError.of("scheduler_lost", "--scheduler")
        if future.status == "finished":
            outcome: Outcome = future.result()
        else:
            outcome = Outcome("lost", message=_died_on(future))
        attempts = max(attempts_so_far(job.desk, job.key), self.given[job.number])
        if outcome.state in RETRIED and attempts < self.most:
            self.waiting.append(job)
            return None
        return Ended(job.number, min(attempts, self.most), outcome)

    def close(self) -> None:
        """Take back what has not begun; what runs sees that the batch is over."""
        with contextlib.suppress(OSError, TimeoutError):
            self.client.cancel(list(self.running), force=True)
