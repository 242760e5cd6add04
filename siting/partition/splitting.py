"""
Split a connected part of a district into connected units of about equal elders.

What is minimised, the earlier the weightier: the area above its limit, the sum of
|elders - target| over the units, pieces of streets, metres of border between units.

A few zones are solved by comparing all layouts. Larger parts are searched from several starts with
a fixed seed, and their deviation is held against a bound that nothing is below: |elders of all -
units x target|, and where the search does not reach it and the list of all connected sets that
could be units is short enough, the best choice from that list. The answer says which of these
proved it.

spopt's regionalisation was looked at and not used: max-p makes as many regions as it can
above a floor and joins islands to what is near, or drops them; SKATER, AZP and Ward make regions
that are alike inside, with at most a floor on their size. None has a target size or a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from siting.errors import UnsolvedError
from siting.partition.choice import PROVEN, choose_sets, deviation_of
from siting.partition.search import cut_up, judge, search
from siting.partition.sets import NO_LIMIT, Aim, Part, best_of_few

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["METHODS", "Aim", "Method", "Part", "Split", "make_part", "split"]

FEW_ZONES = 13
"""Up to so many zones all layouts are compared."""

FEW_UNITS = 12
"""Up to so many units are searched as one; more are searched window by window."""

STARTS, ROUNDS = 24, 200
WINDOW, WINDOW_ROUNDS, SWEEPS = 10, 100, 4
WORTH = 0.05
"""A sweep that lowers neither deviation, pieces nor borders by this share is the last."""

ZONES_AT_ONCE = 60
"""Zones of a search for which the rounds are meant; larger ones get fewer rounds."""

SEED = 88172645463325252

Method = Literal["all_compared", "sets_compared", "bound_reached", "searched"]
METHODS: tuple[Method, ...] = get_args(Method)
"""From the most proven to the least."""


@dataclass(frozen=True)
class Split:
    """
    Units of one part.

    Attributes
    ----------
    unit
        (n,) unit of each zone, numbered in the order of their first zones.
    deviation, bound
        Sum of |elders - target| in millionths, and what nothing is below.
    method
        ``all_compared``: every layout was compared, all of the objective is proven;
        ``bound_reached``: the deviation equals its bound; ``sets_compared``: the best choice among
        all sets that could be units deviates as much; ``searched``: not proven.
    """

    unit: NDArray[np.int64]
    deviation: int
    bound: int
    method: Method


def make_part(
    pairs: NDArray[np.int64],
    border_m: NDArray[np.float64],
    elders: NDArray[np.float64],
    area_m2: NDArray[np.float64],
    street: NDArray[np.int64],
) -> Part:
    """
    Return zones in the form that the search reads.

    Parameters
    ----------
    pairs, border_m
        (k, 2) zones side by side, each pair once, and the metres that they share.
    elders, area_m2, street
        (n,) of each zone; streets numbered from 0.
    """
    n = len(elders)
    ends = np.vstack([pairs, pairs[:, ::-1]]).astype(np.int64)
    centimetres = np.tile(np.round(border_m * 100).astype(np.int64), 2)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(ends[:, 0], minlength=n))])
    return Part(
        indptr.astype(np.int64),
        np.ascontiguousarray(ends[order, 1]),
        centimetres[order],
        np.round(elders * 1e6).astype(np.int64),
        np.round(area_m2 * 100).astype(np.int64),
        street.astype(np.int64),
    )


def split(part: Part, aim: Aim) -> Split:
    """
    Return the units of a connected part.

    Their number is the elders over the target, rounded half up, at least 1 and at most the zones
    with elders. Where the area limit leaves no layout of so many, there are more.

    Parameters
    ----------
    part
        Zones in the order of their codes, connected.
    aim
        Elders of a unit and its largest area.
    """
    n, total = len(part.elders), int(part.elders.sum())
    if part.area.sum() <= aim.area_limit:
        aim = Aim(aim.target, NO_LIMIT)
    wanted = (2 * total + aim.target) // (2 * aim.target)
    wanted = max(1, min(wanted, int((part.elders > 0).sum())))
    if n <= FEW_ZONES:
        unit, found = best_of_few(part, aim, wanted, wanted)
        if not found:
            unit, _ = best_of_few(part, aim, wanted + 1, n)
        deviation = deviation_of(part, aim, unit)
        return Split(_renumbered(unit), deviation, deviation, "all_compared")
    if wanted == 1 and aim.area_limit == NO_LIMIT:
        unit = np.zeros(n, dtype=np.int64)
        deviation = deviation_of(part, aim, unit)
        return Split(unit, deviation, deviation, "all_compared")
    state = np.array([SEED], dtype=np.uint64)
    unit = _searched(part, aim, _fewest(part, aim, wanted), state)
    if aim.area_limit != NO_LIMIT:
        unit = _within_area(part, aim, unit, wanted, state)
    return _proven(part, aim, unit, wanted, state)


def _sums(unit: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return whole numbers summed over units."""
    total = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    np.add.at(total, unit, values)
    return total


