"""Sites: homes and candidates as one table; candidates listed in files or made along the roads."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from siting import kernels
from siting.errors import Fault, InputError
from siting.facts import read_facts, read_functions
from siting.inputs.sources import Source, read_source
from siting.tables import DataCheck, unique_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame
    from shapely.geometry.base import BaseGeometry

    from siting.network import Network
    from siting.scenario import Candidates, Existing, Generate, Scenario

__all__ = [
    "QUALIFYING_BEDS", "Sites", "amount_of", "drawn_sites", "generate_candidates", "join_sites",
    "no_sites", "outside_nursing", "points_of", "read_candidates", "running_cost", "untold_parts",
]  # fmt: skip

QUALIFYING_BEDS = 10
"""Fewest beds of a facility that counts."""

SAMPLES_PER_SPACING = 5


@dataclass(frozen=True)
class Sites:
    """
    Homes first, candidates after them; every array has one entry per site.

    Attributes
    ----------
    id, name, kind, tenure
        Texts. ``kind`` is ``institution`` for what may count.
    xy
        (n, 2) coordinates in the working system.
    is_existing
        Home that stands today.
    institution
        Kind institution and not unregistered: counts once it has 10 beds.
    beds, nursing_beds, dementia_beds
        Beds today; 0 for candidates.
    min_beds, max_beds
        Candidates: fewest and most beds if opened. Homes: ``max_beds`` is the room in all.
    fixed_cost, cost_per_bed
        Cost of opening (candidate) or extending (home) at all, and of each new bed, 万元.
    convert_cost_per_bed
        Homes: cost of turning an existing bed into a nursing bed, 万元; NaN where none is turned.
    owner
        ``public``, ``public_private``, ``private``, or empty where the files do not say.
    knows_nursing, knows_dementia
        The files say how many of the beds are nursing or dementia beds; new homes: planned.
    functions
        Functions that stand, as a frozen set; None where the files do not say.
    can_host
        Functions that could be added, as a frozen set; None: any of the scenario's.
    facts
        Fact to value, as the files say.
    running_cost_per_bed
        Cost of running a bed for a year, 万元; NaN where the files do not say.
    floor_m2
        Floor area free for functions that are added, square metres; infinite without a limit.
    land_code, area_m2
        Land code as the file writes it, empty where there is none; area, NaN where there is none.
    """

    id: NDArray[np.object_]
    name: NDArray[np.object_]
    kind: NDArray[np.object_]
    tenure: NDArray[np.object_]
    xy: NDArray[np.float64]
    is_existing: NDArray[np.bool_]
    institution: NDArray[np.bool_]
    beds: NDArray[np.int64]
    nursing_beds: NDArray[np.int64]
    dementia_beds: NDArray[np.int64]
    min_beds: NDArray[np.int64]
    max_beds: NDArray[np.int64]
    fixed_cost: NDArray[np.float64]
    cost_per_bed: NDArray[np.float64]
    convert_cost_per_bed: NDArray[np.float64]
    owner: NDArray[np.object_]
    knows_nursing: NDArray[np.bool_]
    knows_dementia: NDArray[np.bool_]
    functions: NDArray[np.object_]
    can_host: NDArray[np.object_]
    facts: NDArray[np.object_]
    running_cost_per_bed: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    floor_m2: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    land_code: NDArray[np.object_] = field(default_factory=lambda: np.empty(0, dtype=object))
    area_m2: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        """Fill in what is not given."""
        if len(self.running_cost_per_bed) != len(self.id):
            object.__setattr__(self, "running_cost_per_bed", np.full(len(self.id), np.nan))
        if len(self.floor_m2) != len(self.id):
            object.__setattr__(self, "floor_m2", np.full(len(self.id), np.inf))
        if len(self.land_code) != len(self.id):
            object.__setattr__(self, "land_code", np.full(len(self.id), "", dtype=object))
        if len(self.area_m2) != len(self.id):
            object.__setattr__(self, "area_m2", np.full(len(self.id), np.nan))

    @property
    def n(self) -> int:
        """Number of sites."""
        return len(self.id)

    @property
    def for_functions(self) -> NDArray[np.bool_]:
        """Candidates without beds, which can only take on functions."""
        return np.asarray(~self.is_existing & ~self.institution)


def amount_of(
    source: Source, value: float | str | None, *, whole: bool = False, missing: float | None
) -> NDArray[np.float64]:
    """Return a number for every row: from a column, or the same for all."""
    if isinstance(value, str):
        return source.numbers(value, whole=whole, missing=missing)
    fill = missing if value is None else value
    return np.full(len(source.ids), np.nan if fill is None else fill, dtype=float)


def running_cost(
    source: Source, part: Existing | Candidates, check: DataCheck
) -> NDArray[np.float64]:
    """Return the cost of running a bed; count where it is asked for and not told."""
    cost = amount_of(source, part.running_cost_per_bed, missing=np.nan)
    empty = np.flatnonzero(np.isnan(cost))
    if part.running_cost_per_bed is not None and len(empty):
        check.add(
            "warning", "running_cost_empty", source.name, count=len(empty),
            examples=source.ids[empty],
        )  # fmt: skip
    return cost


def points_of(source: Source) -> NDArray[np.float64]:
    """Return where each row stands: the point, or a polygon's representative point."""
    points = source.frame.geometry.representative_point()
    return np.column_stack([points.x, points.y])


