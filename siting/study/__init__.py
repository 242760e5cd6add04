"""What a planner asks of a plan: what comes first, what the next million buys."""

from siting.study.curve import coverage_cost_curve

__all__ = ["coverage_cost_curve"]
