"""Read a standard's file: its schema, the standard that it extends, and where each rule stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from siting.errors import Fault, SitingError, StandardError, nearest_file, nearest_name
from siting.scenario_file import validation_faults
from siting.standards.kinds import KINDS
from siting.standards.place import Place, as_year, doubled
from siting.yaml_file import line_of, load_yaml, plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "FileRule",
    "Joined",
    "LegalStatus",
    "RuleEntry",
    "StandardFile",
    "Strength",
    "packaged_file",
    "packaged_standards",
    "path_of",
    "read_file",
    "unknown_rule",
]

LegalStatus = Literal[
    "issued_plan", "drafting_note", "consultation_draft", "implementation_opinion"
]
Strength = Literal["required", "target", "encouraged", "baseline"]
Said = Annotated[str, Field(min_length=1)]

MAX_BASES = 5
"""Files that a standard may extend, one over another."""


class Bilingual(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    zh: Said
    en: Said


class RuleEntry(BaseModel):
    """One rule as a standard's file holds it, once what it extends is joined in."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Said
    kind: Said
    clause: Said
    legal_status: LegalStatus
    strength: Strength
    tier: int
    enforce: bool
    summary: Bilingual
    reading: Bilingual
    values: Annotated[dict[int, dict[str, Any]], Field(min_length=1)]


class _Content(BaseModel):
    """A standard as its file holds it, each rule judged by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    extends: Said | None = None
    id: Said
    name: Bilingual
    jurisdiction: Bilingual
    source: Bilingual
    words: list[Said] = Field(default_factory=list)
    drop: list[Said] = Field(default_factory=list)
    rules: Annotated[list[dict[str, Any]], Field(min_length=1)]


class _Extending(_Content):
    """A standard that extends another; it may give no rule of its own."""

    extends: Said
    rules: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True)
class FileRule:
    """
    A rule of a file, its parameters of every year checked.

    Attributes
    ----------
    entry
        What the file says, what it extends joined in.
    parameters
        Year to parameters.
    where
        File and line.
    year_where
        Year to file, line, rule and year.
    """

    entry: RuleEntry
    parameters: dict[int, Any]
    where: str
    year_where: dict[int, str]


@dataclass(frozen=True)
class Joined:
    """
    What a standard makes of the one that it extends.

    Attributes
    ----------
    base
        Id of the standard that it extends.
    kept, changed, added, dropped
        Ids of rules: taken over as they are, given anew in part, of its own, and taken out.
    """

    base: str
    kept: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class StandardFile:
    """
    A standard of a file with the values of all years.

    Attributes
    ----------
    head
        ``id``, and ``name``, ``jurisdiction`` and ``source`` in both languages.
    rules
        The rules of what it extends first.
    words
        Functions and facts that it names as its own.
    joined
        What it makes of the standard that it extends; None if it extends none.
    """

    head: dict[str, Any]
    rules: tuple[FileRule, ...]
    words: frozenset[str]
    joined: Joined | None = None


@cache
def packaged_standards() -> tuple[str, ...]:
    """
    Return the ids of the packaged standards.

    Returns
    -------
    ids
        Sorted; each is a ``name`` for ``read_standard``.
    """
    names = (item.name for item in files("siting.standards").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def packaged_file(name: str) -> StandardFile:
    """Return a packaged standard; read once, as its file never changes."""
    with as_file(files("siting.standards") / f"{name}.yaml") as path:
        return read_file(path)


def path_of(name: str, folder: Path, where: str) -> Path:
    """
    Return the path of a standard's file.

    Raises
    ------
    StandardError
        If a name is neither that of a packaged standard nor that of a YAML file.
    """
    path = folder / name
    if path.suffix.lower() in {".yaml", ".yml"}:
        return path
    known = packaged_standards()
    guess = nearest_name(name, known)
    code = "unknown_standard_near" if guess else "unknown_standard"
    raise StandardError.of(code, where, found=name, allowed=", ".join(known), guess=guess)


def read_file(path: Path, below: tuple[Path, ...] = ()) -> StandardFile:
    """
    Return the standard of a file, joined with what it extends.

    Parameters
    ----------
    path
        YAML file.
    below
        Files that extend this one, the first first.

    Raises
    ------
    StandardError
        If a file is missing or malformed, or standards extend each other in a circle.
    """
    try:
        tree = load_yaml(path)
    except SitingError as error:
        raise StandardError(*error.faults) from error
    if faults := list(doubled(tree, (), path.name)):
        raise StandardError(*faults)
    content = plain(tree)
    model = _Extending if "extends" in content else _Content
    try:
        own = model.model_validate(content)
    except ValidationError as error:
        raise StandardError(*validation_faults(error, path.name, tree, model=model)) from error
    base = _base(own.extends, path, tree, below) if own.extends is not None else None
    return _join(own, base, Place(path.name, tree))


def _base(name: str, path: Path, tree: Any, below: tuple[Path, ...]) -> StandardFile:
    """Return the standard that a file extends."""
    if name in packaged_standards():
        return packaged_file(name)
    where = f"{path.name}:{line_of(tree, ['extends'])}"
    above, chain = path_of(name, path.parent, where), (*below, path)
    if any(above.resolve() == each.resolve() for each in chain):
        names = " → ".join(each.name for each in (*chain, above))
        raise StandardError.of("extends_circle", where, found=names)
    if len(chain) > MAX_BASES:
        raise StandardError.of("extends_deep", where, limit=MAX_BASES)
    if not above.exists():
        guess = nearest_file(above)
        code = "extends_no_file_near" if guess else "extends_no_file"
        raise StandardError.of(code, where, found=name, guess=guess)
    return read_file(above, chain)


def _join(own: _Content, base: StandardFile | None, place: Place) -> StandardFile:
    """Return a file's standard over the one that it extends."""
    rules = {rule.entry.id: rule for rule in base.rules} if base is not None else {}
    faults = _drop_faults(own, base, place)
    known, seen, read = list(rules), [], dict(rules)
    for number, given in enumerate(own.rules):
        name = str(given.get("id", ""))
        here = place.down("rules").down(number, name)
        try:
            rule = _read_rule(given, rules.get(name), here, known)
            read[rule.entry.id] = rule
            seen.append(rule.entry.id)
        except StandardError as error:
            faults += error.faults
    twice = sorted({each for each in seen if seen.count(each) > 1})
    if twice:
        faults.append(Fault("duplicate_rule", place.name, {}, tuple(twice)))
    if faults:
        raise StandardError(*faults)
    left = tuple(rule for name, rule in read.items() if name not in own.drop)
    if not left:
        raise StandardError.of("no_rule_left", str(place.down("drop")))
    joined = None if base is None else Joined(
        base=base.head["id"],
        kept=tuple(each for each in known if each not in {*own.drop, *seen}),
        changed=tuple(each for each in known if each in seen),
        added=tuple(each for each in seen if each not in known),
        dropped=tuple(each for each in known if each in own.drop),
    )  # fmt: skip
    head = own.model_dump(include={"id", "name", "jurisdiction", "source"})
    words = frozenset(own.words) | (base.words if base is not None else frozenset())
    return StandardFile(head, left, words, joined)