def _renumbered(unit: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return units numbered in the order of their first zones."""
    _, first, inverse = np.unique(unit, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], dtype=np.int64)


def _rounds(zones: int, rounds: int) -> int:
    """Return fewer rounds for more zones, as each takes longer."""
    return max(rounds * ZONES_AT_ONCE // max(zones, ZONES_AT_ONCE), rounds // 10)


def _searched(part: Part, aim: Aim, n_units: int, state: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the best units of several starts; with many units, of one start window by window."""
    n = len(part.elders)
    few = n_units <= FEW_UNITS
    best = np.zeros(n, dtype=np.int64)
    if n_units == 1:
        return best
    key = (NO_LIMIT,) * 4
    for _ in range(STARTS if few else 1):
        unit = np.zeros(n, dtype=np.int64)
        cut_up(part, np.arange(n), np.arange(n_units), unit, state)
        unit = _improved(part, aim, unit, n_units, state)
        found = tuple(judge(part, aim, unit, n_units).tolist())
        if found < key:
            best, key = unit, found
    return best


def _improved(
    part: Part,
    aim: Aim,
    unit: NDArray[np.int64],
    n_units: int,
    state: NDArray[np.uint64],
    *,
    sweeps: int = SWEEPS,
) -> NDArray[np.int64]:
    """Return better units, searched as one or window by window."""
    bound = abs(int(part.elders.sum()) - n_units * aim.target)
    if n_units <= FEW_UNITS:
        rounds = _rounds(len(unit), ROUNDS)
        return np.asarray(search(part, aim, unit, n_units, bound, rounds, state))
    for _ in range(sweeps):
        before = judge(part, aim, unit, n_units)
        unit = search(part, aim, unit, n_units, bound, 0, state)
        for centre in range(n_units):
            _improve_around(part, aim, unit, n_units, centre, state)
        if (judge(part, aim, unit, n_units) >= (1.0 - WORTH) * before).all():
            break
    return unit


def _improve_around(
    part: Part,
    aim: Aim,
    unit: NDArray[np.int64],
    n_units: int,
    centre: int,
    state: NDArray[np.uint64],
) -> None:
    """Search a unit and those around it, the others left as they are."""
    chosen = [centre]
    for each in chosen:
        beside = part.neighbours[_edges(part, np.flatnonzero(unit == each))]
        new = [k for k in np.unique(unit[beside]).tolist() if k not in chosen]
        chosen += new[: WINDOW - len(chosen)]
        if len(chosen) == WINDOW:
            break
    label = np.full(n_units, -1)
    label[chosen] = np.arange(len(chosen))
    zones = np.flatnonzero(label[unit] >= 0)
    window = _part_of(part, zones)
    bound = abs(int(window.elders.sum()) - len(chosen) * aim.target)
    fewer = _rounds(len(zones), WINDOW_ROUNDS)
    rounds = _rounds(len(zones), fewer)  # again: there are as many windows as there are units
    found = search(window, aim, label[unit[zones]], len(chosen), bound, rounds, state)
    unit[zones] = np.array(chosen)[found]


def _edges(part: Part, zones: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of some zones' neighbours."""
    count = part.indptr[zones + 1] - part.indptr[zones]
    ends = np.cumsum(count)
    first = np.repeat(part.indptr[zones] - ends + count, count)
    return np.asarray(np.arange(ends[-1]) + first, dtype=np.int64)


def _part_of(part: Part, zones: NDArray[np.int64]) -> Part:
    """Return some zones of a part."""
    place = np.full(len(part.elders), -1, dtype=np.int64)
    place[zones] = np.arange(len(zones))
    edges = _edges(part, zones)
    row = np.repeat(np.arange(len(zones)), part.indptr[zones + 1] - part.indptr[zones])
    inside = place[part.neighbours[edges]] >= 0
    edges, row = edges[inside], row[inside]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(zones)))])
    return Part(
        indptr.astype(np.int64), place[part.neighbours[edges]], part.border[edges],
        part.elders[zones], part.area[zones], part.street[zones],
    )  # fmt: skip


