"""A search of choices of sites, part by part, each bounded by prices of points."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.tree_kernels import Nodes, explore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.dual_kernels import Lists

__all__ = ["FACTOR", "ROUNDS_AT_A_NODE", "STEPS_AT_ONCE", "Explore", "Tree", "exploring"]

FACTOR = 0.1
ROUNDS_AT_A_NODE = 40
STEPS_AT_ONCE = 10_000_000
"""Steps for each part that is looked at, some hundredths of a second."""

STACK_BYTES, QUEUE_BYTES = 64_000_000, 1_000_000_000

Part = tuple[float, int, "NDArray[np.int8]", "NDArray[np.float64]"]
Explore = Callable[[Nodes, float, float, float, "NDArray[np.bool_]"], tuple[int, float, int]]
"""Searches a stack for a while, given target, aim, value and where better sites go: ``explore``."""


def exploring(lists: Lists, p: int) -> Explore:
    """Return the search of parts of p sites for points with their sites, nearest first."""
    return partial(explore, lists, p, STEPS_AT_ONCE, ROUNDS_AT_A_NODE, FACTOR)


class Tree:
    """
    Parts of the choices that are still to be searched, the one with the least bound first.

    As many parts as there are threads are searched at once, each for as many steps, so that the
    order does not hang on the clock.

    Parameters
    ----------
    explore
        Searches a part for a while.
    threads
        Parts that are searched at once.
    """

    def __init__(self, explore: Explore, threads: int) -> None:
        self.explore, self.threads = explore, threads
        self.queue: list[Part] = []
        self.steps = 0
        self._pushed = 0

    def push(self, bound: float, state: NDArray[np.int8], price: NDArray[np.float64]) -> None:
        """Add a part to be searched, with a bound and prices to start from."""
        self._pushed += 1
        heapq.heappush(self.queue, (bound, self._pushed, state.copy(), price.copy()))

    def bound(self) -> float:
        """Return the least bound of what is left; infinite where nothing is."""
        return self.queue[0][0] if self.queue else np.inf

    def look(self, target: float, aim: float, value: float) -> list[NDArray[np.bool_]]:
        """
        Search some parts for a while; return sites that are better than the value, if any.

        Parameters
        ----------
        target
            Bound from which on a part holds nothing better.
        aim
            What the bound is thought to reach; sets the length of steps.
        value
            Of the best sites known.
        """
        parts = self._pop()
        with ThreadPoolExecutor(len(parts)) as pool:
            done = list(pool.map(lambda part: self._search(part, target, aim, value), parts))
        for left, _, _, steps in done:
            self.steps += steps
            for k in range(len(left.bound)):
                self.push(float(left.bound[k]), left.state[k], left.price[k])
        better = sorted((each for each in done if each[1] < value), key=lambda each: each[1])
        return [each[2] for each in better]

    def _pop(self) -> list[Part]:
        """Take as many parts as there are threads; nearly done ones where memory is short."""
        count = min(self.threads, len(self.queue))
        if len(self.queue) * self._bytes(self.queue[0]) > QUEUE_BYTES:
            self.queue.sort()
            return [self.queue.pop() for _ in range(count)]
        return [heapq.heappop(self.queue) for _ in range(count)]

    def _bytes(self, part: Part) -> int:
        """Return about how much memory a part takes."""
        return int(part[2].nbytes + part[3].nbytes) + 200

    def _search(
        self, part: Part, target: float, aim: float, value: float
    ) -> tuple[Nodes, float, NDArray[np.bool_], int]:
        """Search a part for a while; return what is left, the best value, its sites, the steps."""
        n_sites, n = len(part[2]), len(part[3])
        depth = int(np.clip(STACK_BYTES // self._bytes(part), 4, 2 * n_sites + 4))
        stack = Nodes(np.empty((depth, n_sites), np.int8), np.empty((depth, n)), np.empty(depth))
        stack.bound[0], stack.state[0], stack.price[0] = part[0], part[2], part[3]
        best = np.zeros(n_sites, dtype=bool)
        top, value, steps = self.explore(stack, target, aim, value, best)
        left = Nodes(stack.state[:top], stack.price[:top], stack.bound[:top])
        return left, value, best, steps
