"""Pairs of sites and demand points gathered batch by batch: memory follows the pairs found."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import psutil
from scipy.sparse import csr_matrix

from siting import reach_kernels
from siting.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Found: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]
    Search: TypeAlias = Callable[[NDArray[np.int64], Any], Found]

__all__ = ["MOST_ROWS", "PAIRS_PER_BATCH", "gather", "in_threads", "refuse_too_many", "workers"]

PAIRS_PER_BATCH = 8_000_000
"""Pairs that are gathered at once: about 100 MB, and as much again while they are put in order."""
FIRST_SHARE = 64
"""One site in so many makes the first batch, which tells how many pairs the others have."""
LEAST_SITES = 256
CHUNKS_PER_THREAD = 4
WORTH_THREADS = 64
BYTES_PER_PAIR = 12
MOST_ROWS = 2**31 - 1
"""Most sites, demand points, nodes or edges: positions are kept as 32-bit numbers."""


def refuse_too_many(**counts: int) -> None:
    """
    Refuse more rows than 32-bit positions can tell apart.

    Raises
    ------
    InputError
        If a count is above ``MOST_ROWS``.
    """
    for name, count in counts.items():
        if count > MOST_ROWS:
            raise InputError.of("too_many_rows", name, found=count, most=MOST_ROWS)


def gather(
    search: Search,
    places: NDArray[Any],
    n_demand: int,
    *,
    threads: int | None = None,
    space: Callable[[], Any] = lambda: None,
) -> csr_matrix:
    """
    Return the CSR matrix of the pairs that a search finds, with sorted indices.

    Sites are searched in batches of consecutive ones, within a batch in order of their place, so
    that what one search has read is still near at hand for the next. Beside the pairs found,
    memory holds one batch.

    Parameters
    ----------
    search
        Takes positions of sites and a working space; returns counts, demand positions (sorted for
        each site) and metres of their pairs, in the order of the positions.
    places
        (n_sites,) key of each site: sites with near keys are near one another.
    n_demand
        Number of demand points.
    threads
        Threads to search with; None: one per processor.
    space
        Makes the working space of a thread.

    Raises
    ------
    InputError
        If the pairs do not fit into the memory that is left.
    """
    n = len(places)
    starts = np.zeros(n + 1, dtype=np.int64)
    parts: list[tuple[NDArray[np.int32], NDArray[np.float64]]] = []
    spaces: SimpleQueue[Any] = SimpleQueue()
    for _ in range(min(workers(threads), max(n, 1))):
        spaces.put(space())
    done, size = 0, max(LEAST_SITES, n // FIRST_SHARE)
    while done < n:
        _refuse_full(starts, done)
        rows = np.arange(done, min(done + size, n))
        order = rows[np.argsort(places[rows], kind="stable")]
        parts.append(_batch(search, order, starts, done, spaces, threads))
        done += len(rows)
        mean = max(int(starts[done] - starts[done - len(rows)]) / len(rows), 1e-3)
        size = int(np.clip(PAIRS_PER_BATCH / mean, LEAST_SITES, n))
    columns, metres = _joined(parts, int(starts[-1]))
    matrix = csr_matrix((metres, columns, starts), shape=(n, n_demand))
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix


def _batch(
    search: Search,
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
    first: int,
    spaces: SimpleQueue[Any],
    threads: int | None,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return demand positions and metres of a batch, site by site; write where sites start."""

    def part(low: int, high: int) -> Found:
        """Search from some of the sites."""
        mine = spaces.get()
        try:
            return search(order[low:high], mine)
        finally:
            spaces.put(mine)

    parts = in_threads(part, len(order), threads)
    counts = np.empty(len(order), dtype=np.int64)
    counts[order - first] = np.concatenate([each[0] for each in parts])
    last = first + len(order)
    np.cumsum(counts, out=starts[first + 1 : last + 1])
    starts[first + 1 : last + 1] += starts[first]
    total = int(starts[last] - starts[first])
    columns, metres = np.empty(total, np.int32), np.empty(total)
    local, at = starts[first:last] - starts[first], 0
    for count, demand, length in parts:
        reach_kernels.put(
            order[at : at + len(count)] - first, count, demand, length, local, columns, metres
        )
        at += len(count)
    return columns, metres


def _joined(
    parts: list[tuple[NDArray[np.int32], NDArray[np.float64]]], total: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the batches as one, each given free when it is copied."""
    if len(parts) == 1:
        return parts[0]
    columns, metres = np.empty(total, np.int32), np.empty(total)
    at = 0
    while parts:
        demand, length = parts.pop(0)
        columns[at : at + len(demand)], metres[at : at + len(demand)] = demand, length
        at += len(demand)
    return columns, metres


def _refuse_full(starts: NDArray[np.int64], done: int) -> None:
    """Refuse to go on where the next batch would not fit into memory."""
    free = int(psutil.virtual_memory().available)
    if free < 3 * PAIRS_PER_BATCH * BYTES_PER_PAIR and starts[done] > PAIRS_PER_BATCH:
        whole = int(starts[done]) * BYTES_PER_PAIR * (len(starts) - 1) / done
        raise InputError.of(
            "reach_memory", "reach", pairs=int(starts[done]), done=done, sites=len(starts) - 1,
            needed=whole / 2**30, free=free / 2**30,
        )  # fmt: skip


def workers(threads: int | None) -> int:
    """Return the number of threads asked for, or one per processor."""
    return threads or os.cpu_count() or 1


def in_threads(
    work: Callable[[int, int], tuple[Any, ...]], n: int, threads: int | None
) -> list[tuple[Any, ...]]:
    """Return the work done on consecutive parts of ``range(n)``, in order."""
    if n == 0:
        return []
    many = workers(threads)
    if many == 1 or n < WORTH_THREADS:
        return [work(0, n)]
    bounds = np.unique(np.linspace(0, n, many * CHUNKS_PER_THREAD + 1).astype(int))
    pieces = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(lambda piece: work(*piece), pieces))
