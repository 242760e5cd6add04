"""Many scenarios at once: one that fails fails alone, a dead worker loses nothing."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import batch_work
import psutil
import pytest
from command import contents, say
from tiny import change_scenario, change_table, write_tiny

import siting
from siting.batch import apart, cluster, driver, local
from siting.batch import job as batch_job
from siting.batch.claims import (
    DESK,
    BatchOverError,
    is_published,
    locked,
    note_attempt,
    open_desk,
    part_of,
    publish,
)
from siting.batch.curves import CURVE_POINT_COLUMNS
from siting.batch.driver import Crew, follow, make_jobs
from siting.batch.events import Ended, Staged, Started
from siting.batch.province import PROVINCE_COLUMNS
from siting.batch.summary import BATCH_COLUMNS, STATES, Entry, write_summary
from siting.errors import ClusterError, OutputError, ScenarioError
from siting.texts import LANGUAGES, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from siting.batch.driver import Batch
    from siting.batch.events import Event
    from siting.batch.job import Job, Outcome, Tell, Work

HERE = Path(__file__).parent


def rows(out: Path) -> dict[str, dict[str, str]]:
    """Return ``batch.csv`` by the name of the result folder."""
    with (out / "batch.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["folder"]: row for row in csv.DictReader(file)}


def county(folder: Path, name: str, **settings: Any) -> Path:
    """Write a tiny county whose scenario file has a name of its own."""
    path = write_tiny(folder / name, name=name, **settings)
    return path.rename(path.with_name(f"{name}.yaml"))


def run_inline(
    self: Crew, jobs: Sequence[Job], work: Work
) -> Iterator[Event]:  # as Crew.run, in this process
    """Do jobs one after another in this process."""
    del self
    for job in jobs:
        yield Started(job.number, 1)
        yield Staged(job.number, "cost", 0.5, 3.0)
        yield Ended(job.number, 1, work(job, lambda *_: None))


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a batch do its work in this process."""
    monkeypatch.setattr(Crew, "run", run_inline)


def stand_in(
    out: Path,
    names: Sequence[str],
    crew: Crew,
    progress: Callable[[list[Entry]], None] | None = None,
) -> tuple[Batch, list[Job]]:
    """Have stand-in work done under some names."""
    files = [out / f"{name}.yaml" for name in names]
    with open_desk(out) as desk:
        jobs = make_jobs(files, out, desk, data=None, changes=(), language="en")
        return follow(jobs, files, out, crew, batch_work.by_name, progress=progress), jobs


# ------------------------------------------------------------------------------- processes


@pytest.fixture(scope="module")
def rough(tmp_path_factory: pytest.TempPathFactory) -> tuple[Batch, list[Job]]:
    """Return one batch in which workers die, on two processes of this machine."""
    names = ["dies-once", "dies-always", "fine", "breaks", "dies-late"]
    crew = Crew(workers=2, retries=1, threads=1)
    return stand_in(tmp_path_factory.mktemp("rough"), names, crew)


def found(rough: tuple[Batch, list[Job]], name: str) -> tuple[Entry, int]:
    """Return the entry of a scenario, and how many attempts it saw."""
    done, jobs = rough
    job = next(job for job in jobs if job.folder.name == name)
    return done.entries[job.number], len(batch_work.log_of(job))


@pytest.mark.parametrize(
    ("name", "state", "attempts"),
    [("dies-once", "done", 2), ("dies-always", "lost", 2), ("fine", "done", 1),
     ("breaks", "failed", 1), ("dies-late", "done", 2)],
)  # fmt: skip
def test_a_dead_worker_costs_an_attempt_and_no_other_scenario(
    rough: tuple[Batch, list[Job]], name: str, state: str, attempts: int
) -> None:
    entry, seen = found(rough, name)
    assert (entry.state, entry.attempts, seen) == (state, attempts, attempts)
    assert (rough[0].folder / name).exists() == (state == "done")
    assert rows(rough[0].folder)[name]["state"] == state


