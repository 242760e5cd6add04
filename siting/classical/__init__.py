"""The classical location models on plain matrices, each with value, bound, gap and proof."""

from siting.classical.answer import ClassicalSolution
from siting.classical.capacity import capacitated
from siting.classical.center import p_center
from siting.classical.covering import set_covering
from siting.classical.maximal import maximal_covering, partial_set_covering
from siting.classical.median import p_median

__all__ = [
    "ClassicalSolution",
    "capacitated",
    "maximal_covering",
    "p_center",
    "p_median",
    "partial_set_covering",
    "set_covering",
]
