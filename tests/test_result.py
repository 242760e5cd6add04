"""A result folder read back gives what was written, and what is no result is told so."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from frames_sample import sample_frames

import siting
from siting.batch.summary import BATCH_COLUMNS
from siting.errors import InputError
from siting.outputs.geopackage import write_geopackage
from siting.outputs.tables import CSV_COLUMNS, write_csv_tables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a result folder with ids that are not to be taken for numbers or for nothing."""
    made = tmp_path / "方案一"
    made.mkdir()
    frames = sample_frames()
    frames.facilities["id"] = ["007", "NA", "1e3", *frames.facilities["id"][3:]]
    write_csv_tables(frames, made)
    write_geopackage(frames, made / "plan.gpkg")
    (made / "run.json").write_text(json.dumps(frames.record, ensure_ascii=False), encoding="utf-8")
    return made


def test_tables_come_back_as_they_stand_in_the_files(folder: Path) -> None:
    run = siting.read_run(folder)
    assert set(run.tables) == {*CSV_COLUMNS, "curve", "density"}
    for name, table in run.tables.items():
        with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            head, *rows = list(csv.reader(file))
        assert list(table.columns) == head
        assert len(table) == len(rows)
        for place, column in enumerate(head):
            for cell, value in zip((row[place] for row in rows), table[column], strict=True):
                if pd.isna(value):
                    assert not cell, (name, column)
                elif isinstance(value, bool | np.bool_):
                    assert cell == ("true" if value else "false")
                elif isinstance(value, str):
                    assert cell == value
                else:
                    assert float(cell) == float(value)


def test_ids_stay_text_and_yes_and_no_are_booleans(folder: Path) -> None:
    tables = siting.read_run(folder).tables
    assert tables["facilities"]["id"].tolist()[:3] == ["007", "NA", "1e3"]
    assert tables["demand"]["covered"].dtype == "boolean"
    assert tables["demand"]["covered"].isna().any()
    assert pd.api.types.is_numeric_dtype(tables["access"]["value"])


def test_yes_and_no_of_a_layer_are_booleans_as_in_the_tables(folder: Path) -> None:
    run = siting.read_run(folder)
    held = run.layer("demand").set_index("id")["covered"]
    assert held.dtype == "boolean"
    assert held.isna().any()
    assert held.to_dict() == run.tables["demand"].set_index("id")["covered"].to_dict()


def test_figures_are_those_of_the_record(folder: Path) -> None:
    path = folder / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["coverage"]["plan"] = {"high": 0.25, "medium": 0.75}
    record["beds"]["shortfall"], record["sites"]["new"] = 12, 3
    record["cost_wan_yuan"], record["status"] = 456.5, "gap"
    record["stages"] = [{"name": "beds", "gap": gap} for gap in (0.0, 0.03, 0.01)]
    path.write_text(json.dumps(record), encoding="utf-8")
    figures = siting.read_run(folder).figures
    assert set(figures) < set(BATCH_COLUMNS)
    assert (figures["gap"], figures["status"], figures["cost_wan_yuan"]) == (0.03, "gap", 456.5)
    assert (figures["covered_share_high"], figures["covered_share_medium"]) == (0.25, 0.75)
    assert (figures["beds_missing"], figures["new_sites"]) == (12, 3)
    record["stages"] = []
    path.write_text(json.dumps(record), encoding="utf-8")
    assert siting.read_run(folder).figures["gap"] is None


def test_the_record_and_layers_come_back(folder: Path) -> None:
    frames = sample_frames()
    run = siting.read_run(str(folder))
    assert run.record == json.loads(json.dumps(frames.record))
    zones = run.layer("zones")
    assert zones.crs == frames.zones.crs
    assert zones["name"].tolist() == frames.zones["name"].tolist()


def test_a_layer_that_is_not_there_is_named_with_those_that_are(folder: Path) -> None:
    run = siting.read_run(folder)
    with pytest.raises(InputError, match=r"plan\.gpkg.*没有.*facilities") as caught:
        run.layer("streets")
    assert "streets" in caught.value.render("en")
    (folder / "plan.gpkg").unlink()
    with pytest.raises(InputError, match=r"outputs\.geopackage"):
        run.layer("zones")


@pytest.mark.parametrize("broken", ["nothing", "no tables", "no json", "no record"])
def test_what_is_no_result_is_told_so(broken: str, folder: Path) -> None:
    if broken == "nothing":
        folder = folder / "elsewhere"
    elif broken == "no tables":
        (folder / "facilities.csv").unlink()
    else:
        content = "{" if broken == "no json" else "[]"
        (folder / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.json") as caught:
        siting.read_run(folder)
    assert "siting run" in caught.value.render("en")