def test_a_result_is_written_once_though_its_worker_died_before_saying_so(
    rough: tuple[Batch, list[Job]],
) -> None:
    entry, _ = found(rough, "dies-late")
    assert entry.facts["put"] is False
    first = (rough[0].folder / "dies-late" / "run.json").read_text(encoding="utf-8")
    assert first == "1"


def test_messages_say_what_ended_a_scenario(rough: tuple[Batch, list[Job]]) -> None:
    lost, broken = found(rough, "dies-always")[0], found(rough, "breaks")[0]
    assert "in the middle of all 2 attempts" in lost.message
    if sys.platform != "win32":
        assert "(-9)" in lost.message
    assert "RuntimeError: breaks" in broken.message
    assert "Traceback" not in broken.message
    assert [each.folder for each in rough[0].failed] == ["dies-always", "breaks"]
    assert not rough[0].interrupted


def test_nothing_is_left_of_a_batch_but_its_results(rough: tuple[Batch, list[Job]]) -> None:
    names = {item.name for item in rough[0].folder.iterdir() if item.suffix != ".log"}
    assert names == {"batch.csv", "batch.json", "dies-once", "fine", "dies-late"}


def test_ctrl_c_ends_the_workers_and_keeps_what_is_done(tmp_path: Path) -> None:
    def press(entries: list[Entry]) -> None:
        if entries[1].stage is not None:
            raise KeyboardInterrupt

    crew = Crew(workers=1, threads=1)
    done, jobs = stand_in(tmp_path, ["fine", "waits", "fine-later"], crew, press)
    assert [entry.state for entry in done.entries] == ["done", "interrupted", "interrupted"]
    assert done.interrupted
    assert (tmp_path / "fine").is_dir()
    assert not (tmp_path / "waits").exists()
    assert not psutil.pid_exists(int(batch_work.log_of(jobs[1])[0]))
    assert json.loads((tmp_path / "batch.json").read_text(encoding="utf-8"))["state"] == (
        "interrupted"
    )


class Hand:
    """A worker in the place of a process: does the work here, and remembers that it ended."""

    made: ClassVar[list[Hand]] = []

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment, self.ended, self.did = environment, False, 0
        Hand.made.append(self)

    def do(self, work: Work, job: Job, tell: Tell) -> Outcome:
        """Do one job."""
        assert not self.ended
        self.did += 1
        return work(job, tell)

    def end(self) -> None:
        """Remember that it ended."""
        self.ended = True

    def kill(self) -> None:
        """Be ended while at work: there is nothing to end."""


def test_a_worker_without_memory_is_replaced_and_its_scenario_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(local, "Process", Hand)
    monkeypatch.setattr(Hand, "made", [])
    names = ["memory-once", "memory-always", "fine"]
    done, jobs = stand_in(tmp_path, names, Crew(workers=1, retries=2, threads=3))
    assert [entry.state for entry in done.entries] == ["done", "lost", "done"]
    assert [len(batch_work.log_of(job)) for job in jobs] == [2, 3, 1]
    assert "not enough memory, in 3 attempts" in done.entries[1].message
    assert [hand.did for hand in Hand.made] == [1, 1, 3, 1]
    assert all(hand.ended for hand in Hand.made)
    assert {hand.environment["OMP_NUM_THREADS"] for hand in Hand.made} == {"3"}


def test_a_batch_of_counties_on_two_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = [county(tmp_path, f"县{k}") for k in range(2)]
    bad = county(tmp_path, "bad", standard="no-such")
    out = tmp_path / "成果"
    told = say(
        capsys, "batch", *good, bad, tmp_path / "none.yaml", "--workers", 2, "--out", out,
        "--lang", "en",
    )  # fmt: skip
    assert told.code == 2
    table = rows(out)
    assert {name: row["state"] for name, row in table.items()} == {
        "县0": "done", "县1": "done", "bad": "failed", "none": "failed",
    }  # fmt: skip
    assert "no-such" in table["bad"]["message"]
    assert "none.yaml" in table["none"]["message"]
    assert "4 scenarios: 2 done, 0 kept, 2 failed, 0 not finished" in told.out
    assert told.out.count("[error]") == 2
    assert "Traceback" not in told.out + told.err
    assert not (out / "bad").exists()
    one = json.loads((out / "县0" / "run.json").read_text(encoding="utf-8"))
    assert one["settings"]["changes"] == [{"key": "language", "value": "en"}]
    alone = siting.plan(siting.read_scenario(good[0]))
    assert one["cost_wan_yuan"] == alone.record["cost_wan_yuan"]


