"""A covering problem where elders may stay uncovered, and the best that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.answer import rounded_up
from siting.classical.pairs import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.classes import Cover

__all__ = ["Task"]

HALF = 0.5
SLIP = 1e-6
SAME = 1e-12


@dataclass
class Task:
    """
    A covering problem where elders may stay uncovered, with the best sites and bound so far.

    Attributes
    ----------
    cover, costs
        Classes, and the cost of each site.
    money
        Most that sites may cost, where elders are to be most; infinite else.
    need
        Elders to cover, where cost is to be least; None else.
    exact
        Whether every value is whole.
    chosen
        (n_sites,) the best sites so far.
    low
        Proven: no choice is below it. Of elders, their negative.
    free
        (n_sites,) sites that may still be in a better choice.
    held
        (n_sites,) sites that every better choice has.
    spare
        Number of sites that others make needless.
    """

    cover: Cover
    costs: NDArray[np.float64]
    money: float
    need: float | None
    exact: bool
    chosen: NDArray[np.bool_]
    low: float
    free: NDArray[np.bool_]
    held: NDArray[np.bool_] = field(init=False)
    spare: int = 0

    def __post_init__(self) -> None:
        """Start with no site held."""
        self.held = np.zeros(len(self.costs), dtype=bool)

    @property
    def need_row(self) -> float:
        """Elders that a row asks for: a little fewer than the need, so that no row just holds."""
        weight = self.cover.weight
        return float(self.need or 0.0) - (HALF if whole(weight) else SLIP * float(weight.sum()))

    def elders(self, chosen: NDArray[np.bool_]) -> float:
        """Return the elders that sites cover."""
        return float(self.cover.weight[self.cover.covered(np.flatnonzero(chosen))].sum())

    def value(self, chosen: NDArray[np.bool_]) -> float:
        """Return what is to be least: cost, or the negative of elders."""
        if self.need is None:
            return -self.elders(chosen)
        return float(self.costs[chosen].sum())

    def adopt(self, chosen: NDArray[np.bool_]) -> None:
        """Keep sites where they are allowed and better than the best so far."""
        fits = (
            float(self.costs[chosen].sum()) <= self.money * (1 + SAME)
            if self.need is None
            else self.elders(chosen) >= self.need
        )
        if fits and self.value(chosen) < self.value(self.chosen):
            self.chosen = chosen.copy()

    def raise_bound(self, bound: float) -> None:
        """Keep a bound where it is better than the best so far."""
        self.low = max(self.low, rounded_up(bound) if self.exact else bound)

    def is_close(self, gap: float) -> bool:
        """Return whether the best so far is proven, or within the gap asked for."""
        value = self.value(self.chosen)
        return value - self.low <= max(gap * abs(value), 0.0)
