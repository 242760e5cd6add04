"""Read a scenario file: variants and changes over a base, and one message for each fault."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from siting.errors import Fault, ScenarioError, SitingError, nearest_name
from siting.scenario import Scenario
from siting.texts import LANGUAGES
from siting.yaml_file import line_of, load_yaml, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

__all__ = ["read_scenario", "scenario_schema", "unknown_key", "validation_faults"]

MAX_BASES = 10
VARIANT_KEYS = ["base", "change", "name", "language"]
COMMAND = "--set"
EXPECTED = {
    "float_type": "number", "finite_number": "number", "int_type": "whole",
    "int_from_float": "whole", "int_parsing": "whole", "string_type": "text",
    "string_too_short": "text", "bool_type": "yes_or_no", "dict_type": "mapping",
    "model_type": "mapping", "tuple_type": "list", "list_type": "list", "too_short": "filled",
}  # fmt: skip
"""What a schema wanted, by the type of its error: a text ``errors.expect_…``."""


@dataclass(frozen=True)
class _Change:
    """A dotted key, its new value, and where that is written."""

    key: str
    value: Any
    where: str


def read_scenario(
    path: str | Path,
    *,
    data: str | Path | None = None,
    changes: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
) -> Scenario:
    """
    Return the scenario of a YAML file.

    Parameters
    ----------
    path
        Scenario file; a variant names its ``base:`` and lists its ``change:``.
    data
        Folder that relative paths start from; None: the scenario's own folder (of a variant: its
        base's).
    changes
        Dotted keys and values that replace what the file says, as ``--set`` does, for instance
        ``{"solve.time_limit_s": 60}``; list items by number, as in ``candidates.0.max_beds``.

    Returns
    -------
    scenario
        Frozen, every key checked; it knows its folder, its file and all changes.

    Raises
    ------
    ScenarioError
        If the file is missing or no plain YAML mapping, a key is unknown, doubled or missing, or
        a value is wrong. All faults are collected, and told in the scenario's language.
    """
    source = Path(path)
    if data is not None and not Path(data).is_dir():
        raise ScenarioError.of("no_such_folder", "--data", path=Path(data).as_posix())
    chain = [(source, load_yaml(source))]
    pairs = changes.items() if hasattr(changes, "items") else changes
    with _speaking(chain):
        applied = _follow_bases(chain)
        applied += [_Change(str(key), value, COMMAND) for key, value in pairs]
        base_path, tree = chain[-1]
        settings = plain(tree)
        for change in applied:
            _set(settings, change)
        try:
            scenario = Scenario.model_validate(settings)
        except ValidationError as error:
            faults = validation_faults(error, base_path.name, tree, changes=applied)
            raise ScenarioError(*faults) from error
    root = Path(data) if data is not None else base_path.parent
    said = tuple((change.key, change.value) for change in applied)
    return scenario.attach(root=root, origin=source, changes=said)


def scenario_schema() -> str:
    """Return the JSON Schema of a scenario file."""
    schema = TypeAdapter(Scenario).json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    for name, about in (
        ("base", "Scenario file that this one varies."),
        ("change", "Dotted keys and their new values, with base."),
    ):
        kind = {"type": "string"} if name == "base" else {"type": "object"}
        schema["properties"][name] = kind | {"description": about}
    variant = {"required": ["base"]}
    schema["anyOf"] = [{"required": schema.pop("required")}, variant]
    return json.dumps(schema, ensure_ascii=False, indent=2)


@contextmanager
def _speaking(chain: list[tuple[Path, Any]]) -> Iterator[None]:
    """Let errors speak the language that the scenario, or else its base, asks for."""
    try:
        yield
    except SitingError as error:
        asked = [tree.get("language") for _, tree in chain]
        error.language = next((each for each in asked if each in LANGUAGES), error.language)
        raise


def _follow_bases(chain: list[tuple[Path, Any]]) -> list[_Change]:
    """Append the bases of a variant, nearest first, and return all changes, the base's first."""
    while "base" in chain[-1][1]:
        path, tree = chain[-1]
        _refuse_other_keys(path, tree)
        above = path.parent / str(tree["base"])
        if any(above.resolve() == seen.resolve() for seen, _ in chain) or len(chain) > MAX_BASES:
            raise ScenarioError.of("base_circle", f"{path.name}:{line_of(tree, ['base'])}")
        chain.append((above, load_yaml(above)))
    path, tree = chain[-1]
    if "change" in tree:
        raise ScenarioError.of("change_without_base", f"{path.name}:{line_of(tree, ['change'])}")
    return [change for path, tree in reversed(chain[:-1]) for change in _changes(path, tree)]


def _refuse_other_keys(path: Path, tree: Any) -> None:
    """Refuse keys that a variant does not have."""
    faults = [
        unknown_key(str(key), VARIANT_KEYS, f"{path.name}:{line_of(tree, [key])}")
        for key in tree
        if key not in VARIANT_KEYS
    ]
    if faults:
        raise ScenarioError(*faults)


def _changes(path: Path, tree: Any) -> Iterator[_Change]:
    """Give the changes of one variant."""
    for key in ("name", "language"):
        if key in tree:
            yield _Change(key, plain(tree[key]), f"{path.name}:{line_of(tree, [key])}")
    change = tree.get("change") or {}
    if not isinstance(change, dict):
        where = f"{path.name}:{line_of(tree, ['change'])}"
        raise ScenarioError.of("yaml_no_mapping", where)
    for key, value in change.items():
        where = f"{path.name}:{line_of(tree, ['change', key])}"
        yield _Change(str(key), plain(value), where)


