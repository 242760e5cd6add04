"""Bugs to plant, by subject."""

from __future__ import annotations

from planted import covering, large, many, objective, outputs, plans, standards
from planted.bug import Bug

__all__ = ["BUGS", "Bug"]

BUGS = (
    *plans.BUGS, *large.BUGS, *standards.BUGS, *objective.BUGS, *covering.BUGS, *many.BUGS,
    *outputs.BUGS,
)  # fmt: skip
