"""Visible checks of notebook 06: moves and trials by hand, a scripted trainer; never the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rl2lib.lab.checks.goal_trials import EpisodeScript, expected_by_episode, scripted_trials
from rl2lib.lab.checks.scripted_trainer import ScriptedTrainer, compare_curves
from rl2lib.lab.handle import Handle
from rl2lib.lab.report import Report
from rl2lib.lab.values import Generator

UP, RIGHT, DOWN, LEFT = range(4)
STEP_PARTS = ("reward", "episode_end", "timed_out")


# --------------------------------------------------------------------------------------- gridworld_step


def grid_state(cell: Sequence[int], goal: Sequence[int], steps: Sequence[int]) -> dict[str, Tensor]:
    """Return B grids as the exercises take them."""
    return {"cell": torch.tensor(cell), "goal": torch.tensor(goal), "steps": torch.tensor(steps)}


def grid_step(state: dict[str, Tensor], action: Tensor, size: int, horizon: int) -> tuple[Any, ...]:
    """Return what a step gives: the state, the reward, the end of the episode, whether it was a time-out."""
    row, column = state["cell"] // size, state["cell"] % size
    row = (row + (action == DOWN).long() - (action == UP).long()).clamp(0, size - 1)
    column = (column + (action == RIGHT).long() - (action == LEFT).long()).clamp(0, size - 1)
    moved, steps = row * size + column, state["steps"] + 1
    arrived = moved == state["goal"]
    timed_out = (steps >= horizon) & ~arrived
    ended = arrived | timed_out
    after = {"cell": torch.where(ended, 0, moved), "goal": state["goal"], "steps": torch.where(ended, 0, steps)}
    return after, torch.where(arrived, 0.96, -0.04), ended, timed_out


def compare_step(report: Report, what: str, got: Any, expected: Any) -> None:
    """Compare all that a step returns."""
    report.true(
        f"{what}: what it returns",
        isinstance(got, tuple | list) and len(got) == 4 and isinstance(got[0], dict),
        expected="(state, reward, episode_end, timed_out), the state a dictionary",
        got="None: a forgotten return?" if got is None else type(got).__name__,
    )
    names = set(expected[0])
    report.true(
        f"{what}: the state's entries",
        set(got[0]) == names,
        expected=", ".join(sorted(names)),
        got=", ".join(sorted(map(str, got[0]))) or "none",
    )
    before, after = expected[0]["goal"], got[0]["goal"]
    changed = isinstance(after, Tensor) and after.shape == before.shape and not torch.equal(after, before)
    report.true(f"{what}: the goals afterwards", not changed, expected="the goals from before", got="other goals")
    # together, since many a mistake shows in the same cell and another flag
    found, right = ({**step[0], **dict(zip(STEP_PARTS, step[1:], strict=True))} for step in (got, expected))
    report.close(what, found, right)


def gridworld_step(student: Handle, report: Report) -> None:
    """The four moves and the four walls; the goal, the horizon, and both at once."""

    def step(told: str, state: dict[str, Tensor], action: list[int], horizon: int = 30, size: int = 5) -> None:
        chosen = torch.tensor(action)
        got = student.call("gridworld_step", state, chosen, size, horizon)
        compare_step(report, f"gridworld_step, {told}", got, grid_step(state, chosen, size, horizon))

    step("up, right, down, left from the middle cell 12", grid_state([12] * 4, [24] * 4, [3] * 4), [0, 1, 2, 3])
    step(
        "up at cell 1, right at cell 9, down at cell 23, left at cell 15: against the walls",
        grid_state([1, 9, 23, 15], [12] * 4, [0, 1, 2, 3]),
        [0, 1, 2, 3],
    )
    report.note("moves are one cell, walls hold, every step costs 0.04")
    step(
        "right from cell 2 to the goal 3, and right from cell 2 past the goal 8",
        grid_state([2, 2], [3, 8], [2, 2]),
        [1, 1],
    )
    report.note("at the goal: 1 - 0.04, the episode ends, the next one starts in cell 0 with the same goal")
    step("the fourth step of horizon 4, and the third", grid_state([6, 6], [24, 24], [3, 2]), [2, 2], horizon=4)
    step(
        "the fourth step of horizon 4, on which the goal is reached",
        grid_state([23, 7], [24, 3], [3, 3]),
        [1, 1],
        horizon=4,
    )
    report.note("a time-out sets both flags; the goal on the last step is no time-out")
    step("a 3 × 3 grid, down from cell 6 and right from cell 4", grid_state([6, 4], [8, 5], [0, 1]), [2, 1], size=3)


# --------------------------------------------------------------------------------------- gridworld_observe


def gridworld_observe(student: Handle, report: Report) -> None:
    """Two cells by hand; then the goal moves, and nothing may be seen of it."""
    state = grid_state([0, 7, 24], [3, 20, 12], [0, 1, 2])
    expected = torch.zeros(3, 25)
    expected[0, 0] = expected[1, 7] = expected[2, 24] = 1.0
    what = "gridworld_observe of agents in the cells 0, 7 and 24"
    got = student.call("gridworld_observe", state, 5)
    integers = isinstance(got, Tensor) and not got.is_floating_point() and bool(torch.equal(got.float(), expected))
    report.true(what, not integers, expected="numbers of type float32", got="integers")
    report.close(what, got, expected)
    report.note("one 1 in 25 places, at the agent's cell")
    elsewhere = {**state, "goal": torch.tensor([24, 1, 6])}
    report.true(
        "gridworld_observe of the same agents with other goals",
        torch.equal(student.call("gridworld_observe", elsewhere, 5), expected),
        expected="the same observations",
        got="others",
    )
    report.note("the goal cannot be seen")
    small = grid_state([4, 1], [8, 2], [0, 0])
    expected = torch.zeros(2, 9)
    expected[0, 4] = expected[1, 1] = 1.0
    got = student.call("gridworld_observe", small, 3)
    report.close("gridworld_observe in a 3 × 3 grid", got, expected)


# --------------------------------------------------------------------------------------- sample_goals


def check_samples(
    student: Handle, report: Report, cells: list[int], held_out: list[int], num_trials: int, seed: int
) -> None:
    """Which goals come, how often, in what order, from which stream."""
    what = f"sample_goals(cells {_short(cells)}, held out {_short(held_out)}, {num_trials} trials)"

    def draw(number: int) -> Any:
        return student.call("sample_goals", cells, held_out, num_trials, Generator(number))

    allowed = [cell for cell in cells if cell not in held_out]
    drawn = draw(seed)
    if isinstance(drawn, list | tuple):  # thousands of numbers are no message
        report.fail(what, f"a torch tensor of shape ({num_trials},)", f"a {type(drawn).__name__} of {len(drawn)}")
    once_each = isinstance(drawn, Tensor) and tuple(drawn.shape) == (len(allowed),) != (num_trials,)
    report.true(what, not once_each, expected=f"shape ({num_trials},)", got=f"shape ({len(allowed)},)")
    goals = report.tensor(what, drawn, (num_trials,), torch.int64)
    told = f"{what}: the goals that came"
    came = sorted(set(goals.tolist()))
    leaked = [cell for cell in came if cell in held_out and cell in cells]
    indices = [goal for goal in came if goal not in cells]
    told_allowed = f"only {_short(allowed)}" if report.reveal else "training goals only"
    report.true(told, not indices, expected=told_allowed, got=f"{_short(indices)} as well")
    report.true(told, not leaked, expected=told_allowed, got=f"{_short(leaked)} as well")
    report.true(
        told,
        len(came) > 1 or len(allowed) == 1,
        expected="different goals in different trials",
        got="the same one in every trial",
    )
    missing = [cell for cell in allowed if cell not in came] if num_trials >= 600 else []
    report.true(
        told,
        not missing,
        expected=f"all of {_short(allowed)}" if report.reveal else "every training goal",
        got=f"{_short(missing)} never",
    )
    again = draw(seed)
    report.same(f"{what}, twice with generators of the same seed", torch.equal(again, goals), "goals")
    if len(allowed) > 1:
        report.other(f"{what}, with another seed", torch.equal(draw(seed + 1), goals), "goals")
    for cell in allowed:
        count = int((goals == cell).sum())
        report.binomial(f"{what}: goal {cell}", count, num_trials, 1 / len(allowed), false_alarm=1e-9)
    if len(allowed) > 1:
        # independent draws repeat the goal before as often as chance says; a shuffled deck, or turns, do not
        repeats = int((goals[1:] == goals[:-1]).sum())
        report.binomial(
            f"{what}: a goal that equals the one before", repeats, num_trials - 1, 1 / len(allowed), false_alarm=1e-9
        )


def check_pairs(
    student: Handle, report: Report, cells: list[int], held_out: list[int], num_pairs: int, seed: int
) -> None:
    """Many draws for two trials: their goals are equal as often as chance says, and never if they were dealt."""
    what = f"sample_goals(cells {_short(cells)}, held out {_short(held_out)}, 2 trials) with {num_pairs} seeds"
    num_allowed = len([cell for cell in cells if cell not in held_out])
    pairs = [student.call("sample_goals", cells, held_out, 2, Generator(seed + number)) for number in range(num_pairs)]
    report.binomial(
        f"{what}: both trials get the same goal",
        sum(int(pair[0]) == int(pair[1]) for pair in pairs),
        num_pairs,
        1 / num_allowed,
        false_alarm=1e-9,
    )


def _short(cells: Sequence[int]) -> str:
    shown = ", ".join(map(str, cells[:6]))
    return f"{shown}, ..." if len(cells) > 6 else shown or "none"


def sample_goals(student: Handle, report: Report) -> None:
    """The cells of the text; nothing held out; a single goal."""
    check_samples(student, report, [4, 20, 24, 12], [12], 3000, 1)
    report.note("4, 20 and 24 a third of the time each, 12 never")
    check_samples(student, report, [3, 8], [], 1000, 2)
    check_samples(student, report, [9, 5, 7], [5, 9, 1], 20, 3)
    check_pairs(student, report, [3, 8], [], 100, 4)
    report.note("nothing held out; all but one held out; a held-out cell that is no candidate")


# --------------------------------------------------------------------------------------- evaluate_by_episode


def evaluate_by_episode(student: Handle, report: Report) -> None:
    """The two trials of the text, then trials in which episodes are found, missed, and of one step."""
    for told, script in (
        ("the two trials of the text", EpisodeScript([[(3, True), (2, True)], [(4, False), (1, True)]])),
        (
            "three trials of three episodes, two of them missed",
            EpisodeScript(
                [
                    [(5, True), (5, False), (2, True)],
                    [(1, True), (1, True), (1, True)],
                    [(5, False), (4, True), (3, True)],
                ],
                step_reward=-0.3,
            ),
        ),
        ("two trials in which every step pays 0.1", EpisodeScript([[(2, False)], [(1, True)]], step_reward=0.1)),
    ):
        trials = scripted_trials(script)
        num_episodes = len(script.episodes[0])
        what = f"evaluate_by_episode, {told}"
        got = student.call("evaluate_by_episode", trials, num_episodes)
        expected = expected_by_episode(trials, num_episodes)
        compare_by_episode(report, what, got, expected)
        report.note(f"{told}: returns, steps and successes by episode")


def compare_by_episode(report: Report, what: str, got: Any, expected: dict[str, Tensor]) -> None:
    """Compare return, steps and success, each [E]."""
    report.true(
        what,
        isinstance(got, dict) and set(got) == set(expected),
        expected='a dictionary {"return": [E], "steps": [E], "success": [E]}',
        got=str(sorted(map(str, got))) if isinstance(got, dict) else type(got).__name__,
    )
    for name, right in expected.items():
        value = got[name]
        if isinstance(value, Tensor) and value.dtype == torch.float64:
            value = value.float()
        report.close(f"{what}: {name}", value, right, atol=1e-5)


# --------------------------------------------------------------------------------------- generalisation_curve


def generalisation_curve(student: Handle, report: Report) -> None:
    """A scripted trainer writes down which goals it was given; success is a known function of them."""
    trainer = ScriptedTrainer()
    orders, counts, held_out = [[4, 20, 24, 12, 18, 7, 9], [7, 12, 9, 20, 18, 24, 4]], [1, 2, 4], 2
    run_curve(
        student,
        report,
        "generalisation_curve, seven cells in two orders, counts 1, 2, 4",
        trainer,
        orders,
        counts,
        held_out,
    )
    report.note("[2, 3] numbers each: rows are repetitions, columns are counts")
    report.note("the same two goals held out for every count, a fresh agent for every entry")


def run_curve(
    student: Handle,
    report: Report,
    what: str,
    trainer: ScriptedTrainer,
    orders: list[list[int]],
    counts: list[int],
    num_held_out: int,
) -> Any:
    """Call the learner's curve with a scripted trainer outside, and look at what it did and what came back."""
    got = student.call(
        "generalisation_curve", orders, counts, num_held_out, trainer.train_callback(), trainer.success_callback()
    )
    told = f"{what}: the agents trained"
    each = len(orders) * len(counts)
    twice = len(trainer.trained) == 2 * each and len(set(trainer.trained)) == each
    report.true(told, not twice, expected=str(each), got=str(2 * each))
    for agent, tested in trainer.tested:
        order, most = orders[trainer.trained[agent][1] % len(orders)], max(counts)
        following = tuple(sorted(order[most : most + num_held_out]))
        report.true(
            f"{what}: the test goals",
            tested != following or set(tested) == set(order[-num_held_out:]),
            expected=f"the last {num_held_out} of the order",
            got=f"the {num_held_out} that follow the training goals",
        )
    compare_curves(report, what, trainer, got, orders, counts, num_held_out)
    return got
