"""Bugs in the search of coverings of middling size, and of sites that can hold so many elders."""

from __future__ import annotations

from planted.bug import Bug

WAYS = REGIONS = "tests/test_classical_reduction.py"
ROOM = "tests/test_classical_capacity.py"

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
    Bug(
        "capacity: costs of moves are not reduced by what room is worth",
        "siting/classical/transport_kernels.py",
        "max(made.move[here, b] - relief[here] + relief[b], 0.0)", "made.move[here, b]", ROOM,
    ),
    Bug(
        "capacity: more elders are pushed on than the last site can hold",
        "siting/classical/transport_kernels.py",
        "min(-made.spare[a], made.spare[end]), end, 0", "-made.spare[a], end, 0", ROOM,
    ),
    Bug(
        "capacity: gains are ordered without the points that they are of",
        "siting/classical/capacity_kernels.py",
        "            who[a], who[b] = who[b], who[a]\n", "", ROOM,
    ),
    Bug(
        "capacity: one more site than is needed must be open",
        "siting/classical/capacity_kernels.py",
        "return need, count if held >= need else free + 1",
        "return need, count + 1 if held >= need else free + 1", ROOM,
    ),
    Bug(
        "capacity: what held sites cost and save is left out of a bound",
        "siting/classical/capacity_kernels.py",
        "            taken[i] = 1.0\n            cost += worth[i]\n",
        "            taken[i] = 1.0\n            cost += worth[i] * (state[i] == FREE)\n", ROOM,
    ),
    Bug(
        "capacity: sites are ruled out as if room had no price",
        "siting/classical/capacity_kernels.py",
        "if worth[i] - dear * size[i] >= room:", "if worth[i] >= room:", ROOM,
    ),
    Bug(
        "capacity: a part without a free site is left before it is priced",
        "siting/classical/capacity_tree_kernels.py",
        "        if reached < value:\n", "        if reached < value and free > 0:\n", ROOM,
    ),
    Bug(
        "capacity: the best is taken as proven where a gap was asked for",
        "siting/classical/capacity_search.py",
        "bound = min(bound, self.goal())", "bound = min(bound, self.best)", ROOM,
    ),
    Bug(
        "capacity: a site is ruled out that the best itself may need",
        "siting/classical/capacity_search.py",
        "astype(np.int8), value + SAME * abs(value)", "astype(np.int8), value", ROOM,
    ),
    Bug(
        "capacity: sites that stand are exchanged for others",
        "siting/classical/capacity_search.py",
        "self.dual.mean > SELDOM), self.state != HELD",
        "self.dual.mean > SELDOM), self.state <= OUT", ROOM,
    ),
    Bug(
        "capacity: what sites save up to the limit is left out of a bound",
        "siting/classical/capacity_kernels.py",
        "        cost += last\n", "", "tests/test_classical_room.py",
    ),
    Bug(
        "capacity: a site is relieved into one that has no room",
        "siting/classical/whole_kernels.py",
        "less <= 0 or less > made.spare[wanted]", "less <= 0", ROOM,
    ),
    Bug(
        "capacity: room that fits but for rounding does not fit",
        "siting/classical/capacity_search.py",
        "self.room * (1.0 + SAME)", "self.room", ROOM,
    ),
    Bug(
        "capacity: points are swapped into a site that has no room",
        "siting/classical/whole_kernels.py",
        "more > made.spare[here] or -more > made.spare[wanted]", "more > made.spare[here]", ROOM,
    ),
)  # fmt: skip
