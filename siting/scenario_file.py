"""Read a scenario file: YAML with lines, variants, changes, and one message for each fault."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from siting.errors import Fault, ScenarioError, nearest_name
from siting.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["load_yaml", "parse_value", "read_scenario", "scenario_schema", "validation_faults"]

MAX_BASES = 10


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
        ``{"solve.time_limit_s": 60}``.

    Raises
    ------
    ScenarioError
        If the file is missing or no plain YAML mapping, a key is unknown, doubled or missing, or
        a value is wrong. All faults are collected.
    """
    source = Path(path)
    tree, folder, applied = _with_bases(source)
    settings = plain(tree)
    pairs = list(changes.items() if hasattr(changes, "items") else changes)
    for key, value in pairs:
        _set(settings, key, value, where="--set")
    applied += pairs
    try:
        scenario = Scenario.model_validate(settings)
    except ValidationError as error:
        raise ScenarioError(*validation_faults(error, source.name, tree)) from error
    root = Path(data) if data is not None else folder
    return scenario.attach(root=root, origin=source, changes=tuple(applied))


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


def load_yaml(path: Path) -> CommentedMap:
    """
    Return a YAML mapping that knows its lines.

    Raises
    ------
    ScenarioError
        If the file is missing, not UTF-8, no YAML, no mapping, carries tags, or a key stands twice.
    """
    if not path.is_file():
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        guess = nearest_name(path.name, beside)
        code = "no_such_file_near" if guess else "no_such_file"
        raise ScenarioError.of(code, path.name, path=path.as_posix(), guess=guess)
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError.of("yaml_encoding", path.name) from error
    try:
        _refuse_tags(content, path.name)
        tree = YAML(typ="rt", pure=True).load(content)
    except DuplicateKeyError as error:
        mark = error.problem_mark
        key = str(error.problem).split('"')[1] if '"' in str(error.problem) else ""
        raise ScenarioError.of("duplicate_key", f"{path.name}:{mark.line + 1}", key=key) from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path.name}:{mark.line + 1}" if mark else path.name
        found = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise ScenarioError.of("yaml_broken", where, found=found) from error
    if not isinstance(tree, CommentedMap):
        raise ScenarioError.of("yaml_no_mapping", path.name)
    return tree


def _refuse_tags(content: str, name: str) -> None:
    """Refuse YAML that carries tags or refers to itself."""
    for event in YAML(typ="rt", pure=True).parse(content):
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in {"None", "!"}:
            line = event.start_mark.line + 1
            raise ScenarioError.of("yaml_tag", f"{name}:{line}", tag=str(tag))


def parse_value(value: str) -> Any:
    """Return the value of ``--set key=value``, read as YAML without tags."""
    try:
        _refuse_tags(value, "--set")
        return plain(YAML(typ="rt", pure=True).load(value))
    except YAMLError as error:
        raise ScenarioError.of("yaml_broken", "--set", found=value) from error


def plain(value: Any) -> Any:
    """Return a YAML tree as plain Python values."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _with_bases(source: Path) -> tuple[CommentedMap, Path, list[tuple[str, Any]]]:
    """Return the tree of a scenario with its bases' changes applied, its folder, the changes."""
    chain: list[tuple[Path, CommentedMap]] = []
    path = source
    while True:
        tree = load_yaml(path)
        if any(path.resolve() == seen.resolve() for seen, _ in chain) or len(chain) > MAX_BASES:
            raise ScenarioError.of("base_circle", path.name)
        chain.append((path, tree))
        if "base" not in tree:
            break
        allowed = ["base", "change", "name", "language"]
        faults = [
            _unknown(str(key), allowed, path.name, tree) for key in tree if key not in allowed
        ]
        if faults:
            raise ScenarioError(*faults)
        path = path.parent / str(tree["base"])
    base_path, tree = chain[-1]
    if "change" in tree:
        raise ScenarioError.of("change_without_base", base_path.name)
    applied: list[tuple[str, Any]] = []
    for variant_path, variant in reversed(chain[:-1]):
        change = variant.get("change") or {}
        if not isinstance(change, dict):
            raise ScenarioError.of("yaml_no_mapping", f"{variant_path.name} change")
        for key in ("name", "language"):
            if key in variant:
                tree[key] = variant[key]
        for key, value in change.items():
            _set(tree, str(key), copy.deepcopy(value), where=f"{variant_path.name} change")
            applied.append((str(key), plain(value)))
    return tree, base_path.parent, applied


