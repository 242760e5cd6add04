"""The coverage–cost curve: a plan's new sites in the order of what each adds for its cost."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siting.demand import CLASSES
from siting.problem import Layout, Problem, beds_required
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CURVE_COLUMNS", "coverage_cost_curve"]

CURVE_COLUMNS = [
    "rank", "id", "name", "action", "beds_added", "cost_wan_yuan", "elders_added_high",
    "elders_added_medium", "cumulative_cost_wan_yuan", "covered_share_high",
    "covered_share_medium", "beds_total", "beds_missing",
]  # fmt: skip


def coverage_cost_curve(problem: Problem, layout: Layout) -> pd.DataFrame:
    """
    Return a plan's openings and extensions ranked by what each adds.

    Each step takes the site that newly covers the most elders per 万元, high and medium density
    together; when no site covers anyone new, the one that supplies the most missing beds per
    万元. Ties go to the site that comes first in the files. A greedy order: the best first
    forty may differ a little from the forty that a budget of their cost would choose.

    Parameters
    ----------
    problem
        The problem.
    layout
        The plan.

    Returns
    -------
    curve
        One row per step: what it adds, and cost, covered shares, counted beds and missing beds up
        to and including it.
    """
    cost = problem.cost(layout)
    existing = problem.existing_layout()
    kept = existing.is_open & layout.is_open
    now = problem.qualifies(Layout(kept, np.where(kept, existing.beds, 0)))
    then = problem.qualifies(layout)
    changed = np.flatnonzero(
        layout.is_open & (~problem.sites.is_existing | (layout.beds > problem.sites.beds))
    )
    state = _State(problem, layout, now)
    rows: list[dict[str, Any]] = []
    left = [(*state.loss(site, float(cost[site]), then), site) for site in changed.tolist()]
    heapq.heapify(left)
    while left:
        site = left[0][-1]
        # What a site adds only shrinks as others are taken: a first that adds as much is best.
        entry = (*state.loss(site, float(cost[site]), then), site)
        if entry > left[0]:
            heapq.heapreplace(left, entry)
            continue
        heapq.heappop(left)
        rows.append({"rank": len(rows) + 1} | state.take(site, float(cost[site]), then))
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


class _State:
    """What is covered and which beds stand, while sites are taken one by one."""

    def __init__(self, problem: Problem, layout: Layout, now: NDArray[np.bool_]) -> None:
        self.problem, self.layout = problem, layout
        covers = problem.covers.tocsr()
        self.points = [
            covers.indices[covers.indptr[k] : covers.indptr[k + 1]] for k in range(problem.sites.n)
        ]
        self.covered = np.asarray(covers[now].sum(axis=0)).ravel() > 0
        self.class_elders = np.bincount(problem.density_class, problem.elders, minlength=3)
        beds = np.where(now, np.minimum(layout.beds, problem.sites.beds), 0)
        self.beds = beds.astype(np.int64)
        self.spent = 0.0
        self.need = np.zeros(len(problem.unit_id), dtype=np.int64)
        for rule in problem.bed_rules:
            need = beds_required(problem.unit_elders(), rule.parameters.beds_per_10000)
            self.need = np.maximum(self.need, need)
        self.need[problem.unit_id == NO_UNIT] = 0
        inside = problem.site_unit >= 0
        self.stand = np.bincount(
            problem.site_unit[inside], self.beds[inside], minlength=len(problem.unit_id)
        )

    def gain(self, site: int, then: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the elders of each class whom a site would newly cover."""
        if not then[site]:
            return np.zeros(3)
        new = self.points[site][~self.covered[self.points[site]]]
        gain = np.bincount(self.problem.density_class[new], self.problem.elders[new], minlength=3)
        return np.asarray(gain, dtype=np.float64)

    def useful_beds(self, site: int) -> float:
        """Return how many of a site's added beds its planning unit lacks."""
        unit = self.problem.site_unit[site]
        if unit < 0:
            return 0.0
        added = self.layout.beds[site] - self.beds[site]
        return float(min(added, max(self.need[unit] - self.stand[unit], 0)))

    def loss(self, site: int, cost: float, then: NDArray[np.bool_]) -> tuple[float, float]:
        """Return elders newly covered, and missing beds supplied, per 万元, below 0."""
        money = max(cost, 1e-9)
        return -float(self.gain(site, then).sum()) / money, -self.useful_beds(site) / money

    def take(self, site: int, cost: float, then: NDArray[np.bool_]) -> dict[str, Any]:
        """Take a site and return its row."""
        problem = self.problem
        gain = self.gain(site, then)
        self.covered[self.points[site]] |= then[site]
        added = int(self.layout.beds[site] - problem.sites.beds[site])
        unit = problem.site_unit[site]
        if unit >= 0 and then[site]:
            self.stand[unit] += self.layout.beds[site] - self.beds[site]
            self.beds[site] = self.layout.beds[site]
        self.spent += cost
        shares = {}
        for name in ("high", "medium"):
            mine = (problem.density_class == CLASSES.index(name)) & self.covered
            total = self.class_elders[CLASSES.index(name)]
            shares[name] = float(problem.elders[mine].sum() / total) if total > 0 else 1.0
        return {
            "id": problem.sites.id[site],
            "name": problem.sites.name[site],
            "action": "extend" if problem.sites.is_existing[site] else "open",
            "beds_added": added,
            "cost_wan_yuan": cost,
            "elders_added_high": float(gain[2]),
            "elders_added_medium": float(gain[1]),
            "cumulative_cost_wan_yuan": self.spent,
            "covered_share_high": shares["high"],
            "covered_share_medium": shares["medium"],
            "beds_total": int(self.stand.sum()),
            "beds_missing": int(np.maximum(self.need - self.stand, 0).sum()),
        }
