"""The public face: complete, sorted, and documented to the last parameter and attribute."""

from __future__ import annotations

import builtins
import dataclasses
import importlib
import inspect
import pkgutil
import re
from types import ModuleType
from typing import Any

import pytest

import siting
import siting.errors
from siting.scenario import Scenario

VERBS = sorted(name for name in siting.__all__ if inspect.isfunction(getattr(siting, name)))
CLASSES = sorted(name for name in siting.__all__ if inspect.isclass(getattr(siting, name)))
SECTION = re.compile(r"^(\w[\w ]*)\n-+\n", re.MULTILINE)


def _sections(thing: Any) -> dict[str, str]:
    """Return the sections of a docstring by their headings."""
    parts = SECTION.split(inspect.getdoc(thing) or "")
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _entries(section: str) -> dict[str, str]:
    """Return what a section says about each name; names that share an entry share its words."""
    entries: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names = [name.strip().lstrip("*") for name in line.split(",")]
            entries |= dict.fromkeys(names, "")
        else:
            for name in names:
                entries[name] += line.strip()
    return entries


def test_all_is_sorted() -> None:
    assert siting.__all__ == sorted(siting.__all__)
    assert len(siting.__all__) == len(set(siting.__all__))


def test_all_is_complete() -> None:
    bound = {
        name
        for name, value in vars(siting).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert bound == set(siting.__all__)


def test_what_the_contract_promises_is_there() -> None:
    promised = {"audit", "plan", "reach", "read_network", "read_scenario", "solve", "write_plan"}
    assert promised <= set(VERBS)
    assert {"Audit", "Layout", "Plan", "Problem", "Reach", "Scenario", "Solution"} <= set(CLASSES)


@pytest.mark.parametrize("name", VERBS)
def test_verb_documents_every_parameter(name: str) -> None:
    verb = getattr(siting, name)
    entries = _entries(_sections(verb).get("Parameters", ""))
    assert list(entries) == list(inspect.signature(verb).parameters)
    assert all(entries.values())


@pytest.mark.parametrize("name", VERBS)
def test_verb_says_what_it_returns(name: str) -> None:
    verb = getattr(siting, name)
    returned = inspect.signature(verb).return_annotation
    assert returned is not inspect.Signature.empty
    entries = _entries(_sections(verb).get("Returns", ""))
    assert bool(entries) == (returned not in {None, "None"})
    assert all(entries.values())


@pytest.mark.parametrize("name", CLASSES)
def test_class_documents_every_attribute(name: str) -> None:
    thing = getattr(siting, name)
    told = _entries(_sections(thing).get("Attributes", ""))
    told |= _entries(_sections(thing).get("Parameters", ""))
    properties = {key for key, value in inspect.getmembers(thing) if isinstance(value, property)}
    assert all(inspect.getdoc(getattr(thing, key)) for key in properties if not key.startswith("_"))
    if dataclasses.is_dataclass(thing):
        assert {field.name for field in dataclasses.fields(thing)} <= set(told)
    if not issubclass(thing, Exception):
        assert set(told) <= {*dir(thing), *getattr(thing, "__dataclass_fields__", {})}
    assert all(told.values())


def test_every_key_of_a_scenario_is_described() -> None:
    models = [Scenario]
    for model in models:
        for key, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{key}"
            models += [each for each in _models(field.annotation) if each not in models]
    assert len(models) > 10


def _models(annotation: Any) -> list[Any]:
    """Return the models inside an annotation."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [each for inner in getattr(annotation, "__args__", ()) for each in _models(inner)]


def _functions() -> list[Any]:
    """Return every function and method of the package, each once."""
    found = {}
    for module in pkgutil.walk_packages(siting.__path__, "siting."):
        if module.name.endswith("__main__"):
            continue
        for thing in vars(importlib.import_module(module.name)).values():
            inside = [thing, *vars(thing).values()] if inspect.isclass(thing) else [thing]
            for each in inside:
                if inspect.isfunction(each) and str(each.__module__).startswith("siting"):
                    found[each.__qualname__, each.__module__] = each
    return list(found.values())


def test_errors_named_in_docstrings_exist() -> None:
    named = {
        (each.__qualname__, error)
        for each in _functions()
        for error in _entries(_sections(each).get("Raises", ""))
    }
    assert len(named) > 20
    known = {*vars(siting.errors), *vars(builtins), "FontError"}
    assert sorted(pair for pair in named if pair[1] not in known) == []
