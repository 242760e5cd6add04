"""Bugs in the search of coverings of middling size, and of sites that can hold so many elders."""

from __future__ import annotations

from planted.bug import Bug

WAYS = REGIONS = "tests/test_classical_reduction.py"
PRICED = "tests/test_classical_regions.py"
CUTS = "tests/test_classical_cuts.py"
ISLANDS = "tests/test_classical_islands.py"
ROOM = "tests/test_classical_capacity.py"
TABLES = "tests/test_classical_cover_tree.py"

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
        "np.clip(duals, 0.0, losses), losses, limit\n",
        "np.maximum(duals, 0.0), losses, limit\n", REGIONS,
    ),
    Bug(
        "regions: what is taken too much of a site stays in",
        "siting/classical/region_costs.py",
        "return float(lows.sum() + excess - dearer * self.limit.side)",
        "return float(lows.sum() - dearer * self.limit.side)", PRICED,
    ),
    Bug(
        "regions: a dearer limit is not taken off again",
        "siting/classical/region_costs.py",
        "return float(lows.sum() + excess - dearer * self.limit.side)",
        "return float(lows.sum() + excess)", PRICED,
    ),
    Bug(
        "regions: the price of a limit falls below nothing",
        "siting/classical/region_costs.py",
        "dearer = max(self.dearer + far * scale * short, -self.limit.price)",
        "dearer = self.dearer + far * scale * short", PRICED,
    ),
    Bug(
        "regions: costs move the wrong way",
        "siting/classical/region_costs.py",
        "share + far * way + more[part.sites]", "share - far * way + more[part.sites]", PRICED,
    ),
    Bug(
        "regions: a row is left out of a cut", "siting/classical/regions.py",
        "np.array_split(mine if k % 2 == 0 else mine[::-1], pieces)",
        "np.array_split((mine if k % 2 == 0 else mine[::-1])[:-1], pieces)", CUTS,
    ),
    Bug(
        "regions: strips are not cut to and fro", "siting/classical/regions.py",
        "mine if k % 2 == 0 else mine[::-1]", "mine", CUTS,
    ),
    Bug(
        "regions: the cut that proves least is taken", "siting/classical/split.py",
        "return max(looked, key=lambda split: split.bound)",
        "return min(looked, key=lambda split: split.bound)", CUTS,
    ),
    Bug(
        "regions: joined ones that are too large take the place of smaller ones",
        "siting/classical/split.py",
        "self.cut = bool((lows < split.lows - TINY * np.abs(split.lows)).any())",
        "self.cut = False", CUTS,
    ),
    Bug(
        "regions: all joined ones are searched though one is enough", "siting/classical/split.py",
        "over is not None and over(futures[done], done.result())",
        "over is not None and over(futures[done], done.result()) is None", CUTS,
    ),
    Bug(
        "regions: smaller ones are not joined at the end", "siting/classical/split.py",
        "        if not self.is_enough():\n            self.better(joined, 0)\n", "", CUTS,
    ),
    Bug(
        "regions: what is known of them is more than is proven",
        "siting/classical/region_costs.py",
        "self.kept.appendleft(Inequalities(held, lows))",
        "self.kept.appendleft(Inequalities(held, lows + 0.5))", CUTS,
    ),
    Bug(
        "regions: what is known of them is not added to the model",
        "siting/classical/tighten.py",
        "most = most[missed[most] > LEAST]", "most = most[missed[most] > np.inf]", CUTS,
    ),
    Bug(
        "regions: what binds is taken from the model again", "siting/classical/tighten.py",
        "(relaxed.duals > LEAST)", "(relaxed.duals < -LEAST)", CUTS,
    ),
    Bug(
        "regions: what has none goes to the solver", "siting/classical/cover_steps.py",
        "part.known = known if len(known.sides) else None", "part.known = known", CUTS,
    ),
    Bug(
        "walks: the worst of all walks is kept", "siting/classical/cover_walk.py",
        "walkers[int(np.argmin(ends))].best", "walkers[int(np.argmax(ends))].best", CUTS,
    ),
    Bug(
        "walks: a turn goes on where the last one ended", "siting/classical/cover_walk.py",
        "return cls(start.copy(), start.copy(),", "return cls(start, start,", CUTS,
    ),
    Bug(
        "regions: a price may pass the loss of its class", "siting/classical/simplex_kernels.py",
        "room = table.level[j] if fall > 0 else loss[variable] - table.level[j]",
        "room = table.level[j] if fall > 0 else np.inf", PRICED,
    ),
    Bug(
        "regions: parts nearly as dear as the best are given up",
        "siting/classical/window_kernels.py",
        "while k >= 0 and levels.bound[k] >= enough:",
        "while k >= 0 and levels.bound[k] >= 0.98 * enough:", PRICED,
    ),
    Bug(
        "regions: what is left of a search cut short does not count",
        "siting/classical/cover_tree.py",
        "return min(value - step, float(stack.bound[:top].min(initial=np.inf)))",
        "return value - step", PRICED,
    ),
    Bug(
        "tables: what is too deep to search does not count",
        "siting/classical/cover_tree_kernels.py",
        "top, site = _push(stack, top, table.state, known, here), -1", "site = -1", TABLES,
    ),
    Bug(
        "tables: levels above are forgotten when a part is cut short",
        "siting/classical/cover_tree_kernels.py",
        "        if levels.bound[i] < enough:\n", "        if levels.bound[i] < -np.inf:\n", TABLES,
    ),
    Bug(
        "tables: what is left to do on a level goes the way that was taken",
        "siting/classical/cover_tree_kernels.py",
        "decide(region, at(levels, i), levels.site[i], levels.way[i])",
        "decide(region, at(levels, i), levels.site[i], HELD + OUT - levels.way[i])",
        TABLES,
    ),
    Bug(
        "tables: sites are ruled out that a better choice may have",
        "siting/classical/cover_tree_kernels.py",
        "reduced(region, price, j) >= room:", "reduced(region, price, j) >= 0.5 * room:", TABLES,
    ),
    Bug(
        "tables: sites are ruled out by prices and a bound that is not theirs",
        "siting/classical/cover_tree_kernels.py",
        "_rule_out(region, table, price, value - step - bound)",
        "_rule_out(region, table, price, room)", TABLES,
    ),
    Bug(
        "tables: what a site takes of the limit is left out of its cost",
        "siting/classical/simplex_kernels.py",
        "        left -= region.take[site] * price[len(price) - 1]\n", "        left -= 0.0\n",
        TABLES,
    ),
    Bug(
        "tables: held sites leave the limit as it is", "siting/classical/simplex_kernels.py",
        "            left -= region.take[j]\n    return max(left, 0.0)",
        "            left -= 0.0\n    return max(left, 0.0)", TABLES,
    ),
    Bug(
        "tables: a table set up with held sites asks for their classes again",
        "siting/classical/simplex_kernels.py",
        "not _is_served(region, table.state, i):\n            table.worth[m]",
        "True:\n            table.worth[m]", TABLES,
    ),
    Bug(
        "tables: sites beyond the limit count as a choice", "siting/classical/window_kernels.py",
        "if left < -SLIP * region.side:", "if left < -np.inf:", TABLES,
    ),
    Bug(
        "tables: sites that no longer fit the limit stay free",
        "siting/classical/window_kernels.py",
        "if table.state[j] == FREE and region.take[j] > left:",
        "if table.state[j] == FREE and region.take[j] > np.inf:", TABLES,
    ),
    Bug(
        "tables: a bound is that of what was searched, not of what is left",
        "siting/classical/cover_tree.py", "min(tree.bound(), value - step) - offset",
        "value - step - offset", TABLES,
    ),
    Bug(
        "tables: the price of the limit stays in the bound", "siting/classical/cover_tree.py",
        "return self.most * self.room", "return 0.0", TABLES,
    ),
    Bug(
        "tables: a limit of which nothing is left is none", "siting/classical/cover_tree.py",
        "max(self.side, TINY * float(self.take.max()), TINY)", "self.side", TABLES,
    ),
    Bug(
        "tables: a time limit is not seen", "siting/classical/cover_tree.py",
        "timer = Timer(max(limit_s, 0.0),", "timer = Timer(3600.0,", TABLES,
    ),
    Bug(
        "annealing: a walk spends more than there is", "siting/classical/anneal_kernels.py",
        "or spent + cost > money * (1.0 + SAME):", "or cost > money * (1.0 + SAME):", ISLANDS,
    ),
    Bug(
        "annealing: the last sites are returned, not the best",
        "siting/classical/anneal_kernels.py",
        "        if gained > most:\n", "        if gained != most:\n", ISLANDS,
    ),
    Bug(
        "annealing: what others are worth without a site is not noted",
        "siting/classical/anneal_kernels.py",
        "worth[only[c] - is_open * site] -= way * lists.weight[c]",
        "worth[only[c] - is_open * site] -= 0.0", ISLANDS,
    ),
    Bug(
        "annealing: what a site takes over is left out", "siting/classical/anneal_kernels.py",
        "            total += lists.weight[c]\n", "            total += 0.0\n", ISLANDS,
    ),
    Bug(
        "annealing: the last of the sites that share classes is not found",
        "siting/classical/anneal_kernels.py",
        "lists.near_start[one], lists.near_start[one + 1]\n",
        "lists.near_start[one], lists.near_start[one + 1] - 1\n", ISLANDS,
    ),
    Bug(
        "annealing: a site that closes alone stays among the open ones",
        "siting/classical/anneal_kernels.py", "_exchange(order, place, old, order[n_open])",
        "_exchange(order, place, old, order[n_open - 1])", ISLANDS,
    ),
    Bug(
        "annealing: a site that opens costs nothing", "siting/classical/anneal_kernels.py",
        "cost = costs[new] - costs[old]", "cost = -costs[old]", ISLANDS,
    ),
    Bug(
        "annealing: sites of one price come and go alone", "siting/classical/islands.py",
        "price=0.0 if alike else price", "price=price", ISLANDS,
    ),
    Bug(
        "covers: sites that a cheaper cover may hold are left out of its search",
        "siting/classical/cover_steps.py", "return part.sites[relaxed.reduced <= room]",
        "return part.sites[relaxed.reduced <= 0.0]", CUTS,
    ),
    Bug(
        "islands: a mix keeps all that either plan has", "siting/classical/islands.py",
        "task.held | (one & other))", "task.held | one | other)", ISLANDS,
    ),
    Bug(
        "islands: a mix forgets what both plans have", "siting/classical/islands.py",
        "task.held | (one & other))", "task.held)", ISLANDS,
    ),
    Bug(
        "islands: a mix is the better plan as it was", "siting/classical/islands.py",
        "if differ.any() and limit > 0:", "if not differ.any() and limit > 0:", ISLANDS,
    ),
    Bug(
        "islands: a mix has sites that were ruled out", "siting/classical/islands.py",
        "differ & task.free, task.held", "differ, task.held", ISLANDS,
    ),
    Bug(
        "islands: walks close sites that must stay", "siting/classical/islands.py",
        "may=task.free & ~task.held", "may=task.free", ISLANDS,
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
