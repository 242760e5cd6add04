"""
Plant one bug at a time in a copy of the package and see whether the tests catch it.

``python tests/plant_bugs.py`` prints a table and exits with 1 if a bug gets through, if the text
that a bug replaces is not found exactly once, or if the tests fail without any bug: then nothing
could be said to be caught. ``python tests/plant_bugs.py budget bound`` plants only the bugs whose
names hold one of the words.

Tests run as ``-x -q`` and without the shrinking of Hypothesis, as any failure will do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue

import pytest

ROOT = Path(__file__).parents[1]
AT_ONCE = 2
KEPT = ("siting", "tests", "data", "scenarios", "docs", "pyproject.toml")


@dataclass(frozen=True)
class Bug:
    """What goes wrong, where, how, and the tests that should notice."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str


BUGS = (
    Bug(
        "a point exactly at the standard is not covered", "siting/audit.py",
        "covered = metres <= problem.standard_m + DISTANCE_TOLERANCE_M",
        "covered = metres < problem.standard_m - DISTANCE_TOLERANCE_M",
        "tests/test_audit.py tests/test_cases.py",
    ),
    Bug(
        "the model covers only below the standard", "siting/problem.py",
        "within = pairs.data <= self.standard_m[pairs.col] + DISTANCE_TOLERANCE_M",
        "within = pairs.data < self.standard_m[pairs.col] - DISTANCE_TOLERANCE_M",
        "tests/test_solve.py tests/test_objective.py",
    ),
    Bug(
        "3,000 elders per km2 read as high", "siting/demand.py",
        "classes[product > limit * (1 + EQUAL)] = 2", "classes[product >= limit] = 2",
        "tests/test_demand.py tests/test_cases.py",
    ),
    Bug(
        "beds rounded instead of rounded up", "siting/problem.py",
        "need = [-(-(count * rate) // 10**16) for count in millionths]",
        "need = [round(count * rate / 10**16) for count in millionths]",
        "tests/test_problem.py",
    ),
    Bug(
        "places exactly as far apart as the limit are one", "siting/problem.py",
        "pairs[gap < same_site_m - DISTANCE_TOLERANCE_M]", "pairs[gap <= same_site_m]",
        "tests/test_problem.py tests/test_audit.py",
    ),
    Bug(
        "extending a home costs nothing", "siting/problem.py",
        "changed = layout.is_open & (~sites.is_existing | (added > 0))",
        "changed = layout.is_open & ~sites.is_existing",
        "tests/test_objective.py tests/test_solve.py",
    ),
    Bug(
        "medium density before high", "siting/objective.py",
        '"uncovered_high", "uncovered_medium", "missing_beds"',
        '"uncovered_medium", "uncovered_high", "missing_beds"',
        "tests/test_solve.py tests/test_objective.py",
    ),
    Bug(
        "merged points lose their elders", "siting/reduce.py",
        "np.bincount(group, weights=problem.elders[points], minlength=len(first)),",
        "np.bincount(group, minlength=len(first)),",
        "tests/test_reduce.py tests/test_solve.py",
    ),
    Bug(
        "the leg to the demand point is forgotten", "siting/reach_kernels.py",
        "reached += point_leg[k]", "reached += 0.0",
        "tests/test_reach.py",
    ),
    Bug(
        "two points on one edge go by its end", "siting/reach_kernels.py",
        "reached = min(reached, leg + abs(offset - point_offset[k]))",
        "reached = min(reached, leg + offset + point_offset[k])",
        "tests/test_reach.py",
    ),
    Bug(
        "a road past the cutoff hides the points at its near end", "siting/reach_kernels.py",
        "distance[w] = min(further, was)",
        "distance[w] = min(further, was) if further <= limit else was",
        "tests/test_pairs.py",
    ),
    Bug(
        "a queue that grows forgets what it held", "siting/reach_kernels.py",
        "return int(n_seen), False", "return int(n_seen), True",
        "tests/test_pairs.py",
    ),
    Bug(
        "a file of the cache under another key is believed", "siting/cache.py",
        'if facts.pop("key") != f"{kind}-{key}":', 'if not facts.pop("key"):',
        "tests/test_cache.py",
    ),
    Bug(
        "the cache does not look at the limit of snapping", "siting/kept.py",
        "sites, demand, float(cutoff_m), max_snap_m", "sites, demand, float(cutoff_m)",
        "tests/test_cache.py",
    ),
    Bug(
        "the cache does not look into the road file", "siting/kept.py",
        '"network", _contents(path), part.path,', '"network", part.path,',
        "tests/test_cache.py",
    ),
    Bug(
        "a time limit is called optimal", "siting/solve.py",
        'return "gap" if all(stage.gap <= gap for stage in stages) else "time_limit"',
        'return "optimal"',
        "tests/test_solve.py",
    ),
    Bug(
        "the bound has the wrong sign", "siting/search.py",
        "return min(max(bound, 0.0), value)", "return min(max(-bound, 0.0), value)",
        "tests/test_solve.py",
    ),
    Bug(
        "homes of nine beds count", "siting/audit.py",
        "qualifies = layout.is_open & problem.sites.institution & (layout.beds >= QUALIFYING_BEDS)",
        "qualifies = layout.is_open & problem.sites.institution & (layout.beds > 8)",
        "tests/test_audit.py tests/test_cases.py",
    ),
    Bug(
        "closed homes stay in the plan", "siting/decisions.py",
        "stays = sites.is_existing & ~problem.forbidden", "stays = sites.is_existing.copy()",
        "tests/test_solve.py tests/test_reduce.py",
    ),
    Bug(
        "excluded areas are ignored", "siting/prepare.py",
        "return np.asarray(shapely.intersects_xy(area, *sites.xy.T)) & ~sites.is_existing",
        "return np.zeros(sites.n, dtype=bool)",
        "tests/test_audit.py tests/test_data_check.py",
    ),
    Bug(
        "x and y are exchanged in the study area", "siting/prepare.py",
        "return np.asarray(shapely.intersects_xy(area, *xy.T), dtype=bool)",
        "return np.asarray(shapely.intersects_xy(area, *xy.T[::-1]), dtype=bool)",
        "tests/test_audit.py tests/test_data_check.py",
    ),
    Bug(
        "the budget is forgotten", "siting/model.py",
        'model.linear.row("budget", gross, "<=", float(limits.budget_wan_yuan))',
        "pass",
        "tests/test_solve.py tests/test_model.py",
    ),
    Bug(
        "distance is not capped", "siting/objective.py",
        "best = np.full(len(problem.elders), DISTANCE_CAP_M)",
        "best = np.full(len(problem.elders), 10 * DISTANCE_CAP_M)",
        "tests/test_objective.py",
    ),
    Bug(
        "duplicate ids pass", "siting/tables.py",
        "twice = pd.Series(names).duplicated(keep=False).to_numpy()",
        "twice = np.zeros(len(names), dtype=bool)",
        "tests/test_bad_inputs.py",
    ),
    Bug(
        "a closed home still counts in the audit", "siting/audit.py",
        "counted_beds=np.where(qualifies, layout.beds, 0),",
        "counted_beds=np.where(qualifies, layout.beds, problem.sites.beds),",
        "tests/test_audit.py tests/test_cases.py",
    ),
    Bug(
        "several places are asked of units too small for them", "siting/objective.py",
        "least = minimum.min_sites * minimum.min_site_beds", "least = minimum.min_sites",
        "tests/test_objective.py",
    ),
    Bug(
        "several places are asked for in the audit of units too small for them", "siting/audit.py",
        "duty = need >= wanted * rule.parameters.min_site_beds", "duty = need >= wanted",
        "tests/test_audit.py tests/test_cases.py",
    ),
    Bug(
        "a chain of sites counts as sites that are all close", "siting/model.py",
        "if linked == len(members) * (len(members) - 1) // 2:", "if linked >= len(members) - 1:",
        "tests/test_model.py",
    ),
    Bug(
        "the number of new sites is forgotten", "siting/model.py",
        'model.linear.row("new_sites", terms, "<=", float(limits.max_new_sites))', "pass",
        "tests/test_model.py",
    ),
    Bug(
        "a later stage may undo an earlier one", "siting/solve.py",
        'terms, "<=", value + KEEP * max(abs(value), 1.0))', 'terms, ">=", -1e9)',
        "tests/test_solve.py",
    ),
    Bug(
        "what was proven of one island is claimed of both", "siting/solve.py",
        "            apart = np.inf\n", "            apart = 0.0\n",
        "tests/test_solve.py",
    ),
    Bug(
        "a bound above the value is cut down in silence", "siting/search.py",
        "if bound > value + 1e-5 * max(abs(value), scale):", "if False:",
        "tests/test_solvers.py",
    ),
    Bug(
        "the bound of a solver that gave up is believed", "siting/search.py",
        "believed = outcome.end not in {End.INFEASIBLE, End.FAILED} and",
        "believed =",
        "tests/test_solvers.py",
    ),
    Bug(
        "values that break the model are a plan", "siting/solve.py",
        "if not model.linear.holds(found, ROW_TOLERANCE):", "if False:",
        "tests/test_solvers.py",
    ),
    Bug(
        "noise around whole numbers changes the plan", "siting/plan_model.py",
        "taken[decision] = round(values[self.choose[decision]]) == 1",
        "taken[decision] = values[self.choose[decision]] == 1",
        "tests/test_model.py",
    ),
    Bug(
        "the time limit is forgotten after the first call", "siting/solvers.py",
        "event.data_in.user_interrupt = halt.is_set() or monotonic() >= end",
        "event.data_in.user_interrupt = halt.is_set()",
        "tests/test_solvers.py",
    ),
    Bug(
        "locked beds are not kept", "siting/decisions.py",
        "    low = np.where(locked, room, low)\n", "",
        "tests/test_reduce.py",
    ),
    Bug(
        "a cut takes off a good layout", "siting/distance.py",
        "saved = level[point] - self.metres", "saved = 0.9 * (level[point] - self.metres)",
        "tests/test_distance.py",
    ),
    Bug(
        "the first plan spends too much", "siting/start.py",
        "    added = np.where(taken, decisions.low, 0)\n    purse = _Purse(problem)\n",
        "    added = np.where(taken, decisions.low, 0)\n    purse = _Purse(problem)\n"
        "    purse.money += 5.0\n",
        "tests/test_start.py",
    ),
    Bug(
        "a new home holds nothing but nursing beds", "siting/mix.py",
        "row = {model.beds[decision]: mix.most_nursing_share, nursing: -1.0}",
        "row = {model.beds[decision]: 1.0, nursing: -1.0}",
        "tests/test_mix.py",
    ),
    Bug(
        "dementia beds need no nursing beds", "siting/mix.py",
        'linear.row(f"dementia_of_{site}", most | {dementia: -1.0}, ">=", 0.0)',
        "pass",
        "tests/test_mix.py",
    ),
    Bug(
        "one place with two functions is two places", "siting/mix.py",
        "if len(fits) > 1:",
        "if False:",
        "tests/test_areas_named.py",
    ),
    Bug(
        "a share of public homes takes in private ones", "siting/mix.py",
        "areas, mine = rule_areas(problem, rule), is_of_owner(problem, rule)",
        "areas, mine = rule_areas(problem, rule), np.ones(problem.sites.n, dtype=bool)",
        "tests/test_mix.py",
    ),
    Bug(
        "a share of areas is rounded down in the plan", "siting/minima.py",
        "return int(np.ceil(round(rule.parameters.min_share * n, 9)))",
        "return int(np.floor(rule.parameters.min_share * n))",
        "tests/test_mix.py",
    ),
    Bug(
        "a street of exactly 10 % elders may reserve a site", "siting/minima.py",
        "return share < limit * (1.0 - 1e-9)",
        "return share <= limit",
        "tests/test_mix.py",
    ),
    Bug(
        "a share of beds that no file tells of is planned for", "siting/minima.py",
        "bool(known[kind][sites.is_existing & sites.institution].all())",
        "True",
        "tests/test_mix.py",
    ),
    Bug(
        "a home of nine beds is a memory home", "siting/minima.py",
        "(qualifies if homes_only(rule, function) else True)",
        "True",
        "tests/test_mix.py",
    ),
    Bug(
        "everything open has dementia beds outside nursing beds", "siting/extras.py",
        "dementia = np.floor(mix.most_dementia_share * (nursing + turned) + "
        "1e-9).astype(np.int64)",
        "dementia = np.ceil(more + turned).astype(np.int64)",
        "tests/test_mix.py",
    ),
    Bug(
        "beds that are turned are no nursing beds", "siting/extras.py",
        "np.where(stays, sites.nursing_beds, 0) + mix.nursing + mix.turned,",
        "np.where(stays, sites.nursing_beds, 0) + mix.nursing,",
        "tests/test_mix.py",
    ),
    Bug(
        "functions that no rule needs are added", "siting/trim.py",
        "return terms | {v: float(weight[site]) for (site, _), v in model.functions.items()}",
        "return terms",
        "tests/test_mix.py",
    ),
    Bug(
        "a phase has more dementia beds than the next", "siting/ceiling.py",
        "return Room(new, turned, np.maximum(dementia, 0))",
        "return Room(new, turned, sites.max_beds)",
        "tests/test_phases.py",
    ),
    Bug(
        "a phase may shrink", "siting/ceiling.py",
        "return most if later is None else np.minimum(most, later.beds)",
        "return most",
        "tests/test_phases.py",
    ),
    Bug(
        "locks hold in every phase", "siting/study/phases.py",
        "locked_beds=np.full(n, -1, dtype=np.int64),",
        "locked_beds=problem.locked_beds,",
        "tests/test_phases.py",
    ),
    Bug(
        "every phase has the distances of the last year", "siting/study/phases.py",
        "standard_m=longest_distances(classes, problem.elders, standard),",
        "standard_m=problem.standard_m,",
        "tests/test_phases.py",
    ),
    Bug(
        "a function that is added is no change", "siting/study/phases.py",
        "return np.asarray(more | np.array(added, dtype=bool))",
        "return np.asarray(more)",
        "tests/test_phases.py",
    ),
    Bug(
        "the money of earlier phases is lost", "siting/phasing.py",
        "total = list(accumulate(budgets, _added))",
        "total = list(budgets)",
        "tests/test_phases.py",
    ),
    Bug(
        "subsidies together are above the cost", "siting/money.py",
        "found.append(np.minimum(np.where(mine, amount, 0.0), left))",
        "found.append(np.where(mine, amount, 0.0))",
        "tests/test_money.py",
    ),
    Bug(
        "the cap of a subsidy starts anew in every phase", "siting/money.py",
        "both = zip(_on_investment(rules, cost), _on_investment(rules, spent), strict=True)",
        "both = zip(_on_investment(rules, cost - spent), _on_investment(rules, 0 * spent), "
        "strict=True)",
        "tests/test_money.py",
    ),
    Bug(
        "an award is paid again in every phase", "siting/money.py",
        "np.maximum(paid - had, 0.0)",
        "paid",
        "tests/test_money.py",
    ),
    Bug(
        "the plan reckons with a subsidy above its cost", "siting/problem.py",
        "return np.minimum(paid, cost)",
        "return paid",
        "tests/test_mix.py",
    ),
    Bug(
        "dementia beds are turned into nursing beds", "siting/problem.py",
        "sites.beds - np.maximum(sites.nursing_beds, sites.dementia_beds)",
        "sites.beds - sites.nursing_beds",
        "tests/test_mix.py",
    ),
    Bug(
        "a home of nine beds has beds to turn", "siting/problem.py",
        "fits &= (sites.beds >= QUALIFYING_BEDS) & np.isfinite(sites.convert_cost_per_bed)",
        "fits &= np.isfinite(sites.convert_cost_per_bed)",
        "tests/test_mix.py",
    ),
    Bug(
        "no fact bars a home from a subsidy", "siting/problem.py",
        "paid = ~np.array(barred, dtype=bool)",
        "paid = np.ones(sites.n, dtype=bool)",
        "tests/test_mix.py",
    ),
    Bug(
        "a home outside the study area gets a subsidy", "siting/problem.py",
        "dtype=bool) & (self.site_unit >= 0)",
        "dtype=bool)",
        "tests/test_money.py",
    ),
    Bug(
        "a home outside the study area is asked for staff", "siting/audit_beds.py",
        "about = judged.qualifies & ~no(having) & is_inside(problem)",
        "about = judged.qualifies & ~no(having)",
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "sites keep the number of an area that is left out", "siting/areas.py",
        "self.id[keep], place[self.of_site], place[self.of_demand], self.elders[keep],",
        "self.id[keep], self.of_site, place[self.of_demand], self.elders[keep],",
        "tests/test_areas.py",
    ),
    Bug(
        "a site outside the study area lies in a street", "siting/areas.py",
        "zone_of_site = np.where(inside, contains(zones.shapes, zones.id, site_xy), -1)",
        "zone_of_site = contains(zones.shapes, zones.id, site_xy)",
        "tests/test_areas.py",
    ),
    Bug(
        "residents of a zone that two units share are counted", "siting/circles.py",
        "total[split] = np.nan",
        "pass",
        "tests/test_areas_named.py",
    ),
    Bug(
        "what is not known is taken as there", "siting/audit_areas.py",
        'return ("unknown", note) if found + dark >= least else ("unmet", "")',
        'return ("met", "") if found + dark >= least else ("unmet", "")',
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "any street may reserve a site", "siting/audit_areas.py",
        "if few_elders(areas, limit)[number]:",
        "if True:",
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "homes of any owner are counted", "siting/audit_areas.py",
        "fits, could = fits & mine, could & (mine",
        "fits, could = fits, could & (mine",
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "a second canteen that is planned is built", "siting/audit_areas.py",
        '>= asked.min_count else "planned"',
        '>= 1 else "planned"',
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "a share exactly reached is unmet", "siting/audit_beds.py",
        "passed(part >= least * whole - EQUAL * max(whole, 1.0))",
        "passed(part > least * whole + EQUAL * max(whole, 1.0))",
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "one home that tells of its nursing beds speaks for all", "siting/audit_beds.py",
        "asked.part: chosen & np.isnan(part),",
        "asked.part: chosen & np.isnan(part[chosen]).all(),",
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "staff are rounded instead of rounded up", "siting/audit_beds.py",
        "need = np.ceil(np.round(base[site] / many, 9))",
        "need = np.round(base[site] / many)",
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "a home of exactly 100 beds needs no rehab room", "siting/audit_homes.py",
        "big = layout.beds >= asked.from_beds",
        "big = layout.beds > asked.from_beds",
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "an entrance of which nothing is told is one", "siting/audit_homes.py",
        "if False in told or None not in told:",
        "if True:",
        "tests/test_audit_kinds.py tests/test_mix.py",
    ),
    Bug(
        "just enough residents are too few", "siting/conflicts.py",
        "if live < least * many - EQUAL * many:",
        "if live <= least * many:",
        "tests/test_conflicts.py",
    ),
    Bug(
        "a lock is blamed for what another site could do", "siting/conflicts.py",
        "for names, reached in causes.items() if key not in held else ():",
        "for names, reached in causes.items():",
        "tests/test_conflicts.py",
    ),
    Bug(
        "a home drawn without functions is known to have none", "siting/drawn.py",
        "None if not names and has is None else names for",
        "names for",
        "tests/test_mix.py",
    ),
    Bug(
        "an assumed share of beds is rounded up", "siting/homes.py",
        "np.floor(share * beds + 1e-9)",
        "np.ceil(share * beds)",
        "tests/test_mix.py",
    ),
    Bug(
        "the base wins over what a standard gives anew", "siting/standards/standard_file.py",
        "merged = values | own if",
        "merged = own | values if",
        "tests/test_own_standard.py",
    ),
    Bug(
        "as many dementia beds as nursing beds are refused", "siting/standards/consistency.py",
        "if other is not None and _asked(one) > _asked(other):",
        "if other is not None and _asked(one) >= _asked(other):",
        "tests/test_own_standard.py",
    ),
    Bug(
        "a fact of 0 says yes", "siting/facts.py",
        "        return value > 0\n",
        "        return value >= 0\n",
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "public homes under contract are private", "siting/facts.py",
        '"公建民营": "public_private",',
        '"公建民营": "private",',
        "tests/test_audit_kinds.py",
    ),
    Bug(
        "Hangzhou asks for 12 dementia beds per 10,000 in 2022",
        "siting/standards/hangzhou-2021.yaml",
        "2022: {dementia_beds_per_10000: 10.0}",
        "2022: {dementia_beds_per_10000: 12.0}",
        "tests/test_packaged_hangzhou_wendeng.py",
    ),
    Bug(
        "Hangzhou's public homes leave out those under contract",
        "siting/standards/hangzhou-2021.yaml",
        "2025: {part: nursing_beds, of: beds, min_share: 0.68, owners: [public, "
        "public_private]}",
        "2025: {part: nursing_beds, of: beds, min_share: 0.68, owners: [public]}",
        "tests/test_packaged_hangzhou_wendeng.py",
    ),
    Bug(
        "Wendeng asks for 5 % of the towns in 2021", "siting/standards/wendeng-2021.yaml",
        "2021: {what: street_centre, min_share: 0.50, per: town}",
        "2021: {what: street_centre, min_share: 0.05, per: town}",
        "tests/test_packaged_hangzhou_wendeng.py",
    ),
    Bug(
        "Pingyang pays up to 70 for equipment", "siting/standards/pingyang-2021.yaml",
        "share: 0.7, cap_wan_yuan: 50,",
        "share: 0.7, cap_wan_yuan: 70,",
        "tests/test_packaged_pingyang_zhoushan.py",
    ),
    Bug(
        "Zhoushan counts dementia beds over the whole city", "siting/standards/zhoushan-2021.yaml",
        "min_share: 0.05, per: district",
        "min_share: 0.05, per: all",
        "tests/test_packaged_pingyang_zhoushan.py",
    ),
    Bug(
        "objective: homes that stand are forgotten in the median", "siting/classical/ask.py",
        "known = np.minimum(case.standing, limit)", "known = limit",
        "tests/test_objective_models.py",
    ),
    Bug(
        "objective: what stands is not held open", "siting/classical/ask.py",
        "weight = None if weight is None else np.append(weight, 1.0)",
        "weight = None if weight is None else np.append(weight, 0.0)",
        "tests/test_objective_models.py",
    ),
    Bug(
        "objective: locked sites do not count among p", "siting/classical/case.py",
        "return int(self.objective.p or 0) - int(self.opened_by_locks.sum())",
        "return int(self.objective.p or 0)",
        "tests/test_objective_models.py",
    ),
    Bug(
        "objective: the cutoff is exclusive", "siting/classical/reached.py",
        "limit = np.inf if cutoff_m is None else cutoff_m + DISTANCE_TOLERANCE_M",
        "limit = np.inf if cutoff_m is None else cutoff_m - DISTANCE_TOLERANCE_M",
        "tests/test_objective_models.py",
    ),
    Bug(
        "objective: elders out of reach fall out of the share", "siting/classical/ask.py",
        "total, there = float(elders.sum()), float(elders[case.reached].sum())",
        "total = there = float(elders[case.reached].sum())",
        "tests/test_objective_models.py",
    ),
    Bug(
        "objective: a stopped search calls its value proven", "siting/classical/planned.py",
        "elif found.bound is None and not halted:", "elif found.bound is None:",
        "tests/test_objective_models.py",
    ),
    Bug(
        "room: one site too many", "siting/classical/fill.py",
        "self.program.add(count, np.array([-np.inf]), np.array([float(task.p)]))",
        "self.program.add(count, np.array([-np.inf]), np.array([float(task.p + 1)]))",
        "tests/test_classical_room.py",
    ),
    Bug(
        "the scale of A4 sheets is that of A3", "siting/outputs/sheet_window.py",
        "return self.denominator * self.enlargement / 1000", "return self.denominator / 1000",
        "tests/test_atlas.py::test_other_papers_have_a_standard_scale_of_their_own",
    ),
    Bug(
        "the near sheet shows what is built later as built", "siting/outputs/atlas_layers.py",
        """np.where(now, table["id"].map(stood["status"]), "later")""", """table["status"]""",
        "tests/test_atlas.py::test_the_near_sheet_shows_what_stands_by_then",
    ),
    Bug(
        "a place counts the beds of homes that do not count", "siting/outputs/places.py",
        "each.judged.counted_beds, size)", "each.judged.layout.beds, size)",
        "tests/test_atlas.py::test_places_add_up_their_points_and_facilities",
    ),
    Bug(
        "labels may stand on what is there", "siting/outputs/sheet_labels.py",
        "return not self.taken[rows, columns].any()", "return True",
        "tests/test_atlas.py::test_legend_scale_and_words_are_true",
    ),
)  # fmt: skip

