"""What need not be searched of a cover that every class must be in: taken out, again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.answer import Reduction
from siting.classical.classes import Cover, merged_again, undominated_rows, undominated_sites

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["reduced"]

MOST_ROUNDS = 20


def reduced(
    cover: Cover, costs: NDArray[np.float64]
) -> tuple[Cover, NDArray[np.int64], tuple[Reduction, ...]]:
    """
    Take out classes and sites until nothing changes; lossless.

    Classes that another makes needless, sites that another makes needless, and classes that only
    one site covers.

    Parameters
    ----------
    cover
        Classes, all to be covered; each has a site.
    costs
        (n_sites,) cost of each site, at least 0.

    Returns
    -------
    cover, needed, reductions
        What is left, the sites that were the only one of a class, and what each step took out.
    """
    log = _Log()
    log.note("equal", int((cover.group >= 0).sum()) - cover.n_classes, 0)
    free = np.ones(cover.n_sites, dtype=bool)
    needed = np.zeros(cover.n_sites, dtype=bool)
    live = np.ones(cover.n_classes, dtype=bool)
    for _ in range(MOST_ROUNDS):
        before = (int(live.sum()), int(free.sum()))
        live = undominated_rows(cover, live)
        log.note("rows", before[0] - int(live.sum()), 0)
        free = undominated_sites(cover, costs, free, live)
        log.note("columns", 0, before[1] - int(free.sum()))
        after = (int(live.sum()), int(free.sum()))
        cover = merged_again(cover, free, live)
        log.note("equal", after[0] - cover.n_classes, 0)
        only = _alone(cover)
        needed[only] = True
        free[only] = False
        live = ~cover.covered(only)
        log.note("essential", int((~live).sum()), len(only))
        if (int(live.sum()), int(free.sum())) == before:
            break
        log.round += 1
    return merged_again(cover, free, live), np.flatnonzero(needed), tuple(log.noted)


@dataclass
class _Log:
    """What the steps of a reduction took out; what took out nothing is not noted."""

    round: int = 1
    noted: list[Reduction] = field(default_factory=list)

    def note(self, step: str, classes: int, sites: int) -> None:
        """Note a step that took out something."""
        if classes or sites:
            self.noted.append(Reduction(step, self.round, classes, sites))


def _alone(cover: Cover) -> NDArray[np.int64]:
    """Return the sites that are the only one over some class."""
    alone = np.diff(cover.by_class.indptr) == 1
    return np.unique(cover.by_class.indices[cover.by_class.indptr[:-1][alone]])
