"""Large models, improved part by part: some sites decided anew, all others held as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, vstack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from siting.plan_model import PlanModel

__all__ = ["OVERALL", "Neighbourhoods", "windows"]

OVERALL = 1000
"""A row with more terms is one of the whole plan: it ties no auxiliary variable to a part."""

TURN = np.pi * (3.0 - np.sqrt(5.0))
"""By how much each sweep is turned against the last, so that no border stays a border."""


def windows(xy: NDArray[np.float64], size: int, sweep: int) -> Iterator[NDArray[np.int64]]:
    """
    Yield places that lie together, each in one part: cut in halves along the longer side.

    Parameters
    ----------
    xy
        (n, 2) coordinates.
    size
        Most places in a part.
    sweep
        Number of the division: others are cut along other lines.
    """
    angle = sweep * TURN
    turned = xy @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    parts = [np.arange(len(xy))]
    while parts:
        part = parts.pop()
        if len(part) <= size:
            yield np.sort(part)
            continue
        spread = np.ptp(turned[part], axis=0)
        order = part[np.argsort(turned[part, int(np.argmax(spread))], kind="stable")]
        parts += [order[len(part) // 2 :], order[: len(part) // 2]]


@dataclass(frozen=True)
class Neighbourhoods:
    """
    Which variables of a model belong to a site, and which others follow from them.

    Attributes
    ----------
    owner
        (n_variables,) site that a variable is a decision of, -1 where it follows from others.
    by_row, by_column
        The model's rows but those of the whole plan.
    """

    owner: NDArray[np.int64]
    by_row: csr_matrix
    by_column: csc_matrix

    @classmethod
    def of(cls, model: PlanModel, ties: csr_matrix | None = None) -> Neighbourhoods:
        """Return the neighbourhoods of a model with the rows that it has now, and further ones."""
        owner = np.full(len(model.linear.variables), -1, dtype=np.int64)
        for table in (model.choose, model.beds):
            for decision, variable in table.items():
                owner[variable] = model.decisions.site[decision]
        for sites in (model.nursing, model.turned, model.dementia):
            owner[list(sites.values())] = list(sites)
        rows = model.linear.matrix()
        rows = rows[np.diff(rows.indptr) <= OVERALL]
        if ties is not None:
            rows = vstack([rows, ties], format="csr")
        return cls(owner, rows, rows.tocsc())

    def free(self, sites: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the variables of some sites, and those that follow from them by short rows."""
        follows = self.owner < 0
        found = np.isin(self.owner, sites)
        last = 0
        while found.sum() > last:
            last = int(found.sum())
            rows = np.unique(self.by_column[:, np.flatnonzero(found)].indices)
            near = np.unique(self.by_row[rows].indices)
            found[near[follows[near]]] = True
        return found
