"""Bugs in the search of large models."""

from __future__ import annotations

from planted.bug import Bug

BUGS = (
    Bug(
        "large: a row between parts is charged a price of the wrong sign", "siting/pricing.py",
        "charged = np.where(np.isinf(self.low), np.minimum(prices, 0.0), prices)",
        "charged = np.where(np.isinf(self.low), np.maximum(prices, 0.0), prices)",
        "tests/test_large.py",
    ),
    Bug(
        "large: the side of a priced row is forgotten", "siting/pricing.py",
        "bound, values = float(charged @ sides), whole.copy()", "bound, values = 0.0, whole.copy()",
        "tests/test_large.py",
    ),
    Bug(
        "large: the bound of a part that has none is believed", "siting/pricing.py",
        "return outcome.bound if believed else -np.inf, mine, outcome.values",
        "return max(outcome.bound, 0.0), mine, outcome.values",
        "tests/test_large.py tests/test_solvers.py",
    ),
    Bug(
        "large: rows inside a part are priced too", "siting/pricing.py",
        "part, first, first != last)", "part, first, np.ones(len(first), dtype=bool))",
        "tests/test_large.py",
    ),
    Bug(
        "large: prices are moved away from what the answers miss", "siting/pricing.py",
        "np.asarray(held - there, dtype=np.float64)", "np.asarray(there - held, dtype=np.float64)",
        "tests/test_large.py",
    ),
    Bug(
        "large: the last prices stand for the best", "siting/pricing.py",
        "best = max(best, now, key=lambda each: each.bound)", "best = now",
        "tests/test_large.py",
    ),
    Bug(
        "solvers: the console is turned away by each of many", "siting/solvers.py",
        "    with _FIRST:\n        if not _GREETED.is_set():\n", "    if True:\n        if True:\n",
        "tests/test_solvers.py::test_the_console_is_turned_away_once_and_by_one_thread",
    ),
    Bug(
        "large: a plan that breaks a row is taken", "siting/large.py",
        "if not self.model.linear.holds(values, ROW_TOLERANCE):", "if False:",
        "tests/test_large.py",
    ),
    Bug(
        "large: near enough is half of the value", "siting/large.py",
        "return self.value - self.bound <= max(gap * abs(self.value), self.absolute, 1e-9)",
        "return self.value - self.bound <= max(0.5 * abs(self.value), 1e-9)",
        "tests/test_large.py",
    ),
    Bug(
        "large: what is reached is called proven", "siting/large.py",
        "        if self.is_near():\n            return End.PROVEN\n",
        "        return End.PROVEN\n",
        "tests/test_large.py tests/test_solve.py",
    ),
    Bug(
        "large: parts are cut along the shorter side", "siting/neighbourhood.py",
        "int(np.argmax(spread))", "int(np.argmin(spread))",
        "tests/test_large.py",
    ),
    Bug(
        "large: a row of the whole plan ties every part", "siting/neighbourhood.py",
        "rows = rows[np.diff(rows.indptr) <= OVERALL]", "rows = rows[:]",
        "tests/test_large.py",
    ),
    Bug(
        "large: only what follows at once is decided with a site", "siting/neighbourhood.py",
        "        while found.sum() > last:\n", "        if found.sum() > last:\n",
        "tests/test_large.py",
    ),
    Bug(
        "large: one of two that could cover is essential", "siting/reduce.py",
        "alone = rows[np.diff(matrix.indptr)[rows] == 1]",
        "alone = rows[np.diff(matrix.indptr)[rows] <= 2]",
        "tests/test_large.py",
    ),
)  # fmt: skip
