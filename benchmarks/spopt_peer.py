"""Set covering and maximal covering, beside spopt with HiGHS and with CBC: build, solve, proof."""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing as mp
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rows import keep, row
from scipy.sparse import csr_array, hstack
from scipy.sparse import eye_array as unit_matrix
from scipy.spatial.distance import cdist

import siting
from siting.classical.classes import merged
from siting.classical.covering import read_reach
from siting.classical.effort import Effort
from siting.classical.program import Program

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SIDE_M = 10_000.0
GRACE_S = 600.0
"""
What a peer gets beside its limit, to build and to stop, before it is ended.

Where it is ended while it builds, its build counts as that long.
"""


class Work(NamedTuple):
    """One instance: points and sites spread by chance on a square; no p: set covering."""

    points: int
    sites: int
    cutoff_m: float
    p: int | None

    @property
    def name(self) -> str:
        """What it is called in the table."""
        model = "set covering" if self.p is None else f"maximal covering p={self.p}"
        return f"{model} {self.points} x {self.sites} r={self.cutoff_m:g}"


WORKS = [
    Work(1000, 225, 1000, None), Work(1000, 225, 1500, None), Work(1000, 225, 1000, 10),
    Work(1000, 225, 1000, 30), Work(5000, 529, 600, None), Work(5000, 529, 800, 30),
    Work(5000, 529, 600, 100), Work(5000, 529, 1000, None), Work(10_000, 1024, 400, None),
    Work(10_000, 1024, 450, None), Work(10_000, 1024, 500, None), Work(10_000, 1024, 600, None),
    Work(10_000, 1024, 600, 30), Work(10_000, 1024, 400, 100), Work(10_000, 1024, 600, 100),
    Work(10_000, 1024, 1000, 30),
]  # fmt: skip


def main() -> None:
    """Measure all instances, ours and the peers' in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for a peer")
    parser.add_argument("--ours", type=float, default=60.0, help="seconds for ours")
    parser.add_argument("--points", type=int, default=10_000, help="most points")
    parser.add_argument("--from-points", type=int, default=0, help="fewest points")
    parser.add_argument("--only", default="", help="part of the names of works")
    parser.add_argument("--json", type=Path, help="append the rows to this file, one a line")
    options = parser.parse_args()
    if importlib.util.find_spec("spopt") is None:
        print("spopt is not here: pip install spopt")
        for work in WORKS:
            size = f"{work.points} x {work.sites}"
            missing = {"peer": "spopt", "note": "spopt is not installed"}
            keep(options.json, row("covering", work.name, size, None, **missing))
        return
    for work in WORKS[1:4]:  # compiles what is compiled
        _ours(work, *_made(work), 10.0)
    print("| work | peer | ours build s | its build s | ratio | ours s, gap | its s, proof |")
    print("|---|---|---|---|---|---|---|")
    for work in WORKS:
        if (
            not options.from_points <= work.points <= options.points
            or options.only not in work.name
        ):
            continue
        elders, metres = _made(work)
        build = min(_build(work, elders, metres) for _ in range(3))
        done = _ours(work, elders, metres, options.ours)
        for solver in ("HiGHS", "CBC"):
            peer = _peer(work, solver, options.limit)
            _tell(work, solver, build, done, peer, options)


def _made(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Return elders and distances; with set covering only points that a site reaches."""
    elders, metres = square(work.points, work.sites)
    if work.p is not None:
        return elders, metres
    reached = (metres <= work.cutoff_m).any(axis=0)
    return elders[reached], metres[:, reached]


def square(points: int, sites: int) -> tuple[np.ndarray, np.ndarray]:
    """Return elders, and distances from sites to points, spread by chance on a square."""
    rng = np.random.default_rng(points)
    places, others = (rng.uniform(0, SIDE_M, (n, 2)) for n in (points, sites))
    return rng.integers(1, 100, points).astype(float), cdist(others, places)


def _build(work: Work, elders: np.ndarray, metres: np.ndarray) -> float:
    """Return the seconds from distances to a model that stands in the solver."""
    begun = perf_counter()
    cover = merged(read_reach(metres, work.cutoff_m, []), elders)
    n, m = work.sites, cover.n_classes
    effort = Effort.of("maximal_covering", 60, 0, 2, 0, None)
    if work.p is None:
        program = Program(np.ones(n), np.zeros(n), np.ones(n), effort)
        program.add(cover.by_class, np.ones(m), np.full(m, np.inf))
        return perf_counter() - begun
    cost = np.concatenate([np.zeros(n), -cover.weight])
    program = Program(cost, np.zeros(n + m), np.ones(n + m), effort)
    links = csr_array(hstack([-cover.by_class, unit_matrix(m)], format="csr"))
    program.add(links, np.full(m, -np.inf), np.zeros(m))
    money = csr_array((np.ones(n), (np.zeros(n, int), np.arange(n))), shape=(1, n + m))
    program.add(money, np.array([-np.inf]), np.array([float(work.p)]))
    return perf_counter() - begun


