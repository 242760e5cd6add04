"""Many scenarios at once: handed out, followed, listed."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from siting.batch.claims import forget_attempts, open_desk
from siting.batch.events import Ended, Event, Staged, Started
from siting.batch.job import DEFAULT_LANGUAGE, Job, Outcome, Work, plan_job
from siting.batch.local import Idle, cores, run_here
from siting.batch.summary import BATCH_COLUMNS, Entry, write_summary
from siting.errors import ScenarioError, SitingError

__all__ = ["Batch", "Crew", "Watch", "batch", "find_scenarios", "follow", "make_jobs"]

Watch = Callable[[list["Entry"]], None]
"""Called with all entries whenever one of them changes."""


@dataclass(frozen=True)
class Crew:
    """
    Who does the work.

    Attributes
    ----------
    workers
        Processes on this machine; None: as many as there are cores.
    scheduler
        Address of a Dask scheduler; None: processes on this machine.
    threads
        Most threads of one run; None: cores divided among the workers.
    retries
        How often a scenario is tried again whose worker died or ran out of memory.
    idle
        Keeps workers of this machine from one batch to the next; None: each has its own.
    """

    workers: int | None = None
    scheduler: str | None = None
    threads: int | None = None
    retries: int = 2
    idle: Idle | None = None

    def __post_init__(self) -> None:
        """Refuse less than one worker or thread, and less than no retry."""
        for name, value, least in (
            ("workers", self.workers, 1), ("threads", self.threads, 1), ("retries", self.retries, 0)
        ):  # fmt: skip
            if value is not None and (
                isinstance(value, bool) or value != int(value) or value < least
            ):
                raise ScenarioError.of("batch_number", name, least=least, found=value)

    def run(self, jobs: Sequence[Job], work: Work) -> Generator[Event]:
        """Do jobs, and give what happens as it happens."""
        if self.scheduler is not None:
            from siting.batch.cluster import run_on  # noqa: PLC0415 - Dask is an extra

            given = [replace(job, threads=self.threads) for job in jobs]
            return run_on(self.scheduler, given, work, retries=self.retries)
        workers = min(self.workers or cores(), len(jobs))
        threads = self.threads or max(cores() // workers, 1)
        given = [replace(job, threads=threads) for job in jobs]
        return run_here(
            given, work, workers=workers, threads=threads, retries=self.retries, idle=self.idle
        )


@dataclass(frozen=True)
class Batch:
    """
    What became of many scenarios.

    Attributes
    ----------
    folder
        Result folders, ``batch.csv`` and ``batch.json``.
    entries
        One for each scenario, in the order given.
    interrupted
        Whether it was stopped by hand.
    seconds
        Time that all took.
    """

    folder: Path
    entries: tuple[Entry, ...]
    interrupted: bool
    seconds: float

    @property
    def failed(self) -> tuple[Entry, ...]:
        """Scenarios without a result, other than those not begun when it was stopped."""
        return tuple(each for each in self.entries if each.state in {"failed", "lost"})

    def to_frame(self) -> pd.DataFrame:
        """Return the rows of ``batch.csv``."""
        return pd.DataFrame([each.to_row() for each in self.entries], columns=BATCH_COLUMNS)


def batch(
    scenarios: Iterable[str | Path],
    out: str | Path = "runs/batch",
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    threads: int | None = None,
    retries: int = 2,
    resume: bool = False,
    data: str | Path | None = None,
    changes: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
    language: str | None = None,
    progress: Watch | None = None,
) -> Batch:
    """
    Plan many scenarios at once and write a result folder for each, with a list of all.

    One that fails fails alone. A worker that dies loses nothing but its attempt. Ctrl-C keeps what
    is done.

    Parameters
    ----------
    scenarios
        Scenario files; a pattern with ``*`` stands for all files that it fits.
    out
        Folder for a result folder of each scenario, named after its file, and for ``batch.csv`` and
        ``batch.json``.
    workers
        Processes on this machine; None: as many as there are cores.
    scheduler
        Address of a Dask scheduler whose workers do the work; files have the same paths there.
    threads
        Most threads of one run; None: cores divided among the workers, on a cluster the threads of
        the worker.
    retries
        How often a scenario is tried again whose worker died or ran out of memory.
    resume
        True: a result of the same scenario and inputs that is there already is kept.
    data
        Folder that relative paths start from; None: the folder of each scenario.
    changes
        Dotted keys and values that replace what every file says.
    language
        Language of messages; None: that of each scenario.
    progress
        Called with all entries whenever one of them changes.

    Returns
    -------
    batch
        What became of each scenario.

    Raises
    ------
    ScenarioError
        If there is no scenario, two have one name, or a number is too small.
    OutputError
        If the folder cannot be written, or another batch is writing to it.
    ClusterError
        If the cluster cannot be used.
    """
    crew = Crew(workers, scheduler, threads, retries)
    files, folder = find_scenarios(scenarios), Path(out).resolve()
    with open_desk(folder) as desk:
        jobs = make_jobs(files, folder, desk, data=data, changes=changes, language=language)
        jobs = [replace(job, resume=resume) for job in jobs]
        return follow(jobs, files, folder, crew, plan_job, progress=progress)


def find_scenarios(scenarios: Iterable[str | Path]) -> list[Path]:
    """
    Return the files of a batch, each pattern written out.

    Raises
    ------
    ScenarioError
        If there is none, or two would share a result folder.
    """
    files: list[Path] = []
    for each in scenarios:
        path = Path(each)
        found = [] if path.exists() else sorted(glob.glob(str(path)))  # noqa: PTH207 - any path
        files += [Path(name) for name in found] or [path]
    if not files:
        raise ScenarioError.of("batch_empty", "SCENARIO")
    by_name: dict[str, list[Path]] = {}
    for path in files:
        by_name.setdefault(path.stem.casefold(), []).append(path)
    shared = [path.as_posix() for same in by_name.values() if len(same) > 1 for path in same]
    if shared:
        raise ScenarioError.of("batch_same_name", "SCENARIO", shared)
    return files


def make_jobs(
    files: Sequence[Path],
    folder: Path,
    desk: tuple[Path, str],
    *,
    data: str | Path | None,
    changes: Mapping[str, Any] | Iterable[tuple[str, Any]],
    language: str | None,
) -> list[Job]:
    """Return a job for each scenario file."""
    pairs = changes.items() if isinstance(changes, Mapping) else changes
    changed = tuple((str(key), value) for key, value in pairs)
    root = None if data is None else Path(data).resolve()
    return [
        Job(
            number, path.resolve(), folder / path.stem, *desk, data=root, changes=changed,
            language=language,
        )
        for number, path in enumerate(files)
    ]  # fmt: skip


def follow(
    jobs: Sequence[Job],
    files: Sequence[Path],
    folder: Path,
    crew: Crew,
    work: Work,
    *,
    progress: Watch | None = None,
    listed: bool = True,
) -> Batch:
    """
    Have jobs done, keep the list of them up to date, and return what became of each.

    Parameters
    ----------
    jobs, files
        What to do, and the files as they were given.
    folder
        Folder of the batch.
    crew
        Who does it.
    work
        What is done with each.
    progress
        Called with all entries whenever one of them changes.
    listed
        False: no list is written.
    """
    begun, interrupted = perf_counter(), False
    entries = [Entry(path.as_posix(), job.key) for path, job in zip(files, jobs, strict=True)]
    places = {job.number: place for place, job in enumerate(jobs)}
    about: dict[str, Any] = {
        "state": "running", "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "workers": crew.workers, "scheduler": crew.scheduler, "retries": crew.retries,
    }  # fmt: skip
    missing_first = sorted(jobs, key=lambda job: job.scenario.exists())

    def write(*, last: bool) -> None:
        """Write the list as it now is."""
        if listed:
            write_summary(folder, entries, about, last=last)

    for job in jobs:
        forget_attempts(job.desk, job.key)
    write(last=True)
    try:
        with contextlib.closing(crew.run(missing_first, work)) as events:
            for event in events:
                note(entries[places[event.number]], jobs[places[event.number]], event)
                if not isinstance(event, Staged):
                    write(last=False)
                if progress is not None:
                    progress(entries)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        for entry in entries:
            if entry.state in {"waiting", "running"}:
                entry.state = "interrupted"
        seconds = perf_counter() - begun
        about |= {"state": "interrupted" if interrupted else "done", "seconds": seconds}
        write(last=True)
    return Batch(folder, tuple(entries), interrupted, seconds)


def note(entry: Entry, job: Job, event: Event) -> None:
    """Note an event in the entry that it is about; what comes after the end is late news."""
    if entry.state not in {"waiting", "running"}:
        return
    if isinstance(event, Started):
        entry.state, entry.attempts, entry.stage = "running", event.attempt, None
    elif isinstance(event, Staged):
        entry.stage = (event.stage, event.gap, event.left)
    else:
        _end(entry, job, event)


def _end(entry: Entry, job: Job, ended: Ended) -> None:
    """Note how a job ended, in words where it was given up."""
    outcome: Outcome = ended.outcome
    entry.attempts, entry.stage = ended.attempts, None
    entry.facts, entry.message = outcome.facts, outcome.message
    entry.state = "lost" if outcome.state == "memory" else outcome.state
    if entry.state != "lost":
        return
    where, tries = job.scenario.name, ended.attempts
    if outcome.state == "memory":
        fault = SitingError.of("batch_memory", where, attempts=tries)
    else:
        fault = SitingError.of("batch_lost", where, attempts=tries, found=outcome.message)
    entry.message = fault.render(job.language or DEFAULT_LANGUAGE)
