"""A province's budget shared over its counties: curves, the exact choice, then each plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siting.batch.claims import open_desk
from siting.batch.curves import CURVE_POINT_COLUMNS, Point, curve_job, curve_of
from siting.batch.division import LEVELS, Curve, Division, divide
from siting.batch.driver import Batch, Crew, Watch, find_scenarios, follow, make_jobs
from siting.batch.job import plan_job
from siting.batch.local import Idle
from siting.batch.summary import write_csv, write_json
from siting.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from siting.batch.job import Job
    from siting.batch.summary import Entry

__all__ = ["PROVINCE_COLUMNS", "Province", "share_budget"]

PROVINCE_COLUMNS = [
    "scenario", "folder", "name", "state", "status", "budget_wan_yuan", "cost_wan_yuan",
    "elders_high", "covered_high", "most_covered_high", "elders_medium", "covered_medium",
    "beds_missing", "curve_gap_high",
]  # fmt: skip
"""Columns of ``province.csv``, in order; its last row sums them up."""

CLASSES = ("high", "medium")
CLOSED = 1e-3
"""Budgets are added until the bound is this near, relative to the elders of the class."""

FEWEST_POINTS, FIRST_POINTS = 2, 4
NARROWEST = 1e-3
"""Budgets nearer than this to one another are not divided further, relative to the largest."""


@dataclass(frozen=True)
class Province:
    """
    A budget shared over places.

    Attributes
    ----------
    batch
        The plan of each place within its share.
    budget
        Money for all, 万元.
    shares
        (n_places,) money of each, 万元, in the order given.
    division
        The choice over the curves, with its bounds.
    proof
        Value, bounds and gaps of the whole, as ``province.json`` holds them.
    """

    batch: Batch
    budget: float
    shares: NDArray[np.float64]
    division: Division
    proof: dict[str, Any]

    def to_frame(self) -> pd.DataFrame:
        """Return the rows of ``province.csv``."""
        return pd.DataFrame(self.proof["places"], columns=PROVINCE_COLUMNS)


def share_budget(
    scenarios: Iterable[str | Path],
    out: str | Path = "runs/province",
    *,
    budget_wan_yuan: float,
    points: int = 8,
    workers: int | None = None,
    scheduler: str | None = None,
    threads: int | None = None,
    retries: int = 2,
    data: str | Path | None = None,
    changes: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
    language: str | None = None,
    progress: Watch | None = None,
) -> Province:
    """
    Share one budget over places so that together they cover most, and plan each with its share.

    Each place is planned at several budgets, each plan with its bound. Of these plans the best
    choice within the budget is made, exactly, in the order of a plan: elders at high density, at
    medium density, missing beds, other minima, cost. Budgets are added where the bound over every
    possible division is wide.

    Parameters
    ----------
    scenarios
        Scenario files, one for each place; a pattern with ``*`` stands for all files that it fits.
    out
        Folder for results, as ``batch`` takes it; also for ``province.csv``, ``province.json`` and
        ``curves.csv``.
    budget_wan_yuan
        Money for all, 万元.
    points
        Most plans of each place, at least 2.
    workers, scheduler, threads, retries
        As for ``batch``.
    data, changes, language
        As for ``batch``.
    progress
        Called with all entries whenever one of them changes.

    Returns
    -------
    province
        Shares, plans and proof.

    Raises
    ------
    ScenarioError
        If a place cannot be planned, what is locked costs more than the budget, there is no
        scenario, two have one name, or a number is too small.
    OutputError
        If the folder cannot be written, or another batch is writing to it.
    ClusterError
        If the cluster cannot be used.
    KeyboardInterrupt
        If it is stopped by hand before the budget is shared.
    """
    _refuse_numbers(budget_wan_yuan, points)
    files, folder = find_scenarios(scenarios), Path(out).resolve()
    with open_desk(folder) as desk, Idle() as idle:
        crew = Crew(workers, scheduler, threads, retries, idle)
        jobs = make_jobs(files, folder, desk, data=data, changes=changes, language=language)
        study = _Study(jobs, files, folder, crew, float(budget_wan_yuan), progress)
        division = study.divided(points)
        shares, chosen = study.shares(division), study.chosen(division)
        given = [_with_share(*each) for each in zip(jobs, chosen, shares.tolist(), strict=True)]
        done = follow(given, files, folder, crew, plan_job, progress=progress)
        proof = study.proof(division, shares, done)
        write_csv(folder / "curves.csv", study.rows(division), CURVE_POINT_COLUMNS)
        write_csv(folder / "province.csv", proof["places"], PROVINCE_COLUMNS)
        write_json(folder / "province.json", proof)
    return Province(done, float(budget_wan_yuan), shares, division, proof)


def _refuse_numbers(budget: float, points: int) -> None:
    """Refuse a budget that is no amount, and less than two plans of a place."""
    if not np.isfinite(budget) or budget < 0:
        raise ScenarioError.of("province_budget", "--budget", found=budget)
    if points != int(points) or points < FEWEST_POINTS:
        raise ScenarioError.of("batch_number", "--points", least=FEWEST_POINTS, found=points)


def _with_share(job: Job, point: Point, share: float) -> Job:
    """Return the job of a place with its share, to start from the plan that it was chosen for."""
    changes = (*job.changes, ("limits.budget_wan_yuan", share))
    return replace(job, changes=changes, start=point.layout)


class _Study:
    """The curves of all places, and what is made of them."""

    def __init__(
        self,
        jobs: Sequence[Job],
        files: Sequence[Path],
        folder: Path,
        crew: Crew,
        budget: float,
        progress: Watch | None,
    ) -> None:
        self.jobs, self.files, self.folder, self.crew = jobs, files, folder, crew
        self.budget, self.progress = budget, progress
        self.points: list[list[Point]] = [[] for _ in jobs]
        self.about: list[dict[str, Any]] = [{} for _ in jobs]
        self.seconds = 0.0

    def divided(self, points: int) -> Division:
        """Plan every place at several budgets, divide, and add budgets where the bound is wide."""
        first = min(points, FIRST_POINTS)
        every = [replace(job, budgets=(self.budget,), between=first - 1) for job in self.jobs]
        self._plan(every)
        self._refuse_locks_over_budget()
        division = divide(self.curves(), self.budget)
        for number in range(points - first):
            wider = self._wider(division, middle=number % 2 == 0)
            if not wider:
                break
            self._plan(wider)
            division = divide(self.curves(), self.budget)
        return division

    def _plan(self, jobs: list[Job]) -> None:
        """Have places planned, and note the plans."""
        done = follow(
            jobs, [self.files[job.number] for job in jobs], self.folder, self.crew, curve_job,
            progress=self.progress, listed=False,
        )  # fmt: skip
        self.seconds += done.seconds
        if done.interrupted:
            raise KeyboardInterrupt
        if done.failed:
            raise ScenarioError.of(
                "province_incomplete", "SCENARIO", [each.scenario for each in done.failed],
                found=done.failed[0].message,
            )  # fmt: skip
        for job, entry in zip(jobs, done.entries, strict=True):
            self.points[job.number] += entry.facts.pop("points")
            self.about[job.number] = entry.facts

    def _refuse_locks_over_budget(self) -> None:
        """Refuse a budget that does not pay for what is locked."""
        least = sum(each["least_cost"] for each in self.about)
        if least > self.budget * (1 + 1e-9) or not all(self.points):
            raise ScenarioError.of("province_locks", "--budget", found=self.budget, least=least)

    def curves(self) -> list[Curve]:
        """Return the curve of every place."""
        return [curve_of(points) for points in self.points]

    def chosen(self, division: Division) -> list[Point]:
        """Return the plan of every place that a division takes."""
        return [
            sorted(points, key=lambda point: point.budget)[k]
            for points, k in zip(self.points, division.chosen, strict=True)
        ]

    def shares(self, division: Division) -> NDArray[np.float64]:
        """
        (n_places,) Return the money of each place, 万元: what its plan costs.

        What is left goes to the places where most could still be gained, level by level, to each
        no more than its dearest plan costs.
        """
        chosen = self.chosen(division)
        shares = np.array([point.cost for point in chosen])
        best = [min(points, key=lambda each: each.reached) for points in self.points]
        gains = [
            tuple(np.subtract(point.reached, most.reached).tolist())
            for point, most in zip(chosen, best, strict=True)
        ]
        for place in sorted(range(len(gains)), key=lambda k: gains[k], reverse=True):
            room = max(self._most(self.jobs[place]) - shares[place], 0.0)
            shares[place] += min(room, max(self.budget - float(shares.sum()), 0.0))
        return shares

    def _wider(self, division: Division, *, middle: bool) -> list[Job]:
        """
        Return the places with a budget to add, where the bound takes a share unplanned for.

        In the middle between two plans, or just below the dearer one: where nothing in between is
        better than the cheaper one, the second closes the bound at once.
        """
        level = _open_level(division, self.totals())
        if level is None:
            return []
        jobs = []
        for job, curve, k in zip(self.jobs, self.curves(), division.wide, strict=True):
            low, high = (curve.budgets[max(k - 1, 0)], min(curve.budgets[k], self._most(job)))
            narrow = NARROWEST * max(self.budget, 1.0) / len(self.jobs)
            if high - low > narrow:
                budget = float(low + high) / 2 if middle else float(high - narrow / 2)
                paid = [each for each in self.points[job.number] if each.cost <= budget]
                start = max(paid, key=lambda point: point.cost).layout if paid else None
                jobs.append(replace(job, budgets=(budget,), start=start))
        return jobs

    def _most(self, job: Job) -> float:
        """Return what the dearest plan of a place costs: more money changes nothing."""
        return max(point.cost for point in self.points[job.number])

    def totals(self) -> dict[str, float]:
        """Return the elders of each class of all places."""
        return {name: float(sum(each[f"elders_{name}"] for each in self.about)) for name in CLASSES}

    def rows(self, division: Division) -> list[dict[str, Any]]:
        """Return the rows of ``curves.csv``."""
        rows = []
        for path, points, taken in zip(self.files, self.points, division.chosen, strict=True):
            for k, point in enumerate(sorted(points, key=lambda each: each.budget)):
                reached = dict(zip(LEVELS, point.reached, strict=True))
                bounds = zip(LEVELS, point.bounds, strict=True)
                rows.append(
                    {
                        "scenario": path.as_posix(), "budget_wan_yuan": point.budget,
                        "cost_wan_yuan": point.cost, "status": point.status,
                        "seconds": point.seconds, "chosen": k == taken,
                    }
                    | reached
                    | {f"bound_{name}": bound for name, bound in bounds}
                )  # fmt: skip
        return rows

    def proof(self, division: Division, shares: NDArray[np.float64], done: Batch) -> dict[str, Any]:
        """Return what is proven of the whole; every figure of a plan is its audit's."""
        chosen, curves = self.chosen(division), self.curves()
        places = [
            _place(done.entries[k], chosen[k], curves[k], float(shares[k]), self.about[k])
            for k in range(len(self.jobs))
        ]
        totals = self.totals()
        whole: dict[str, Any] = {
            "scenario": "all",
            "state": "done" if not done.failed else "failed",
        }
        for name in PROVINCE_COLUMNS:
            known = [row[name] for row in places if isinstance(row.get(name), float | int)]
            if name not in whole and len(known) == len(places):
                whole[name] = sum(known)
        return {
            "budget_wan_yuan": self.budget,
            "curve_points": [len(points) for points in self.points],
            "levels": _levels(division, whole, totals),
            "seconds": self.seconds + done.seconds,
            "places": [*places, whole],
        }