def read_candidates(
    scenario: Scenario, part: Candidates, key: str, *, check: DataCheck
) -> tuple[Sites, Source]:
    """Return the candidates of one listed file."""
    columns: dict[str, str | None] = {
        each: getattr(part, each)
        for each in ("id", "name", "tenure", "land_code", "area_m2", "can_host", "reserved")
    }
    columns |= {f"facts.{fact}": column for fact, column in part.facts.items()}
    amounts = (
        "min_beds", "max_beds", "fixed_cost", "cost_per_bed", "running_cost_per_bed", "floor_m2",
    )  # fmt: skip
    columns |= {
        each: getattr(part, each) for each in amounts if isinstance(getattr(part, each), str)
    }
    source = read_source(scenario, part, key, columns=columns, check=check)
    least, most = (
        amount_of(source, getattr(part, each), whole=True, missing=None) for each in amounts[:2]
    )
    said = "min_beds" in part.model_fields_set
    wrong = np.flatnonzero(said & (least > most) & (most > 0))
    if len(wrong):
        found = f"{least[wrong[0]]:g} > {most[wrong[0]]:g}"
        raise InputError(
            Fault("min_above_max", source.name, {"found": found}, source.labels(wrong))
        )
    fixed, per_bed = (amount_of(source, getattr(part, each), missing=None) for each in amounts[2:4])
    name = source.texts(part.name) if part.name else source.ids
    sites = _candidates(
        source.ids, name, source.texts(part.tenure), points_of(source),
        (least, most, fixed, per_bed),
    )  # fmt: skip
    facts = {"tenure": part.tenure, "reserved": part.reserved, "land_code": part.land_code}
    told = {key: column for key, column in facts.items() if column is not None} | part.facts
    sites = replace(
        sites,
        owner=np.full(sites.n, part.ownership, dtype=object),
        can_host=read_functions(source, part.can_host, tuple(scenario.functions)),
        facts=read_facts(source, told),
        running_cost_per_bed=running_cost(source, part, check),
        floor_m2=amount_of(source, part.floor_m2, missing=np.inf),
        land_code=source.texts(part.land_code),
        area_m2=amount_of(source, part.area_m2, missing=np.nan),
    )
    _report_small(sites, source, check, plans_functions=bool(scenario.functions))
    return sites, source


def _report_small(sites: Sites, source: Source, check: DataCheck, *, plans_functions: bool) -> None:
    """List the candidates that are for functions alone, and those too small to be opened."""
    alone = sites.for_functions & plans_functions
    small = (sites.max_beds < QUALIFYING_BEDS) & ~alone
    few = source.ids[alone]
    if len(few):
        check.add("info", "for_functions", source.name, count=len(few), examples=few)
    few = source.ids[small]
    if len(few):
        check.add("warning", "too_small", source.name, count=len(few), examples=few)


def _candidates(
    ids: NDArray[np.object_],
    name: NDArray[np.object_],
    tenure: NDArray[np.object_],
    xy: NDArray[np.float64],
    amounts: tuple[NDArray[np.float64], ...],
) -> Sites:
    """Return sites that could be used: of at least 10 beds, or of none, for functions alone."""
    least, most, fixed, per_bed = amounts
    alone = most == 0
    zero = np.zeros(len(ids), dtype=np.int64)
    return Sites(
        id=ids,
        name=name,
        kind=np.where(alone, "functions", "institution").astype(object),
        tenure=tenure,
        xy=xy,
        is_existing=np.zeros(len(ids), dtype=bool),
        institution=~alone,
        beds=zero,
        nursing_beds=zero,
        dementia_beds=zero,
        min_beds=np.where(alone, 0, np.maximum(np.ceil(least), QUALIFYING_BEDS)).astype(np.int64),
        max_beds=np.floor(most).astype(np.int64),
        fixed_cost=fixed,
        cost_per_bed=per_bed,
        convert_cost_per_bed=np.full(len(ids), np.nan),
        owner=np.full(len(ids), "public", dtype=object),
        knows_nursing=np.ones(len(ids), dtype=bool),
        knows_dementia=np.ones(len(ids), dtype=bool),
        functions=_each(len(ids), frozenset()),
        can_host=_each(len(ids), None),
        facts=_each(len(ids), {}),
    )


def _each(n: int, value: Any) -> NDArray[np.object_]:
    """Return an array that holds the same object n times."""
    array = np.empty(n, dtype=object)
    array[:] = [value] * n
    return array


