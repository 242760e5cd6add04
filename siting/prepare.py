"""From a scenario's files to the problem: read, check, place, measure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from siting.areas import find_areas, refuse_unknown_areas
from siting.cache import user_cache
from siting.demand import (
    CLASSES,
    Demand,
    DensityReading,
    Zones,
    classify,
    density_readings,
    place_in_zones,
    spread_elders,
)
from siting.errors import InputError, ScenarioError
from siting.given import Given, read_given
from siting.inputs.coordinates import working_crs
from siting.inputs.sources import refuse_shared_ids
from siting.kept import report_cache, walking_distances
from siting.locks import read_locks
from siting.phasing import (
    earlier_standards,
    read_rules,
    report_phases,
    report_subsidies,
    step_limits,
)
from siting.problem import DISTANCE_CAP_M, Problem
from siting.reach import Reach, Snap, snap, straight_reach
from siting.seams import check_seams
from siting.sites import (
    QUALIFYING_BEDS,
    Sites,
    drawn_sites,
    generate_candidates,
    join_sites,
    no_sites,
    untold_parts,
)
from siting.tables import DataCheck
from siting.texts import percent
from siting.units import PlanningUnits, assign_units, study_area

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pandas import DataFrame
    from shapely.geometry.base import BaseGeometry

    from siting.cache import Cache
    from siting.network import Network
    from siting.scenario import Scenario
    from siting.standards import Standard

__all__ = ["Prepared", "longest_distances", "prepare"]

LONG_LEG_M = 200.0


@dataclass(frozen=True)
class Prepared:
    """
    What one scenario's files become.

    Attributes
    ----------
    scenario, standard
        What was asked, and the rules in force with the study's changes.
    problem
        What is planned for and judged by.
    demand, zones, units, network, roads
        Tables behind the problem; ``network`` and ``roads`` may be None with straight distances.
    readings
        Density under each support.
    support
        Support in use.
    site_snap, demand_snap
        Where sites and demand points meet the network.
    study_area, exclusions
        Areas in the working system.
    check
        What was found in the files.
    inputs
        One entry per file: ``path, sha256, rows, dropped``.
    earlier
        The standard in each phase before the plan's year.
    cache
        What came from the cache (``read``) or was put there (``kept``), by kind.
    """

    scenario: Scenario
    standard: Standard
    problem: Problem
    demand: Demand
    zones: Zones | None
    units: PlanningUnits
    network: Network | None
    roads: GeoDataFrame | None
    readings: dict[str, DensityReading]
    support: str
    site_snap: Snap | None
    demand_snap: Snap | None
    study_area: BaseGeometry | None
    exclusions: GeoDataFrame | None
    check: DataCheck
    inputs: list[dict[str, Any]]
    earlier: dict[int, Standard] = field(default_factory=dict)
    cache: dict[str, str] = field(default_factory=dict)


def prepare(
    scenario: Scenario,
    *,
    check: DataCheck | None = None,
    drawn: DataFrame | None = None,
    cache: Cache | None = None,
) -> Prepared:
    """
    Return the problem of a scenario, with everything that outputs show around it.

    Parameters
    ----------
    scenario
        As read.
    check
        Takes the lines of the data check, also when an error ends the reading.
    drawn
        Facilities of a given layout (``id, beds, x, y``); those that the scenario does not know
        become sites of their own.
    cache
        Where the network and the distances are kept; None: where ``SITING_CACHE`` says.

    Returns
    -------
    prepared
        The problem, and the tables, network and check behind it.

    Raises
    ------
    InputError, ScenarioError, StandardError
        With every fault of the files that can be told apart.
    """
    check = check if check is not None else DataCheck()
    working_crs(scenario.crs)
    standard, earlier = _standard(scenario, check), earlier_standards(scenario, check)
    report_phases(scenario, check)
    cache = cache if cache is not None else user_cache()
    files = read_given(scenario, check, cache)
    demand = _placed_demand(scenario, files, check)
    area = study_area(scenario, demand, files.zones, files.unit_layer)
    check_seams(scenario, demand, files.zones, files.unit_layer, area, check=check)
    sites = _all_sites(scenario, files, area)
    if drawn is not None:
        sites = join_sites([sites, drawn_sites(drawn, set(sites.id), check=check)])
        sites = untold_parts(sites, set(drawn.columns))
    inside = _inside(area, sites.xy)
    units = assign_units(
        scenario, demand, files.zones, files.unit_layer, sites.xy, inside=inside, check=check
    )
    areas = find_areas(scenario, demand, files.zones, units, sites.xy, inside, check=check)
    refuse_unknown_areas(standard, areas, scenario.standard)
    readings = density_readings(demand, files.zones, scenario.density)
    support, classes = _density_classes(scenario, standard, demand, readings, check)
    cutoff = max(map(_cutoff, (standard, *earlier.values())))
    snaps, reach = _measured(scenario, files.network, sites, demand, cutoff, cache)
    excluded = _excluded(files.exclusions, sites)
    locks: dict[str, Any] = read_locks(scenario, sites, excluded)
    problem = Problem(
        demand_id=demand.id,
        demand_xy=demand.xy,
        elders=demand.elders,
        density_per_km2=readings[support].per_km2,
        density_class=classes,
        standard_m=longest_distances(classes, demand.elders, standard),
        demand_unit=units.of_demand,
        demand_zone=demand.zone,
        demand_on_network=_on_network(snaps[1], len(demand.id)),
        sites=sites,
        site_unit=units.of_site,
        site_on_network=_on_network(snaps[0], sites.n),
        site_excluded=excluded,
        **locks,
        reach=reach.distances,
        unit_id=units.id,
        zone_id=files.zones.id if files.zones is not None else np.empty(0, dtype=object),
        rules=standard.rules,
        limits=step_limits(scenario)[-1],
        areas=areas,
        mix=scenario.mix,
        functions=scenario.functions,
    )
    if sites.n and not reach.distances.nnz:
        check.add("warning", "reach_empty", "network", count=sites.n, metres=cutoff)
    _report_places(problem, snaps, files, inside, check)
    report_subsidies(problem, check)
    return Prepared(
        scenario, standard, problem, demand, files.zones, units, files.network, files.roads,
        readings, support, snaps[0], snaps[1], area, files.exclusions, check, files.inputs, earlier,
        report_cache(cache, check),
    )  # fmt: skip


def _standard(scenario: Scenario, check: DataCheck) -> Standard:
    """Return the standard with the study's changes; list what it makes of the one it extends."""
    standard = read_rules(scenario, scenario.year)
    if standard.joined is not None:
        made = standard.joined
        check.add(
            "info", "standard_extends", "standard", count=len(made.dropped),
            examples=made.dropped, base=made.base, kept=len(made.kept),
            changed=len(made.changed), added=len(made.added),
        )  # fmt: skip
    return standard.change(scenario.rules, where="rules")