# ------------------------------------------------------------------------------- the list


@pytest.mark.usefixtures("inline")
def test_the_list_holds_what_each_result_says(tmp_path: Path) -> None:
    files = [county(tmp_path, "a"), county(tmp_path, "b", limits__budget_wan_yuan=400)]
    done = siting.batch(files, tmp_path / "out")
    table = rows(tmp_path / "out")
    assert list(table) == ["a", "b"]
    assert list(done.to_frame().columns) == list(table["a"]) == BATCH_COLUMNS
    for name in ("a", "b"):
        record = json.loads((tmp_path / "out" / name / "run.json").read_text(encoding="utf-8"))
        row = table[name]
        assert row["status"] == record["status"]
        assert float(row["cost_wan_yuan"]) == record["cost_wan_yuan"]
        assert float(row["covered_share_high"]) == record["coverage"]["plan"]["high"]
        assert float(row["covered_share_medium"]) == record["coverage"]["plan"]["medium"]
        assert int(row["beds_missing"]) == record["beds"]["shortfall"]
        assert float(row["seconds"]) == record["seconds"]
        for stage in record["stages"]:
            assert float(row[f"gap_{stage['name']}"]) == stage["gap"]
        with (tmp_path / "out" / name / "audit.csv").open(encoding="utf-8-sig") as file:
            unmet = {
                line["rule_id"] for line in csv.DictReader(file)
                if line["state"] == "plan" and line["verdict"] == "unmet"
                and line["enforced"] == "true"
            }  # fmt: skip
        assert int(row["enforced_rules_unmet"]) == len(unmet)
    assert float(table["b"]["cost_wan_yuan"]) <= 400 < float(table["a"]["cost_wan_yuan"])


