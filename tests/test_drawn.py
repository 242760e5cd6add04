"""The facilities of a plan, handed back as a layout, are judged as the plan was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from tiny import change_scenario, write_tiny

import siting

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scenario(tmp_path: Path) -> siting.Scenario:
    """Return a county in which one home is closed, and no file tells of nursing beds."""
    path = write_tiny(tmp_path)
    change_scenario(path, {"locks": {"forbid": ["H1"]}})
    return siting.read_scenario(path)


def test_a_plan_judged_again_by_its_own_table_has_the_same_findings(
    scenario: siting.Scenario,
) -> None:
    done = siting.plan(scenario)
    table = done.tables.facilities
    assert table.set_index("id").loc["H1", "status"] == "closed"
    assert table["nursing_beds"].isna().any()
    again = siting.audit_layout(scenario, layout=table)
    pd.testing.assert_frame_equal(again.audit.to_frame(), done.audit.to_frame())
    assert again.figures["covered_share_high"] == done.figures["covered_share_high"] > 0
    assert again.layout.is_open.tolist() == done.layout.is_open.tolist()


def test_a_closed_facility_does_not_stand_whatever_beds_its_row_has(
    scenario: siting.Scenario,
) -> None:
    rows = pd.DataFrame({"id": ["H1", "C1"], "beds": [80, 40], "status": ["closed", "new"]})
    judged = siting.audit_layout(scenario, layout=rows)
    held = dict(zip(judged.problem.sites.id, judged.layout.is_open, strict=True))
    assert [name for name, is_open in held.items() if is_open] == ["C1"]


def test_a_plan_starts_from_the_table_of_an_older_one(scenario: siting.Scenario) -> None:
    first = siting.plan(scenario)
    second = siting.plan(scenario, start=first.tables.facilities)
    assert second.figures["cost_wan_yuan"] == first.figures["cost_wan_yuan"] > 0
    assert second.layout.beds.tolist() == first.layout.beds.tolist()
