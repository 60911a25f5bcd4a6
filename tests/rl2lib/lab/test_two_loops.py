"""The two loops of notebook 03: the state lives exactly as long as it is told to, and the figure says what happened."""

from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from rl2lib.agents.softmax_policy import SoftmaxPolicy
from rl2lib.evaluation.curves import episodes
from rl2lib.experiments.papers.goal_gridworld.trained import SIZE
from rl2lib.lab.explorables.base import Choice, Slider
from rl2lib.lab.explorables.patrol import HORIZON, moved
from rl2lib.lab.explorables.two_loops import (
    EPISODE,
    IN_WORDS,
    KEPT,
    NEVER,
    NUM_MEASURED,
    REDRAWN,
    RESET,
    THINGS,
    TRIAL,
    Lifetime,
    TwoLoops,
    agents,
    measured,
    replay,
    sample_tasks,
)
from rl2lib.types import StepInput

POSITION, INPUTS, HIDDEN, GOAL, WEIGHTS = range(len(THINGS))
PAIRS = range(1, 21)


class AddsOne(SoftmaxPolicy):
    """A policy whose state counts its steps, and which walks to the right."""

    def initial_state(self, batch_size: int, tasks: object = None) -> torch.Tensor:
        return torch.zeros(batch_size, 1)

    def step(self, state: torch.Tensor, inputs: StepInput) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor([[0.0, 1000.0, 0.0, 0.0]]).expand(len(state), 4), state + 1

    def unroll(self, inputs: StepInput, state: object = None) -> tuple[torch.Tensor, object]:
        raise NotImplementedError


