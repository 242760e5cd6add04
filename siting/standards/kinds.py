"""
Rule kinds: what a rule of each kind holds.

A kind has four functions in four tables: ``DESCRIBE`` and ``EXAMPLES`` in
``siting.standards.describe``, ``CONSTRAIN`` in ``siting.model`` and ``CHECK`` in ``siting.audit``.
One test compares the four.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "BED_KINDS",
    "FUNCTIONS",
    "KINDS",
    "STAFF",
    "ColocationRule",
    "CountRule",
    "CoverageRule",
    "MoneyRule",
    "NoteRule",
    "PreferenceRule",
    "PresenceRule",
    "RatioRule",
    "ShareRule",
    "ThresholdRule",
]

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Whole = Annotated[int, Field(ge=1)]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]
Area = Literal["all", "unit", "district", "street", "urban_street", "town", "circle", "island"]
Per = Literal[
    "all", "unit", "district", "street", "urban_street", "town", "circle", "island", "facility"
]
Bed = Literal["beds", "nursing_beds", "dementia_beds"]

BED_KINDS = ("beds", "nursing_beds", "dementia_beds")
"""Kinds of beds, each inside the one before."""

FUNCTIONS = (
    "care_centre", "memory_home", "consortium", "canteen", "home_care_centre", "device_point",
    "family_centre", "adviser_point", "memory_zone", "embedded_home", "micro_home", "day_care",
    "street_centre", "station", "meal_table", "mutual_aid_point", "mobile_round",
    "combined_institution",
)  # fmt: skip
"""Functions that a facility may have; the first eight are those of a circle."""

STAFF = ("care_workers", "senior_care_workers", "nurses", "social_workers", "rehab_staff")
"""Staff that a home's table may count."""


class Parameters(BaseModel):
    """What a rule of one kind holds: frozen, every name known."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    def _exactly_one(self, *names: str) -> None:
        """Refuse anything but one of some parameters."""
        if sum(getattr(self, name) is not None for name in names) != 1:
            raise ValueError(f"one_of:{', '.join(names)}")

    def _together(self, *names: str) -> None:
        """Refuse one of some parameters without the others."""
        given = [name for name in names if getattr(self, name) is not None]
        if given and len(given) < len(names):
            raise ValueError(f"needs:{next(each for each in names if each not in given)}")


class RatioRule(Parameters):
    """Beds or staff in proportion to elders, beds or residents (rounded up)."""

    beds_per_10000: Positive | None = None
    """Beds for each 10,000 elders, in every planning unit and in all."""
    nursing_beds_per_10000: Positive | None = None
    """Nursing beds for each 10,000 elders."""
    dementia_beds_per_10000: Positive | None = None
    """Dementia beds for each 10,000 elders."""
    staff_per_10000: Positive | None = None
    """Staff for each 10,000 elders."""
    beds_per_staff: Positive | None = None
    """One of the staff for so many beds."""
    residents_per_staff: Positive | None = None
    """One of the staff for so many residents."""
    staff: Literal[STAFF] | None = None  # type: ignore[valid-type]
    """Which staff."""
    per: Per | None = None
    """Over which area, or for each home; without: beds per planning unit, anything else in all."""
    only: Names = ()
    """Areas that the rule is about; empty: all."""
    having: str | None = None
    """Only homes that have this fact; with ``per: facility``."""

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        staff = ("staff_per_10000", "beds_per_staff", "residents_per_staff")
        beds = ("beds_per_10000", "nursing_beds_per_10000", "dementia_beds_per_10000")
        self._exactly_one(*beds, *staff)
        if (self.staff is None) == any(getattr(self, name) is not None for name in staff):
            raise ValueError("needs:staff")
        if self.per == "facility" and self.rate_per_10000 is not None:
            raise ValueError(f"one_of:{', '.join(staff[1:])}")
        if self.having is not None and self.per != "facility":
            raise ValueError("needs:per (facility)")
        return self

    @property
    def area(self) -> str:
        """Kind of area that the rule is counted in."""
        return self.per or ("unit" if self.beds_per_10000 is not None else "all")

    @property
    def beds(self) -> str | None:
        """Kind of beds that the rule is about, or None for staff."""
        return next((each for each in BED_KINDS if getattr(self, f"{each}_per_10000")), None)

    @property
    def rate_per_10000(self) -> float | None:
        """Beds or staff for each 10,000 elders, or None."""
        rates = (*(f"{each}_per_10000" for each in BED_KINDS), "staff_per_10000")
        return next((getattr(self, each) for each in rates if getattr(self, each)), None)


class ShareRule(Parameters):
    """A part of the beds, of the staff, of the homes or of the residents in the beds."""

    part: str
    """``nursing_beds``, ``dementia_beds``, ``residents``, a staff, or a fact of homes."""
    of: Literal["beds", "facilities", "care_workers"]
    """What it is a part of."""
    min_share: Share
    """Least share, inclusive."""
    owners: Names = ()
    """Only homes of these owners: public, public_private, private; empty: all."""
    per: Per = "all"
    """Over which area."""
    only: Names = ()
    """Areas that the rule is about; empty: all."""
    from_beds: Whole | None = None
    """Only homes of at least so many beds."""

    @model_validator(mode="after")
    def _beds_of_beds(self) -> Self:
        if self.part in BED_KINDS and self.of != "beds":
            raise ValueError("needs:of (beds)")
        return self


class CountRule(Parameters):
    """At least so many: separate places of a planning unit, or homes with something per area."""

    min_sites: Whole | None = None
    """Fewest separate places in a planning unit."""
    min_site_beds: Whole | None = None
    """A unit has the duty if it needs at least ``min_sites`` times this many beds."""
    same_site_m: Annotated[float, Field(ge=0)] | None = None
    """Facilities closer than this in a straight line are one place (single linkage), metres."""
    what: str | None = None
    """A function or a fact of homes."""
    min_count: Whole | None = None
    """Fewest homes with it in each area."""
    min_beds: Whole | None = None
    """Only homes of at least so many beds."""
    min_dementia_beds: Whole | None = None
    """Only homes of at least so many dementia beds."""
    sum_of: str | None = None
    """Instead of homes: the sum of this fact over them."""
    owners: Names = ()
    """Only homes of these owners; empty: all."""
    per: Area = "unit"
    """Area in which they are counted."""
    only: Names = ()
    """Areas that the rule is about; empty: all."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        self._exactly_one("min_sites", "min_count")
        self._together("min_sites", "min_site_beds", "same_site_m")
        if self.min_count is not None and not (self.what or self.min_beds or self.sum_of):
            raise ValueError("needs:what")
        return self