def _drop_faults(own: _Content, base: StandardFile | None, place: Place) -> list[Fault]:
    """Return what is wrong with the rules to take out."""
    if not own.drop:
        return []
    where = str(place.down("drop"))
    if base is None:
        return [Fault("drop_without_extends", where)]
    known = [rule.entry.id for rule in base.rules]
    faults = [unknown_rule(each, known, where) for each in own.drop if each not in known]
    given = {str(rule.get("id")) for rule in own.rules}
    both = tuple(each for each in own.drop if each in given)
    return [*faults, Fault("dropped_and_given", where, {}, both)] if both else faults


def _read_rule(
    given: dict[str, Any], below: FileRule | None, place: Place, known: list[str]
) -> FileRule:
    """Return a rule as a file gives it, over the same rule of what the file extends."""
    values = given.get("values")
    if isinstance(values, dict):
        given = given | {"values": {as_year(key): each for key, each in values.items()}}
    missing = [key for key in RuleEntry.model_fields if key not in given]
    if "id" in missing:
        raise StandardError.of("missing_key", place, key="id")
    if below is None and known and missing:
        raise _not_in_base(place, known, missing)
    kind = given.get("kind")
    if isinstance(kind, str) and kind not in KINDS:
        guess = nearest_name(kind, list(KINDS))
        code = "unknown_kind_near" if guess else "unknown_kind"
        where, allowed = place.down("kind", place.label), ", ".join(KINDS)
        raise StandardError.of(code, where, found=kind, allowed=allowed, guess=guess)
    try:
        entry = RuleEntry.model_validate(_over(given, below))
    except ValidationError as error:
        raise StandardError(*place.faults(error, RuleEntry)) from error
    return _read_years(entry, given.get("values", {}), below, place)


def _not_in_base(place: Place, known: list[str], missing: list[str]) -> SitingError:
    """Return the error of a rule that the base does not have and that lacks fields."""
    guess = nearest_name(place.label, known)
    code = "rule_not_in_base_near" if guess else "rule_not_in_base"
    lacks = ", ".join(missing)
    return StandardError.of(code, str(place), found=place.label, missing=lacks, guess=guess)


def _over(given: dict[str, Any], below: FileRule | None) -> dict[str, Any]:
    """Return a rule over the same one below: the fields it gives, its values merged by year."""
    if below is None:
        return given
    base = below.entry.model_dump()
    values = base.pop("values")
    if given.get("kind", below.entry.kind) != below.entry.kind:
        return base | given
    own = given.get("values", {})
    merged = values | own if isinstance(own, dict) else own
    return base | given | {"values": merged}


def _read_years(
    entry: RuleEntry, own: Iterable[int], below: FileRule | None, place: Place
) -> FileRule:
    """Return a rule with the parameters of each year; those not given anew as below."""
    parameters, where, faults = dict[int, Any](), dict[int, str](), list[Fault]()
    model = KINDS[entry.kind]
    for year, values in entry.values.items():
        if below is not None and year not in own:
            parameters[year], where[year] = below.parameters[year], below.year_where[year]
            continue
        here = place.down("values").down(year, f"{entry.id} {year}")
        where[year] = str(here)
        try:
            parameters[year] = model.model_validate(values)
        except ValidationError as error:
            faults += here.faults(error, model)
    if faults:
        raise StandardError(*faults)
    return FileRule(entry, parameters, str(replace(place, label="")), where)


def unknown_rule(rule_id: str, known: list[str], where: str) -> Fault:
    """Return the fault of a rule id that a standard does not have."""
    guess = nearest_name(rule_id, known)
    values = {"found": rule_id, "allowed": ", ".join(known), "guess": guess}
    return Fault("unknown_rule_near" if guess else "unknown_rule", where, values)
