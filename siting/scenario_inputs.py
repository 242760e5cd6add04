"""What a scenario says of its files: demand, zones, roads, homes, candidates, excluded areas."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "BedsOrColumn", "Candidates", "Crs", "Demand", "Exclude", "Existing", "Generate", "Identity",
    "Name", "NonNegative", "NumberOrColumn", "Part", "Positive", "Roads", "Share", "Spread",
    "Zones", "as_tuple",
]  # fmt: skip

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
NumberOrColumn = Annotated[float, Field(ge=0)] | Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(min_length=1)]


def _epsg(value: Any) -> Any:
    """Return ``EPSG:n`` for a bare number."""
    return f"EPSG:{value}" if type(value) is int else value


def _identity(value: Any) -> Any:
    """Return the text of an id that YAML reads as a number."""
    return str(value) if type(value) is int else value


def _whole(value: Any) -> Any:
    """Refuse a number of beds with a fraction; a column is checked with its file."""
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("whole_number:")
    return value


BedsOrColumn = Annotated[NumberOrColumn, AfterValidator(_whole)]
Crs = Annotated[Name, BeforeValidator(_epsg)]
Identity = Annotated[Name, BeforeValidator(_identity)]


def as_tuple(value: Any) -> Any:
    """Return a list as a tuple, so that a frozen scenario holds nothing that changes."""
    return tuple(value) if isinstance(value, list) else value


class Part(BaseModel):
    """A piece of a scenario: frozen, every key known."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


class Spread(Part):
    """How elders known only by large areas are spread over a grid: an estimate, said everywhere."""

    method: Literal["road_length", "road_served"] = "road_length"
    """``road_length``: in proportion to the length of road in a cell; ``road_served``: evenly."""
    grid_m: Positive = 250.0
    """Side of a cell, metres."""
    within_m: NonNegative = 300.0
    """``road_served``: a cell whose centre is at most this far from a road is served, metres."""


class Demand(Part):
    """Demand points: the grid of elders."""

    path: Name
    """Points, polygons (each stands at its representative point), a table, or a raster."""
    layer: str | None = None
    """Layer, or sheet of a workbook; default: the first."""
    id: str | None = None
    """Column of ids; default: file stem and row number."""
    elders: Name | int
    """Column, or band number of a raster."""
    x: str | None = None
    """Tables: column of x or longitude."""
    y: str | None = None
    """Tables: column of y or latitude."""
    crs: Crs | None = None
    """System of the coordinates, where the file does not say."""
    spread: Spread | None = None
    """Spread the elders of large polygons over a grid (an estimate)."""


class Zones(Part):
    """Communities and villages: the areal support of density."""

    path: Name
    """Polygons."""
    layer: str | None = None
    """Layer; default: the first."""
    crs: Crs | None = None
    """System of the coordinates, where the file does not say."""
    id: Name
    """Column of ids."""
    name: str | None = None
    """Column of names."""
    elders: Name
    """Column of elders, 60 and over."""
    residents: str | None = None
    """Column of all residents."""
    street: str | None = None
    """Column of streets or towns."""
    district: str | None = None
    """Column of districts."""
    island: str | None = None
    """Column of islands; empty on the mainland."""
    overlap_m: NonNegative = 1.0
    """Zones may overlap by a strip at most this wide, metres."""


class Roads(Part):
    """The roads that people walk on."""

    path: Name
    """Lines, or .osm, .osm.gz, .osm.pbf, .graphml."""
    layer: str | None = None
    """Layer; default: the first."""
    crs: Crs | None = None
    """System of the coordinates, where the file does not say."""
    tolerance_m: NonNegative = 0.05
    """Ends and vertices at most this far apart are one place, metres."""
    node_crossings: bool = False
    """True: plain crossings meet too, except where bridge, tunnel or layer differ."""
    max_snap_m: Positive = 500.0
    """A point farther than this from every road is off the network, metres."""