def _set(settings: Any, dotted: str, value: Any, *, where: str) -> None:
    """Put a value at a dotted key, list items by number; the schema judges the key itself."""
    *parents, last = dotted.split(".")
    here = settings
    for depth, key in enumerate(parents):
        path = ".".join(parents[: depth + 1])
        if isinstance(here, list):
            here = here[_index(here, key, path, where)]
            continue
        if here.get(key) is None:
            here[key] = {}
        here = here[key]
        if not isinstance(here, dict | list):
            raise ScenarioError.of("change_into_value", where, key=dotted, parent=path)
    if isinstance(here, list):
        here[_index(here, last, dotted, where)] = value
    else:
        here[last] = value


def _index(items: list[Any], key: str, path: str, where: str) -> int:
    """Return the position of a list item named by number."""
    if not key.isdecimal() or int(key) >= len(items):
        raise ScenarioError.of("change_no_item", where, key=path, count=len(items))
    return int(key)


def validation_faults(error: ValidationError, name: str, tree: Any) -> list[Fault]:
    """Return one fault for each error of a schema, with the line where the key stands."""
    return [_fault(each, name, tree) for each in error.errors()]


def _fault(each: Any, name: str, tree: Any) -> Fault:
    """Return the fault of one schema error."""
    loc = [part for part in each["loc"] if not _is_branch(part, each["loc"])]
    line = _line(tree, loc)
    where = f"{name}:{line}" if line else name
    key = ".".join(str(part) for part in loc)
    found = each.get("input")
    kind = each["type"]
    if kind == "extra_forbidden":
        model = _model_at(loc[:-1])
        return _unknown(key, list(model.model_fields) if model else [], where, None, leaf=loc[-1])
    if kind == "missing":
        return Fault("missing_key", where, {"key": key})
    if kind == "value_error":
        code, _, names = str(each["ctx"]["error"]).partition(":")
        return Fault(code, where, {"key": key or name, "names": names})
    context = each.get("ctx", {})
    expected = context.get("expected") or _expectation(kind, context)
    shown = repr(found) if isinstance(found, str | int | float | bool) else type(found).__name__
    return Fault("wrong_value", where, {"key": key, "expected": expected, "found": shown})


def _expectation(kind: str, context: Mapping[str, Any]) -> str:
    """Return what a schema wanted, in symbols that need no language."""
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    for name, sign in signs.items():
        if name in context:
            return f"{sign} {context[name]}"
    names = {
        "float_type": "number", "int_type": "whole number", "string_type": "text",
        "bool_type": "true | false", "dict_type": "key: value", "model_type": "key: value",
        "model_attributes_type": "key: value", "tuple_type": "[ … ]", "finite_number": "number",
        "string_too_short": "text", "int_from_float": "whole number",
    }  # fmt: skip
    return names.get(kind, kind)


def _is_branch(part: Any, loc: tuple[Any, ...]) -> bool:
    """Return whether a part of a location names a branch of a union, not a key."""
    return (
        isinstance(part, str)
        and part is not loc[0]
        and (
            part in {"str", "int", "float", "function-before[_epsg(), str]"}
            or part.startswith(("constrained", "function-"))
        )
    )


def _unknown(key: str, allowed: list[str], where: str, tree: Any, *, leaf: Any = None) -> Fault:
    """Return the fault of an unknown key with the allowed ones and the nearest."""
    line = _line(tree, [key]) if tree is not None else None
    guess = nearest_name(str(leaf if leaf is not None else key), allowed)
    return Fault(
        "unknown_key_near" if guess else "unknown_key",
        f"{where}:{line}" if line else where,
        {"key": key, "allowed": ", ".join(allowed), "guess": guess},
    )


def _model_at(loc: list[Any]) -> type[Any] | None:
    """Return the scenario model that a key path leads to."""
    model: Any = Scenario
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


def _line(tree: Any, loc: list[Any]) -> int | None:
    """Return the line, counted from 1, on which a key or its nearest parent stands."""
    line: int | None = None
    here = tree
    for part in loc:
        if not isinstance(here, CommentedMap | CommentedSeq):
            break
        try:
            line = (
                int(
                    here.lc.key(part)[0]
                    if isinstance(here, CommentedMap)
                    else here.lc.item(part)[0]
                )
                + 1
            )
            here = here[part]
        except (KeyError, IndexError, TypeError):
            break
    return line
