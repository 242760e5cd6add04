"""What a scenario says of a classical location model that it names as its objective."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from siting.scenario_inputs import NonNegative, Part, Positive
from siting.texts import percent, text

__all__ = ["MODELS", "Objective"]

ModelName = Literal[
    "set_covering", "maximal_covering", "partial_set_covering", "p_median", "p_center",
    "capacitated", "capacitated_maximal_covering",
]  # fmt: skip

MODELS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "set_covering": (frozenset({"cutoff_m"}), frozenset({"minimise"})),
    "maximal_covering": (frozenset({"cutoff_m"}), frozenset({"p", "budget_wan_yuan"})),
    "partial_set_covering": (frozenset({"cutoff_m", "share"}), frozenset({"minimise"})),
    "p_median": (frozenset({"p"}), frozenset({"cutoff_m"})),
    "p_center": (frozenset({"p"}), frozenset({"cutoff_m"})),
    "capacitated": (
        frozenset({"wan_yuan_per_elder_km"}),
        frozenset({"cutoff_m", "beds_per_10000", "single_source"}),
    ),
    "capacitated_maximal_covering": (
        frozenset({"cutoff_m", "p"}), frozenset({"beds_per_10000", "single_source"})
    ),
}  # fmt: skip
"""The models by name: keys that each needs, and keys that it may have besides."""


class Objective(Part):
    """A classical location model in the place of the stages of the policy."""

    model: ModelName
    """Name of the model."""
    p: Annotated[int, Field(ge=1)] | None = None
    """New sites to open, those that are locked open among them."""
    budget_wan_yuan: NonNegative | None = None
    """Most that the new sites may cost, in place of ``p``, 万元."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of all elders to cover."""
    cutoff_m: Positive | None = None
    """Longest distance that covers or counts, metres, inclusive."""
    minimise: Literal["sites", "cost"] = "sites"
    """What set covering keeps least: the number of new sites, or their cost."""
    existing: Literal["keep", "ignore"] = "keep"
    """Whether homes that stand take part, or new sites are placed as if there were none."""
    beds_per_10000: Positive = 300.0
    """Beds that 10,000 elders take where capacities count."""
    single_source: bool = False
    """Where capacities count: all elders of a demand point go to one site."""
    wan_yuan_per_elder_km: NonNegative | None = None
    """Capacitated location: what a kilometre of the way of one elder weighs, 万元."""

    @model_validator(mode="after")
    def _keys_of_the_model(self) -> Self:
        needs, may = MODELS[self.model]
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        names = ", ".join(sorted(needs - given))
        if names:
            raise ValueError(f"objective_needs:{names}")
        names = ", ".join(sorted(given - needs - may - {"model", "existing"}))
        if names:
            raise ValueError(f"objective_extra:{names}")
        if self.model == "maximal_covering" and (self.p is None) == (self.budget_wan_yuan is None):
            raise ValueError("one_of:p, budget_wan_yuan")
        return self

    @property
    def asked(self) -> dict[str, Any]:
        """The settings that the model reads, by key, the model first."""
        needs, may = MODELS[self.model]
        keys = [each for each in type(self).model_fields if each in needs | may]
        values = {key: getattr(self, key) for key in ("model", *keys, "existing")}
        return {key: value for key, value in values.items() if value is not None}

    def in_words(self, language: str) -> str:
        """Return model and settings as outputs say them, in ``zh`` or ``en``."""
        asked = self.asked
        asked["share"] = percent(self.share) if self.share is not None else None
        said = [
            text(f"objective.{key}", language, value=asked[key])
            for key in (
                "p", "budget_wan_yuan", "share", "cutoff_m", "beds_per_10000",
                "wan_yuan_per_elder_km",
            )
            if asked.get(key) is not None
        ]  # fmt: skip
        if "minimise" in asked:
            said.append(text(f"objective.minimise_{self.minimise}", language))
        if self.single_source:
            said.append(text("objective.single_source", language))
        said.append(text(f"objective.existing_{self.existing}", language))
        joint = text("objective.joint", language)
        model = text(f"tables.model_{self.model}", language)
        return text("objective.asked", language, model=model, settings=joint.join(said))
