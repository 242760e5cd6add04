"""What a classical model reached: sites, allocation, value and what is proven."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siting.errors import UnsolvedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from siting.classical.effort import Effort

__all__ = ["PROVEN_GAP", "ClassicalSolution", "Reduction", "answer", "rounded_up", "step_below"]

PROVEN_GAP = 1e-6
NOISE = 1e-6
"""How far a bound may pass its value before the two contradict each other, relative."""

MAXIMISED = frozenset({"maximal_covering", "capacitated_maximal_covering"})


@dataclass(frozen=True)
class Reduction:
    """
    What one step took out of a covering model, without loss.

    Attributes
    ----------
    step
        ``equal`` points or classes merged, ``dear`` sites beyond the budget, ``rows`` or
        ``columns`` that others make needless, ``essential`` sites and what they cover.
    round
        Which time the steps were gone through, from 1.
    classes, sites
        How many it took out.
    """

    step: str
    round: int
    classes: int
    sites: int


@dataclass(frozen=True)
class ClassicalSolution:
    """
    What a classical location model reached.

    Attributes
    ----------
    model
        Name of the model.
    sites
        Row numbers of the open sites, ascending.
    allocation
        Site of each demand point: the nearest open one (of those within the cutoff where there is
        one), -1 where there is none. Of ``capacitated`` and ``capacitated_maximal_covering``
        without ``single_source``: a sparse matrix (n_sites, n_demand) of the elders that each site
        serves.
    value
        Reached by the sites, measured on what was given: covered elders, costs, elder-metres, or
        the longest distance.
    bound
        Proven: no choice of sites is better than this.
    gap
        ``|value - bound| / max(|value|, 1e-9)``.
    proof
        ``optimal``: the gap is at most 1e-6, and 0 where all that is given is whole numbers;
        ``gap``: within the gap asked for; ``time_limit``: neither.
    seconds
        Time taken.
    reductions
        Of covering models, what each step of the reduction took out before the search.
    """

    model: str
    sites: NDArray[np.int64]
    allocation: NDArray[np.int64] | csr_array
    value: float
    bound: float
    gap: float
    proof: str
    seconds: float
    reductions: tuple[Reduction, ...] = ()


def answer(
    effort: Effort, sites: NDArray[np.int64], allocation: NDArray[np.int64] | csr_array,
    value: float, bound: float, *, exact: bool, reductions: tuple[Reduction, ...] = (),
) -> ClassicalSolution:  # fmt: skip
    """
    Return a solution with the gap and the proof that follow from value and bound.

    Parameters
    ----------
    effort
        What was asked for.
    sites, allocation
        What was found.
    value
        Measured on the sites.
    bound
        Proven by search; not finite where nothing is.
    exact
        True where every value is a whole number: the bound is then rounded to one.
    reductions
        What was taken out before the search.

    Raises
    ------
    UnsolvedError
        If the bound and the value contradict each other.
    """
    sign = -1.0 if effort.model in MAXIMISED else 1.0
    low, reached = sign * bound, sign * value
    noise = NOISE * max(abs(value), 1.0)
    if low > reached + noise:
        raise UnsolvedError.of("classical_torn", effort.model, value=value, bound=bound)
    if exact:
        low = rounded_up(low)
    low = min(low, reached)
    bound = sign * low + 0.0
    apart = abs(value - bound)
    gap = apart / max(abs(value), 1e-9)
    proven = gap <= PROVEN_GAP and not (exact and apart > 0)
    proof = "optimal" if proven else "gap" if gap <= effort.gap else "time_limit"
    return ClassicalSolution(
        effort.model, sites, allocation, value, bound, gap, proof, effort.spent(),
        reductions,
    )  # fmt: skip


def rounded_up(low: float) -> float:
    """Return the least whole number that a lower bound leaves, but for the noise in it."""
    if not math.isfinite(low):
        return low
    return float(math.ceil(low - _noise(low)))


def step_below(value: float, *, exact: bool) -> float:
    """
    Return how far below a value a bound may stay and yet prove it.

    Where values are whole numbers that is nearly 1, as a bound is rounded up; else nearly nothing.
    """
    return 1.0 - 3.0 * _noise(value) if exact else 1e-9 * max(abs(value), 1e-9)


def _noise(value: float) -> float:
    """Return the noise taken to be in a bound that is to be rounded."""
    return min(NOISE * max(abs(value), 1.0), 0.01)