class CoverageRule(Parameters):
    """A facility within a distance of elders who live at a density, or in a share of areas."""

    distance_m: Positive | None = None
    """Longest distance, metres, inclusive."""
    density_above_per_km2: Positive | None = None
    """High class: more elders per square kilometre than this (exclusive)."""
    density_from_per_km2: Positive | None = None
    """Medium class: at least this many elders per square kilometre, and not high."""
    what: str | None = None
    """A function that areas must have."""
    min_share: Share | None = None
    """Least share of areas with it, inclusive; their number is rounded up."""
    per: Literal["street", "urban_street", "town", "zone", "urban_zone", "village"] | None = None
    """Which areas."""
    only: Names = ()
    """Areas that the rule is about; zones by the street or town that they lie in; empty: all."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        self._exactly_one("distance_m", "what")
        densities = ("density_above_per_km2", "density_from_per_km2")
        if self.what is None:
            self._exactly_one(*densities)
        elif any(getattr(self, each) is not None for each in densities):
            raise ValueError(f"one_of:what, {', '.join(densities)}")
        self._together("what", "min_share", "per")
        if self.only and self.what is None:
            raise ValueError("needs:what")
        return self

    @property
    def density_class(self) -> Literal["high", "medium"]:
        """Class of density that a distance is about."""
        return "high" if self.density_above_per_km2 is not None else "medium"


class PresenceRule(Parameters):
    """A function in every circle or other area: built, planned, reserved or missing."""

    function: str | None = None
    """Name of the function."""
    any_of: Names = ()
    """Instead of one function: several, any of which will do."""
    per: Literal["circle", "island", "street", "town", "unit"] = "circle"
    """Area in which it must be."""
    only: Names = ()
    """Areas that the rule is about; empty: all."""
    above_ageing_share: Share | None = None
    """Only areas with a larger share of elders (exclusive)."""
    reserve_below_ageing_share: Share | None = None
    """An area with a smaller share of elders (exclusive) may reserve a site instead."""
    min_count: Whole = 1
    """Fewest facilities with it in each area."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.function is None) == (not self.any_of):
            raise ValueError("one_of:function, any_of")
        return self

    @property
    def functions(self) -> tuple[str, ...]:
        """Functions any of which will do."""
        return self.any_of if self.function is None else (self.function,)


