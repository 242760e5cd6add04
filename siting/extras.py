"""Nursing and dementia beds and functions that are added, and the layout that decisions make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from siting.ceiling import room_for
from siting.minima import INSTITUTION_ONLY, can_host, plannable
from siting.problem import Layout, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.decisions import Decisions

__all__ = [
    "Extras",
    "everything_open",
    "fullest_mix",
    "layout_of",
    "mix_like",
    "no_extras",
    "plans_mix",
]


@dataclass
class Extras:
    """
    Nursing beds, dementia beds and functions that are added.

    Attributes
    ----------
    nursing, turned, dementia
        (n_sites,) new nursing beds among added beds, existing beds turned into nursing beds, and
        dementia beds among both.
    functions
        (n_sites,) functions added, as sets.
    """

    nursing: NDArray[np.int64]
    turned: NDArray[np.int64]
    dementia: NDArray[np.int64]
    functions: list[set[str]] = field(default_factory=list)


def fullest_mix(
    problem: Problem, decisions: Decisions, taken: NDArray[np.bool_], added: NDArray[np.int64]
) -> Extras:
    """Return the most nursing and dementia beds and functions that decisions taken allow."""
    n, mix = problem.sites.n, problem.mix
    if not plans_mix(problem):
        return no_extras(n)
    more = np.zeros(n, dtype=np.int64)
    grown = taken & decisions.counts
    more[decisions.site[grown]] = added[grown]
    room = room_for(problem)
    nursing = np.floor(mix.most_nursing_share * more + 1e-9).astype(np.int64)
    nursing, turned = np.minimum(nursing, room.nursing), room.turned
    dementia = np.floor(mix.most_dementia_share * (nursing + turned) + 1e-9).astype(np.int64)
    dementia = np.minimum(dementia, room.dementia)
    open_new = np.zeros(n, dtype=bool)
    open_new[decisions.site[grown]] = True
    counts = decisions.always | open_new
    stands = decisions.stays.copy()
    stands[decisions.site[taken]] |= problem.sites.for_functions[decisions.site[taken]]
    functions: list[set[str]] = [set() for _ in range(n)]
    floor = problem.sites.floor_m2.copy()
    for name, function in problem.functions.items():
        fits = can_host(problem, name) & (counts if name in INSTITUTION_ONLY else counts | stands)
        fits &= function.area_m2 <= floor
        for site in np.flatnonzero(fits).tolist():
            if name not in (problem.sites.functions[site] or ()):
                functions[site].add(name)
                floor[site] -= function.area_m2
    return Extras(nursing, turned, dementia, functions)


def mix_like(problem: Problem, fullest: Extras, like: Layout) -> Extras:
    """Return what an older plan adds of beds of a kind and functions, at most the fullest mix."""
    new, turned = problem.split_nursing(like)
    nursing, turned = np.minimum(new, fullest.nursing), np.minimum(turned, fullest.turned)
    more = like.dementia_beds - np.where(problem.sites.is_existing, problem.sites.dementia_beds, 0)
    most = np.floor(problem.mix.most_dementia_share * (nursing + turned) + 1e-9).astype(np.int64)
    dementia = np.clip(more, 0, np.minimum(most, fullest.dementia))
    functions = [
        could & (has or frozenset())
        for could, has in zip(fullest.functions, like.functions, strict=True)
    ]
    return Extras(nursing, turned, dementia, functions)


def plans_mix(problem: Problem) -> bool:
    """Return whether a minimum asks for beds of a kind, homes or functions that can be planned."""
    return any(plannable(problem, rule) for rule in problem.rules)


def no_extras(n: int) -> Extras:
    """Return that nothing is added."""
    zero = np.zeros(n, dtype=np.int64)
    return Extras(zero, zero.copy(), zero.copy(), [set() for _ in range(n)])


def layout_of(
    problem: Problem,
    decisions: Decisions,
    taken: NDArray[np.bool_],
    added: NDArray[np.int64],
    extras: Extras | None = None,
) -> Layout:
    """Return the layout of decisions taken, beds and functions added; homes keep what they have."""
    mix = extras or no_extras(problem.sites.n)
    is_open = decisions.stays.copy()
    is_open[decisions.site[taken]] = True
    beds = np.where(decisions.stays, problem.sites.beds, 0)
    beds[decisions.site[taken]] += added[taken]
    stays, sites = decisions.stays, problem.sites
    functions: list[frozenset[str] | None] = [
        (None if not new and has is None else frozenset(has or ()) | frozenset(new))
        if stands
        else None
        for stands, has, new in zip(is_open, sites.functions, mix.functions, strict=True)
    ]
    has = np.empty(sites.n, dtype=object)
    has[:] = functions
    return Layout(
        is_open,
        beds,
        np.where(stays, sites.nursing_beds, 0) + mix.nursing + mix.turned,
        np.where(stays, sites.dementia_beds, 0) + mix.dementia,
        has,
    )


def everything_open(problem: Problem, decisions: Decisions) -> Layout:
    """Return the layout in which every decision is taken with as many beds as can be."""
    taken = np.ones(decisions.n, dtype=bool)
    mix = fullest_mix(problem, decisions, taken, decisions.high)
    return layout_of(problem, decisions, taken, decisions.high, mix)