@pytest.mark.usefixtures("inline")
def test_the_list_is_on_the_disk_while_the_batch_runs(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def look(entries: list[Entry]) -> None:
        del entries
        seen.append([row["state"] for row in rows(tmp_path).values()])

    stand_in(tmp_path, ["fine", "fine-too"], Crew(), look)
    assert ["running", "waiting"] in seen
    assert ["done", "running"] in seen
    assert seen[-1] == ["done", "done"]


def test_a_list_that_another_program_holds_is_waited_for_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(self), None, str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    write_summary(tmp_path, [Entry("a.yaml", "a")], {}, last=False)
    with pytest.raises(OutputError, match="Excel") as caught:
        write_summary(tmp_path, [Entry("a.yaml", "a")], {}, last=True)
    assert "--resume" in caught.value.render("en")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("inline")
def test_exit_codes_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = county(tmp_path, "a")
    out = tmp_path / "out"
    assert say(capsys, "batch", path, "--out", out).code == 0
    assert rows(out)["a"]["enforced_rules_unmet"] != "0"
    assert say(capsys, "batch", path, "--out", out, "--strict").code == 1
    told = say(capsys, "batch", path, "--out", out, "--quiet", "--set", "year=1900")
    assert (told.code, told.out) == (2, "")
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("heading", "columns"),
    [("batch.csv", BATCH_COLUMNS), ("province.csv", PROVINCE_COLUMNS),
     ("curves.csv", CURVE_POINT_COLUMNS), ("States of a scenario", STATES)],
)  # fmt: skip
def test_the_page_of_outputs_has_every_column_and_state(
    heading: str, columns: Sequence[str]
) -> None:
    page = (HERE.parent / "docs" / "outputs.md").read_text(encoding="utf-8")
    section = page.split(f"\n### {heading}\n")[1].split("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(columns)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_its_word(language: str) -> None:
    words = [text(f"batch.{state}", language) for state in STATES]
    assert len(set(words)) == len(STATES)


# ------------------------------------------------------------------------------- names, numbers


def test_scenarios_of_one_name_are_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [county(tmp_path / side, name) for side, name in (("e", "town"), ("w", "Town"))]
    told = say(capsys, "batch", *paths, "--out", tmp_path / "out", "--lang", "en")
    assert told.code == 2
    assert all(path.as_posix() in told.err for path in paths)
    assert "Nothing was started" in told.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("inline")
def test_a_pattern_stands_for_all_files_that_it_fits(tmp_path: Path) -> None:
    for name in ("b", "a"):
        county(tmp_path / "in", name)
    done = siting.batch([tmp_path / "in" / "*" / "*.yaml"], tmp_path / "out")
    assert [entry.folder for entry in done.entries] == ["a", "b"]
    with pytest.raises(ScenarioError, match="一个也没有"):
        siting.batch([], tmp_path / "out")


@pytest.mark.parametrize(
    ("option", "value"), [("workers", 0), ("workers", 1.5), ("threads", 0), ("retries", -1)]
)
def test_numbers_that_are_too_small_are_refused(
    tmp_path: Path, option: str, value: float, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ScenarioError, match=f"^{option}.*整数"):
        siting.batch([tmp_path / "a.yaml"], tmp_path / "out", **{option: value})  # type: ignore[arg-type]
    told = say(capsys, "batch", "a.yaml", f"--{option}", value, "--out", tmp_path / "out")
    assert told.code == 2
    assert f"--{option}" in told.err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="同名文件"):
        siting.batch([tmp_path / "a.yaml"], tmp_path / "file")
    with pytest.raises(OutputError, match="系统不允许"):
        siting.batch([tmp_path / "a.yaml"], tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.usefixtures("inline")
def test_a_folder_with_other_files_fails_alone_and_keeps_them(tmp_path: Path) -> None:
    paths = [county(tmp_path, "a"), county(tmp_path, "b")]
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "notes.docx").write_text("mine", encoding="utf-8")
    done = siting.batch(paths, tmp_path / "out")
    assert [entry.state for entry in done.entries] == ["failed", "done"]
    assert "notes.docx" in done.entries[0].message
    assert contents(tmp_path / "out" / "a") == {"notes.docx": b"mine"}


def test_a_run_uses_its_share_of_the_cores_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def note(jobs: Sequence[Job], work: Work, **settings: Any) -> Iterator[Event]:
        asked.append(settings | {"job": jobs[0].threads})
        return run_inline(Crew(), jobs, work)

    monkeypatch.setattr(driver, "run_here", note)
    monkeypatch.setattr(driver, "cores", lambda: 5)
    paths = [county(tmp_path, name, solve__threads=4) for name in "ab"]
    siting.batch(paths, tmp_path / "out", workers=4)
    siting.batch(paths[:1], tmp_path / "one", workers=4)
    assert [(each["workers"], each["threads"], each["job"]) for each in asked] == [
        (2, 2, 2), (1, 5, 5),
    ]  # fmt: skip
    shared, alone = (
        json.loads((tmp_path / out / "a" / "run.json").read_text(encoding="utf-8"))["settings"]
        for out in ("out", "one")
    )
    assert shared["scenario"]["solve"]["threads"] == 2
    assert {"key": "solve.threads", "value": 2} in shared["changes"]
    assert alone["scenario"]["solve"]["threads"] == 4


# ------------------------------------------------------------------------------- resume


def change(path: Path, old: str, new: str) -> None:
    """Replace what a file says."""
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")


def states(out: Path) -> dict[str, str]:
    return {name: row["state"] for name, row in rows(out).items()}


