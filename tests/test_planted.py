"""Every bug of ``plant_bugs.py`` can still be planted: its text is there, once, and its tests."""

from __future__ import annotations

from collections import Counter

import pytest
from plant_bugs import BUGS, Bug, fault_of


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug) -> None:
    assert fault_of(bug) == ""


def test_each_bug_has_a_name_of_its_own() -> None:
    assert {name for name, many in Counter(bug.name for bug in BUGS).items() if many > 1} == set()