def _ours(
    work: Work, elders: np.ndarray, metres: np.ndarray, limit_s: float
) -> siting.ClassicalSolution:
    """Return our solution."""
    if work.p is None:
        return siting.set_covering(metres, cutoff_m=work.cutoff_m, time_limit_s=limit_s)
    return siting.maximal_covering(
        elders, metres, cutoff_m=work.cutoff_m, p=work.p, time_limit_s=limit_s
    )


def _peer(work: Work, solver: str, limit_s: float) -> dict[str, Any]:
    """Return what a peer reached in a process of its own, ended where it does not stop."""
    context = mp.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_run_peer, args=(work, solver, limit_s, its))
    process.start()
    end, told = perf_counter() + limit_s + GRACE_S, {"proof": "ended"}
    while perf_counter() < end and (process.is_alive() or ours.poll()):
        if ours.poll(0.2):
            told |= ours.recv()
            if "seconds" in told:
                break
    process.terminate()
    process.join()
    return {"build": GRACE_S, "seconds": limit_s, "value": None} | told


def _run_peer(work: Work, solver: str, limit_s: float, out: Connection) -> None:
    """Build and solve with spopt, and say how far that went."""
    import pulp  # noqa: PLC0415
    from spopt.locate import LSCP, MCLP  # noqa: PLC0415 - not a dependency of the package

    elders, metres = _made(work)
    begun = perf_counter()
    if work.p is None:
        model = LSCP.from_cost_matrix(metres.T, work.cutoff_m)
    else:
        model = MCLP.from_cost_matrix(metres.T, elders, work.cutoff_m, work.p)
    out.send({"build": perf_counter() - begun})
    kinds = {"HiGHS": pulp.HiGHS, "CBC": pulp.PULP_CBC_CMD}
    begun = perf_counter()
    model.problem.solve(kinds[solver](msg=False, timeLimit=limit_s, threads=2))
    seconds = perf_counter() - begun
    proven = model.problem.sol_status == pulp.LpSolutionOptimal and seconds < limit_s
    value = _counted(work, elders, metres, [each.value() for each in model.fac_vars])
    out.send({"seconds": seconds, "value": value, "proof": "optimal" if proven else "none"})


def _counted(
    work: Work, elders: np.ndarray, metres: np.ndarray, opened: list[float | None]
) -> float | None:
    """
    Return what sites are worth, counted from them; None where they are no plan.

    Where the solver has no whole numbers, PuLP hands on the relaxation as if it were a plan.
    """
    share = np.array([np.nan if each is None else each for each in opened])
    if not np.isclose(share, np.rint(share), atol=1e-5).all():
        return None
    covered = (metres[share > 0.5] <= work.cutoff_m).any(axis=0)
    if work.p is not None:
        return float(elders[covered].sum())
    return float(share.sum().round()) if covered.all() else None


def _tell(
    work: Work, solver: str, build: float, done: siting.ClassicalSolution, peer: dict[str, Any],
    options: argparse.Namespace,
) -> None:  # fmt: skip
    """Print a row, and append what it says to a file."""
    ratio = peer["build"] / build
    print(
        f"| {work.name} | spopt, {solver} | {build:.3f} | {peer['build']:.2f} | {ratio:.0f} "
        f"| {done.seconds:.2f}, {done.gap:.1e} | {peer['seconds']:.1f}, {peer['proof']} |",
        flush=True,
    )
    if not options.json:
        return
    size = f"{work.points} x {work.sites}"
    note = (
        f"ours {done.value:g}, bound {done.bound:g}, {done.proof}; "
        f"spopt {peer['value'] or 'no plan'}, proof {peer['proof']}"
    )
    common = {"size": size, "peer": f"spopt, {solver}", "unit": "s", "memory_gb": None}
    rows = [
        {
            "table": "covering", "work": f"{work.name}, build", "ours": build,
            "theirs": peer["build"], "ratio": ratio, "note": "",
            "stopped": peer["build"] >= GRACE_S, **common,
        },
        {
            "table": "covering", "work": f"{work.name}, solve", "ours": done.seconds,
            "theirs": peer["seconds"], "ratio": peer["seconds"] / done.seconds, "note": note,
            "stopped": peer["proof"] != "optimal", **common,
        },
    ]  # fmt: skip
    with options.json.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)


if __name__ == "__main__":
    main()