@pytest.fixture
def three(tmp_path: Path, inline: None) -> list[Path]:  # noqa: ARG001 - it must be in force
    """Return three counties with results."""
    paths = [county(tmp_path, name) for name in "abc"]
    siting.batch(paths, tmp_path / "out")
    return paths


def test_resume_keeps_results_of_what_has_not_changed(three: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = contents(out / "a")
    change_table(three[1].with_name("elders.csv"), lambda t: t.__setitem__("elders", "161"))
    change_scenario(three[2], {"limits.max_new_sites": 1})
    done = siting.batch(three, out, resume=True)
    assert states(out) == {"a": "kept", "b": "done", "c": "done"}
    assert contents(out / "a") == before
    assert (
        done.entries[0].facts["cost_wan_yuan"] == (json.loads(before["run.json"])["cost_wan_yuan"])
    )
    assert int(rows(out)["c"]["new_sites"]) == 1
    siting.batch(three, out, resume=True, threads=1)
    assert set(states(out).values()) == {"kept"}
    siting.batch(three[:1], out)
    assert states(out) == {"a": "done"}


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("demand.csv", lambda path: path.unlink()),
        ("run.json", lambda path: path.write_text("{", encoding="utf-8")),
        ("run.json", lambda path: change(path, '"status": "optimal"', '"status": "interrupted"')),
        ("run.json", lambda path: change(path, '"siting": "', '"siting": "9')),
    ],
    ids=["a file is gone", "a record is cut", "it was interrupted", "another version"],
)  # fmt: skip
def test_resume_redoes_what_is_not_whole(
    three: list[Path], tmp_path: Path, name: str, harm: Callable[[Path], object]
) -> None:
    harm(tmp_path / "out" / "a" / name)
    siting.batch(three, tmp_path / "out", resume=True)
    assert states(tmp_path / "out") == {"a": "done", "b": "kept", "c": "kept"}
    record = (tmp_path / "out" / "a" / "run.json").read_text(encoding="utf-8")
    assert json.loads(record)["status"] == "optimal"


def test_resume_sees_an_output_that_is_asked_for_now(three: list[Path], tmp_path: Path) -> None:
    siting.batch(three[:1], tmp_path / "out", resume=True, changes={"outputs.tables": True})
    assert states(tmp_path / "out") == {"a": "done"}
    assert (tmp_path / "out" / "a" / "tables.xlsx").exists()


def test_resume_makes_a_result_again_that_lost_an_output(three: list[Path], tmp_path: Path) -> None:
    out, more = tmp_path / "out", {"outputs.tables": True}
    siting.batch(three, out, changes=more)
    (out / "a" / "tables.xlsx").unlink()
    siting.batch(three, out, changes=more, resume=True)
    assert states(out) == {"a": "done", "b": "kept", "c": "kept"}
    assert (out / "a" / "tables.xlsx").exists()


def test_what_nobody_foresaw_fails_one_scenario_and_no_other(
    tmp_path: Path,
    inline: None,  # noqa: ARG001 - it must be in force
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = batch_job.plan

    def plan(scenario: Any, **more: Any) -> Any:
        if scenario.name == "b":
            raise RuntimeError("a shelf fell down")
        return real(scenario, **more)

    monkeypatch.setattr(batch_job, "plan", plan)
    done = siting.batch([county(tmp_path, name) for name in "abc"], tmp_path / "out")
    assert states(tmp_path / "out") == {"a": "done", "b": "failed", "c": "done"}
    assert "RuntimeError: a shelf fell down" in done.failed[0].message


# ------------------------------------------------------------------------------- written once


def attempt(desk: Path, content: str) -> Path:
    """Return what an attempt has written."""
    part = part_of(desk, "a")
    (part / "run.json").write_text(content, encoding="utf-8")
    return part


def test_of_two_attempts_the_first_result_stays(tmp_path: Path) -> None:
    with open_desk(tmp_path) as (desk, token):
        one, two = attempt(desk, "one"), attempt(desk, "two")
        assert not is_published(desk, "a")
        assert publish(desk, token, "a", one, tmp_path / "a")
        assert not publish(desk, token, "a", two, tmp_path / "a")
    assert contents(tmp_path) == {"a/run.json": b"one"}


def test_an_attempt_of_a_batch_that_is_over_puts_nothing_in_place(tmp_path: Path) -> None:
    with open_desk(tmp_path) as (desk, token):
        pass
    with open_desk(tmp_path) as (desk, _):
        late = attempt(desk, "late")
        with pytest.raises(BatchOverError):
            publish(desk, token, "a", late, tmp_path / "a")
    assert contents(tmp_path) == {}


def test_two_batches_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with open_desk(tmp_path), pytest.raises(OutputError, match="另一批"), open_desk(tmp_path):
        pytest.fail("must not be given the folder")
    with open_desk(tmp_path) as (desk, _):
        assert desk == tmp_path / DESK


def test_what_a_dead_batch_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / DESK).mkdir()
    (tmp_path / DESK / "a.done").touch()
    with open_desk(tmp_path) as (desk, _):
        assert not is_published(desk, "a")
    assert contents(tmp_path) == {}