def _set(settings: Any, change: _Change) -> None:
    """Put a value at a dotted key, list items by number; the schema judges the key itself."""
    *parents, last = change.key.split(".")
    here = settings
    for depth, key in enumerate(parents):
        path = ".".join(parents[: depth + 1])
        if isinstance(here, list):
            here = here[_index(here, key, path, change.where)]
        else:
            if here.get(key) is None:
                here[key] = {}
            here = here[key]
        if not isinstance(here, dict | list):
            raise ScenarioError.of("change_into_value", change.where, key=change.key, parent=path)
    if isinstance(here, list):
        here[_index(here, last, change.key, change.where)] = change.value
    else:
        here[last] = change.value


def _index(items: list[Any], key: str, path: str, where: str) -> int:
    """Return the position of a list item named by number."""
    if not (key.isascii() and key.isdecimal()) or int(key) >= len(items):
        raise ScenarioError.of("change_no_item", where, key=path, count=len(items))
    return int(key)


def validation_faults(
    error: ValidationError,
    name: str,
    tree: Any,
    *,
    changes: Iterable[_Change] = (),
    model: type[BaseModel] = Scenario,
) -> list[Fault]:
    """
    Return one fault for each key that a schema refuses, with the line where it stands.

    Parameters
    ----------
    error
        What the schema said.
    name, tree
        File, and what it holds, with lines.
    changes
        What was changed since; a fault of such a key is told where the change is written.
    model
        The schema, whose keys an unknown one is compared with.
    """
    by_key: dict[tuple[Any, ...], list[ErrorDetails]] = {}
    for each in error.errors():
        by_key.setdefault(_keys(each["loc"]), []).append(each)
    faults = []
    for loc, errors in by_key.items():
        key = ".".join(str(part) for part in loc)
        where = _place(key, loc, name, tree, list(changes))
        faults.append(_fault(key, loc, errors, where, model))
    return faults


def _keys(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a location without the names of branches of a union."""
    return tuple(part for part in loc if not _is_branch(part, loc))


def _is_branch(part: Any, loc: tuple[Any, ...]) -> bool:
    """Return whether a part of a location names a branch of a union, not a key."""
    names = {"str", "int", "float"}
    return (
        isinstance(part, str)
        and part is loc[-1]
        and len(loc) > 1
        and (part in names or part.startswith(("constrained", "function-")))
    )


def _fault(
    key: str,
    loc: tuple[Any, ...],
    errors: list[ErrorDetails],
    where: str,
    model: type[BaseModel],
) -> Fault:
    """Return the fault of one key, whichever of its allowed forms it misses."""
    first = errors[0]
    if first["type"] == "extra_forbidden":
        here = _model_at(loc[:-1], model)
        allowed = list(here.model_fields) if here else []
        is_top = model is Scenario and len(loc) == 1
        return unknown_key(key, [*allowed, *VARIANT_KEYS[:2]] if is_top else allowed, where)
    if first["type"] == "missing":
        return Fault("missing_key", where, {"key": key})
    found = _shown(first.get("input"))
    if first["type"] == "value_error":
        code, _, names = str(first["ctx"]["error"]).partition(":")
        named = key or where.partition(":")[0]
        return Fault(code, where, {"key": named, "names": names, "found": names or found})
    strict = [each for each in errors if not each["type"].endswith("_type")]
    expected = tuple(dict.fromkeys(_expectation(each) for each in strict or errors))
    return Fault("wrong_value", where, {"key": key, "expected": expected, "found": found})


def _place(key: str, loc: tuple[Any, ...], name: str, tree: Any, changes: list[_Change]) -> str:
    """Return where a key was written last: in a change, or on a line of the file."""
    for change in reversed(changes):
        if f"{key}.".startswith(f"{change.key}.") or change.key.startswith(f"{key}."):
            return change.where
    line = line_of(tree, loc)
    return f"{name}:{line}" if line else name


def _shown(value: Any) -> str:
    """Return a value as a planner would write it, or the kind of thing that it is."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "key: value"
    if isinstance(value, list | tuple):
        return "[ … ]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _expectation(error: ErrorDetails) -> str:
    """Return what a schema wanted: a code of ``errors.expect_…``, or signs that need no words."""
    context = error.get("ctx", {})
    if "expected" in context:
        return str(context["expected"]).replace(" or ", " | ").replace(", ", " | ")
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    for name, sign in signs.items():
        if name in context:
            return f"{sign} {context[name]:g}"
    return EXPECTED.get(error["type"], error["type"])


def unknown_key(key: str, allowed: list[str], where: str) -> Fault:
    """Return the fault of an unknown key with the allowed ones and the nearest."""
    guess = nearest_name(key.rpartition(".")[2], allowed)
    values = {"key": key, "allowed": ", ".join(allowed), "guess": guess}
    return Fault("unknown_key_near" if guess else "unknown_key", where, values)


def _model_at(loc: tuple[Any, ...], top: type[BaseModel]) -> type[Any] | None:
    """Return the model that a key path leads to."""
    model: Any = top
    for part in loc:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        model = _find_model(annotation)
        if model is None:
            return None
    return model  # type: ignore[no-any-return]


def _find_model(annotation: Any) -> Any:
    """Return the scenario model inside an annotation such as ``tuple[Exclude, ...]``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _find_model(inner)) is not None:
            return found
    return None