def _density_classes(
    scenario: Scenario,
    standard: Standard,
    demand: Demand,
    readings: dict[str, DensityReading],
    check: DataCheck,
) -> tuple[str, NDArray[np.int8]]:
    """Return the support in use, and each point's class under it; list all supports."""
    support = scenario.density.support if scenario.density.support in readings else "window"
    if support != scenario.density.support:
        check.add("info", "support_fallback", "density", count=1)
    classes = {name: classify(reading, standard) for name, reading in readings.items()}
    _report_classes(demand, classes, support, check)
    return support, classes[support]


def _cutoff(standard: Standard) -> float:
    """Return the longest distance that a rule or the last stage asks for, metres."""
    asked = [float(rule.parameters.distance_m) for rule in standard.distance_rules]
    return max([DISTANCE_CAP_M, *asked])


def _placed_demand(scenario: Scenario, files: Given, check: DataCheck) -> Demand:
    """Return the demand points in their zones, spread first where the scenario says so."""
    demand = files.demand
    if demand is None:  # pragma: no cover - read or raised
        raise InputError.of("empty_layer", "demand")
    if scenario.demand.spread is not None and files.network is not None:
        areas = demand.source.frame.geom_type.isin(["Polygon", "MultiPolygon"])
        if not areas.all():
            raise InputError.of("spread_needs_polygons", demand.source.name)
        demand = spread_elders(demand, files.network, scenario.demand.spread, check=check)
    if not demand.elders.sum() > 0:
        raise InputError.of("no_elders", demand.source.name)
    return place_in_zones(demand, files.zones, check=check)


def _all_sites(scenario: Scenario, files: Given, area: BaseGeometry | None) -> Sites:
    """Return homes, listed candidates and generated ones."""
    read = [each for each in (files.homes, *files.listed.values()) if each is not None]
    refuse_shared_ids(source for _, source in read)
    parts = [sites for sites, _ in read]
    made = 0
    for part in scenario.candidates:
        if part.generate is None or files.network is None:
            continue
        taken = np.vstack([np.empty((0, 2)), *(each.xy for each in parts)])
        new = generate_candidates(
            part, part.generate, files.network, study_area=area, taken=taken, first=made + 1
        )
        made += new.n
        parts.append(new)
    return join_sites(parts) if parts else no_sites()


