"""The cache of network and distances: the same answer, whatever lies in its folder."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from command import say_outside
from geopandas.testing import assert_geodataframe_equal

import siting
from siting import cache as cache_module
from siting.cache import SWITCH, Cache, content_key, user_cache
from siting.cli import main
from siting.kept import walking_network
from siting.prepare import Prepared, prepare
from siting.scenario import Outputs
from siting.tables import DataCheck

if TYPE_CHECKING:
    from siting.network import Network

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "scenarios" / "sample.yaml"
ROADS = "roads.gpkg"


def prepared(cache: Cache, *, data: Path | None = None, **changes: object) -> Prepared:
    asked = [(key.replace("__", "."), value) for key, value in changes.items()]
    return prepare(siting.read_scenario(SAMPLE, data=data, changes=asked), cache=cache)


def lines(found: Prepared) -> list[str]:
    return [line.render("en") for line in found.check.lines if "cache" not in line.code]


def codes(found: Prepared) -> list[str]:
    return [line.code for line in found.check.lines if "cache" in line.code]


def assert_same(got: Prepared, expected: Prepared) -> None:
    """Fail unless everything that later stages read is equal to the last bit."""
    a, b = got.problem.reach, expected.problem.reach
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert getattr(a, name).dtype == getattr(b, name).dtype
    for snap in ("site_snap", "demand_snap"):
        for name, array in vars(getattr(expected, snap)).items():
            np.testing.assert_array_equal(getattr(getattr(got, snap), name), array)
    for name, value in vars(expected.network).items():
        again = getattr(got.network, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(again, value)
            assert again.dtype == value.dtype
            assert again.flags.writeable == value.flags.writeable
        else:
            assert again == value
    assert_geodataframe_equal(got.roads, expected.roads)
    assert lines(got) == lines(expected)


@pytest.fixture(scope="module")
def plain() -> Prepared:
    """Prepare the sample without a cache."""
    return prepared(Cache(None))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds what the sample keeps."""
    folder = tmp_path_factory.mktemp("kept") / "cache"
    prepared(Cache(folder))
    return folder


def test_without_a_cache_nothing_is_said(plain: Prepared) -> None:
    assert plain.cache == {}
    assert codes(plain) == []


def test_the_second_time_both_come_from_the_cache(plain: Prepared, tmp_path: Path) -> None:
    first, second = prepared(Cache(tmp_path)), prepared(Cache(tmp_path))
    assert first.cache == {"network": "kept", "reach": "kept"}
    assert second.cache == {"network": "read", "reach": "read"}
    assert codes(first) == []
    assert codes(second) == ["cache_read"]
    assert_same(first, plain)
    assert_same(second, plain)


