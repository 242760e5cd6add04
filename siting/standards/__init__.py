"""Standards: published rules as data, rule kinds as code."""

from siting.standards.kinds import KINDS, CountRule, CoverageRule, RatioRule
from siting.standards.standard import Rule, Standard, packaged_standards, read_standard

__all__ = [
    "KINDS",
    "CountRule",
    "CoverageRule",
    "RatioRule",
    "Rule",
    "Standard",
    "packaged_standards",
    "read_standard",
]
