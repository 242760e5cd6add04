"""YAML as planners write it: plain values, lines known, nothing executed or blown up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent

from siting.errors import ScenarioError, nearest_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["line_of", "load_yaml", "parse_value", "plain"]

DEEPEST = 32
"""Levels of lists and mappings, one in another."""

MOST_REPEATED = 100_000
"""Values that a file may stand for once its aliases are written out."""


def load_yaml(path: Path) -> CommentedMap:
    """
    Return a YAML mapping that knows its lines.

    Raises
    ------
    ScenarioError
        If the file is missing, not UTF-8, no YAML, no mapping, carries tags, repeats itself without
        measure, or a key stands twice.
    """
    content = _read_text(path)
    try:
        _refuse_unplain(content, path.name)
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
    if tree is None:
        raise ScenarioError.of("yaml_empty", path.name)
    if not isinstance(tree, CommentedMap):
        raise ScenarioError.of("yaml_no_mapping", path.name)
    return tree


def parse_value(value: str) -> Any:
    """
    Return the value of ``--set key=value``, read as YAML without tags.

    Raises
    ------
    ScenarioError
        If it is no YAML.
    """
    try:
        _refuse_unplain(value, "--set")
        return plain(YAML(typ="rt", pure=True).load(value))
    except YAMLError as error:
        raise ScenarioError.of("yaml_broken", "--set", found=value) from error


def plain(value: Any) -> Any:
    """Return a YAML tree as plain Python values, every key a text."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def line_of(tree: Any, keys: Iterable[Any]) -> int | None:
    """Return the line, counted from 1, on which a key or its nearest parent stands."""
    line: int | None = None
    here = tree
    for key in keys:
        if not isinstance(here, CommentedMap | CommentedSeq):
            break
        try:
            is_map = isinstance(here, CommentedMap)
            line = int((here.lc.key(key) if is_map else here.lc.item(key))[0]) + 1
            here = here[key]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _read_text(path: Path) -> str:
    """Return the text of a file in UTF-8."""
    try:
        if not path.is_file():
            _refuse_missing(path)
        raw = path.read_bytes()
    except OSError as error:
        raise ScenarioError.of("unreadable", path.name, found=error.strerror) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        code = "yaml_gbk" if _is_chinese(raw) else "yaml_encoding"
        raise ScenarioError.of(code, path.name) from error


def _refuse_missing(path: Path) -> None:
    """Refuse a path without a file, with the nearest name in its folder."""
    if path.is_dir():
        raise ScenarioError.of("is_folder", path.name, path=path.as_posix())
    guess = nearest_file(path)
    code = "no_such_file_near" if guess else "no_such_file"
    raise ScenarioError.of(code, path.name, path=path.as_posix(), guess=guess)


def _is_chinese(raw: bytes) -> bool:
    """Return whether bytes read as text in GBK, what editors on Chinese Windows call ANSI."""
    try:
        return "\0" not in raw.decode("gbk")
    except UnicodeDecodeError:
        return False


def _refuse_unplain(content: str, name: str) -> None:
    """Refuse YAML that carries tags, is too deep, holds itself, or repeats itself too often."""
    sizes, inside = [0], [""]
    known: dict[str, int] = {}
    for event in YAML(typ="rt", pure=True).parse(content):
        where = f"{name}:{event.start_mark.line + 1}"
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in {"None", "!"}:
            raise ScenarioError.of("yaml_tag", where, tag=str(tag))
        if isinstance(event, CollectionStartEvent):
            sizes.append(1)
            inside.append(event.anchor or "")
            if len(sizes) > DEEPEST:
                raise ScenarioError.of("yaml_deep", where, limit=DEEPEST)
        elif isinstance(event, CollectionEndEvent):
            size = sizes.pop()
            known[inside.pop()] = size
            sizes[-1] += size
        elif isinstance(event, ScalarEvent):
            known[event.anchor or ""] = 1
            sizes[-1] += 1
        elif isinstance(event, AliasEvent):
            sizes[-1] += known.get(event.anchor, 1)
            if event.anchor in inside or sizes[-1] > MOST_REPEATED:
                raise ScenarioError.of("yaml_alias", where, found=f"*{event.anchor}")
