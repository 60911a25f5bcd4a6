"""Every experiment runs, start to end, and is described as a reader needs it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rl2lib.evaluation import rows
from rl2lib.experiments.catalogue import EXPERIMENTS
from rl2lib.experiments.plan import SCALES


def reproduce(out, *words):
    command = [sys.executable, "-m", "rl2lib.cli", "reproduce", *words, "--scale", "smoke"]
    places = ["--out", str(out / "results"), "--running", str(out / "runs")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    return subprocess.run([*command, *places], capture_output=True, text=True, env=environment, timeout=600)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    out = tmp_path_factory.mktemp("smoke")
    done = reproduce(out, "all")
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.slow
def test_everything_runs_at_smoke_scale(smoke):
    for name, experiment in EXPERIMENTS.items():
        folder = smoke / "results" / name
        measured = rows.read(folder / "smoke.csv")
        assert set(measured.cells()) == set(experiment.cells("smoke"))
        page = (folder / "smoke.md").read_text(encoding="utf-8")
        assert f"rl2 reproduce {name} --scale smoke" in page and "## How it was made" in page
        for claim in experiment.claims:
            assert claim.text.replace("|", r"\|") in page
        for picture in ("smoke.png", "smoke-dark.png"):
            assert (folder / picture).stat().st_size > 5_000
    assert not list((smoke / "runs").rglob("iteration-*")), "what is finished leaves no checkpoints behind"


@pytest.mark.slow
def test_the_second_time_nothing_is_left_to_do(smoke):
    before = {path: path.stat().st_mtime_ns for path in smoke.rglob("*.safetensors")}
    done = reproduce(smoke, "table1")
    assert done.returncode == 0 and "done: " not in done.stdout
    assert before == {path: path.stat().st_mtime_ns for path in smoke.rglob("*.safetensors")}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_plan_is_consistent(name):
    experiment = EXPERIMENTS[name]
    assert experiment.id == name and experiment.alt.endswith(".") and experiment.about
    for scale in SCALES:
        cells, runs = experiment.cells(scale), experiment.runs(scale)
        assert cells and len(set(cells)) == len(cells)
        assert len({(run.owner, run.name) for run in runs}) == len(runs)
        for run in runs:
            assert run.cells and set(run.cells) <= set(cells), f"{run.name} at {scale}"
            assert run.owner in EXPERIMENTS
