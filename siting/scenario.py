"""The scenario: what a planner writes in one YAML file, checked and frozen."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from siting.scenario_inputs import (
    Candidates,
    Crs,
    Demand,
    Exclude,
    Existing,
    Generate,
    Identity,
    Name,
    NonNegative,
    NumberOrColumn,
    Part,
    Positive,
    Roads,
    Share,
    Spread,
    Zones,
    as_tuple,
)
from siting.scenario_objective import Objective
from siting.scenario_outputs import Atlas, Outputs

__all__ = [
    "Access", "Atlas", "Build", "Candidates", "Circles", "Demand", "Density", "Exclude", "Existing",
    "Generate", "Limits", "Locks", "NumberOrColumn", "Objective", "Outputs", "Phase", "Report",
    "Roads", "Scenario", "Solve", "Spread", "Units", "Zones",
]  # fmt: skip

Ferry = Annotated[tuple[Identity, Identity], BeforeValidator(as_tuple)]


class Build(Part):
    """Planning units built from zones, or from demand points where there are no zones."""

    elders: Positive = 10000.0
    """Elders that a unit should hold."""
    band_low: NonNegative | None = None
    """Fewest elders of a unit that is not listed; default: three quarters of elders."""
    band_high: Positive | None = None
    """Most elders of a unit that is not listed; default: five quarters of elders."""
    max_area_km2: Positive = 100.0
    """A unit of several zones stops growing at this area, square kilometres."""
    border_tolerance_m: NonNegative = 1.0
    """Zones whose borders are at most this far apart, or overlap, share them, metres."""
    ferries: Annotated[tuple[Ferry, ...], BeforeValidator(as_tuple)] = ()
    """Pairs of zones that count as side by side though water lies between."""
    grid_m: Positive = 250.0
    """Without zones: side of the squares that demand points are put into, metres."""
    link_m: Positive = 1000.0
    """Without zones: squares hang together if their centres are less than this apart, metres."""

    @model_validator(mode="after")
    def _band_holds_elders(self) -> Self:
        if not self.low <= self.elders <= self.high:
            raise ValueError("band_without_elders:")
        return self

    @property
    def low(self) -> float:
        """Lower end of the band, inside it."""
        return 0.75 * self.elders if self.band_low is None else self.band_low

    @property
    def high(self) -> float:
        """Upper end of the band, inside it."""
        return 1.25 * self.elders if self.band_high is None else self.band_high


class Units(Part):
    """Planning units: a layer, or a column of the zones (without zones: of the demand file)."""

    path: str | None = None
    """Polygons."""
    layer: str | None = None
    """Layer; default: the first."""
    crs: Crs | None = None
    """System of the coordinates, where the file does not say."""
    id: str | None = None
    """Column of ids of the layer."""
    by: str | None = None
    """A role declared under zones (street, district, id), else a column of the zones' file."""
    build: Build | None = None
    """Build units of about equal elders from zones, or from demand points."""
    overlap_m: NonNegative = 1.0
    """Units of a layer may overlap by a strip at most this wide, metres."""
    max_outside_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Most of the elders that may live outside every unit, a share of all."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(each is not None for each in (self.path, self.by, self.build)) != 1:
            raise ValueError("one_of:path, by, build")
        if self.path is not None and self.id is None:
            raise ValueError("needs:id")
        return self


class NamedCircle(Part):
    """A circle made of whole streets, of zones, or of both."""

    name: Identity
    """Name of the circle."""
    streets: Annotated[tuple[Identity, ...], BeforeValidator(as_tuple)] = ()
    """Streets or towns that lie in it."""
    zones: Annotated[tuple[Identity, ...], BeforeValidator(as_tuple)] = ()
    """Ids of zones that lie in it."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.streets and not self.zones:
            raise ValueError("circle_empty:")
        return self


class Circles(Part):
    """Circles of community care: one per street or town unless said otherwise."""

    by: Name | None = None
    """``unit``, a role declared under zones (street, district), or a column of the zones' file."""
    list: Annotated[tuple[NamedCircle, ...], BeforeValidator(as_tuple)] = ()
    """Instead: circles by name, with their streets and zones."""
    low_ageing: Annotated[tuple[Identity, ...], BeforeValidator(as_tuple)] = ()
    """Circles that count as low in elders whatever their share."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.by is not None and self.list:
            raise ValueError("one_of:by, list")
        return self


class Density(Part):
    """Over which area the density of elders is read."""

    support: Literal["zone", "window", "grid"] = "zone"
    """Zone polygon; circle around each point; square of a grid. Without zones: window."""
    window_m2: Positive = 1e6
    """Area of the circle, square metres."""
    grid_m: Positive = 500.0
    """Side of a square of the grid, metres; squares start at multiples of it."""


class Phase(Part):
    """A step on the way to the plan's year."""

    year: Annotated[int, Field(ge=1900, le=2200)]
    """Year whose rules the step is planned for."""
    budget_wan_yuan: NonNegative | None = None
    """Money of this step, 万元; what is not spent is kept for the next."""


