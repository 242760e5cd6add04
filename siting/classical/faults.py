"""What is wrong with the matrices and numbers that are given, all faults at once."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from siting.errors import Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["LARGEST", "amounts", "number", "places", "refuse", "refuse_options"]


LARGEST = 1e12
"""Largest number that is taken: sums and products of such stay finite."""


def refuse(faults: Iterable[Fault]) -> None:
    """
    Refuse what is given if there are faults.

    Raises
    ------
    InputError
        With all of them.
    """
    listed = tuple(faults)
    if listed:
        raise InputError(*listed)


def places(wrong: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the places of an array where something is wrong, as text."""
    found = np.argwhere(wrong)
    return tuple(", ".join(str(k) for k in place) for place in found.tolist())


def amounts(values: Any, where: str, n: int, faults: list[Fault]) -> NDArray[np.float64]:
    """
    Return a list of amounts as an array, with what is wrong with it added to the faults.

    Parameters
    ----------
    values
        One number for each site or demand point.
    where
        Name of the argument.
    n
        How many there should be.
    faults
        What was found so far.
    """
    try:
        listed = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        faults.append(Fault("classical_numbers", where, {"found": type(values).__name__}))
        return np.zeros(n)
    if listed.shape != (n,):
        faults.append(Fault("classical_shape", where, {"expected": n, "found": str(listed.shape)}))
        return np.zeros(n)
    faults += _not_amounts(listed, where)
    return np.nan_to_num(listed, nan=0.0, posinf=0.0, neginf=0.0)


def _not_amounts(values: NDArray[np.float64], where: str) -> list[Fault]:
    """Return the faults of numbers that should be finite, at least 0 and not too large."""
    if not len(values):
        return []
    faults = []
    if not np.isfinite(values).all():
        faults.append(Fault("classical_not_finite", where, {}, places(~np.isfinite(values))))
    elif float(values.max()) > LARGEST:
        faults.append(Fault("classical_too_large", where, {"most": LARGEST}))
    if float(values.min()) < 0:
        faults.append(Fault("classical_negative", where, {}, places(values < 0)))
    return faults


def number(
    value: Any, where: str, expected: str, faults: list[Fault], *, low: float, high: float,
    whole: bool = False, above: bool = False,
) -> float:  # fmt: skip
    """
    Return a number, with what is wrong with it added to the faults.

    Parameters
    ----------
    value
        What is given.
    where
        Name of the argument.
    expected
        What it should be, in signs that need no words.
    faults
        What was found so far.
    low, high
        Ends, inclusive.
    whole
        True: a whole number.
    above
        True: the low end itself is too low.
    """
    right = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if right:
        given = float(value)
        right = low <= given <= high and math.isfinite(given) and not (above and given == low)
    if not right:
        found = repr(value) if isinstance(value, str) else str(value)
        faults.append(Fault("classical_number", where, {"expected": expected, "found": found}))
        return low
    return float(value)


def refuse_options(time_limit_s: float, gap: float, threads: int, random_seed: int) -> list[Fault]:
    """Return what is wrong with the options that every model takes."""
    faults: list[Fault] = []
    most = float(np.iinfo(np.int32).max)
    number(time_limit_s, "time_limit_s", "> 0", faults, low=0.0, high=1e9, above=True)
    number(gap, "gap", "0 ≤ gap < 1", faults, low=0.0, high=np.nextafter(1.0, 0.0))
    number(threads, "threads", "1, 2, 3 …", faults, low=1, high=1024, whole=True)
    number(random_seed, "random_seed", "0, 1, 2 …", faults, low=0, high=most, whole=True)
    return faults