def test_a_lock_is_let_go_and_attempts_are_counted(tmp_path: Path) -> None:
    with locked(tmp_path / "x") as held, locked(tmp_path / "x", wait=False) as again:
        assert (held, again) == (True, False)
    with locked(tmp_path / "x", wait=False) as free:
        assert free
    assert [note_attempt(tmp_path, name) for name in ("a", "a", "b")] == [1, 2, 1]


# ------------------------------------------------------------------------------- Dask


def test_without_dask_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"siting\[dask\]"):
        siting.batch([tmp_path / "a.yaml"], tmp_path / "out", scheduler="tcp://x:1")
    assert states(tmp_path / "out") == {"a": "interrupted"}


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nothing", "http://a:1"])
def test_a_scheduler_that_does_not_answer_is_told_soon(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    out = tmp_path / "out"
    told = say(
        capsys, "batch", tmp_path / "a.yaml", "--scheduler", address, "--out", out, "--lang", "en"
    )
    assert told.code == 2
    assert address in told.err
    assert "Traceback" not in told.err
    assert states(out) == {"a": "interrupted"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a cluster of two worker processes, each of which is started again when it dies."""
    distributed = pytest.importorskip("distributed")
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("dask"))
    try:
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=":0",
            silence_logs=50,
        ) as started:  # fmt: skip
            yield started.scheduler_address
    finally:
        os.chdir(before)


def test_a_cluster_does_the_same_and_survives_a_dead_worker(address: str, tmp_path: Path) -> None:
    """Each attempt in a process of its own, that ends with it."""
    names = ["dies-once", "fine", "breaks", "orphan-once"]
    distributed = pytest.importorskip("distributed")
    with distributed.Client(address, set_as_default=False) as client:
        workers = set(client.run(os.getpid).values())
    done, jobs = stand_in(tmp_path, names, Crew(scheduler=address, retries=1))
    assert [entry.state for entry in done.entries] == ["done", "done", "failed", "done"]
    seen = [[int(pid) for pid in batch_work.log_of(job)] for job in jobs]
    assert [len(pids) for pids in seen] == [2, 1, 1, 2]
    ran = {pid for pids in seen for pid in pids}
    assert len(ran) == 6
    assert not ran & workers
    assert not any(psutil.pid_exists(pid) for pid in ran)
    assert done.entries[0].facts["threads"] == 2
    for name in ("dies-once", "orphan-once"):
        assert (tmp_path / name / "run.json").read_text(encoding="utf-8") == "2"


def test_what_runs_on_a_cluster_ends_with_its_batch(address: str, tmp_path: Path) -> None:
    def press(entries: list[Entry]) -> None:
        if entries[0].stage is not None:
            raise KeyboardInterrupt

    done, jobs = stand_in(tmp_path, ["waits"], Crew(scheduler=address), press)
    assert done.interrupted
    assert done.entries[0].state == "interrupted"
    pid = int(batch_work.log_of(jobs[0])[0])
    assert psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], 20)[1] == []
    assert not (tmp_path / "waits").exists()


@pytest.mark.parametrize(("token", "memory", "ends"), [
    (None, 1, ["memory"]), ("other", None, ["interrupted"]), (None, None, []), (None, 2**60, []),
])  # fmt: skip
def test_a_job_that_nobody_waits_for_or_that_takes_too_much_is_ended(
    tmp_path: Path, token: str | None, memory: int | None, ends: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(apart, "WATCH_S", 0.01)
    killed = threading.Event()
    process = SimpleNamespace(pid=os.getpid(), kill=killed.set)
    with open_desk(tmp_path) as (desk, own):
        job = make_jobs(
            [tmp_path / "a.yaml"], tmp_path, (desk, token or own), data=None, changes=(),
            language=None,
        )[0]  # fmt: skip
        with apart._watched(process, job, memory) as ended:  # type: ignore[arg-type]
            assert killed.wait(10 if ends else 0.1) == bool(ends)
    assert ended == ends


def test_a_job_that_cannot_even_begin_is_given_up_after_its_retries(tmp_path: Path) -> None:
    """Nothing notes an attempt where the work cannot be loaded."""

    class Future:
        status = "error"

        def exception(self) -> Exception:
            return ImportError("no such work")

        def add_done_callback(self, call: Callable[[Future], None]) -> None:
            call(self)

    client = SimpleNamespace(
        sync=lambda *_, **__: {"w": 1}, scheduler=SimpleNamespace(ncores_running=None),
        subscribe_topic=lambda *_: None, submit=lambda *_, **__: Future(),
    )  # fmt: skip
    with open_desk(tmp_path) as desk:
        jobs = make_jobs(
            [tmp_path / "a.yaml"], tmp_path, desk, data=None, changes=(), language=None
        )
        (ended,) = cluster._Batch(client, batch_work.by_name, 2).events(jobs)
    assert isinstance(ended, Ended)
    assert (ended.attempts, ended.outcome.state) == (3, "lost")
    assert ended.outcome.message == "ImportError: no such work"


@pytest.mark.parametrize(("answer", "said"), [({}, "内存已满"), (TimeoutError(), "连接中断")])
def test_a_cluster_without_workers_or_a_scheduler_that_falls_silent_is_given_up(
    tmp_path: Path, answer: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object, **__: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(cluster, "GONE_S", -1.0)
    client = SimpleNamespace(
        sync=ask, scheduler=SimpleNamespace(ncores_running=None),
        subscribe_topic=lambda *_: None, cancel=lambda *_, **__: None,
    )  # fmt: skip
    with open_desk(tmp_path) as desk:
        jobs = make_jobs(
            [tmp_path / "a.yaml"], tmp_path, desk, data=None, changes=(), language=None
        )
        asked = cluster._Batch(client, batch_work.by_name, 0).events(jobs)
        with pytest.raises(ClusterError, match=said):
            next(asked)


def test_a_worker_that_dies_too_often_is_given_up_on_a_cluster(
    address: str, tmp_path: Path
) -> None:
    done, jobs = stand_in(tmp_path, ["dies-always"], Crew(scheduler=address, retries=0))
    assert done.entries[0].state == "lost"
    assert len(batch_work.log_of(jobs[0])) == 1


def test_workers_that_do_not_fit_are_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "version", lambda _: "9.9")
    with pytest.raises(ClusterError, match=r"同一版本.*9\.9"):
        stand_in(tmp_path, ["fine"], Crew(scheduler=address))
    monkeypatch.undo()
    with open_desk(tmp_path) as desk:
        jobs = make_jobs(
            [tmp_path / "a.yaml"], tmp_path, desk, data=None, changes=(), language=None
        )
        other = replace(jobs[0], token="other")  # noqa: S106 - of another batch
        with pytest.raises(ClusterError, match="同一路径"):
            list(cluster.run_on(address, [other], batch_work.by_name, retries=0))