class Existing(Part):
    """Homes that stand today."""

    path: Name
    """Points, polygons or a table."""
    layer: str | None = None
    """Layer, or sheet of a workbook; default: the first."""
    x: str | None = None
    """Tables: column of x or longitude."""
    y: str | None = None
    """Tables: column of y or latitude."""
    crs: Crs | None = None
    """System of the coordinates, where the file does not say."""
    id: str | None = None
    """Column of ids; default: file stem and row number."""
    name: str | None = None
    """Column of names."""
    beds: Name
    """Column of beds, whole numbers."""
    nursing_beds: str | None = None
    """Column of nursing beds."""
    dementia_beds: str | None = None
    """Column of dementia beds."""
    nursing_share: Share | None = None
    """Instead of a column: part of each home's beds taken for nursing beds (an assumption)."""
    dementia_share: Share | None = None
    """Instead of a column: part of each home's beds taken for dementia beds (an assumption)."""
    ownership: str | None = None
    """Column of ownership."""
    kind: str | None = None
    """Column of kinds: institution (also where empty), day_care, home_beds, canteen, …"""
    registered: str | None = None
    """Column that says whether the home is registered; empty counts as registered."""
    max_beds: BedsOrColumn | None = None
    """Room to extend: beds that the home could have in all."""
    fixed_cost: NumberOrColumn | None = None
    """Cost of extending at all, 万元."""
    cost_per_bed: NumberOrColumn | None = None
    """Cost of each added bed, 万元."""
    running_cost_per_bed: NumberOrColumn | None = None
    """Cost of running each bed for a year, 万元."""
    convert_cost_per_bed: NumberOrColumn | None = None
    """Cost of turning an existing bed into a nursing bed, 万元; without, none is turned."""
    functions: str | None = None
    """Column of the functions that stand, separated by commas or semicolons."""
    can_host: str | None = None
    """Column of the functions that could be added; without, every function of the scenario."""
    floor_m2: NumberOrColumn | None = None
    """Floor area free for functions that are added, square metres; empty: no limit."""
    facts: dict[str, str] = Field(default_factory=dict)
    """Fact that rules ask for (residents, stars, nurses, rehab_room, …) to its column."""

    @model_validator(mode="after")
    def _told_or_assumed(self) -> Self:
        if self.nursing_beds is not None and self.nursing_share is not None:
            raise ValueError("not_both:nursing_beds, nursing_share")
        if self.dementia_beds is not None and self.dementia_share is not None:
            raise ValueError("not_both:dementia_beds, dementia_share")
        return self


class Generate(Part):
    """Candidates at places on the roads inside the study area."""

    spacing_m: Positive
    """Least straight distance between two candidates, and from homes and listed ones, metres."""


class Candidates(Part):
    """Sites that could be used: listed in a file, or generated."""

    path: str | None = None
    """Points, polygons or a table."""
    generate: Generate | None = None
    """Instead of a path: places on the roads, thinned to a spacing."""
    layer: str | None = None
    """Layer, or sheet of a workbook; default: the first."""
    x: str | None = None
    """Tables: column of x or longitude."""
    y: str | None = None
    """Tables: column of y or latitude."""
    crs: Crs | None = None
    """System of the coordinates, where the file does not say."""
    id: str | None = None
    """Column of ids; default: file stem and row number."""
    name: str | None = None
    """Column of names."""
    tenure: str | None = None
    """Column of tenure."""
    land_code: str | None = None
    """Column of land codes."""
    area_m2: str | None = None
    """Column of areas, square metres."""
    min_beds: BedsOrColumn = 10.0
    """Fewest beds, a number or a column; an opened site has at least 10."""
    max_beds: BedsOrColumn
    """Most beds, a number or a column; 0: no beds, the site is for functions alone."""
    fixed_cost: NumberOrColumn = 0.0
    """Cost of opening, 万元, a number or a column."""
    cost_per_bed: NumberOrColumn = 0.0
    """Cost of each bed, 万元, a number or a column."""
    running_cost_per_bed: NumberOrColumn | None = None
    """Cost of running each bed for a year, 万元, a number or a column."""
    ownership: Literal["public", "public_private", "private"] = "public"
    """Who owns and runs what opens here."""
    can_host: str | None = None
    """Column of the functions that could stand; without, every function of the scenario."""
    floor_m2: NumberOrColumn | None = None
    """Floor area free for functions that are added, square metres; empty: no limit."""
    reserved: str | None = None
    """Column that says whether the site is reserved for a function."""
    facts: dict[str, str] = Field(default_factory=dict)
    """Fact that rules ask for (idle, land_use, …) to its column."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.generate is None):
            raise ValueError("one_of:path, generate")
        return self

    @model_validator(mode="after")
    def _fewest_first(self) -> Self:
        least, most = self.min_beds, self.max_beds
        said = "min_beds" in self.model_fields_set
        if said and isinstance(least, float) and isinstance(most, float) and least > most > 0:
            raise ValueError(f"min_above_max:{least:g} > {most:g}")
        return self


class Exclude(Part):
    """An area where nothing new may stand."""

    path: Name
    """Polygons."""
    layer: str | None = None
    """Layer; default: the first."""
    crs: Crs | None = None
    """System of the coordinates, where the file does not say."""
    name: Name
    """What the area is called in outputs."""
    buffer_m: NonNegative = 0.0
    """Keep this far away from it, metres."""
