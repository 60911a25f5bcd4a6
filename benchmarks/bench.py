"""Measures this project beside a plain alternative in one run: medians of several, written to results/bench.json.

Times on a shared machine wander; the ratios are what to read.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from autograder.build import generated_files, write_if_changed
from autograder.grade import grade_file
from autograder.samples import filled, reference_answers, write_submission
from autograder.source import course_root, load_course
from rl2lib.agents.bayes_optimal import BayesOptimalPlan
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators

REPEATS = 5


def median_seconds(*actions: Callable[[], Any]) -> list[float]:
    """Time the actions in turn, A B A B ..., after one warm-up each; return their medians."""
    times: list[list[float]] = [[] for _ in actions]
    for repeat in range(REPEATS + 1):
        for index, action in enumerate(actions):
            began = time.perf_counter()
            action()
            if repeat:
                times[index].append(time.perf_counter() - began)
    return [statistics.median(seconds) for seconds in times]


def unroll_beside_a_loop() -> dict[str, Any]:
    """One forward and backward pass over whole trials, fused, beside the same policy stepped in Python."""
    generators = make_generators(0, "weights", "tasks", "env", "policy")
    policy = RecurrentPolicy((1,), 5, 64, generator=generators["weights"])
    tasks = IndependentBandits(5).sample(256, generators["tasks"])
    env = BanditEnv(5, 50)
    inputs = rollout(
        policy, env, tasks, policy_generator=generators["policy"], env_generator=generators["env"]
    ).step_inputs()

    def fused() -> None:
        policy.unroll(inputs)[0].square().mean().backward()

    def stepped() -> None:
        state, total = policy.initial_state(256), torch.zeros(())
        for t in range(50):
            step = type(inputs)(*(field[:, t] for field in inputs))
            logits, state = policy.step(state, step)
            total = total + logits.square().mean()
        total.backward()

    ours, theirs = median_seconds(fused, stepped)
    return row("update: stepped in Python / unrolled", theirs / ours, "x", 1.5, f"{256 * 50 / ours:.0f} steps/s")


def exact_optimum() -> dict[str, Any]:
    """The Bayes-optimal value of fifty arms and ten pulls."""
    (seconds,) = median_seconds(lambda: BayesOptimalPlan(50, 10).value)
    return row("exact optimum, k=50, n=10", seconds, "s", 0.2, "", lower_is_better=True)


def build() -> dict[str, Any]:
    """Build everything from source."""
    (seconds,) = median_seconds(lambda: generated_files(course_root()))
    return row("build, all notebooks", seconds, "s", 5.0, "", lower_is_better=True)


def start_up() -> dict[str, Any]:
    """How long `rl2 progress` takes, interpreter and all."""
    environment = {**os.environ, "RL2_WORK": tempfile.gettempdir()}
    command = [sys.executable, "-m", "rl2lib.cli", "progress"]
    (seconds,) = median_seconds(lambda: subprocess.run(command, capture_output=True, check=True, env=environment))
    return row("rl2 progress", seconds, "s", 2.0, "", lower_is_better=True)


def grading(number: str) -> dict[str, Any]:
    """A whole submission of right answers, one after the other."""
    notebook = next(item for item in load_course() if item.number == number)
    with tempfile.TemporaryDirectory() as folder:
        content = filled(notebook, reference_answers(notebook))
        path = write_submission(Path(folder), "ada", notebook, content)
        (seconds,) = median_seconds(lambda: grade_file(path, "ada", notebook, seed=1))
    note = "with torch in the box" if number >= "02" else "without torch in the box"
    return row(f"grade one {notebook.name}", seconds, "s", 5.0, note, lower_is_better=True)


def row(
    name: str, measured: float, unit: str, target: float, note: str, lower_is_better: bool = False
) -> dict[str, Any]:
    """Return one entry of results/bench.json."""
    met = measured <= target if lower_is_better else measured >= target
    return {"name": name, "measured": measured, "unit": unit, "target": target, "met": met, "note": note}


def main() -> None:
    """Measure, print, write."""
    torch.set_num_threads(1)
    rows = [unroll_beside_a_loop(), exact_optimum(), build(), start_up(), grading("00"), grading("02")]
    print(f"{os.cpu_count()} cores, torch {torch.__version__} with 1 thread; medians of {REPEATS}")
    for entry in rows:
        mark, name = "✓" if entry["met"] else "✗", f"{entry['name']:<40}"
        print(f"{mark} {name}{entry['measured']:8.3f} {entry['unit']:<3} (target {entry['target']:g})  {entry['note']}")
    write_if_changed(course_root() / "results" / "bench.json", json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
