"""The last touch: no nursing bed, dementia bed or function more than the plan's values need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.search import EXACT_NODES, ROW_TOLERANCE, Run, checked_outcome, total
from siting.solvers import Ask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.plan_model import PlanModel

__all__ = ["trim"]


RANK = 1e-3
"""How much more the last site's beds weigh than the first's, so that no tie is left open."""


def trim(
    run: Run, model: PlanModel, values: NDArray[np.float64], *, distances_from: int
) -> NDArray[np.float64]:
    """
    Return a plan's values with the fewest nursing beds, dementia beds and functions added.

    Sites and beds stay as they are, and so does every stage's value: where beds of a kind or a
    function cost nothing, a plan could otherwise hold any number of them. Among equals the site
    whose id comes first has more of them, whatever the order of rows in the files.

    Parameters
    ----------
    run
        The solve.
    model
        A model that has gone through all stages; nothing is solved with it afterwards.
    values
        A value for each variable, with every row kept.
    distances_from
        Position of the first variable of the distance stage; those from there on stay.
    """
    terms = _weights(model)
    if not terms or run.stop.is_set() or total(terms, values) <= 0:
        return values
    for variable in (*model.choose.values(), *model.beds.values()):
        model.linear.row(f"as_is_{variable}", {variable: 1.0}, "==", float(values[variable]))
    model.linear.minimise(terms)
    ask = Ask(
        run.left(), 0.0, 1e-9, run.settings.threads, run.settings.random_seed,
        max_nodes=EXACT_NODES, start=values, stop=run.stop,
    )  # fmt: skip
    outcome = checked_outcome(run, model, "cost", ask)
    if outcome.values is None:
        return values
    found = model.completed(outcome.values)
    found[distances_from:] = values[distances_from:]
    better = total(terms, found) < total(terms, values)
    return found if better and model.linear.holds(found, ROW_TOLERANCE) else values


def _weights(model: PlanModel) -> dict[int, float]:
    """Return the weight of each bed of a kind and function: 1, and a little by the site's id."""
    ids = model.problem.sites.id.astype(str)
    weight = np.empty(len(ids))
    weight[np.argsort(ids, kind="stable")] = 1.0 + RANK * np.arange(len(ids)) / len(ids)
    tables = (model.nursing, model.turned, model.dementia)
    terms = {v: float(weight[site]) for table in tables for site, v in table.items()}
    hosts = model.functions.items()
    return terms | {v: float(weight[list(each.sites)].min()) for v, each in hosts}