def _in_order(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """Refuse years that do not rise, and money after a step without a limit on it."""
    years = [each.year for each in phases]
    if any(later <= earlier for earlier, later in pairwise(years)):
        names = ", ".join(map(str, years))
        raise ValueError(f"phases_not_rising:{names}")
    for earlier, later in pairwise(phases):
        if earlier.budget_wan_yuan is None and later.budget_wan_yuan is not None:
            raise ValueError(f"phase_budget_missing:{earlier.year}")
    return phases


Phases = Annotated[tuple[Phase, ...], BeforeValidator(as_tuple), AfterValidator(_in_order)]


class Limits(Part):
    """Limits that hold in every stage."""

    budget_wan_yuan: NonNegative | None = None
    """Most that the plan may cost, 万元."""
    max_new_sites: Annotated[int, Field(ge=0)] | None = None
    """Most candidates that may be opened."""
    min_elders_per_new_site: NonNegative | None = None
    """Fewest elders within the standard of an opened candidate."""


class Locks(Part):
    """What the planner has decided."""

    open: Annotated[tuple[Identity, ...], BeforeValidator(as_tuple)] = ()
    """Sites that must be open."""
    forbid: Annotated[tuple[Identity, ...], BeforeValidator(as_tuple)] = ()
    """Candidates that must not open, homes that close."""
    beds: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Sites that are open with exactly so many beds."""


class Function(Part):
    """A function that a facility may take on."""

    cost: NonNegative = 0.0
    """Cost of setting it up, 万元."""
    area_m2: NonNegative = 0.0
    """Floor area that it takes, square metres."""
    running_cost: NonNegative = 0.0
    """Cost of running it for a year, 万元."""


class Mix(Part):
    """What nursing and dementia beds cost, and how many a new home may hold."""

    nursing_cost_per_bed: NonNegative = 0.0
    """What a new nursing bed costs more than another, 万元."""
    dementia_cost_per_bed: NonNegative = 0.0
    """What a new dementia bed costs more than another nursing bed, 万元."""
    most_nursing_share: Share = 1.0
    """Most of a home's new beds that can be nursing beds."""
    most_dementia_share: Share = 1.0
    """Most of a home's nursing beds that can be dementia beds."""


class Solve(Part):
    """How hard to search."""

    time_limit_s: Positive = 300.0
    """Limit on the whole solve, seconds."""
    gap: NonNegative = 0.005
    """A stage may stop when its proven gap is this small."""
    threads: Annotated[int, Field(ge=1)] = 2
    """Threads of the search and the solver."""
    random_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the solver."""
    solver: Literal["highs", "cbc"] = "highs"
    """HiGHS, or CBC as the fall-back."""
    exact_below: Annotated[int, Field(ge=0)] = 2000
    """With at most this many yes-or-no decisions a stage first tries for a gap of 0; planning again
    from an older plan, with at most this many whole numbers, beds and functions included."""


class Report(Part):
    """From when on something is said."""

    beds_over_need: Annotated[float, Field(ge=1)] = 1.5
    """A planning unit with more planned beds than so many times its need is a conflict."""


class Access(Part):
    """How access and equity are measured; no rule asks for them."""

    catchment_m: Positive = 1000.0
    """Longest distance at which beds still count as accessible, metres."""
    walk_minutes: Positive = 5.0
    """Minutes of the coverage on foot."""
    walk_m_per_min: Positive = 60.0
    """Walking speed of elders, metres per minute."""
    residents_per_1000: NonNegative | None = None
    """Of 1,000 elders those expected to live in homes; without, no occupancy is expected."""


class Scenario(Part):
    """Everything that one run depends on."""

    name: Name
    """Name of the plan, shown on every output."""
    language: Literal["zh", "en"] = "zh"
    """Language of outputs."""
    standard: Name
    """Packaged standard, or path of a YAML file."""
    year: Annotated[int, Field(ge=1900, le=2200)]
    """Year of the plan; picks each rule's value: the newest not later than this."""
    crs: Crs
    """Working system: projected, metres; every distance is measured in it."""
    distance: Literal["network", "straight"] = "network"
    """Walking distance along the roads, or the straight line."""
    demand: Demand
    """Demand points."""
    zones: Zones | None = None
    """Communities and villages."""
    network: Roads | None = None
    """Roads; needed unless distance is straight."""
    existing: Existing | None = None
    """Homes that stand today."""
    candidates: Annotated[tuple[Candidates, ...], BeforeValidator(as_tuple)] = ()
    """Sites that could be used."""
    units: Units | None = None
    """Planning units; without, the whole area is one."""
    circles: Circles | None = None
    """Circles of community care; without, every street or town is one."""
    density: Density = Density()
    """Areal support of density."""
    exclude: Annotated[tuple[Exclude, ...], BeforeValidator(as_tuple)] = ()
    """Areas where nothing new may stand."""
    phases: Phases = ()
    """Steps on the way to the plan's year, with their money."""
    objective: Objective | None = None
    """A classical location model in the place of the stages of the policy."""
    limits: Limits = Limits()
    """Budget, number of sites, fewest elders."""
    locks: Locks = Locks()
    """Decisions already taken."""
    functions: dict[str, Function] = Field(default_factory=dict)
    """Functions that may be added, with their cost: name to cost, area, running cost."""
    mix: Mix = Mix()
    """Nursing and dementia beds."""
    rules: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Changes to the standard for this study: rule id to parameters, and ``enforce``."""
    solve: Solve = Solve()
    """How hard to search."""
    report: Report = Report()
    """From when on something is listed as a conflict."""
    access: Access = Access()
    """How access and equity are measured."""
    atlas: Atlas = Atlas()
    """Title block and paper of the sheets."""
    outputs: Outputs = Outputs()
    """What is written."""

    _root: Path = PrivateAttr(default_factory=Path)
    _origin: Path | None = PrivateAttr(default=None)
    _changes: tuple[tuple[str, Any], ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _has_network(self) -> Self:
        if self.network is None and (
            self.distance == "network"
            or self.demand.spread is not None
            or any(each.generate for each in self.candidates)
        ):
            raise ValueError("needs:network")
        return self

    @model_validator(mode="after")
    def _ends_in_its_year(self) -> Self:
        if self.phases and self.phases[-1].year > self.year:
            raise ValueError(f"phases_after_year:{self.phases[-1].year} > {self.year}")
        return self

    @model_validator(mode="after")
    def _objective_stands_alone(self) -> Self:
        together = {
            "phases": bool(self.phases),
            "limits.budget_wan_yuan": self.limits.budget_wan_yuan is not None,
            "limits.max_new_sites": self.limits.max_new_sites is not None,
            "solve.solver: cbc": self.solve.solver == "cbc",
        }
        names = ", ".join(key for key, given in together.items() if given)
        if self.objective is not None and names:
            raise ValueError(f"objective_with:{names}")
        return self

    @model_validator(mode="after")
    def _years_are_of_its_files(self) -> Self:
        known = {each.replace("\\", "/").rsplit("/", 1)[-1] for each in self.paths}
        wrong = [each for each in self.atlas.source_years if each not in known]
        if wrong:
            names, files = ", ".join(wrong), ", ".join(sorted(known))
            raise ValueError(f"no_such_source:{names} ({files})")
        return self

    @property
    def paths(self) -> list[str]:
        """Every input file, as the scenario writes it."""
        parts: tuple[Any, ...] = (
            self.demand, self.zones, self.network, self.existing, *self.candidates, self.units,
            *self.exclude,
        )  # fmt: skip
        return [each.path for each in parts if each is not None and each.path is not None]

    @property
    def steps(self) -> tuple[Phase, ...]:
        """Phases up to and with the plan's year; without any, that year alone."""
        if self.phases and self.phases[-1].year == self.year:
            return self.phases
        return (*self.phases, Phase(year=self.year))

    @property
    def origin(self) -> Path | None:
        """File that the scenario was read from."""
        return self._origin

    @property
    def changes(self) -> tuple[tuple[str, Any], ...]:
        """Every change of a variant or of ``--set``, in order: dotted key and value."""
        return self._changes

    def locate(self, path: str) -> Path:
        """Return a path of the scenario, relative to its data folder."""
        return self._root / path

    def attach(
        self, *, root: Path, origin: Path | None, changes: tuple[tuple[str, Any], ...]
    ) -> Scenario:
        """Return the scenario with the folder its paths start from and where it came from."""
        self._root, self._origin, self._changes = root, origin, changes
        return self