def _inside(area: BaseGeometry | None, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points lie inside the study area, its border included."""
    if area is None:
        return np.ones(len(xy), dtype=bool)
    shapely.prepare(area)
    return np.asarray(shapely.intersects_xy(area, *xy.T), dtype=bool)


def _measured(
    scenario: Scenario,
    network: Network | None,
    sites: Sites,
    demand: Demand,
    cutoff_m: float,
    cache: Cache,
) -> tuple[tuple[Snap | None, Snap | None], Reach]:
    """Return where points meet the network, and the distances that bind: by road, or straight."""
    part, threads = scenario.network, scenario.solve.threads
    if scenario.distance == "straight":
        reach = straight_reach(sites.xy, demand.xy, cutoff_m=cutoff_m, threads=threads)
        if network is None or part is None:
            return (None, None), reach
        limits: dict[str, Any] = {"max_snap_m": part.max_snap_m, "threads": threads}
        return (snap(network, sites.xy, **limits), snap(network, demand.xy, **limits)), reach
    if network is None or part is None:
        raise ScenarioError.of("needs", "network", names="network", key="network")
    from_sites, to_demand, matrix = walking_distances(
        network, sites.xy, demand.xy, cutoff_m=cutoff_m, max_snap_m=part.max_snap_m,
        threads=threads, cache=cache,
    )  # fmt: skip
    return (from_sites, to_demand), Reach(matrix, cutoff_m)


def _on_network(found: Snap | None, n: int) -> NDArray[np.bool_]:
    """Return which points are near enough to a road."""
    return np.ones(n, dtype=bool) if found is None else found.edge >= 0


def longest_distances(
    classes: NDArray[np.int8], elders: NDArray[np.float64], standard: Standard
) -> NDArray[np.float64]:
    """Return each point's longest distance; NaN where there is no duty."""
    metres = np.full(len(classes), np.nan)
    for rule in standard.distance_rules:
        metres[classes == CLASSES.index(rule.parameters.density_class)] = rule.parameters.distance_m
    metres[elders <= 0] = np.nan
    return metres


def _excluded(exclusions: GeoDataFrame | None, sites: Sites) -> NDArray[np.bool_]:
    """Return which candidates lie where nothing new may stand."""
    if exclusions is None:
        return np.zeros(sites.n, dtype=bool)
    area = shapely.union_all(np.asarray(exclusions.geometry))
    shapely.prepare(area)
    return np.asarray(shapely.intersects_xy(area, *sites.xy.T)) & ~sites.is_existing


def _report_classes(
    demand: Demand, classes: dict[str, NDArray[np.int8]], support: str, check: DataCheck
) -> None:
    """List the elders by class under each support, and warn where the reading matters."""
    total = float(demand.elders.sum())
    for name, each in classes.items():
        by_class = np.bincount(each, weights=demand.elders, minlength=3)
        changed = float(demand.elders[each != classes[support]].sum())
        check.add(
            "warning" if changed > 0.05 * total else "info",
            "density_support" if name != support else "density_support_used",
            "density", count=len(demand.id), elders=changed, support=name,
            high=float(by_class[2]), medium=float(by_class[1]), low=float(by_class[0]),
            share=changed / total,
        )  # fmt: skip


def _report_places(
    problem: Problem,
    snaps: tuple[Snap | None, Snap | None],
    files: Given,
    inside: NDArray[np.bool_],
    check: DataCheck,
) -> None:
    """List what is off the network or outside the study area, and the pieces of the network."""
    existing = problem.sites.is_existing
    groups = {"homes": existing, "candidates": ~existing}
    for name, group in groups.items():
        for code, bad in (
            (f"{name}_off_network", ~problem.site_on_network),
            (f"{name}_outside", ~inside),
            (f"{name}_excluded", problem.site_excluded),
        ):
            rows = np.flatnonzero(group & bad)
            if len(rows):
                found = problem.sites.id[rows]
                quiet = code == "candidates_excluded"
                check.add(
                    "info" if quiet else "warning", code, name, count=len(rows), examples=found
                )
    lonely = ~existing & ~problem.forbidden & ~problem.site_excluded
    lonely &= problem.sites.max_beds >= QUALIFYING_BEDS
    lonely &= ~problem.usable()
    if lonely.any():
        rows = np.flatnonzero(lonely)
        check.add(
            "info", "too_few_elders", "limits", count=len(rows), examples=problem.sites.id[rows]
        )
    if files.network is None or snaps[1] is None:
        return
    on = problem.demand_on_network
    far = np.flatnonzero(on & (snaps[1].leg_m > LONG_LEG_M))
    for code, rows in (("demand_off_network", np.flatnonzero(~on)), ("long_leg", far)):
        if len(rows):
            check.add(
                "info" if code == "long_leg" else "warning", code, "demand", count=len(rows),
                elders=float(problem.elders[rows].sum()), examples=problem.demand_id[rows],
            )  # fmt: skip
    _report_pieces(problem, files.network, snaps[1], check)


def _report_pieces(problem: Problem, network: Network, found: Snap, check: DataCheck) -> None:
    """List the pieces of the network with the share of elders on each."""
    on = found.edge >= 0
    piece = network.component_of_node[network.edge_nodes[found.edge[on], 0]]
    elders = np.bincount(piece, weights=problem.elders[on], minlength=network.n_components)
    total = float(problem.elders.sum())
    shown = np.argsort(-elders, kind="stable")[:10].tolist()
    if network.n_components == 1:
        check.add("info", "one_piece", "network", count=1, km=network.component_length_m[0] / 1000)
        return
    lengths = network.component_length_m / 1000
    examples = [f"{lengths[k]:.1f} km: {percent(elders[k] / total)}" for k in shown]
    check.add(
        "warning", "pieces", "network", count=network.n_components,
        elders=float(elders.sum() - elders[0]),
        examples=examples,
    )  # fmt: skip
