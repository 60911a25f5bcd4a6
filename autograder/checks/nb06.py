"""Hidden checks of notebook 06: random grids, cells and trials against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from autograder.checks import drawn
from rl2lib.lab.checks.goal_trials import EpisodeScript, scripted_trials
from rl2lib.lab.checks.nb06 import check_pairs, check_samples, compare_by_episode, compare_step, grid_state
from rl2lib.lab.checks.scripted_trainer import ScriptedTrainer, compare_curves
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report

NUM_CASES = 10


def _random_grids(rng: np.random.Generator, size: int, horizon: int, num_grids: int) -> dict[str, torch.Tensor]:
    """Agents and goals anywhere but on each other, goals not at the start, clocks that have not run out."""
    cells = size * size
    goal = rng.integers(1, cells, num_grids)
    cell = (goal + rng.integers(1, cells, num_grids)) % cells
    return grid_state(cell.tolist(), goal.tolist(), rng.integers(0, horizon, num_grids).tolist())


def gridworld_step(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random grids of random sizes: enough of them that every wall, many goals and time-outs are among them."""
    for case in range(NUM_CASES):
        size, horizon = int(rng.integers(2, 8)), int(rng.integers(2, 9))
        state = _random_grids(rng, size, horizon, 1 if case == 0 else 200)
        if case > 0:  # the last step, with the goal a step away, for a quarter of them
            state["cell"][:50], state["steps"][:50] = 0, horizon - 1
            state["goal"][:25], state["goal"][25:50] = 1, size
        action = torch.from_numpy(rng.integers(0, 4, len(state["cell"])))
        what = f"gridworld_step in {len(action)} grids of size {size}, horizon {horizon}"
        right = reference.call("gridworld_step", state, action, size, horizon)
        got = student.call("gridworld_step", state, action, size, horizon)
        compare_step(report, what, got, right)
    _walk(student, reference, rng, report)


def _walk(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """A long walk: what a step returns is fed to the next one, over many episodes."""
    size, horizon = 3, int(rng.integers(4, 9))
    own = theirs = _random_grids(rng, size, horizon, 12)
    for step in range(40):
        action = torch.from_numpy(rng.integers(0, 4, 12))
        what = f"gridworld_step, step {step + 1} of a walk in twelve grids of size {size}, horizon {horizon}"
        got = student.call("gridworld_step", own, action, size, horizon)
        right = reference.call("gridworld_step", theirs, action, size, horizon)
        compare_step(report, what, got, right)
        own, theirs = got[0], right[0]


def gridworld_observe(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random cells and goals; the goals then move, and nothing may be seen of it."""
    for case in range(NUM_CASES):
        size = int(rng.integers(2, 8))
        state = _random_grids(rng, size, 9, 1 if case == 0 else int(rng.integers(2, 40)))
        if case == 1:  # nobody in the last cell: the width must not come from those who are there
            state["cell"].clamp_(max=size * size - 2)
        what = f"gridworld_observe of {len(state['cell'])} grids of size {size}"
        right = reference.call("gridworld_observe", state, size)
        report.close(what, student.call("gridworld_observe", state, size), right)
        moved = {**state, "goal": torch.from_numpy(rng.integers(1, size * size, len(state["goal"])))}
        report.close(f"{what}, with other goals", student.call("gridworld_observe", moved, size), right)
        later = {**state, "steps": state["steps"] + 1}
        report.close(f"{what}, a step later", student.call("gridworld_observe", later, size), right)


def sample_goals(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random candidates and held-out goals.

    At most eight binomial tests a case and one at the end, each with a false alarm of 1e-9: together under 1e-6. Two
    seeds give equal goals by chance with probability k**-n, and one of k goals never comes with k * (1 - 1/k)**n, both
    far below that.
    """
    for _ in range(NUM_CASES):
        num_cells = int(rng.integers(20, 50))
        cells = (rng.permutation(num_cells - 1)[: int(rng.integers(6, 11))] + 30).tolist()
        allowed = int(rng.integers(2, min(len(cells) - 2, 7)))
        held_out = cells[allowed:]
        rng.shuffle(held_out)
        rng.shuffle(cells)
        strangers = [int(rng.integers(1, 29))]
        check_samples(student, report, cells, held_out + strangers, int(rng.integers(600, 1500)), drawn.seed(rng))
    check_pairs(student, report, cells, held_out, 200, int(rng.integers(2**30)))


def evaluate_by_episode(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random trials with random step rewards, so that a return says nothing about success; then random rewards."""
    for case in range(NUM_CASES):
        num_trials, num_episodes = (1 if case == 0 else int(rng.integers(2, 9))), int(rng.integers(1, 6))
        episodes = [
            [(int(rng.integers(1, 7)), bool(rng.random() < 0.6)) for _ in range(num_episodes)]
            for _ in range(num_trials)
        ]
        trials = scripted_trials(EpisodeScript(episodes, float(rng.uniform(-0.5, 0.2))))
        if case % 2:
            noise = torch.from_numpy(rng.normal(size=tuple(trials.reward.shape))).float()
            trials = trials._replace(reward=torch.where(trials.mask, noise, 0.0))
        what = f"evaluate_by_episode of {num_trials} trials of {num_episodes} episodes"
        right = reference.call("evaluate_by_episode", trials, num_episodes)
        got = student.call("evaluate_by_episode", trials, num_episodes)
        compare_by_episode(report, what, got, right)


def generalisation_curve(student: Handle, reference: Handle, rng: np.random.Generator, report: Report) -> None:
    """Random orders and counts, with a scripted trainer for each of the two."""
    for case in range(NUM_CASES):
        num_cells = int(rng.integers(8, 25))
        num_held_out = int(rng.integers(1, 4))
        orders = [(rng.permutation(num_cells) + 1).tolist() for _ in range(1 if case == 0 else int(rng.integers(2, 4)))]
        most = num_cells - num_held_out
        counts = sorted(rng.permutation(most - 1)[: int(rng.integers(2, 5))] + 1)
        what = f"generalisation_curve with {num_cells} cells, {len(orders)} orders, {len(counts)} counts"
        results: list[Any] = []
        for handle in (student, reference):
            trainer = ScriptedTrainer()
            got = handle.call(
                "generalisation_curve",
                orders,
                [int(count) for count in counts],
                num_held_out,
                trainer.train_callback(),
                trainer.success_callback(),
            )
            compare_curves(report, what, trainer, got, orders, [int(count) for count in counts], num_held_out)
            results.append(got)
        for name, right in results[1].items():
            report.close(f"{what}: {name}", results[0][name], right)
