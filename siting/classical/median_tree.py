"""The p-median bounded by prices of points: the root, and what it leaves to be searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.dual_kernels import BOUND, FREE, HELD, OUT, VALUE, Dual, Lists, ascend
from siting.classical.dual_tree import Tree, exploring

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.median_search import Median

__all__ = ["search"]

ROUNDS = 50
MOST_ROUNDS = 1000
STALLED = 1e-5
STEPS_AT_ONCE = 100_000_000
"""Steps of a kernel between two looks at the clock: some tenths of a second."""

FIRST_FACTOR, LATER_FACTOR = 0.3, 0.1
SHAKES = 60
BOUNDING = 0.7
"""Share of the time that the first swaps leave for bounds and search."""


def search(median: Median) -> None:
    """
    Search until the best is proven or time is over.

    Greedy choice and interchange give the start. Prices of points bound it (Lagrangian dual of
    "each point is served once"); sites that the bound rules out are left aside, the rest is
    searched part by part, each with prices of its own.
    """
    spare_s = BOUNDING * median.effort.left()
    median.improve(np.zeros(median.pairs.n_sites, dtype=bool), spare_s=spare_s)
    median.improve(median.chosen, spare_s=spare_s)
    if median.is_over():
        return
    root = _Root.of(median)
    root.ascend(MOST_ROUNDS)
    root.improve()
    if not median.is_over():
        _branch(median, root)


@dataclass
class _Root:
    """All choices: prices, and which sites are ruled out or held."""

    median: Median
    dual: Dual
    state: NDArray[np.int8]

    @classmethod
    def of(cls, median: Median) -> _Root:
        """Return prices between the nearest and the second nearest of the best sites."""
        n, m = len(median.elders), median.pairs.n_sites
        near = median.pairs.nearest(np.flatnonzero(median.chosen))
        near_m, second = near[1], np.full(n, np.inf)
        others = median.chosen[median.lists.site]
        point = np.repeat(np.arange(n), np.diff(median.lists.start))
        others &= median.lists.site != near[0][point]
        np.minimum.at(second, point[others], median.metres[others])
        second = np.where(np.isfinite(second), second, near_m)
        price = median.elders * (near_m + second) / 2
        pace = np.array([FIRST_FACTOR, 0.0, 0.0, -np.inf, median.best])
        dual = Dual(price, price.copy(), np.zeros(n), np.zeros(m), pace)
        return cls(median, dual, np.zeros(m, dtype=np.int8))

    def ascend(self, most_rounds: int) -> None:
        """Raise the bound until little changes."""
        median, done, rounds, last = self.median, 0, 1, -np.inf
        on = True
        while on and done < most_rounds and not median.is_over():
            best, goal = median.chosen.copy(), median.goal()
            steps, on = ascend(
                median.lists, self.state, median.p, self.dual, goal, goal, rounds, best
            )
            done += rounds
            bound = float(self.dual.pace[BOUND])
            median.raise_bound(bound)
            median.adopt(best)
            self.dual.pace[VALUE] = median.best
            if rounds == ROUNDS and bound - last < STALLED * abs(last):
                return
            last = bound
            rounds = int(np.clip(STEPS_AT_ONCE * rounds // max(steps, 1), 1, ROUNDS))

    def improve(self) -> None:
        """Better the sites near to what the prices pick, and rule out more by what that gives."""
        median = self.median
        likely = np.argsort(-self.dual.mean, kind="stable")[: median.p]
        start = np.zeros(len(self.state), dtype=bool)
        start[likely] = True
        helped = median.improve(start)
        helped |= median.shake(self.state == FREE, SHAKES)
        if helped and not median.is_over():
            self.dual.pace[:] = [LATER_FACTOR, 0.0, 0.0, self.dual.pace[BOUND], median.best]
            self.dual.trial[:] = self.dual.price
            self.ascend(ROUNDS)

    def left(self) -> tuple[Lists, NDArray[np.int64]]:
        """
        Return the lists without sites that are ruled out, and the sites that stay.

        A list ends at the first site that is held, or where p sites of what is left must include
        one of those before: no choice has a point served from farther away.
        """
        lists, kept = self.median.lists, self.state != OUT
        number = np.cumsum(kept) - 1
        mine = kept[lists.site]
        place = np.cumsum(mine)
        before = np.concatenate([[0], place])[lists.start[:-1]]
        rank = place - np.repeat(before, np.diff(lists.start))
        mine &= rank <= int(kept.sum()) - self.median.p + 1
        held = np.cumsum(mine & (self.state[lists.site] == HELD))
        first = np.concatenate([[0], held])[lists.start[:-1]]
        seen = held - np.repeat(first, np.diff(lists.start))
        is_held = self.state[lists.site] == HELD
        mine &= (seen == 0) | ((seen == 1) & is_held)
        start = np.concatenate([[0], np.cumsum(mine)])[lists.start].astype(np.int64)
        site = number[lists.site[mine]].astype(np.int32)
        return Lists(start, site, lists.cost[mine]), np.flatnonzero(kept)


def _branch(median: Median, root: _Root) -> None:
    """Search what the root leaves; sites that are better are bettered further."""
    lists, sites = root.left()
    if (np.diff(lists.start) == 0).any():
        median.raise_bound(np.inf)
        return

    def better(best: NDArray[np.bool_]) -> None:
        full = np.zeros(median.pairs.n_sites, dtype=bool)
        full[sites[best]] = True
        median.adopt(full)
        median.improve(full)

    tree = Tree(exploring(lists, median.p), median.effort.threads)
    tree.push(float(root.dual.pace[BOUND]), root.state[sites], root.dual.price)
    while tree.queue and not median.is_over():
        goal = median.goal()
        for best in tree.look(goal, goal, median.best):
            better(best)
        median.raise_bound(tree.bound())
