"""The classical location models on plain matrices, each with value, bound, gap and proof."""

from siting.classical.answer import ClassicalSolution
from siting.classical.capacity import capacitated
from siting.classical.center import p_center
from siting.classical.covering import set_covering
from siting.classical.matrices import Matrices, matrices
from siting.classical.maximal import maximal_covering, partial_set_covering
from siting.classical.median import p_median
from siting.classical.planned import ModelSolution, plan_objective, refuse_objective
from siting.classical.room import capacitated_maximal_covering
from siting.classical.straight import StraightReach

__all__ = [
    "ClassicalSolution",
    "Matrices",
    "ModelSolution",
    "StraightReach",
    "capacitated",
    "capacitated_maximal_covering",
    "matrices",
    "maximal_covering",
    "p_center",
    "p_median",
    "partial_set_covering",
    "plan_objective",
    "refuse_objective",
    "set_covering",
]
