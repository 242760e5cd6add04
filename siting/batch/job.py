"""One scenario of a batch: what a worker is given, the work, and what it hands back."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from siting.batch.claims import BatchOverError, is_published, is_shared, part_of, publish
from siting.batch.older import is_same
from siting.errors import OutputError, SitingError
from siting.inputs.layout import read_layout
from siting.objective import STAGES
from siting.outputs.folder import refuse_foreign
from siting.outputs.result import key_figures
from siting.run import plan, write_plan
from siting.scenario_file import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from siting.scenario import Scenario

__all__ = [
    "DEFAULT_LANGUAGE",
    "Job",
    "Outcome",
    "Tell",
    "Work",
    "plan_job",
    "rarely",
    "read_job",
    "tried",
]

DEFAULT_LANGUAGE = "zh"

EVERY_S = 1.0
"""How often the gap within one stage is told, seconds."""


@dataclass(frozen=True)
class Job:
    """
    What a worker needs to know of one scenario.

    Attributes
    ----------
    number
        Place in the batch, from 0.
    scenario
        Scenario file, absolute.
    folder
        Result folder, absolute.
    desk, token
        Notes of the batch, and the sign that it still runs.
    data
        Folder that relative paths start from; None: the scenario's own.
    changes
        Dotted keys and values that replace what the file says.
    language
        Language of messages; None: the scenario's.
    threads
        Most threads of the run; None: as many as the scenario says.
    resume
        True: an older result of the same scenario and inputs is kept.
    budgets
        For the curve of a place: budgets to plan for, 万元.
    between
        For the curve of a place: how many more budgets, evenly spread below the first.
    start
        Layout that the search starts from; None: none.
    """

    number: int
    scenario: Path
    folder: Path
    desk: Path
    token: str
    data: Path | None = None
    changes: tuple[tuple[str, Any], ...] = ()
    language: str | None = None
    threads: int | None = None
    resume: bool = False
    budgets: tuple[float, ...] = ()
    between: int = 0
    start: Path | None = None

    @property
    def key(self) -> str:
        """Name of the scenario's result."""
        return self.folder.name


@dataclass(frozen=True)
class Outcome:
    """
    What became of one job.

    Attributes
    ----------
    state
        ``done``, ``kept`` (an older result), ``failed``, ``memory`` (ran out of it), ``lost`` (the
        worker ended), ``interrupted``.
    facts
        Figures of the result.
    message
        What went wrong, in words.
    """

    state: str
    facts: dict[str, Any] = field(default_factory=dict)
    message: str = ""


Tell = Callable[[str, float | None, float], None]
"""Called with stage, gap so far and seconds left."""

Work = Callable[[Job, Tell], Outcome]
"""What is done with a job, in the worker; found there by its name."""


def plan_job(job: Job, tell: Tell) -> Outcome:
    """
    Plan one scenario and put its result in place, unless another attempt was first.

    Parameters
    ----------
    job
        The scenario, and where its result goes.
    tell
        Called with stage, gap and seconds left.

    Returns
    -------
    outcome
        ``done`` or ``kept`` with the figures, else what went wrong.
    """
    return tried(job, lambda: _plan(job, tell))


def rarely(tell: Tell) -> Tell:
    """Return a progress function that tells each stage once, and its gap now and then."""
    last: dict[str, Any] = {"stage": None, "time": 0.0}

    def told(stage: str, gap: float | None, left: float) -> None:
        """Tell what is new."""
        now = monotonic()
        if stage != last["stage"] or now - last["time"] >= EVERY_S:
            last.update(stage=stage, time=now)
            tell(stage, gap, left)

    return told


def tried(job: Job, work: Callable[[], Outcome]) -> Outcome:
    """Return what some work comes to; whatever goes wrong with it concerns this scenario alone."""
    language = job.language or DEFAULT_LANGUAGE
    try:
        _refuse_blindness(job)
        return work()
    except SitingError as error:
        return Outcome("failed", message=error.render(job.language or error.language))
    except MemoryError:
        return Outcome("memory")
    except BatchOverError:
        return Outcome("interrupted")
    except Exception as error:  # noqa: BLE001 - one bad scenario must fail alone
        found = f"{type(error).__name__}: {error}".splitlines()[0]
        fault = SitingError.of("batch_unexpected", job.scenario.name, found=found)
        return Outcome("failed", message=fault.render(language))


def _refuse_blindness(job: Job) -> None:
    """Refuse to work where the batch's folder is not to be seen: the result would be lost."""
    if not is_shared(job.desk, job.token):
        where = job.folder.parent
        raise OutputError.of("batch_not_shared", where.name, path=where.as_posix())


def read_job(job: Job) -> Scenario:
    """Return the scenario of a job, with no more threads than it may use; a change is recorded."""
    scenario = read_scenario(job.scenario, data=job.data, changes=job.changes)
    if job.threads is None or scenario.solve.threads <= job.threads:
        return scenario
    fewer = (*job.changes, ("solve.threads", job.threads))
    return read_scenario(job.scenario, data=job.data, changes=fewer)


def _plan(job: Job, tell: Tell) -> Outcome:
    """Plan one scenario, or find that there is no need to."""
    begun = perf_counter()
    if is_published(job.desk, job.key):
        return Outcome("done", _facts(job.folder))
    scenario = read_job(job)
    if job.resume and is_same(scenario, job.folder):
        return Outcome("kept", _facts(job.folder))
    refuse_foreign(job.folder)
    older = None if job.start is None else read_layout(job.start, where="start")
    done = plan(scenario, start=older, progress=tell)
    part = part_of(job.desk, job.key)
    try:
        write_plan(done, part, progress=tell, begun=begun)
        publish(job.desk, job.token, job.key, part, job.folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Outcome("done", _facts(job.folder))


def _facts(folder: Path) -> dict[str, Any]:
    """Return the figures of a result that is in place, as its own files give them."""
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    gaps = {stage["name"]: stage["gap"] for stage in record["stages"]}
    with (folder / "audit.csv").open(encoding="utf-8-sig", newline="") as file:
        unmet = {
            row["rule_id"]
            for row in csv.DictReader(file)
            if (row["state"], row["verdict"], row["enforced"]) == ("plan", "unmet", "true")
        }
    return key_figures(record) | {
        **{f"gap_{name}": gaps.get(name) for name in STAGES},
        "enforced_rules_unmet": len(unmet),
        "seconds": record["seconds"],
        "memory_mb": record["peak_memory_mb"],
    }
