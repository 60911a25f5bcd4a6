"""`rl2 reproduce`: what it prints, what it refuses, and how it ends."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rl2lib import cluster
from rl2lib.cli import app
from rl2lib.evaluation import rows
from rl2lib.experiments.catalogue import EXPERIMENTS
from rl2lib.experiments.reproduce.places import Places
from tests.rl2lib.experiments.reproduce import tiny

Enter = Callable[..., None]
ROOT = Path(__file__).parents[4]


def rl2(places: Places, *arguments: str) -> Result:
    folders = ["--out", str(places.results), "--running", str(places.running)]
    return CliRunner().invoke(app, ["reproduce", *arguments, *folders], catch_exceptions=False)


def smoke(places: Places, *arguments: str) -> Result:
    return rl2(places, "tiny", "--scale", "smoke", *arguments)


def refused(result: Result) -> str:
    """Return the one line that was told."""
    assert result.exit_code == 2 and not result.stdout and result.stderr.startswith("rl2: ")
    (line,) = result.stderr.splitlines()
    return line


def test_everything_there_is_is_listed(places: Places) -> None:
    for arguments in ([], ["--list"], ["table1", "--list"]):
        result = rl2(places, *arguments)
        assert result.exit_code == 0 and len(result.stdout.splitlines()) == len(EXPERIMENTS)
        for known in EXPERIMENTS.values():
            assert f"{known.id} " in result.stdout and known.title in result.stdout
    assert not places.results.exists()


def test_an_experiment_is_reproduced_into_the_named_folders(places: Places, enter: Enter) -> None:
    enter(tiny.experiment())
    result = smoke(places)
    assert result.exit_code == 0 and result.stderr.count("failed") == 0
    assert [line for line in result.stdout.splitlines() if line] == [
        "done: tiny: net, seed 0",
        "done: tiny: first",
        "done: tiny: other, seed 0",
        "done: tiny: second",
    ]
    assert rows.read(places.table("tiny", "smoke")).cells() == ["first", "second"]
    assert smoke(places).stdout.strip() == "", "nothing is left to do"
    assert smoke(places, "--remeasure", "--cell", "first").stdout.split("\n")[0] == "done: tiny: first"
    assert smoke(places, "--fresh").stdout.count("done: ") == 4
    assert smoke(places, "--seeds", "2").stdout.count("seed 1") == 2


def test_all_means_all_and_a_failure_is_told_at_the_end_and_in_the_exit_code(places: Places, enter: Enter) -> None:
    def measure(*_: Any) -> Any:
        raise ValueError("it cannot be measured")

    enter(tiny.experiment("bad", measure=measure), tiny.experiment())
    result = rl2(places, "all", "--scale", "smoke")
    assert result.exit_code == 1
    told = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert [line.partition(" (")[0] for line in told] == [
        f"failed: bad: {cell}: ValueError: it cannot be measured" for cell in tiny.CELLS
    ]
    assert rows.read(places.table("tiny", "smoke")).cells() == ["first", "second"]
    assert rl2(places, "tiny", "--scale", "smoke").exit_code == 0


def test_misspelt_names_are_refused_with_the_nearest(places: Places) -> None:
    """In the real catalogue."""
    line = refused(rl2(places, "tabel1", "--scale", "smoke"))
    assert line == "rl2: there is no experiment 'tabel1'; did you mean 'table1'?"
    line = refused(rl2(places, "table1", "--scale", "smoke", "--cell", "n10k5"))
    assert line == "rl2: table1 has no cell 'n10k5' at smoke scale; did you mean 'n10_k5'?"
    line = refused(rl2(places, "table1", "--scale", "smoke", "--cell", "n500_k50"))
    assert "table1 has no cell 'n500_k50' at smoke scale" in line
    line = refused(rl2(places, "table1", "--scale", "laptob"))
    assert line == "rl2: there is no scale 'laptob'; did you mean 'laptop'?"
    assert not places.results.exists()


def test_nonsense_is_refused(places: Places, enter: Enter) -> None:
    enter(tiny.experiment())
    for arguments in (["--seeds", "0"], ["--workers", "0"], ["--seeds", "many"]):
        assert smoke(places, *arguments).exit_code == 2
    assert "nothing can be trained on the device 'abacus'" in refused(smoke(places, "--device", "abacus"))


def test_results_that_cannot_be_used_are_refused(places: Places, enter: Enter) -> None:
    enter(tiny.experiment())
    smoke(places, "--cell", "first")
    weights = places.weights(tiny.run(), "smoke", 0).with_suffix(".safetensors")
    weights.write_bytes(b"damaged")
    line = refused(smoke(places))
    assert "not those that its card describes" in line and str(weights) in line
    table = places.table("tiny", "smoke").with_suffix(".json")
    table.write_text('{"version": 0}', encoding="utf-8")
    assert "expected results of version 1, got 0" in refused(smoke(places))


def test_a_scheduler_that_does_not_answer_is_named(
    places: Places, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tiny.experiment())
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    line = refused(smoke(places, "--scheduler", "tcp://127.0.0.1:1"))
    assert line.startswith("rl2: no Dask scheduler answers at tcp://127.0.0.1:1: ")
    assert "missing port number" in refused(smoke(places, "--scheduler", "nowhere"))


@pytest.mark.slow
def test_two_workers_of_this_machine(places: Places) -> None:
    """The command itself, in a process of its own, and a plan that its workers know."""
    command = [sys.executable, "-m", "rl2lib.cli", "reproduce", "table1", "--scale", "smoke", "--cell", "n10_k5"]
    command += ["--workers", "2", "--out", str(places.results), "--running", str(places.running)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and "failed" not in done.stderr, done.stderr
    assert done.stdout.count("done: table1: ") == 4
    assert rows.read(places.table("table1", "smoke")).cells() == ["n10_k5"]
