"""All choices of sites of a cover, or of a region of it, searched by relaxations on tables."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Timer
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from siting.classical.cover_tree_kernels import explore_covers
from siting.classical.dual_kernels import FREE, OUT
from siting.classical.dual_tree import Tree
from siting.classical.tables import levels_of, region_of
from siting.classical.tree_kernels import Nodes
from siting.classical.window_kernels import better, spent

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from siting.classical.effort import Effort
    from siting.classical.simplex_kernels import Region
    from siting.classical.window_kernels import Levels

__all__ = ["STEPS_AT_ONCE", "Choices", "fits", "search_covers", "search_region"]

DENSE = 700_000
"""Numbers of a table, classes times sites, up to which choices are searched here."""

STEPS_AT_ONCE = 2_000_000_000
"""Numbers touched in each part that is looked at, about a second."""

LEVEL_BYTES = 1_000_000_000
"""Memory of the tables of a search, all threads together."""

REGION_STEPS, REGION_BYTES = 20_000_000_000, 200_000_000
"""Numbers touched in the search of one region at the most, and memory of its tables."""

PLAIN = 100
"""Parts of a region that are branched by the number of classes first."""

NEARLY = 1e-8
"""How far below the best a region's bound may stay, relative, for a part to be given up."""

DEAR, TINY = 3.0, 1e-9
"""What the limit may cost, times what it costs in the relaxation; what stands for nothing."""


class Choices(NamedTuple):
    """
    Sites to choose from, and classes that are covered or lost.

    Attributes
    ----------
    rows
        (n_classes, n_sites) sparse, 1 where a site covers a class.
    costs, losses
        (n_sites,) cost of each site; (n_classes,) cost of each class without one.
    take, side
        (n_sites,) what each site takes of a limit, and the limit; None: no limit.
    price
        What one unit of the limit costs in the relaxation, at least 0.
    """

    rows: csr_array
    costs: NDArray[np.float64]
    losses: NDArray[np.float64]
    take: NDArray[np.float64] | None = None
    side: float = 0.0
    price: float = 0.0

    @property
    def most(self) -> float:
        """What one unit of the limit may cost at the most; next to nothing where it is free."""
        return DEAR * self.price + TINY * float(self.losses.max())

    @property
    def room(self) -> float:
        """The limit, next to nothing where there is none left: kernels take 0 for no limit."""
        return 0.0 if self.take is None else max(self.side, TINY * float(self.take.max()), TINY)

    def region(self) -> Region:
        """Return sites and classes as lists; the limit is one more class, its price in costs."""
        region = region_of(self.rows, self.costs, self.losses)
        if self.take is None:
            return region
        return region._replace(
            cost=self.costs + self.most * self.take, loss=np.append(self.losses, self.most),
            row_start=np.append(region.row_start, region.row_start[-1]), take=self.take,
            side=self.room,
        )  # fmt: skip

    def start(self) -> NDArray[np.int8]:
        """Return which sites are FREE at first, and which OUT as they pass the limit alone."""
        state = np.full(len(self.costs), FREE, dtype=np.int8)
        if self.take is not None:
            state[self.take > self.room] = OUT
        return state

    @property
    def offset(self) -> float:
        """What the region's costs hold beyond those of the choice."""
        return self.most * self.room


def fits(n_classes: int, n_sites: int) -> bool:
    """Return whether choices among so many are searched here."""
    return n_classes * n_sites <= DENSE


def search_covers(
    choices: Choices, value: float, step: float, effort: Effort, limit_s: float,
    keep: Callable[[NDArray[np.bool_] | None, float], bool], steps: int = STEPS_AT_ONCE,
) -> None:  # fmt: skip
    """
    Search all choices until the best is proven or time is over.

    Parameters
    ----------
    choices
        Sites and classes.
    value
        Cost of the best choice known.
    step
        How much less a better choice costs at the least.
    effort
        Threads.
    limit_s
        Seconds.
    keep
        Told now and then (n_sites,) better sites, if any, and a bound on the cost of all choices;
        True ends the search.
    steps
        Numbers touched in each part that is looked at, before ``keep`` is told.

    References
    ----------
    Achterberg, Koch & Martin (2005): reliability branching.
    """
    region, offset, halt = choices.region(), choices.offset, np.zeros(1, dtype=bool)
    rooms: SimpleQueue[Levels] = SimpleQueue()
    for _ in range(effort.threads):
        rooms.put(levels_of(region, LEVEL_BYTES // effort.threads))

    def explore(
        stack: Nodes, target: float, _aim: float, value: float, found: NDArray[np.bool_]
    ) -> tuple[int, float, int]:
        """Search a part in the next room that is free."""
        levels = rooms.get()
        done = explore_covers(region, levels, steps, halt, stack, target, value, found, 0)
        rooms.put(levels)
        return done

    n, value, tree = len(region.cost), value + offset, Tree(explore, effort.threads)
    tree.push(-np.inf, choices.start(), np.zeros(4 * n))
    timer = Timer(max(limit_s, 0.0), halt.__setitem__, (0, True))
    timer.daemon = True
    timer.start()
    try:
        while tree.queue and not halt[0]:
            found = tree.look(value - step, 0.0, value)
            best = found[0] if found else None
            value = value if best is None else float(spent(region, best))
            if keep(best, min(tree.bound(), value - step) - offset):
                return
    finally:
        timer.cancel()


def search_region(region: Region, best: NDArray[np.bool_], halt: NDArray[np.bool_]) -> float:
    """
    Return a bound on the cost of any choice in a region, searched on one thread.

    Parameters
    ----------
    region
        Sites and classes.
    best
        Sites to start from; better ones are kept there.
    halt
        (1,) True ends the search soon.
    """
    better(region, best)
    n, value = len(best), float(spent(region, best))
    levels, step = levels_of(region, REGION_BYTES), NEARLY * abs(value)
    depth = 2 * n + len(levels.bound) + 4
    stack = Nodes(np.zeros((depth, n), np.int8), np.zeros((depth, 4 * n)), np.zeros(depth))
    stack.bound[0] = -np.inf
    top, value, _ = explore_covers(
        region, levels, REGION_STEPS, halt, stack, value - step, value, best, PLAIN
    )
    return min(value - step, float(stack.bound[:top].min(initial=np.inf)))
