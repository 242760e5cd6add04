"""Fixtures that several test files share: one real run, done once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

import siting

ROOT = Path(__file__).parents[1]
os.environ["SITING_CACHE"] = "off"  # nothing is written into the home, nothing hides a change


@dataclass(frozen=True)
class Run:
    """A plan and the folder that its outputs were written to."""

    plan: siting.Plan
    folder: Path


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the sample county once and write every output."""
    done = siting.plan(siting.read_scenario(ROOT / "scenarios" / "sample.yaml"))
    return Run(done, siting.write_plan(done, tmp_path_factory.mktemp("runs") / "sample"))
