"""A linear model that only grows, held by PuLP and as arrays."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np
import pulp
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LinearModel"]


class LinearModel:
    """
    A minimisation that only grows: variables first, then rows, and an objective that changes.

    PuLP holds it, so that it can be written as LP text and handed to any solver that PuLP knows.
    Variables have positional names; ids of users never become names of variables.

    Attributes
    ----------
    lp
        The PuLP problem.
    variables, rows
        In the order of their making.
    """

    def __init__(self, name: str) -> None:
        self.lp = pulp.LpProblem(name, pulp.LpMinimize)
        self.variables: list[pulp.LpVariable] = []
        self.rows: list[pulp.LpConstraint] = []
        self.objective: dict[int, float] = {}
        self._position: dict[int, int] = {}
        self._whole = array("b")
        self._ends = (array("d"), array("d"))
        self._sides = (array("d"), array("d"))
        self._starts, self._columns, self._factors = array("q", [0]), array("i"), array("d")

    def variable(
        self, name: str, low: float = 0.0, high: float | None = None, *, whole: bool = False
    ) -> int:
        """Add a variable and return its position."""
        kind = pulp.LpInteger if whole else pulp.LpContinuous
        made = self.lp.add_variable(name, low, high, kind)
        self._position[id(made)] = len(self.variables)
        self._whole.append(whole)
        self._ends[0].append(low)
        self._ends[1].append(np.inf if high is None else high)
        self.variables.append(made)
        return len(self.variables) - 1

    def row(self, name: str, terms: dict[int, float], sense: str, side: float) -> None:
        """Add a row: terms by position of the variable, ``<=``, ``>=`` or ``==``, and a number."""
        senses = {"<=": pulp.LpConstraintLE, ">=": pulp.LpConstraintGE, "==": pulp.LpConstraintEQ}
        expression = pulp.LpAffineExpression([(self.variables[k], f) for k, f in terms.items()])
        made = pulp.LpConstraint(expression, senses[sense], name, side)
        self.lp.addConstraint(made)
        self.rows.append(made)
        self._columns.extend(terms)
        self._factors.extend(terms.values())
        self._starts.append(len(self._columns))
        self._sides[0].append(-np.inf if sense == "<=" else side)
        self._sides[1].append(np.inf if sense == ">=" else side)

    def minimise(self, terms: dict[int, float]) -> None:
        """Set the objective, without its constant."""
        self.objective = dict(terms)
        pairs = [(self.variables[k], factor) for k, factor in terms.items()]
        self.lp.setObjective(pulp.LpAffineExpression(pairs))

    def matrix(self) -> csr_matrix:
        """Return the factors of the rows so far, (n_rows, n_variables)."""
        shape = (len(self.rows), len(self.variables))
        starts, columns, factors = map(np.array, (self._starts, self._columns, self._factors))
        return csr_matrix((factors, columns, starts), shape)

    def ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and the most of every variable."""
        return np.array(self._ends[0]), np.array(self._ends[1])

    def sides(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and the most of every row."""
        return np.array(self._sides[0]), np.array(self._sides[1])

    def costs(self) -> NDArray[np.float64]:
        """Return the factor of every variable in the objective."""
        found = np.zeros(len(self.variables))
        found[list(self.objective)] = list(self.objective.values())
        return found

    def is_whole(self) -> NDArray[np.bool_]:
        """Return which variables are whole numbers."""
        return np.array(self._whole, dtype=bool)

    def holds(self, values: NDArray[np.float64], tolerance: float) -> bool:
        """
        Return whether values keep to every row and to the ends of every variable.

        Parameters
        ----------
        values
            A value for each variable, in the order of their making.
        tolerance
            How far a row may be missed: relative to its side, absolute where that is below 1.
        """
        for reached, (low, high) in (
            (self.matrix() @ values, self.sides()),
            (values, self.ends()),
        ):
            missed = np.maximum(low - reached, 0.0) / np.maximum(np.abs(low), 1.0)
            passed = np.maximum(reached - high, 0.0) / np.maximum(np.abs(high), 1.0)
            if (np.maximum(missed, passed) > tolerance).any():
                return False
        return True

    def position(self, variable: pulp.LpVariable) -> int:
        """Return the position of a variable."""
        return self._position[id(variable)]