def generate_candidates(
    part: Candidates,
    settings: Generate,
    network: Network,
    *,
    study_area: BaseGeometry | None,
    taken: NDArray[np.float64],
    first: int,
) -> Sites:
    """
    Return candidates at places on the roads inside the study area, thinned to a spacing.

    Places are the nodes and points along each edge a fifth of the spacing apart; visited in sorted
    order of (x, y), a place is kept if it is at least the spacing away in a straight line from
    every kept one and from what is taken. The order of rows in the files changes nothing.

    Parameters
    ----------
    part
        Beds and costs; numbers, as there is no file with columns.
    settings
        Spacing, metres.
    network
        Roads.
    study_area
        Places outside are left out; None: no limit.
    taken
        (n, 2) homes and listed candidates.
    first
        Number of the first id: ``gen-<first>``.
    """
    amounts = (part.min_beds, part.max_beds, part.fixed_cost, part.cost_per_bed)
    if any(isinstance(each, str) for each in (*amounts, part.running_cost_per_bed, part.floor_m2)):
        raise InputError.of("generate_needs_numbers", "candidates")
    places = _places_on_roads(network, settings.spacing_m / SAMPLES_PER_SPACING)
    if study_area is not None:
        shapely.prepare(study_area)
        places = places[shapely.intersects_xy(study_area, *places.T)]
    kept = kernels.thin(places, np.ascontiguousarray(taken), settings.spacing_m)
    xy = places[kept]
    names = np.array([f"gen-{first + k}" for k in range(len(xy))], dtype=object)
    columns = tuple(np.full(len(xy), float(each)) for each in amounts)
    made = _candidates(names, names, np.full(len(xy), "", dtype=object), xy, columns)
    running = np.nan if part.running_cost_per_bed is None else float(part.running_cost_per_bed)
    floor = np.inf if part.floor_m2 is None else float(part.floor_m2)
    return replace(
        made,
        running_cost_per_bed=np.full(len(xy), running),
        floor_m2=np.full(len(xy), floor),
    )


def _places_on_roads(network: Network, step_m: float) -> NDArray[np.float64]:
    """Return nodes and evenly spaced points of the edges, sorted by (x, y)."""
    pieces = np.maximum(np.ceil(network.edge_length_m / step_m), 1).astype(np.int64)
    edge = np.repeat(np.arange(network.n_edges), pieces - 1)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(pieces - 1) - (pieces - 1), pieces - 1) + 1
    share = (nth / pieces[edge])[:, None]
    ends = network.node_xy[network.edge_nodes[edge]]
    places = np.vstack([network.node_xy, ends[:, 0] * (1 - share) + ends[:, 1] * share])
    return np.ascontiguousarray(places[np.lexsort((places[:, 1], places[:, 0]))])


def join_sites(parts: list[Sites]) -> Sites:
    """
    Return homes and candidates as one table.

    Raises
    ------
    DuplicateIdError
        If one id stands for two sites.
    """
    joined: dict[str, Any] = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])
        for each in fields(Sites)
    }
    unique_ids(joined["id"], where="existing, candidates", first_row=1)
    return Sites(**joined)


def no_sites() -> Sites:
    """Return a table of no sites."""
    none = np.empty(0)
    names = np.empty(0, dtype=object)
    return _candidates(names, names, names, np.empty((0, 2)), (none, none, none, none))


def untold_parts(sites: Sites, columns: set[str]) -> Sites:
    """Return sites of a drawn layout: new ones have beds of a kind only where a column tells."""
    return replace(
        sites,
        knows_nursing=sites.knows_nursing & (sites.is_existing | ("nursing_beds" in columns)),
        knows_dementia=sites.knows_dementia & (sites.is_existing | ("dementia_beds" in columns)),
    )


def outside_nursing(
    sites: Sites, nursing: NDArray[np.int64], dementia: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return the sites with more dementia beds than nursing beds, of which they are a part."""
    return sites.knows_nursing & sites.knows_dementia & (dementia > nursing)


def drawn_sites(table: DataFrame, known: set[str], *, check: DataCheck) -> Sites:
    """
    Return the facilities of a drawn layout that the scenario does not know; their cost is unknown.

    Raises
    ------
    InputError
        If one of them has no coordinates.
    """
    new = table[~table["id"].isin(known)]
    if new.empty:
        return no_sites()
    if not {"x", "y"} <= set(new.columns) or new[["x", "y"]].isna().any(axis=None):
        raise InputError(Fault("layout_unknown_site", "layout", {}, tuple(new["id"].astype(str))))
    check.add("info", "layout_new_site", "layout", count=len(new), examples=list(new["id"]))
    beds = new["beds"].to_numpy(dtype=float)
    names = new["id"].to_numpy(dtype=object)
    texts = np.full(len(new), "", dtype=object)
    zero = np.zeros(len(new))
    xy = new[["x", "y"]].to_numpy(dtype=float)
    return _candidates(names, names, texts, xy, (np.full(len(new), 1.0), beds, zero, zero))
