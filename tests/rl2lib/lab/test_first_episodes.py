"""Returns over the first ten episodes: by hand, against the exact lines, and pure in the controls."""

from __future__ import annotations

import time

import pytest
import scipy.stats
import torch

from rl2lib.agents.belief_optimal import CorridorOptimal, DependentBanditOptimal
from rl2lib.evaluation.curves import return_curve
from rl2lib.experiments.papers.rl1_vs_rl2.trained import BANDIT, CORRIDOR
from rl2lib.lab.explorables.first_episodes import (
    ALL,
    DISCOUNT,
    NONE,
    NUM_EPISODES,
    NUM_TRIALS,
    PLACES,
    STAGES,
    FirstEpisodes,
    discounted_by_episode,
    references,
    returns_by_episode,
)
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import TWO_POINT
from rl2lib.tasks.pomdp import CorridorEnv
from rl2lib.types import Trajectory


def _trials(reward: list[list[float]], end: list[list[int]], lengths: list[int]) -> Trajectory:
    rewards, ends = torch.tensor(reward), torch.tensor(end).bool()
    mask = torch.arange(rewards.shape[1]) < torch.tensor(lengths)[:, None]
    nothing = torch.zeros_like(mask)
    return Trajectory(rewards[..., None], nothing.long(), rewards, ends, nothing, nothing, mask)


def test_discounted_by_episode_by_hand() -> None:
    trials = _trials([[0, 0, 8, 4, 0], [2, 0, 4, 0, 9]], [[0, 0, 1, 1, 0], [0, 0, 1, 1, 0]], [4, 4])
    # 8 after two steps is worth 2 at one half; the next episode pays 4 at its first step; the 9 is padding
    assert discounted_by_episode(trials, 0.5).tolist() == [[2, 4], [3, 0]]


def test_undiscounted_it_is_the_librarys_return_by_episode() -> None:
    generator = torch.Generator().manual_seed(0)
    env, agent = CorridorEnv(3, 30, 4), CorridorOptimal(3, 30, 4)
    trials = rollout(
        agent, env, torch.tensor([0, 1, 1, 0, 1]), policy_generator=generator, env_generator=torch.Generator()
    )
    mean = discounted_by_episode(trials, 1.0).double().mean(dim=0)
    assert torch.allclose(mean, return_curve(trials).mean)


def test_the_lines_are_the_exact_values() -> None:
    optimal, told = references(BANDIT)
    bandit = DependentBanditOptimal(TWO_POINT, NUM_EPISODES)
    assert sum(optimal) == pytest.approx(bandit.value) and NUM_EPISODES * told == pytest.approx(bandit.informed_value)
    optimal, told = references(CORRIDOR)
    generator = torch.Generator().manual_seed(0)
    trials = rollout(
        CorridorOptimal(5, None, NUM_EPISODES),
        CorridorEnv(5, None, NUM_EPISODES),
        torch.tensor([0, 1]),
        policy_generator=generator,
        env_generator=torch.Generator(),
    )
    assert discounted_by_episode(trials, DISCOUNT).mean(dim=0).tolist() == pytest.approx(optimal)
    assert told == pytest.approx(optimal[1])


@pytest.mark.parametrize("place", [BANDIT, CORRIDOR])
def test_meta_training_makes_the_second_episode_informed_and_no_training_leaves_it_flat(place: str) -> None:
    trained, untrained = returns_by_episode(place, None), returns_by_episode(place, 0)
    assert trained.shape == untrained.shape == (NUM_TRIALS, NUM_EPISODES)
    _, told = references(place)
    assert trained[:, 1:].mean() > 0.95 * told > trained[:, 0].mean() + 0.2 * told
    assert abs(untrained[:, 0].mean() - untrained[:, 1:].mean()) < 0.15 * told
    assert untrained.mean() < 0.6 * told


def test_every_control_through_its_range() -> None:
    game = FirstEpisodes()
    game.render()  # imports and caches
    for place in PLACES:
        for stage in STAGES:
            for trial in (1, 20):
                single = game.state(place=place, stage=stage, trial=trial, average=False)
                assert single == game.state(place=place, stage=stage, trial=float(trial), average=False)
                assert len(single["chosen"]) == NUM_EPISODES and single["trial"] == trial
    mean = game.state(place="corridor", stage=ALL, average=True)
    assert mean["chosen"][1] > mean["chosen"][0] > mean["untrained"][0]
    assert game.state(stage=NONE)["chosen"] == game.state(stage=NONE)["untrained"]
    assert single["chosen_margin"] == [0.0] * NUM_EPISODES, "one trial has no interval"
    begin = time.process_time()
    figure = game.draw(mean)
    assert time.process_time() - begin < 2  # the aim is 0.2 s; a busy machine takes three times that
    (axis,) = figure.axes
    assert "discount" in axis.get_ylabel() and "not meta-trained" in game.describe(mean)


def test_a_means_band_is_the_normal_interval_of_its_trials() -> None:
    state, returns = FirstEpisodes().state(place="corridor", stage=ALL), returns_by_episode(CORRIDOR, 0)
    _, high = scipy.stats.norm.interval(0.95, 0.0, scipy.stats.sem(returns.numpy()))
    assert state["untrained_margin"] == pytest.approx(high.tolist(), rel=1e-3)
    (axis,) = FirstEpisodes().draw(state).axes
    assert len(axis.collections) == 2, "a band for each of the two agents"
    (axis,) = FirstEpisodes().draw(FirstEpisodes().state(stage=NONE)).axes
    assert len(axis.collections) == 1
