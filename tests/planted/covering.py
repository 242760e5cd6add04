"""Bugs in the search of coverings of middling size: what is left, regions, walks."""

from __future__ import annotations

from planted.bug import Bug

WAYS = REGIONS = "tests/test_classical_reduction.py"

BUGS = (
    Bug(
        "covering: money that held sites cost is spent again", "siting/classical/left.py",
        "money = task.money - float(task.costs[self.held].sum())", "money = task.money", WAYS,
    ),
    Bug(
        "covering: elders of held sites are counted twice", "siting/classical/left.py",
        "return -self.task.elders(self.held) - float(self.cover.weight.sum())",
        "return -2 * self.task.elders(self.held) - float(self.cover.weight.sum())", WAYS,
    ),
    Bug(
        "covering: sites are ruled out that a better choice may have", "siting/classical/left.py",
        "task.free[self.sites[reduced > room]] = False",
        "task.free[self.sites[reduced > room / 20]] = False", WAYS,
    ),
    Bug(
        "covering: a bound on what is left passes the best", "siting/classical/left.py",
        "task.raise_bound(min(bound, value))", "task.raise_bound(bound)", WAYS,
    ),
    Bug(
        "covering: the price of money is left out of a bound by regions",
        "siting/classical/rest.py",
        "total = (low + price * side) * left.scale + left.fixed",
        "total = low * left.scale + left.fixed", WAYS,
    ),
    Bug(
        "regions: a row left open costs nothing less", "siting/classical/split.py",
        "duals = np.clip(duals, 0.0, np.inf if losses is None else losses)",
        "duals = np.maximum(duals, 0.0)", REGIONS,
    ),
    Bug(
        "regions: what the duals take too much of a site stays in", "siting/classical/split.py",
        "low = float(lows.sum()) + float(np.minimum(over, 0.0).sum())",
        "low = float(lows.sum())", REGIONS,
    ),
    Bug(
        "annealing: a walk spends more than there is", "siting/classical/anneal_kernels.py",
        "if spent - costs[old] + costs[new] > money * (1.0 + SAME):",
        "if costs[new] > money * (1.0 + SAME):", REGIONS,
    ),
    Bug(
        "annealing: the last sites are returned, not the best",
        "siting/classical/anneal_kernels.py",
        "        if gained > most:\n", "        if gained != most:\n", REGIONS,
    ),
)  # fmt: skip
