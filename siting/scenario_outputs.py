"""What a scenario says of its outputs: which are written, and what the sheets bear."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from siting.scenario_inputs import NonNegative, Part, as_tuple

__all__ = ["WINDS", "Atlas", "Outputs"]

WINDS = (8, 16)
"""How many directions a wind rose may have."""


class Atlas(Part):
    """What the sheets say and the planner alone knows; and the paper of the atlas."""

    paper: Literal["A4", "A3", "A1"] = "A3"
    """Paper of the atlas, landscape."""
    title: str | None = None
    """Title of the atlas, on every sheet; default: the scenario's name."""
    unit: str | None = None
    """Drawing unit; the field stays blank without."""
    date: str | None = None
    """Date of drawing; default: the day of the run."""
    approval: str | None = None
    """Number of the map review (审图号); the field stays blank without."""
    wind_rose: Annotated[tuple[NonNegative, ...], BeforeValidator(as_tuple)] = ()
    """Frequencies of wind from 8 or 16 directions, clockwise from north; none: a north arrow."""
    source_years: dict[str, str | int] = Field(default_factory=dict)
    """Name of an input file to the year, or the words, of its data."""
    dpi: Annotated[int, Field(ge=50, le=600)] = 150
    """Dots per inch of the pictures."""

    @model_validator(mode="after")
    def _rose_is_whole(self) -> Self:
        if self.wind_rose and (len(self.wind_rose) not in WINDS or not any(self.wind_rose)):
            raise ValueError(f"wind_rose:{len(self.wind_rose)}")
        return self


class Outputs(Part):
    """What is written beside run.json and the tables in CSV."""

    map: bool = True
    """map.html"""
    tables: bool = True
    """tables.xlsx"""
    workbook_rows: Annotated[int, Field(ge=1)] = 50_000
    """Most rows of a table of tables.xlsx; what is left out is counted below it."""
    geopackage: bool = True
    """plan.gpkg"""
    shapefile: bool = False
    """the folder shp"""
    geojson: bool = False
    """the folder geojson"""
    sheet: bool = True
    """sheet.pdf and sheet.png"""
    atlas: bool = False
    """atlas.pdf and the folder atlas"""
    report: bool = True
    """report.docx and report.html"""
    report_template: str | None = None
    """Word document that the report is written into; default: the packaged one."""
    report_rows: Annotated[int, Field(ge=1)] = 60
    """Most rows of a long table of the report; what is left out is counted."""
