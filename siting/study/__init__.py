"""What a planner asks of a plan: what comes first, what the next million buys."""

from siting.study.curve import coverage_cost_curve
from siting.study.phases import PhasePlan, plan_phases

__all__ = ["PhasePlan", "coverage_cost_curve", "plan_phases"]