NO_SHRINKING = """\
from hypothesis import Phase, settings

settings.register_profile("planted", phases=[Phase.explicit, Phase.generate])
settings.load_profile("planted")
"""


def plant(free: Queue[Path], bug: Bug) -> str:
    """Return whether the tests caught a bug planted in a free copy, or what went wrong."""
    copy = free.get()
    file = copy / bug.file
    whole = file.read_text(encoding="utf-8")
    try:
        if whole.count(bug.right) != 1:
            return f"text found {whole.count(bug.right)} times"
        file.write_text(whole.replace(bug.right, bug.wrong), encoding="utf-8")
        code = run_tests(bug.tests.split(), copy).returncode
    finally:
        file.write_text(whole, encoding="utf-8")
        free.put(copy)
    return "caught" if code == pytest.ExitCode.TESTS_FAILED else f"NOT caught (pytest: {code})"


def run_tests(tests: list[str], copy: Path) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy until the first fails."""
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no_shrinking"]
    environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(copy / "numba")}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", *options, *tests],
        env=environment, cwd=copy, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


def copied(folder: Path) -> Path:
    """Return a folder with a copy of what the tests need."""
    folder.mkdir()
    for name in KEPT:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.nb?")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    (folder / "no_shrinking.py").write_text(NO_SHRINKING, encoding="utf-8")
    return folder


def main() -> None:
    """Plant every bug, or those whose names hold one of the words given."""
    words = sys.argv[1:]
    chosen = [bug for bug in BUGS if not words or any(word in bug.name for word in words)]
    tests = sorted({test for bug in chosen for test in bug.tests.split()})
    through = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        free: Queue[Path] = Queue()
        for number in range(AT_ONCE):
            free.put(copied(Path(folder) / str(number)))
        sound = run_tests(tests, free.queue[0])
        if sound.returncode:
            sys.exit(f"{sound.stdout}\nThe tests fail without any bug.")
        for bug, result in zip(chosen, pool.map(partial(plant, free), chosen), strict=True):
            through += result != "caught"
            sys.stdout.write(f"{result:<12} {bug.name}  ({bug.file})\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - through} of {len(chosen)} caught\n")
    sys.exit(through > 0)


if __name__ == "__main__":
    main()