@pytest.mark.parametrize(
    "resets, first, second",
    [
        # goals 2 and 3 steps to the right: episodes of 2 steps, then of 3
        (TRIAL, [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (EPISODE, [0, 1, 0, 1, 0, 1], [0, 1, 2, 0, 1, 2, 0, 1, 2]),
        (NEVER, [0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11, 12, 13, 14]),
    ],
)
def test_a_state_that_counts_lives_as_long_as_it_is_told(resets: str, first: list[int], second: list[int]) -> None:
    tasks = sample_tasks(1, seed=0)[0]
    player = Lifetime(AddsOne(), resets)
    for goal, counts in ((2, first), (3, second)):
        player.play_trial(tasks._replace(goal=torch.tensor([goal])), seed=0)
        assert [int(state) for state in player.before] == counts
        assert [int(state) for state in player.after] == [count + 1 for count in counts]


def test_what_is_left_over_is_each_trials_own_last_state() -> None:
    tasks = sample_tasks(2, seed=0)[0]
    player = Lifetime(AddsOne(), NEVER)
    player.play_trial(tasks._replace(goal=torch.tensor([1, 4])), seed=0)  # 3 steps, and 12: the first goes on idle
    assert player.left_over is not None and player.left_over.flatten().tolist() == [3, 12]


@pytest.mark.parametrize("resets", IN_WORDS)
@pytest.mark.parametrize("pair", [1, 3, 6])
def test_the_state_is_zero_exactly_where_it_was_reset(pair: int, resets: str) -> None:
    lived, _ = replay(pair, resets)
    zero = [[not any(state) for state in past.states] for past in lived]
    resets_at = {TRIAL: {0, 3}, EPISODE: set(range(6)), NEVER: {0}}[resets]
    for index, steps in enumerate(zero):
        assert steps[0] == (index in resets_at) and not any(steps[1:])
    for index, (old, new) in enumerate(pairwise(lived), 1):
        assert (new.states[0] == old.left) == (index not in resets_at)


@pytest.mark.parametrize("resets", IN_WORDS)
@pytest.mark.parametrize("pair", [1, 6])
def test_the_bookkeeping_of_episodes(pair: int, resets: str) -> None:
    lived, change = replay(pair, resets)
    assert [(past.trial, past.number) for past in lived] == [(t, n) for t in (1, 2) for n in (1, 2, 3)]
    assert [past.goal for past in lived] == [int(t.goal[0]) for t in sample_tasks(1, pair) for _ in range(3)]
    assert change == 0
    for past in lived:
        steps = len(past.states)
        assert past.cells[0] == 0 and len(past.cells) == steps + 1 and steps <= HORIZON
        assert past.found == (past.cells[-1] == past.goal) and past.goal not in past.cells[:-1]
        assert past.found or steps == HORIZON
        assert past.total == pytest.approx(past.found - 0.04 * steps, abs=1e-5)
        assert past.last[1:] == pytest.approx((past.found - 0.04, 1))
        for cell, after in pairwise(past.cells):
            assert after in {moved(cell, action) for action in range(4)}
    for old, new in pairwise(lived):
        assert new.fed == (old.last if new.number > 1 else (0, 0, 0))


def test_the_same_luck_until_the_choice_makes_a_difference() -> None:
    for pair in PAIRS:
        kept, wiped, never = (replay(pair, resets)[0] for resets in IN_WORDS)
        assert kept[0] == wiped[0] == never[0] and kept[:3] == never[:3]
        assert kept[3] == wiped[3], "a fresh trial does not depend on the one before"


def test_a_weight_that_moves_is_seen() -> None:
    agent = agents()[0]
    act, before = agent.act, {name: values.clone() for name, values in agent.state_dict().items()}

    def learn(state: torch.Tensor, inputs: StepInput, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            next(agent.parameters()).view(-1)[0] += 0.5
        return act(state, inputs, generator)

    agent.act = learn  # type: ignore[method-assign]
    try:
        lived, change = replay.__wrapped__(2, TRIAL)
    finally:
        del agent.act
        agent.load_state_dict(before)
    steps = sum(len(past.states) for past in lived)
    assert change == pytest.approx(0.5 * steps, rel=1e-4)


@pytest.mark.parametrize(
    "resets, index, verdicts",
    [
        (TRIAL, 0, ["fresh", "fresh", "fresh", "drawn", "trained"]),
        (TRIAL, 1, [RESET, KEPT, KEPT, KEPT, KEPT]),
        (TRIAL, 3, [RESET, RESET, RESET, REDRAWN, KEPT]),
        (EPISODE, 1, [RESET, KEPT, RESET, KEPT, KEPT]),
        (EPISODE, 3, [RESET, RESET, RESET, REDRAWN, KEPT]),
        (NEVER, 1, [RESET, KEPT, KEPT, KEPT, KEPT]),
        (NEVER, 3, [RESET, RESET, KEPT, REDRAWN, KEPT]),
    ],
)
def test_what_survives(resets: str, index: int, verdicts: list[str]) -> None:
    rows = TwoLoops().state(resets=resets, episode=index + 1)["fates"][index]
    assert [fate.what for fate in rows] == list(THINGS)
    assert [fate.verdict for fate in rows] == verdicts
    for fate in rows:
        if fate.verdict == KEPT:
            assert fate.before == fate.after
    assert rows[POSITION].after == "row 0, column 0"
    assert rows[INPUTS].after.startswith("0, 0, 0") == (index in (0, 3))
    assert (rows[HIDDEN].after == "all zeros") == (rows[HIDDEN].verdict in (RESET, "fresh"))
    goal = replay(1, resets)[0][index].goal
    assert rows[GOAL].after == f"row {goal // SIZE}, column {goal % SIZE}"
    assert rows[WEIGHTS].after == f"{sum(values.numel() for values in agents()[0].parameters()):,} numbers"


def test_what_each_choice_costs_as_the_notebook_says() -> None:
    kept, wiped, never = (torch.tensor(measured()[resets]) for resets in IN_WORDS)
    assert kept.shape == (len(agents()), 6)
    assert torch.equal(kept[:, 0], wiped[:, 0]) and torch.equal(kept[:, :3], never[:, :3])
    assert torch.equal(kept[:, 3], wiped[:, 3])
    assert bool((kept[:, [1, 2, 4, 5]] > kept[:, [0]] + 0.2).all()), "it walks straight from episode 2 on"
    assert bool((wiped[:, [1, 4]] < wiped[:, [0]] - 0.05).all()), "less than a fresh agent's first episode"
    assert bool((never[:, 3:] < kept[:, 3:] - 0.05).all()) and bool((never[:, 4] > never[:, 3]).all())
    totals = TwoLoops().state()["totals"]
    assert totals == pytest.approx({name: float(torch.tensor(measured()[name]).sum(1).mean()) for name in IN_WORDS})
    assert totals[EPISODE] < totals[NEVER] < totals[TRIAL]


def test_never_reset_it_walks_to_the_old_goal_on_the_third_pair_and_is_lucky_on_another() -> None:
    (*_, old, new, _, _), fresh = replay(3, NEVER)[0], replay(3, TRIAL)[0][3]
    assert old.goal != new.goal and old.goal in new.cells[: len(old.cells)] and len(new.cells) > len(fresh.cells)
    assert any(len(replay(pair, NEVER)[0][3].cells) < len(replay(pair, TRIAL)[0][3].cells) for pair in PAIRS)


def test_a_wiped_agent_falls_below_episode_1_because_of_its_inputs() -> None:
    """With the placeholders of a trial's start in place of action, reward and flag, every episode is a first one."""

    class StartsAfresh(Lifetime):
        def act(
            self, state: torch.Tensor, inputs: StepInput, generator: torch.Generator
        ) -> tuple[torch.Tensor, torch.Tensor]:
            going_on = 1 - inputs.prev_end
            first = StepInput(
                inputs.observation,
                inputs.prev_action * going_on.long(),
                inputs.prev_reward * going_on,
                torch.zeros_like(going_on),
            )
            return super().act(state * going_on[:, None], first, generator)

    tasks = sample_tasks(NUM_MEASURED, seed=1000)[0]
    for agent in agents():
        means = episodes(StartsAfresh(agent, TRIAL).play_trial(tasks, seed=1)).returns.mean(dim=0)
        assert means[1:].tolist() == pytest.approx([means[0].item()] * 2, abs=0.04)


def test_state_is_pure() -> None:
    game = TwoLoops()
    once = game.state(resets=NEVER, pair=7, episode=5, step=2)
    game.state(resets=EPISODE, pair=2)
    replay.cache_clear()
    assert game.state(resets=NEVER, pair=7.0, episode=5.0, step=2.0) == once


def test_the_clocks_stop_at_an_episodes_end() -> None:
    game = TwoLoops()
    lengths = [len(past.states) for past in replay(1, TRIAL)[0]]
    for index, length in enumerate(lengths):
        for step in range(HORIZON + 1):
            state = game.state(episode=index + 1, step=step)
            assert state["step"] == min(step, length)
            assert state["moment"] == sum(lengths[:index]) + state["step"]
            assert state["path"] == state["now"].cells[: state["step"] + 1]


def bars(figure: Figure, line: int) -> list[tuple[float, float]]:
    """From where to where the bars of one line of the lives' panel go."""
    spans = []
    for bar in figure.axes[3].collections:
        assert isinstance(bar, PolyCollection)
        corners = bar.get_paths()[0].vertices
        if abs(float(corners[:, 1].mean()) - line) < 0.3:
            spans.append((float(corners[:, 0].min()), float(corners[:, 0].max())))
    return spans


@pytest.mark.parametrize("resets, lives", [(TRIAL, 2), (EPISODE, 6), (NEVER, 1)])
def test_the_figure_shows_the_state_and_how_long_each_thing_lives(resets: str, lives: int) -> None:
    game = TwoLoops()
    state = game.state(resets=resets, episode=4, step=3)
    figure = game.draw(state)
    grid, _, strip, timeline, returns = figure.axes
    picture = strip.get_images()[0].get_array()
    steps = [row for past in state["lived"] for row in past.states]
    assert picture is not None and torch.equal(torch.tensor(picture.data).float(), torch.tensor(steps).abs().T)
    begins = state["begins"]
    assert [len(bars(figure, line)) for line in range(5)] == [6, 2, lives, 2, 1]
    assert bars(figure, GOAL) == [(0, begins[3]), (begins[3], begins[6])]
    assert {tuple(line.get_xdata()) for line in timeline.get_lines()} >= {(begin, begin) for begin in begins[1:-1]}
    assert len(returns.containers) == 1 + (resets != TRIAL), "the other choice stays hidden until it is made"
    for container, name in zip(returns.containers, state["returns"], strict=True):
        assert list(container[0].get_ydata()) == torch.tensor(measured()[name]).mean(dim=0).tolist()
    own = next(line for line in returns.get_lines() if line.get_label() == "the episodes shown")
    assert list(own.get_ydata()) == [past.total for past in state["lived"]]
    walk = next(line for line in grid.get_lines() if line.get_label() == "this episode")
    assert len(walk.get_xdata()) == 4
    plt.close(figure)


@pytest.mark.slow
def test_every_control_through_its_range_is_drawn_and_told() -> None:
    game = TwoLoops()
    tried = 0
    for name, control in game.controls().items():
        assert isinstance(control, Choice | Slider)
        every = (
            control.options
            if isinstance(control, Choice)
            else range(int(control.minimum), int(control.maximum) + 1, 5 if name == "step" else 1)
        )
        for value in every:
            state = game.state(**{name: value})
            words = game.describe(state)
            assert f"Trial {state['now'].trial}, episode {state['now'].number}" in words and "hidden state" in words
            assert ("that costs" in words) == (state["resets"] != TRIAL)
            tried += 1
            if name == "pair" and value not in (2, 20):
                continue
            figure = game.draw(state)
            assert f"step {state['step']} of" in figure.axes[0].get_title() and len(figure.axes) == 5
            plt.close(figure)
    assert tried == 3 + 20 + 6 + 7


def test_a_replay_is_kept_so_that_moving_a_clock_plays_nothing() -> None:
    game = TwoLoops()
    picture, words = game.render()
    assert picture.startswith(b"\x89PNG") and words == game.describe(game.state())
    misses = replay.cache_info().misses + measured.cache_info().misses
    for step in range(4):
        game.state(episode=3, step=step)
    assert replay.cache_info().misses + measured.cache_info().misses == misses
