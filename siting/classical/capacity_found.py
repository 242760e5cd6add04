"""Elders of each pair in the capacitated model, points split or whole, and what is proven."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.assign import Task, search
from siting.classical.capacity_search import Capacitated
from siting.classical.faults import refuse
from siting.classical.pairs import Pairs
from siting.classical.transport_kernels import NONE
from siting.classical.whole_kernels import settle, unload
from siting.errors import Fault, UnsolvedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.transport_kernels import Served

__all__ = ["split_points", "whole_points"]

SPLIT = 0.3
"""Share of the time in which whole points are searched as if they could be split."""

MORE = 3
"""Sites beyond those of split points that are tried, one by one, until whole ones fit."""

MOVES = 100_000_000
"""Steps of moving whole points for one choice of sites."""


def split_points(
    pairs: Pairs, elders: NDArray[np.float64], room: NDArray[np.float64],
    prices: NDArray[np.float64], effort: Effort,
) -> tuple[NDArray[np.float64], float]:  # fmt: skip
    """
    Return the elders of each pair at the least cost, points split, and what is proven.

    Raises
    ------
    InputError
        If there is no assignment.
    """
    if len(elders) == 0:
        return np.zeros(0), 0.0
    model = _split(pairs, elders, room, prices, effort)
    _, made = model.served(model.chosen)
    return model.flow(made, made.flow), model.low


def whole_points(
    pairs: Pairs, elders: NDArray[np.float64], room: NDArray[np.float64],
    prices: NDArray[np.float64], effort: Effort,
) -> tuple[NDArray[np.float64], float]:  # fmt: skip
    """
    Return the elders of each pair at the least cost, each point at one site, and what is proven.

    As if points could be split comes first: it bounds, rules sites out, and gives sites for a
    first answer.

    Raises
    ------
    InputError
        If there is no assignment.
    UnsolvedError
        If time is over before anything is found.
    """
    if len(elders) == 0:
        return np.zeros(0), 0.0
    sooner = replace(effort, end=effort.end - (1.0 - SPLIT) * effort.left())
    model = _split(pairs, elders, room, prices, sooner)
    task = Task(pairs, elders, room, prices)
    task.raise_bound(model.low)
    _try_whole(task, model)
    is_done = task.flow is not None and task.best - task.low <= effort.gap * task.best
    if not is_done and effort.left() > 0:
        _search_left(task, model, effort)
    if task.is_infeasible:
        refuse([Fault("classical_no_assignment", "capacities")])
    if task.flow is None:
        raise UnsolvedError.of("classical_time", effort.model, seconds=effort.spent())
    return task.flow, task.low


def _split(
    pairs: Pairs, elders: NDArray[np.float64], room: NDArray[np.float64],
    prices: NDArray[np.float64], effort: Effort,
) -> Capacitated:  # fmt: skip
    """
    Return the model of split points, searched.

    Raises
    ------
    InputError
        If there is no assignment.
    """
    model = Capacitated(pairs, elders, room, prices, effort)
    model.search()
    if model.best == np.inf:
        refuse([Fault("classical_no_assignment", "capacities")])
    return model


def _try_whole(task: Task, model: Capacitated) -> None:
    """Keep whole points at the best sites of split ones, with a few sites more if need be."""
    opened = model.chosen.copy()
    more = np.flatnonzero(~opened)
    for each in [NONE, *more[np.argsort(-model.dual.mean[more], kind="stable")][:MORE].tolist()]:
        if each != NONE:
            opened[each] = True
        way, made = model.served(opened)
        if way < np.inf:
            task.adopt(_moved(task, model, opened, made))
        if task.flow is not None:
            return


def _moved(
    task: Task, model: Capacitated, opened: NDArray[np.bool_], made: Served
) -> NDArray[np.float64]:
    """
    Return shares of whole points at some sites.

    Each is put where most of it was, whatever the room; then some are moved or swapped until all
    fit, and as long as that saves way.
    """
    at = np.empty(len(task.elders), dtype=np.int64)
    order = np.argsort(made.flow, kind="stable")
    at[made.point[order]] = order  # of places of one point, the last one written has most of it
    sites = np.flatnonzero(opened)
    load = np.bincount(made.site[at], weights=task.elders, minlength=len(sites))
    made.spare[:] = model.rooms.room[sites] - load
    placed = np.zeros(len(made.flow))
    if unload(model.rooms, made, at, MOVES):
        settle(model.rooms, made, at, MOVES)
    placed[at] = 1.0
    return model.flow(made, placed)


def _search_left(task: Task, model: Capacitated, effort: Effort) -> None:
    """Search the sites that are not ruled out, and keep what is better."""
    allowed = model.may_open(task.best)
    mine = allowed[task.site]
    start = np.concatenate([[0], np.cumsum(mine)])[task.pairs.start]
    kept = Pairs(start, task.pairs.demand[mine], task.pairs.metres[mine], task.pairs.n_demand)
    left = Task(kept, task.elders, task.room * allowed, task.prices)
    left.flow = None if task.flow is None else task.flow[mine]
    left.low = task.low
    search(left, effort)
    task.is_infeasible = left.is_infeasible and task.flow is None
    task.raise_bound(min(left.low, task.best))
    if left.flow is not None:
        task.flow = np.zeros(len(mine))
        task.flow[mine] = left.flow
