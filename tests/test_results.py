"""What lies in results/: small, whole, and found again by playing the kept weights on tasks they have not met."""

import json
import math
import re

import pytest
import torch

from rl2lib.evaluation import rows
from rl2lib.evaluation.evaluate import scores
from rl2lib.experiments import model_card
from rl2lib.experiments.catalogue import EXPERIMENTS
from rl2lib.experiments.papers import table1, table2
from rl2lib.experiments.papers.table1.players import RL2_EQUIVARIANT, RL2_IMITATION
from rl2lib.experiments.papers.table1.published import RL2
from rl2lib.experiments.reproduce.places import VERSION, Places
from rl2lib.experiments.reproduce.trained import TrainedRuns, finished_card, num_seeds, snapshots
from rl2lib.tasks.sampling import make_generators

MEGABYTE = 2**20
SCALE = "laptop"


@pytest.fixture
def results(root):
    return root / "results"


def tables(results):
    return [results / name / f"{SCALE}.csv" for name in EXPERIMENTS if (results / name / f"{SCALE}.csv").exists()]


def test_results_stay_small(results):
    sizes = {path: path.stat().st_size for path in results.rglob("*") if path.is_file() and "smoke" not in path.name}
    assert sum(sizes.values()) <= 40 * MEGABYTE
    assert max(sizes.values()) <= 10 * MEGABYTE


def test_every_table_has_its_page_figures_and_provenance(results):
    assert tables(results)
    for table in tables(results):
        for file in (f"{SCALE}.md", f"{SCALE}.json", f"{SCALE}.png", f"{SCALE}-dark.png"):
            assert (table.parent / file).is_file(), f"run `rl2 reproduce {table.parent.name} --scale {SCALE}`"


def test_the_summary_tells_of_every_experiment(results):
    summary = (results / "README.md").read_text(encoding="utf-8")
    for experiment in EXPERIMENTS.values():
        assert f"## {experiment.title}" in summary


@pytest.mark.slow
def test_every_row_and_point_is_written_again_byte_for_byte(results, tmp_path):
    tables = [path for path in sorted(results.glob("*/*.csv")) if not path.stem.endswith("-points")]
    assert len(tables) > 10
    for table in tables:
        copy = tmp_path / table.parent.name / table.name
        rows.write(copy, rows.read(table))
        there = {path.name: path.read_bytes() for path in table.parent.glob(f"{table.stem}*.csv")}
        assert {path.name: path.read_bytes() for path in copy.parent.glob("*.csv")} == there, table


def test_every_kept_weight_has_a_card_that_fits_and_is_used(results):
    for folder in results.glob("*/checkpoints"):
        for path in folder.glob(f"{SCALE}-*.safetensors"):
            card, _ = model_card.load(path.with_suffix(""), VERSION)
            assert card["seconds"] > 0 and card["commit"] != "unknown"
            assert card.get("env_steps", 0) > 0 or card["iterations"] > 0, "a run, or its state after some iterations"
        planned = {
            f"{SCALE}-{run.name}-seed{seed}": (run, seed)
            for run in EXPERIMENTS[folder.parent.name].runs(SCALE)
            if run.owner == folder.parent.name
            for seed in range(num_seeds(run, SCALE, None))
        }
        for run, seed in list(planned.values()):
            for iterations in snapshots(run, seed):
                planned[Places(results, results).snapshot(run, SCALE, iterations).name] = run, seed
        for path in folder.glob(f"{SCALE}-*.json"):
            assert path.stem in planned, f"{path}: a superseded file lies among the results"
            run, seed = planned[path.stem]
            assert finished_card(run, SCALE, seed, Places(results, results)), "refuses what another plan made"


def test_the_tables_were_measured_with_the_weights_that_lie_beside_them(results):
    for table in tables(results):
        owners = {run.name: run.owner for run in EXPERIMENTS[table.parent.name].runs(SCALE)}
        book = json.loads(table.with_suffix(".json").read_text(encoding="utf-8"))
        assert set(book["cells"]) == set(rows.read(table).cells())
        for made in book["cells"].values():
            for training, summary in made["trained"].items():
                run, seed = re.fullmatch(r"[^:]+: (.+), seed (\d+)", training).groups()
                place = results / owners[run] / "checkpoints" / f"{SCALE}-{run}-seed{seed}"
                assert model_card.load(place, VERSION)[0]["sha256"] == summary["sha256"], f"{table}: {training}"


def test_every_number_in_a_table_is_finite_and_has_an_error(results):
    for table in tables(results):
        for row in rows.read(table).rows:
            # a median over seeds has no error over tasks; it has every seed beside it
            assert math.isfinite(row.se) or (row.seeds > 1 and len(row.every_seed) == row.seeds), row
            assert math.isfinite(row.mean) and row.num_tasks > 0, row


SAMPLE = [
    ("table1", "n10_k5", RL2, None, "gru-n10_k5", 2_000),
    ("table1", "n10_k50", RL2_EQUIVARIANT, None, "equivariant-n10", 2_000),
    ("table1", "n100_k10", RL2_IMITATION, None, "imitation-n100_k10", 1_000),
    ("table1", "n100_k50", RL2_EQUIVARIANT, None, "equivariant-n100", 500),
    ("table2", "n10", table2.players.RL2_PAIRS, table2.players.PPO_ALONE, "pairs-n10", 500),
    ("table2", "n25", table2.players.RL2_PAIRS, table2.players.IMITATED, "imitated-n25", 300),
    ("table2", "n10", "RL²", None, "gru-n10", 500),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("paper", "cell", "agent", "variant", "run", "num_tasks"), SAMPLE, ids=[item[4] for item in SAMPLE]
)
def test_kept_weights_score_what_the_table_says_on_tasks_they_have_not_met(
    results, paper, cell, agent, variant, run, num_tasks
):
    row = rows.read(results / paper / f"{SCALE}.csv").row(cell, agent, variant)
    trained = TrainedRuns(EXPERIMENTS[paper].runs(SCALE), SCALE, Places(results, results), row.seeds)
    there = {table1.EXPERIMENT.id: table1.trained, table2.EXPERIMENT.id: table2.trained}[paper]
    distribution, env = there.setting(there.CELLS[cell])
    tasks = distribution.sample(num_tasks, make_generators(99, "fresh tasks")["fresh tasks"])
    played = []
    for policy in trained.policies(run):
        here = policy.for_actions(env.num_actions) if hasattr(policy, "for_actions") else policy
        played.append(scores(here.acting(row.actions), env, tasks, seed=99, chunk=500).double())
    found = sorted(played, key=torch.mean)[(len(played) - 1) // 2]
    error = math.hypot(row.se, found.std().item() / math.sqrt(num_tasks))
    # the median seed there may be the next one here: they lie that far apart
    apart = max(row.every_seed) - min(row.every_seed)
    assert abs(found.mean().item() - row.mean) <= 4 * error + apart