class ThresholdRule(Parameters):
    """What a home of a certain size or grade must have."""

    from_beds: Whole | None = None
    """Homes of at least so many beds."""
    from_residents: Whole | None = None
    """Homes of at least so many residents."""
    from_stars: Whole | None = None
    """Homes of at least so many stars."""
    below_stars: Whole | None = None
    """Homes of fewer stars."""
    having: str | None = None
    """Only homes that have this fact."""
    needs: str
    """Fact that they must have; with ``at_least``, a number."""
    at_least: float | None = None
    """Least number of it."""
    at_most: float | None = None
    """Largest number of it."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        self._exactly_one("from_beds", "from_residents", "from_stars", "below_stars")
        return self


class ColocationRule(Parameters):
    """What stands on one site, next to each other, or in what kind of house."""

    what: str
    """Function that the rule is about."""
    beside: str | None = None
    """Function or fact that it should stand with."""
    same_m: Annotated[float, Field(ge=0)] = 20.0
    """Entrances at most this far apart stand on one site, metres (ours)."""
    adjacent_m: Annotated[float, Field(ge=0)] = 100.0
    """Entrances at most this far apart are adjacent, metres (ours)."""
    needs: Names = ()
    """Facts that a shared site must have."""
    hosts: Names = ()
    """Functions one of which must stand on the same site."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.beside is not None) + bool(self.needs) + bool(self.hosts) != 1:
            raise ValueError("one_of:beside, needs, hosts")
        return self


class PreferenceRule(Parameters):
    """What the text prefers without a number: measured, never unmet."""

    measure: Literal["fact", "extended", "bed_gini", "elder_metres", "none"] = "none"
    """What is measured on the plan."""
    fact: str | None = None
    """``fact``: share of new sites that have it."""
    values: Names = ()
    """Values of the fact that are preferred; empty: true."""

    @model_validator(mode="after")
    def _has_fact(self) -> Self:
        if (self.measure == "fact") != (self.fact is not None):
            raise ValueError("needs:fact")
        return self


class MoneyRule(Parameters):
    """A subsidy: a share of what is spent up to a cap, or an amount by class."""

    basis: str
    """``investment`` of the plan at a facility, or a fact of homes: an amount or a class."""
    share: Share | None = None
    """Share that is paid."""
    cap_wan_yuan: Positive | None = None
    """Most that is paid, 万元."""
    amounts_wan_yuan: dict[str, float] = Field(default_factory=dict)
    """Class to amount, 万元."""
    what: str | None = None
    """Only facilities with this function."""
    yearly: bool = False
    """True: paid every year; False: once."""
    payer: str = "county"
    """Who pays."""
    owners: Names = ()
    """Only homes of these owners; empty: all."""
    excludes: Names = ()
    """Facts that bar a home from it."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.share is None) == (not self.amounts_wan_yuan):
            raise ValueError("one_of:share, amounts_wan_yuan")
        if self.share is None and (self.basis == "investment" or self.cap_wan_yuan is not None):
            raise ValueError("needs:share")
        return self

    def amount(self, basis: float) -> float:
        """
        Return what is paid on an amount spent, 万元.

        Examples
        --------
        >>> MoneyRule(basis="investment", share=1 / 3, cap_wan_yuan=300.0).amount(900.0)
        300.0
        """
        paid = basis * (self.share or 0.0)
        return min(paid, self.cap_wan_yuan) if self.cap_wan_yuan is not None else paid


class NoteRule(Parameters):
    """A fact, a figure or a process that the plan is not judged by."""

    figures: dict[str, float] = Field(default_factory=dict)
    """Numbers that the text gives."""
    needs: str | None = None
    """What would have to be known to judge it."""


KINDS: dict[str, type[Parameters]] = {
    "ratio": RatioRule,
    "share": ShareRule,
    "count": CountRule,
    "coverage": CoverageRule,
    "presence": PresenceRule,
    "threshold": ThresholdRule,
    "colocation": ColocationRule,
    "preference": PreferenceRule,
    "money": MoneyRule,
    "note": NoteRule,
}
"""Parameters of each kind of rule."""