def test_results_are_the_same_to_the_byte(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two whole runs: without a cache, and out of it."""
    shown = [name for name, field in Outputs.model_fields.items() if field.annotation is bool]
    off = [(f"outputs.{name}", False) for name in shown]
    folders = {}
    for name, cache in (("plain", "off"), ("read", full)):
        monkeypatch.setenv(SWITCH, str(cache))
        done = siting.plan(siting.read_scenario(SAMPLE, changes=off))
        folders[name] = siting.write_plan(done, tmp_path / name)
    states = {"plain": {}, "read": {"network": "read", "reach": "read"}}
    first = _contents(folders["plain"])
    assert {"run.json", "facilities.csv", "demand.csv", "audit.csv", "check.csv"} <= set(first)
    for name, folder in folders.items():
        told = json.loads((folder / "run.json").read_text("utf-8"))
        assert told["cache"] == states[name]
        assert _contents(folder) == first


def _contents(folder: Path) -> dict[str, object]:
    """Return every file of a result, without times and without what is said of the cache."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "check.html":
            found[path.name] = path.read_bytes()
    record = json.loads(found["run.json"])
    for each in ("seconds", "peak_memory_mb", "cache"):
        del record[each]
    for stage in record["stages"]:
        del stage["seconds"]
    for phase in record["phases"]:
        for stage in phase.get("stages", []):
            stage.pop("seconds", None)
    check = (folder / "check.csv").read_text("utf-8-sig").splitlines()
    kept = [line for line in check if ",cache_read," not in line]
    assert len(check) - len(kept) == (folder.name == "read")
    return found | {"run.json": record, "check.csv": kept}


# ------------------------------------------------------------------------------ what the key holds


@pytest.mark.parametrize(
    ("changes", "states"),
    [
        ({"network__tolerance_m": 0.2}, {"network": "kept", "reach": "read"}),
        ({"network__node_crossings": True}, {"network": "kept"}),
        ({"network__max_snap_m": 77}, {"network": "read", "reach": "kept"}),
        ({"rules": {"HZ-04": {"distance_m": 1250}}}, {"network": "read", "reach": "kept"}),
        ({"solve__threads": 1, "solve__gap": 0.1}, {"network": "read", "reach": "read"}),
        ({"name": "another", "language": "en"}, {"network": "read", "reach": "read"}),
    ],
)
def test_a_setting_that_matters_is_worked_out_again(
    full: Path, tmp_path: Path, changes: dict[str, object], states: dict[str, str]
) -> None:
    shutil.copytree(full, tmp_path / "c")
    got = prepared(Cache(tmp_path / "c"), **changes)
    assert states.items() <= got.cache.items()
    assert_same(got, prepared(Cache(None), **changes))


def test_a_road_that_moved_is_read_again(tmp_path: Path) -> None:
    """The file keeps its name, its size and its time; only what it holds is another."""
    shutil.copytree(ROOT / "data" / "sample", tmp_path / "data" / "sample")
    data = tmp_path / "scenarios"  # the paths of the sample start there
    data.mkdir()
    cache = Cache(tmp_path / "c")
    before = prepared(cache, data=data)
    path = tmp_path / "data" / "sample" / ROADS
    about = path.stat()
    layer = "道路中心线"
    roads = gpd.read_file(path, layer=layer)
    moved = roads.set_geometry(roads.translate(0.0, 30.0))
    path.unlink()
    moved.to_file(path, layer=layer)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    after = prepared(Cache(tmp_path / "c"), data=data)
    assert after.cache == {"network": "kept", "reach": "kept"}
    np.testing.assert_allclose(
        np.sort(after.network.node_xy[:, 1]), np.sort(before.network.node_xy[:, 1]) + 30, atol=1e-6
    )
    assert_same(after, prepared(Cache(None), data=data))


def test_what_reading_said_of_the_roads_is_said_again(tmp_path: Path) -> None:
    """The file has two layers and none is named: the first is read, with a line in the check."""
    shutil.copytree(ROOT / "data" / "sample", tmp_path / "data" / "sample")
    data = tmp_path / "scenarios"
    data.mkdir()
    path = tmp_path / "data" / "sample" / ROADS
    gpd.read_file(path).iloc[:1].to_file(path, layer="另一层")
    first, second = (
        prepared(Cache(tmp_path / "c"), data=data, network__layer=None) for _ in range(2)
    )
    assert second.cache["network"] == "read"
    assert "first_layer" in [line.code for line in first.check.lines]
    assert lines(second) == lines(first)


def test_the_other_files_of_a_shapefile_belong_to_it(tmp_path: Path) -> None:
    line = shapely.LineString([(500_000, 3_300_000), (500_100, 3_300_000)])
    path = tmp_path / "ways.shp"
    gpd.GeoDataFrame({"bridge": ["yes"]}, geometry=[line], crs="EPSG:4549").to_file(path)
    states = []
    for text in (None, None, "no "):
        if text is not None:
            table = path.with_suffix(".dbf").read_bytes()
            path.with_suffix(".dbf").write_bytes(table.replace(b"yes", text.encode()))
        cache = Cache(tmp_path / "c")
        roads = _network(path, cache)[0]
        states.append((cache.events[-1][0], roads["bridge"].iloc[0].strip()))
    assert states == [("kept", "yes"), ("read", "yes"), ("kept", "no")]


def _network(path: Path, cache: Cache) -> tuple[gpd.GeoDataFrame, int, Network]:
    changes = [("network.path", path.as_posix()), ("network.layer", None)]
    scenario = siting.read_scenario(SAMPLE, changes=changes)
    return walking_network(scenario, path, cache, DataCheck())


def test_columns_of_every_kind_come_back_as_they_were(tmp_path: Path) -> None:
    line = shapely.LineString([(500_000, 3_300_000), (500_100, 3_300_000)])
    columns = {
        "name": ["文一路", None, "=1+1"],
        "lanes": pd.array([1, 2, 3], dtype="int32"),
        "width": [1.5, np.nan, 3.0],
        "lit": [True, False, True],
        "mixed": [None, None, None],
    }
    shapes = [line, shapely.affinity.translate(line, 0, 9), shapely.MultiLineString([line])]
    path = tmp_path / "ways.gpkg"
    gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4549").to_file(path)
    cache = Cache(tmp_path / "c")
    expected = _network(path, Cache(None))[0]
    _network(path, cache)
    got = _network(path, cache)[0]
    assert [event for event, _ in cache.events] == ["kept", "read"]
    assert_geodataframe_equal(got, expected)
    assert got.crs.srs == expected.crs.srs


def test_what_json_cannot_hold_is_not_kept(tmp_path: Path) -> None:
    line = shapely.LineString([(500_000, 3_300_000), (500_100, 3_300_000)])
    path = tmp_path / "ways.gpkg"
    built = pd.to_datetime(["2020-01-01"])
    gpd.GeoDataFrame({"built": built}, geometry=[line], crs="EPSG:4549").to_file(path)
    cache = Cache(tmp_path / "c")
    for _ in range(2):
        assert len(_network(path, cache)[0]) == 1
    assert cache.events == []


def test_keys_tell_shapes_types_and_values_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.arange(6.0)
    parts = [
        (a,), (a.reshape(2, 3),), (a.astype(np.int64),), (a + 1e-12,), (a, 0), (a, 0.0), (a, "0"),
        (a[:3], a[3:]), (a[:2], a[2:]), (a, None), (np.empty(0),), (),
    ]  # fmt: skip
    keys = [content_key(*each) for each in parts]
    assert len(set(keys)) == len(keys)
    assert content_key(a[::-1]) == content_key(a[::-1].copy())
    cache_module._code.cache_clear()
    monkeypatch.setattr(cache_module, "SOURCES", (*cache_module.SOURCES, "solve.py"))
    assert content_key(a) != keys[0], "another program, the same key"
    cache_module._code.cache_clear()


# ------------------------------------------------------------------------------ files that are bad


@pytest.mark.parametrize("kind", ["network", "reach"])
def test_a_damaged_file_never_gives_another_answer(
    full: Path, plain: Prepared, tmp_path: Path, kind: str
) -> None:
    """One byte turned at many places; the file cut; empty; another one under its name."""
    folder = tmp_path / "c"
    shutil.copytree(full, folder)
    path, other = next(folder.glob(f"{kind}-*")), next(folder.glob(f"[!{kind[0]}]*"))
    whole = path.read_bytes()
    places = np.random.default_rng(0).integers(0, len(whole), 25).tolist()
    damaged = [whole[:k] + bytes([whole[k] ^ 0x55]) + whole[k + 1 :] for k in places]
    damaged += [whole[: len(whole) // 2], whole[:-1], b"", b"PK\x03\x04", other.read_bytes()]
    noticed = 0
    for content in damaged:
        path.write_bytes(content)
        found = Cache(folder).load(*path.stem.split("-"))
        if found is None:
            noticed += 1
            continue
        path.write_bytes(whole)
        right = Cache(folder).load(*path.stem.split("-"))
        for name, array in right[0].items():
            np.testing.assert_array_equal(found[0][name], array)
        assert found[1] == right[1]
    assert noticed >= len(damaged) - 5
    path.write_bytes(damaged[-4])
    got = prepared(Cache(folder))
    assert codes(got) == ["cache_read", "cache_broken"]
    assert got.cache[kind] == "kept"
    assert_same(got, plain)
    assert codes(prepared(Cache(folder))) == ["cache_read"]


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "reach-k.npz", facts=np.array([{"key": "reach-k"}], dtype=object))
    cache = Cache(tmp_path)
    assert cache.load("reach", "k") is None
    assert cache.events == [("broken", "reach-k.npz")]


def test_a_folder_that_cannot_be_written_is_one_warning(tmp_path: Path, plain: Prepared) -> None:
    (tmp_path / "file").write_text("no folder")
    got = prepared(Cache(tmp_path / "file" / "cache"))
    assert codes(got) == ["cache_not_kept"]
    assert got.cache == {}
    assert_same(got, plain)
    assert (tmp_path / "file").read_text() == "no folder"


def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(file: object, **_: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module.np, "savez", full_disk)
    cache = Cache(tmp_path)
    assert not cache.save("reach", "k", {"a": np.zeros(3)}, {})
    assert cache.events == [("not_kept", "No space left on device")]
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ size


def test_what_was_read_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_gb=35e-6)  # three entries of 10 kB and their names, not four
    ages = {"a": 400, "b": 300, "c": 200}
    for key, age in ages.items():
        cache.save("reach", key, {"x": np.full(10_000, 7, np.uint8)}, {})
        path = tmp_path / f"reach-{key}.npz"
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    assert cache.load("reach", "a") is not None  # the oldest, but just read
    old = tmp_path / "reach-x.1-2.part"
    old.write_bytes(b"left by a run that was killed")
    os.utime(old, (0, 0))
    new = tmp_path / "reach-y.1-2.part"
    new.write_bytes(b"being written")
    other = tmp_path / "notes.txt"
    other.write_text("not ours")
    cache.save("reach", "d", {"x": np.full(10_000, 7, np.uint8)}, {})
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"reach-a.npz", "reach-c.npz", "reach-d.npz", new.name, other.name}


