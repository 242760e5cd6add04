"""Elders that sites serve, as a matrix of sites and points: checked, and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.errors import UnsolvedError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from siting.classical.effort import Effort

__all__ = ["one_site", "refuse_overfull"]

OVER = 1e-6
"""How far a capacity may be passed, or elders be missed, as a share of the largest."""


def refuse_overfull(
    flow: csr_array, weight: NDArray[np.float64], room: NDArray[np.float64], effort: Effort,
    *, all_served: bool,
) -> None:  # fmt: skip
    """
    Refuse what a solver returned if it passes a capacity or serves elders whom there are not.

    Parameters
    ----------
    flow
        (n_sites, n_demand) elders that each site serves.
    weight, room
        Elders of each demand point, and what each site holds.
    effort
        Names the model.
    all_served
        True: elders may not be left out either.

    Raises
    ------
    UnsolvedError
        If so.
    """
    over = float((flow.sum(axis=1) - room).max())
    apart = flow.sum(axis=0) - weight
    wrong = float((np.abs(apart) if all_served else apart).max())
    if over > OVER * float(room.max()) or wrong > OVER * float(weight.max(initial=1.0)):
        raise UnsolvedError.of("classical_broken", effort.model, over=over, left=wrong)


def one_site(flow: csr_array) -> NDArray[np.int64]:
    """Return the site of each point, -1 where it has none."""
    pairs = flow.tocoo()
    site = np.full(flow.shape[1], -1, dtype=np.int64)
    site[pairs.col] = pairs.row
    return site
