"""Bugs in the classical models that a scenario asks."""

from __future__ import annotations

from planted.bug import Bug

BUGS = (
    Bug(
        "objective: homes that stand are forgotten in the median", "siting/classical/ask.py",
        "known = np.minimum(case.standing, limit)", "known = limit",
        "tests/test_objective_models.py::test_p_median",
    ),
    Bug(
        "objective: what stands is not held open", "siting/classical/ask.py",
        "weight = None if weight is None else np.append(weight, 1.0)",
        "weight = None if weight is None else np.append(weight, 0.0)",
        "tests/test_objective_models.py::test_p_median",
    ),
    Bug(
        "objective: locked sites do not count among p", "siting/classical/case.py",
        "return int(self.objective.p or 0) - int(self.opened_by_locks.sum())",
        "return int(self.objective.p or 0)",
        "tests/test_objective_models.py::test_a_lock_counts_among_the_new_sites",
    ),
    Bug(
        "objective: the cutoff is exclusive", "siting/classical/reached.py",
        "limit = np.inf if cutoff_m is None else cutoff_m + DISTANCE_TOLERANCE_M",
        "limit = np.inf if cutoff_m is None else cutoff_m - DISTANCE_TOLERANCE_M",
        "tests/test_objective_models.py::test_maximal_covering",
    ),
    Bug(
        "objective: elders out of reach fall out of the share", "siting/classical/ask.py",
        "total, there = float(elders.sum()), float(elders[case.reached].sum())",
        "total = there = float(elders[case.reached].sum())",
        "tests/test_objective_models.py::test_what_the_sites_cannot_give_is_told",
    ),
    Bug(
        "objective: a stopped search calls its value proven", "siting/classical/planned.py",
        "elif found.bound is None and not halted:", "elif found.bound is None:",
        "tests/test_objective_models.py::test_ctrl_c_leaves_a_plan_that_claims_no_more_than_is_proven",
    ),
    Bug(
        "room: one site too many", "siting/classical/fill.py",
        "self.program.add(count, np.array([-np.inf]), np.array([float(task.p)]))",
        "self.program.add(count, np.array([-np.inf]), np.array([float(task.p + 1)]))",
        "tests/test_classical_room.py",
    ),
    Bug(
        "objective: more sites than may open are refused too late", "siting/classical/case.py",
        "usable = locked + len(case.free)", "usable = locked + len(case.free) + 1",
        "tests/test_objective_models.py::test_what_the_sites_cannot_give_is_told",
    ),
    Bug(
        "objective: candidates that reach nobody come first", "siting/classical/case.py",
        "lonely = np.diff(self.given.distances.indptr)[rows] == 0",
        "lonely = np.diff(self.given.distances.indptr)[rows] != 0",
        "tests/test_objective_models.py::test_where_any_site_will_do_the_cheapest_that_reaches_someone_is_opened",
    ),
    Bug(
        "objective: points without elders have to be reached", "siting/classical/case.py",
        "return np.isfinite(self.at_best) & (self.given.elders > 0)",
        "return np.isfinite(self.at_best)",
        "tests/test_objective_models.py::test_nobody_has_to_reach_a_point_without_elders",
    ),
    Bug(
        "objective: what stands is left out of the value covered", "siting/classical/ask.py",
        "return Found(_rows_of(case, solution.sites), covered + solution.bound, solution)",
        "return Found(_rows_of(case, solution.sites), solution.bound, solution)",
        "tests/test_objective_models.py::test_maximal_covering",
    ),
    Bug(
        "objective: locks cost nothing in set covering", "siting/classical/ask.py",
        "        return float(case.problem.cost(case.base).sum())\n"
        "    return float(case.opened_by_locks.sum())",
        "        return 0.0\n    return 0.0",
        "tests/test_objective_models.py::test_a_lock_counts_in_what_covering_needs",
    ),
    Bug(
        "objective: a budget buys with the money of the locks", "siting/classical/ask.py",
        "money = None if budget is None else budget - float(case.problem.cost(case.base).sum())",
        "money = budget",
        "tests/test_objective_models.py::test_a_lock_is_paid_from_the_budget",
    ),
    Bug(
        "objective: a bound that the value contradicts is believed",
        "siting/classical/planned.py",
        "if low > sign * value + NOISE * max(abs(value), 1.0):", "if False:",
        "tests/test_objective_models.py::test_a_value_better_than_what_is_proven_is_refused",
    ),
    Bug(
        "objective: homes that stand count where they are to be ignored",
        "siting/classical/reached.py",
        'if case.objective.existing == "ignore":', "if False:",
        "tests/test_objective_models.py::test_maximal_covering",
    ),
    Bug(
        "objective: sites without effect are not told of", "siting/classical/reached.py",
        "if (times[points[row]] > 1).all():", "if False:",
        "tests/test_objective_models.py::test_sites_that_add_nothing_are_opened_and_counted",
    ),
    Bug(
        "objective: one point may be split between sites though one is asked for",
        "siting/classical/stopgap.py",
        "if some <= 0 or (case.objective.single_source and some < given.elders[point]):",
        "if some <= 0:",
        "tests/test_objective_models.py::"
        "test_what_stands_in_keeps_each_point_at_one_site_where_that_is_asked",
    ),
    Bug(
        "objective: a stopgap that reaches not everyone is a plan", "siting/classical/stopgap.py",
        "if must_reach and not near[case.reached].all():", "if False:",
        "tests/test_objective_models.py::test_p_that_cannot_reach_two_sides_of_a_river",
    ),
)  # fmt: skip
