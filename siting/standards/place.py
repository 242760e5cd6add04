"""Where something stands in a planner's standard: file, line, rule and year."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from siting.errors import Fault
from siting.scenario_file import validation_faults
from siting.yaml_file import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel, ValidationError

__all__ = ["Place", "as_year", "doubled"]


@dataclass(frozen=True)
class Place:
    """
    Where something stands in a planner's file.

    Attributes
    ----------
    name
        The file's name.
    tree
        What stands there, with lines.
    line
        Its line; None for the whole file.
    label
        Rule, and year, if any.
    """

    name: str
    tree: Any
    line: int | None = None
    label: str = ""

    def down(self, key: Any, label: str = "") -> Place:
        """Return the place of an entry; of a year whichever way it is written."""
        inside: Any = self.tree if isinstance(self.tree, CommentedMap | CommentedSeq) else {}
        if isinstance(inside, CommentedMap):
            key = next((each for each in inside if as_year(str(each)) == as_year(str(key))), key)
        line = line_of(inside, [key]) or self.line
        try:
            return replace(self, tree=inside[key], line=line, label=label)
        except (KeyError, IndexError):
            return replace(self, tree=None, line=line, label=label)

    def __str__(self) -> str:
        """Return file, line, rule and year."""
        line = "" if self.line is None else f":{self.line}"
        return f"{self.name}{line} {self.label}".rstrip()

    def faults(self, error: ValidationError, model: type[BaseModel]) -> list[Fault]:
        """Return what a schema refuses here, each with its own line and the rule."""
        found = []
        for each in validation_faults(error, "", self.tree, model=model):
            line = int(each.where[1:]) if each.where else self.line
            values = each.values | {"key": each.values["key"] or self.label}
            found.append(replace(each, where=str(replace(self, line=line)), values=values))
        return found


def doubled(tree: Any, path: tuple[Any, ...], name: str, rule: str = "") -> Iterator[Fault]:
    """Give the keys that stand twice in a mapping, once they are read: ``2025`` and ``"2025"``."""
    items = enumerate(tree) if isinstance(tree, CommentedSeq) else ()
    if isinstance(tree, CommentedMap):
        items = tree.items()
        rule = str(tree.get("id", rule)) if path else rule
        seen: set[Any] = set()
        for key in tree:
            read = as_year(str(key)) if path[-1:] == ("values",) else str(key)
            if read in seen:
                place = Place(name, tree).down(key, rule)
                line = line_of(tree, [key])
                where = str(replace(place, line=line))
                code = "year_twice" if isinstance(read, int) else "duplicate_key"
                yield Fault(code, where, {"key": read})
            seen.add(read)
    for key, each in items:
        yield from doubled(each, (*path, key), name, rule)


def as_year(key: Any) -> Any:
    """Return a year written as text as a number; the schema judges anything else."""
    return int(key) if isinstance(key, str) and key.isdecimal() else key