def _open_level(division: Division, totals: dict[str, float]) -> int | None:
    """Return the first coverage level whose bound over any division is not near; None: all are."""
    for level, name in enumerate(CLASSES):
        apart = division.reached[level] - division.bounds[level]
        if apart > CLOSED * max(totals[name], 1.0):
            return level
        if apart > 1e-6 * max(division.reached[level], 1.0):
            return None
    return None


def _place(
    entry: Entry, point: Point, curve: Curve, share: float, about: dict[str, Any]
) -> dict[str, Any]:
    """Return the row of one place in ``province.csv``."""
    facts = entry.facts
    above = min(int(np.searchsorted(curve.budgets, share - 1e-6)), len(curve.budgets) - 1)
    row: dict[str, Any] = {
        "scenario": entry.scenario, "folder": entry.folder, "name": about["name"],
        "state": entry.state, "status": facts.get("status"), "budget_wan_yuan": share,
        "cost_wan_yuan": facts.get("cost_wan_yuan"), "beds_missing": facts.get("beds_missing"),
        "most_covered_high": about["elders_high"] - float(curve.least()[above, 0]),
        "curve_gap_high": point.reached[0] - point.bounds[0],
    }  # fmt: skip
    for name in CLASSES:
        row[f"elders_{name}"] = about[f"elders_{name}"]
        if facts:
            share = facts[f"covered_share_{name}"]
            row[f"covered_{name}"] = share * about[f"elders_{name}"]
    return row


def _levels(
    division: Division, whole: dict[str, Any], totals: dict[str, float]
) -> list[dict[str, Any]]:
    """Return value, bounds and gaps of each class, in elders covered."""
    levels = []
    for level, name in enumerate(CLASSES):
        total, scale = totals[name], max(totals[name], 1e-9)
        covered = whole.get(f"covered_{name}")
        most = total - division.bounds[level] if np.isfinite(division.bounds[level]) else None
        of_choice = total - division.choice_bounds[level]
        gap = None if most is None or covered is None else max(most - covered, 0.0) / scale
        levels.append(
            {
                "name": name, "elders": total, "covered": covered, "most_of_curves": of_choice,
                "most_of_any_division": most, "gap": gap,
                "gap_of_choice": max(of_choice - (total - division.reached[level]), 0.0) / scale,
            }
        )  # fmt: skip
    return levels
