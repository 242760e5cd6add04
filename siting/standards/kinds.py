"""
Rule kinds: what a rule of each kind holds, and how it reads.

A kind has four functions in four tables: ``DESCRIBE`` and ``EXAMPLES`` here, ``CONSTRAIN`` in
``siting.model`` and ``CHECK`` in ``siting.audit``. One test compares the four.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from siting.texts import text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DESCRIBE", "EXAMPLES", "KINDS", "CountRule", "CoverageRule", "RatioRule"]

Positive = Annotated[float, Field(gt=0)]


class Parameters(BaseModel):
    """What a rule of one kind holds: frozen, every name known."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class RatioRule(Parameters):
    """Beds in proportion to elders, in every planning unit and in all (rounded up)."""

    beds_per_10000: Positive
    """Beds for each 10,000 elders."""


class CountRule(Parameters):
    """At least so many separate places with a facility in every planning unit."""

    min_sites: Annotated[int, Field(ge=1)]
    """Fewest separate places."""
    min_site_beds: Annotated[int, Field(ge=1)]
    """A unit has the duty if it needs at least ``min_sites`` times this many beds."""
    same_site_m: Annotated[float, Field(ge=0)]
    """Facilities closer than this in a straight line are one place (single linkage), metres."""


class CoverageRule(Parameters):
    """A qualifying facility within a distance of elders who live at a density."""

    distance_m: Positive
    """Longest distance, metres, inclusive."""
    density_above_per_km2: Positive | None = None
    """High class: more elders per square kilometre than this (exclusive)."""
    density_from_per_km2: Positive | None = None
    """Medium class: at least this many elders per square kilometre, and not high."""

    @model_validator(mode="after")
    def _one_class(self) -> Self:
        if (self.density_above_per_km2 is None) == (self.density_from_per_km2 is None):
            raise ValueError("one_of:density_above_per_km2, density_from_per_km2")
        return self

    @property
    def density_class(self) -> Literal["high", "medium"]:
        """Class of density that the rule is about."""
        return "high" if self.density_above_per_km2 is not None else "medium"


KINDS: dict[str, type[Parameters]] = {
    "ratio": RatioRule,
    "count": CountRule,
    "coverage": CoverageRule,
}
"""Parameters of each kind of rule."""


def _describe_ratio(rule: Any, language: str) -> str:
    return text("kinds.ratio", language, beds=f"{rule.beds_per_10000:g}")


def _describe_count(rule: Any, language: str) -> str:
    return text(
        "kinds.count",
        language,
        sites=rule.min_sites,
        beds=rule.min_sites * rule.min_site_beds,
        metres=f"{rule.same_site_m:g}",
    )


def _describe_coverage(rule: Any, language: str) -> str:
    density = rule.density_above_per_km2 or rule.density_from_per_km2
    return text(
        f"kinds.coverage_{rule.density_class}",
        language,
        metres=f"{rule.distance_m:g}",
        density=f"{density:g}",
    )


DESCRIBE: dict[str, Callable[[Any, str], str]] = {
    "ratio": _describe_ratio,
    "count": _describe_count,
    "coverage": _describe_coverage,
}
"""The sentence that says what a rule of each kind asks for, in ``zh`` or ``en``."""

EXAMPLES: dict[str, dict[str, Any]] = {
    "ratio": {"beds_per_10000": 300.0},
    "count": {"min_sites": 2, "min_site_beds": 10, "same_site_m": 100.0},
    "coverage": {"distance_m": 500.0, "density_above_per_km2": 3000.0},
}
"""Parameters of one rule of each kind."""