def test_one_entry_larger_than_all_is_not_kept(tmp_path: Path) -> None:
    got = prepared(Cache(tmp_path, most_gb=1e-6))
    assert codes(got) == ["cache_too_large"]
    assert list(tmp_path.glob("*.npz")) == []


# ------------------------------------------------------------------------------ who asks for it


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SWITCH, "OFF")
    assert user_cache().folder is None
    monkeypatch.setenv(SWITCH, str(tmp_path / "here"))
    assert user_cache().folder == tmp_path / "here"
    monkeypatch.delenv(SWITCH)
    assert "siting" in str(user_cache().folder)
    assert not (tmp_path / "here").exists()


def test_the_command_line_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, str(tmp_path / "other"))
    words = ["check", str(SAMPLE), "--quiet", "--out", str(tmp_path / "out")]
    for more in (["--no-cache"], ["--cache", str(tmp_path / "mine")]):
        with pytest.raises(SystemExit) as left:
            main(words + more)
        assert left.value.code == 0
    assert len(list((tmp_path / "mine").glob("*.npz"))) == 2
    assert not (tmp_path / "other").exists()


def test_processes_share_a_folder(tmp_path: Path) -> None:
    """Two at once into an empty folder, then one that finds what they left."""

    def run(name: str) -> int:
        words = ("check", SAMPLE, "--quiet", "--cache", tmp_path / "c", "--out", tmp_path / name)
        return say_outside(ROOT, *words).code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, ["1", "2"])) == [0, 0]
    assert sorted(each.suffix for each in (tmp_path / "c").iterdir()) == [".npz", ".npz"]
    assert prepared(Cache(tmp_path / "c")).cache == {"network": "read", "reach": "read"}