def _within_area(
    part: Part, aim: Aim, unit: NDArray[np.int64], wanted: int, state: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """
    Return units none of which is above the area limit: some are cut up, some are joined.

    While units are cut up they are searched once over, and thoroughly when no more need be.
    """
    searched = True
    while True:
        n_units = int(unit.max()) + 1
        area = _sums(unit, part.area)
        size = np.bincount(unit)
        wide = np.flatnonzero((area > aim.area_limit) & (size > 1))
        if not len(wide):
            if searched:
                break
            unit, searched = _improved(part, aim, unit, n_units, state), True
            continue
        order = wide[np.lexsort((wide, -area[wide]))]
        for each in order[: max(1, len(wide) // 4)].tolist():
            zones = np.flatnonzero(unit == each)
            cut_up(part, zones, np.array([each, n_units]), unit, state)
            n_units += 1
        unit, searched = _improved(part, aim, unit, n_units, state, sweeps=1), False
    return _joined(part, aim, unit, wanted)


def _joined(part: Part, aim: Aim, unit: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """Return units of which pairs that fit into one are joined while that lowers the deviation."""
    source = np.repeat(np.arange(len(unit)), np.diff(part.indptr))
    while int(unit.max()) + 1 > wanted:
        elders = _sums(unit, part.elders)
        area = _sums(unit, part.area)
        pairs = np.unique(np.column_stack([unit[source], unit[part.neighbours]]), axis=0)
        a, b = pairs[pairs[:, 0] < pairs[:, 1]].T
        off = np.abs(elders - aim.target)
        gain = off[a] + off[b] - np.abs(elders[a] + elders[b] - aim.target)
        gain[area[a] + area[b] > aim.area_limit] = 0
        if not len(gain) or gain.max() <= 0:
            break
        k = int(np.argmax(gain))
        unit = np.where(unit == b[k], a[k], unit)
        unit = _renumbered(unit)
    return unit


def _proven(
    part: Part, aim: Aim, unit: NDArray[np.int64], wanted: int, state: NDArray[np.uint64]
) -> Split:
    """Return units with the best bound on their deviation, and better ones if it finds them."""
    n_units = int(unit.max()) + 1
    bound, deviation = _nothing_below(part, aim, wanted), deviation_of(part, aim, unit)
    if deviation == bound:
        return Split(_renumbered(unit), deviation, bound, "bound_reached")
    if n_units != wanted:
        return Split(_renumbered(unit), deviation, bound, "searched")
    proof, better = choose_sets(part, aim, n_units, deviation)
    bound = max(bound, proof)
    if better is not None:
        rounds = _rounds(len(unit), ROUNDS)
        unit = search(part, aim, better, n_units, bound, rounds, state)
        deviation = deviation_of(part, aim, unit)
    if bound > deviation:
        raise UnsolvedError.of(
            "bound_above_value", "units.build", value=deviation / 1e6, bound=bound / 1e6
        )
    is_proven = deviation - bound <= PROVEN * deviation
    method: Method = "sets_compared" if is_proven else "searched"
    return Split(_renumbered(unit), deviation, bound, method)


def _fewest(part: Part, aim: Aim, wanted: int) -> int:
    """Return the number of units wanted, or the larger one that the area limit asks for."""
    alone = part.area > aim.area_limit
    return max(wanted, int(alone.sum()) - int(-part.area[~alone].sum() // aim.area_limit))


def _nothing_below(part: Part, aim: Aim, wanted: int) -> int:
    """Return the least that units of any shape deviate, for the number of units that is allowed."""
    total = int(part.elders.sum())
    if aim.area_limit == NO_LIMIT:
        return abs(total - wanted * aim.target)
    missing = _fewest(part, aim, wanted) * aim.target - total
    left = -missing % aim.target
    return missing if missing >= 0 else min(left, aim.target - left)
