"""How a rule of each kind reads with its numbers, and one example of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siting.texts import percent, text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DESCRIBE", "EXAMPLES", "name_of"]

YEAR = "_year"
"""How the name of a figure ends that is a year."""


def name_of(word: str, language: str) -> str:
    """Return a function, a fact, a staff or an area in words; as it is where it has none."""
    try:
        return text(f"names.{word}", language)
    except KeyError:
        return word


def _list(words: list[str], language: str) -> str:
    """Return words in a row."""
    return text("kinds.comma", language).join(words)


def _number(value: float) -> str:
    """Return a number without needless zeros, thousands apart."""
    return f"{value:,.10g}"


def _year(value: float) -> str:
    """Return a year, whose thousands are never set apart."""
    return f"{value:.0f}"


def _where(rule: Any, language: str) -> str:
    """Return over which area a rule is read, and which areas it is about."""
    area = text(f"kinds.per_{getattr(rule, 'area', rule.per)}", language)
    only = getattr(rule, "only", ())
    return text("kinds.only", language, area=area, names=", ".join(only)) if only else area


def _owners(rule: Any, language: str) -> str:
    """Return whose homes a rule is about, empty for all."""
    names = [name_of(each, language) for each in rule.owners]
    return text("kinds.owners", language, names=_list(names, language)) if names else ""


def _having(rule: Any, language: str) -> str:
    """Return the fact of the homes that a rule is about, empty for all."""
    if rule.having is None:
        return ""
    return text("kinds.owners", language, names=name_of(rule.having, language))


def _size(rule: Any, beds: int | None, language: str) -> str:
    """Return the size of the homes that a rule is about, empty for all."""
    size = text("kinds.from_beds", language, beds=beds) if beds else ""
    dementia = getattr(rule, "min_dementia_beds", None)
    if dementia is None:
        return size
    what = name_of("dementia_beds", language)
    least = text("kinds.at_least", language, what=what, number=dementia)
    return size + text("kinds.owners", language, names=least)


def _ratio(rule: Any, language: str) -> str:
    if rule.beds_per_10000 is not None and rule.area == "unit" and not rule.only:
        return text("kinds.ratio", language, beds=f"{rule.beds_per_10000:g}")
    if rule.rate_per_10000 is not None:
        what = name_of(rule.beds or rule.staff, language)
        return text(
            "kinds.ratio_per_10000", language, rate=f"{rule.rate_per_10000:g}", what=what,
            where=_where(rule, language),
        )  # fmt: skip
    many = rule.beds_per_staff or rule.residents_per_staff
    base = "beds" if rule.beds_per_staff is not None else "residents"
    return text(
        "kinds.ratio_staff", language, many=f"{many:g}", base=text(f"kinds.base_{base}", language),
        what=name_of(rule.staff, language), where=_where(rule, language) + _having(rule, language),
    )  # fmt: skip


def _share(rule: Any, language: str) -> str:
    size = _size(rule, rule.from_beds, language)
    return text(
        "kinds.share", language, part=name_of(rule.part, language), of=name_of(rule.of, language),
        share=percent(rule.min_share), where=_where(rule, language),
        owners=_owners(rule, language) + size,
    )  # fmt: skip


def _count(rule: Any, language: str) -> str:
    if rule.min_sites is not None:
        beds = rule.min_sites * rule.min_site_beds
        metres = f"{rule.same_site_m:g}"
        return text("kinds.count", language, sites=rule.min_sites, beds=beds, metres=metres)
    what = name_of(rule.what or rule.sum_of or "home", language)
    size = _size(rule, rule.min_beds, language)
    return text(
        "kinds.count_what", language, count=rule.min_count, what=what,
        where=_where(rule, language), owners=_owners(rule, language) + size,
    )  # fmt: skip


def _coverage(rule: Any, language: str) -> str:
    if rule.what is not None:
        area = text(f"kinds.areas_{rule.per}", language)
        if rule.only:
            area = text("kinds.only", language, area=area, names=", ".join(rule.only))
        return text(
            "kinds.coverage_share", language, what=name_of(rule.what, language),
            share=percent(rule.min_share), area=area,
        )  # fmt: skip
    density = rule.density_above_per_km2 or rule.density_from_per_km2
    return text(
        f"kinds.coverage_{rule.density_class}", language, metres=f"{rule.distance_m:g}",
        density=f"{density:g}",
    )  # fmt: skip


def _presence(rule: Any, language: str) -> str:
    names = [name_of(each, language) for each in rule.functions]
    what = text("kinds.or", language).join(names)
    if rule.per == "circle" and not rule.only:
        sentence = text("kinds.presence", language, what=what, count=rule.min_count)
    else:
        where = _where(rule, language)
        sentence = text(
            "kinds.presence_where", language, what=what, count=rule.min_count, where=where
        )
    above, share = rule.above_ageing_share, rule.reserve_below_ageing_share
    if above is not None:
        sentence += text("kinds.above_ageing", language, share=percent(above))
    return sentence + (
        "" if share is None else text("kinds.reserve", language, share=percent(share))
    )


def _threshold(rule: Any, language: str) -> str:
    limits = ("from_beds", "from_residents", "from_stars", "below_stars")
    limit = next(each for each in limits if getattr(rule, each) is not None)
    size = text(f"kinds.{limit}", language, **{limit.split("_")[1]: getattr(rule, limit)})
    needs = name_of(rule.needs, language)
    if rule.at_least is not None:
        needs = text("kinds.at_least", language, what=needs, number=f"{rule.at_least:g}")
    if rule.at_most is not None:
        needs = text("kinds.at_most", language, what=needs, number=f"{rule.at_most:g}")
    return text("kinds.threshold", language, size=size + _having(rule, language), needs=needs)


def _colocation(rule: Any, language: str) -> str:
    what = name_of(rule.what, language)
    if rule.beside is not None:
        return text(
            "kinds.beside", language, what=what, other=name_of(rule.beside, language),
            same=f"{rule.same_m:g}", adjacent=f"{rule.adjacent_m:g}",
        )  # fmt: skip
    names = _list([name_of(each, language) for each in (rule.needs or rule.hosts)], language)
    return text("kinds.needs" if rule.needs else "kinds.hosts", language, what=what, names=names)


def _preference(rule: Any, language: str) -> str:
    if rule.fact is None:
        return text(f"kinds.prefer_{rule.measure}", language)
    words = [name_of(each, language) for each in rule.values or ("true",)]
    values = _list(words, language)
    return text("kinds.prefer_fact", language, fact=name_of(rule.fact, language), values=values)


def _money(rule: Any, language: str) -> str:
    often = text("kinds.yearly" if rule.yearly else "kinds.once", language)
    basis = name_of(rule.basis, language) + _owners(rule, language)
    if rule.what is not None:
        basis += text("kinds.owners", language, names=name_of(rule.what, language))
    if rule.share is None:
        paid = rule.amounts_wan_yuan.items()
        amounts = _list(
            [f"{name_of(key, language)} {_number(value)}" for key, value in paid], language
        )
        return text("kinds.amounts", language, basis=basis, amounts=amounts, often=often)
    cap = rule.cap_wan_yuan
    most = "" if cap is None else text("kinds.cap", language, cap=f"{cap:g}")
    share = percent(rule.share)
    return text("kinds.subsidy", language, basis=basis, share=share, cap=most, often=often)


def _note(rule: Any, language: str) -> str:
    words = [
        f"{name_of(key, language)} {_year(value) if key.endswith(YEAR) else _number(value)}"
        for key, value in rule.figures.items()
    ]
    figures = _list(words, language)
    sentence = (
        text("kinds.note", language, figures=figures) if words else text("kinds.noted", language)
    )
    if rule.needs is None:
        return sentence
    return sentence + text("kinds.note_needs", language, needs=name_of(rule.needs, language))


DESCRIBE: dict[str, Callable[[Any, str], str]] = {
    "ratio": _ratio,
    "share": _share,
    "count": _count,
    "coverage": _coverage,
    "presence": _presence,
    "threshold": _threshold,
    "colocation": _colocation,
    "preference": _preference,
    "money": _money,
    "note": _note,
}
"""The sentence that says what a rule of each kind asks for, in ``zh`` or ``en``."""

EXAMPLES: dict[str, dict[str, Any]] = {
    "ratio": {"beds_per_10000": 300.0},
    "share": {"part": "nursing_beds", "of": "beds", "min_share": 0.65},
    "count": {"min_sites": 2, "min_site_beds": 10, "same_site_m": 100.0},
    "coverage": {"distance_m": 500.0, "density_above_per_km2": 3000.0},
    "presence": {"function": "care_centre", "reserve_below_ageing_share": 0.1},
    "threshold": {"from_beds": 100, "needs": "rehab_room"},
    "colocation": {"what": "care_centre", "needs": ["separate_space", "own_entrance"]},
    "preference": {"measure": "fact", "fact": "tenure", "values": ["state"]},
    "money": {"basis": "investment", "share": 1 / 3, "cap_wan_yuan": 300.0},
    "note": {"figures": {"homes": 329.0}},
}
"""Parameters of one rule of each kind."""
