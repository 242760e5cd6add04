"""Place elder-care facilities so that published standards hold, and prove and audit the plan."""

from siting.audit import Audit, Finding, audit
from siting.batch import Batch, Province, batch, share_budget
from siting.classical import (
    ClassicalSolution,
    Matrices,
    ModelSolution,
    StraightReach,
    capacitated,
    capacitated_maximal_covering,
    matrices,
    maximal_covering,
    p_center,
    p_median,
    partial_set_covering,
    set_covering,
)
from siting.errors import SitingError
from siting.inputs.roads import read_network
from siting.network import Network
from siting.outputs.result import Run, read_run
from siting.prepare import Prepared, prepare
from siting.problem import Layout, Problem
from siting.reach import Reach, reach
from siting.regions import BuiltUnits, build_units
from siting.run import Plan, audit_layout, plan, write_plan
from siting.scenario import Scenario
from siting.scenario_file import read_scenario
from siting.solve import Solution, Stage, solve
from siting.standards import Rule, Standard, packaged_standards, read_standard

__all__ = [
    "Audit",
    "Batch",
    "BuiltUnits",
    "ClassicalSolution",
    "Finding",
    "Layout",
    "Matrices",
    "ModelSolution",
    "Network",
    "Plan",
    "Prepared",
    "Problem",
    "Province",
    "Reach",
    "Rule",
    "Run",
    "Scenario",
    "SitingError",
    "Solution",
    "Stage",
    "Standard",
    "StraightReach",
    "audit",
    "audit_layout",
    "batch",
    "build_units",
    "capacitated",
    "capacitated_maximal_covering",
    "matrices",
    "maximal_covering",
    "p_center",
    "p_median",
    "packaged_standards",
    "partial_set_covering",
    "plan",
    "prepare",
    "reach",
    "read_network",
    "read_run",
    "read_scenario",
    "read_standard",
    "set_covering",
    "share_budget",
    "solve",
    "write_plan",
]
