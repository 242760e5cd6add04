"""A relaxation made tighter by what is known of regions, as far as it misses that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from siting.classical.effort import Effort
    from siting.classical.program import Program, Relaxed
    from siting.classical.region_costs import Inequalities

__all__ = ["tighten"]

ROUNDS, AT_ONCE = 20, 60
"""How often inequalities are added at the most, and how many at a time."""

LEAST = 1e-6
"""How far an inequality must be missed, in its own length, and what a dual counts from."""


def tighten(
    program: Program, relaxed: Relaxed, known: Inequalities, effort: Effort, limit_s: float
) -> Relaxed:
    """
    Add inequalities that the relaxation misses most, round by round; those that bind stay.

    Parameters
    ----------
    program
        A model with the columns of the inequalities; rows are added there.
    relaxed
        Its relaxation so far.
    known
        Inequalities that every choice keeps to.
    effort
        Time.
    limit_s
        Seconds.

    Returns
    -------
    relaxed
        The relaxation with them.
    """
    n_rows, end = program.n_rows, effort.left() - limit_s
    length = np.sqrt(np.asarray(known.rows.power(2).sum(axis=1)).ravel())
    for _ in range(ROUNDS):
        missed = (known.sides - known.rows @ relaxed.values) / np.maximum(length, LEAST)
        most = np.argsort(-missed, kind="stable")[:AT_ONCE]
        most = most[missed[most] > LEAST]
        if not len(most) or effort.left() <= end:
            break
        program.add(csr_array(known.rows[most]), known.sides[most], np.full(len(most), np.inf))
        again = program.relax(max(effort.left() - end, 0.0))
        if again is None:
            return relaxed
        relaxed = again
    kept = (np.arange(program.n_rows) < n_rows) | (relaxed.duals > LEAST)
    program.keep_rows(kept)
    return replace(relaxed, duals=relaxed.duals[kept])
