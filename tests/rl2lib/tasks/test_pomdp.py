import itertools
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor

from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import TWO_POINT, BanditEnv
from rl2lib.tasks.pomdp import CorridorEnv, Corridors, LastObservations, NoisyObservations
from rl2lib.tasks.tabular import RandomMDPs, TabularEnv
from rl2lib.types import ActsBy, Agent, StepInput


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Searcher(Agent[tuple[Tensor, Tensor]]):
    """Walks left until it is paid or stands at the end, then right; later goes where it was paid."""

    sees_task = False
    mode: ActsBy = "own rule"

    def __init__(self, half_length: int, informed: bool = False) -> None:
        self.half_length = half_length
        self.sees_task = informed

    def initial_state(self, batch_size: int, tasks: Any = None) -> tuple[Tensor, Tensor]:
        direction = torch.zeros(batch_size, dtype=torch.int64) if tasks is None else tasks
        return direction, torch.zeros_like(direction)

    def act(
        self, state: tuple[Tensor, Tensor], inputs: StepInput, generator: torch.Generator
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        direction = torch.where(inputs.observation.argmax(dim=1) == 0, 1, state[0])
        return direction, (direction, state[1])


@pytest.mark.parametrize("half_length", [1, 5, 10])
def test_the_corridors_optimum_is_3d_over_two_episodes_and_2d_if_told(half_length: int) -> None:
    env, sides = CorridorEnv(half_length), torch.tensor([0, 1])
    for informed, first, second in ((False, [half_length, 3 * half_length], half_length), (True, [half_length] * 2, 0)):
        agent = Searcher(half_length, informed)
        trajectory = rollout(agent, env, sides, policy_generator=generator(), env_generator=generator())
        ends = trajectory.episode_end.nonzero()[:, 1].reshape(2, 2) + 1
        assert ends[:, 0].tolist() == first
        assert (ends[:, 1] - ends[:, 0]).tolist() == [second or half_length] * 2
        total = 2 * half_length if informed else 3 * half_length
        assert trajectory.mask.sum(dim=1).float().mean() == total
        assert trajectory.trial_return().tolist() == [20.0, 20.0] and not trajectory.timed_out.any()


def test_nobody_finds_an_unknown_goal_in_less_than_2d_on_average() -> None:
    """All plans of a first episode, for d = 2: what is observed before the goal says nothing about its side."""
    plans = torch.tensor(list(itertools.product((0, 1), repeat=6)))
    found = []
    for side in (0, 1):
        env = CorridorEnv(2, horizon=6, episodes_per_trial=1)
        env.reset(torch.full((64,), side), generator())
        steps = torch.full((64,), float("inf"))
        for t in range(6):
            paid = env.step(plans[:, t]).reward > 0
            steps = torch.where(paid & steps.isinf(), t + 1.0, steps)
        found.append(steps)
    assert ((found[0] + found[1]) / 2).min() == 4


def test_a_corridor_by_hand() -> None:
    env = CorridorEnv(2, horizon=5, episodes_per_trial=2)
    assert env.reset(torch.tensor([1, 1]), generator()).tolist() == [[0, 0, 1, 0, 0]] * 2
    told = []
    for actions in ([0, 1], [0, 1], [0, 0], [1, 0], [1, 1], [1, 1], [1, 0]):
        step = env.step(torch.tensor(actions))
        told.append(
            [
                (int(cell), float(reward), bool(ended), bool(timed_out), bool(last))
                for cell, reward, ended, timed_out, last in zip(
                    step.observation.argmax(dim=1),
                    step.reward,
                    step.episode_end,
                    step.timed_out,
                    step.trial_end,
                    strict=True,
                )
            ]
        )
    lost, straight = zip(*told, strict=True)
    assert lost == (
        (1, 0, False, False, False),
        (0, 0, False, False, False),
        (0, 0, False, False, False),  # against the end without a goal
        (1, 0, False, False, False),
        (2, 0, True, True, False),  # timed out, and set back to the middle
        (3, 0, False, False, False),
        (2, 10, True, False, True),
    )
    assert straight[:2] == ((3, 0, False, False, False), (2, 10, True, False, False))
    assert straight[2:5] == ((1, 0, False, False, False), (0, 0, False, False, False), (1, 0, False, False, False))
    assert straight[6] == (2, 0, True, True, True)


def test_both_sides_are_equally_likely() -> None:
    sides = Corridors().sample(10_000, generator())
    assert sides.dtype == torch.int64 and set(sides.tolist()) == {0, 1}
    assert abs(float(sides.float().mean()) - 0.5) < 0.025


def test_the_window_slides_and_is_emptied_at_an_episodes_end_unless_asked_not_to() -> None:
    windows = {}
    for across in (False, True):
        env = LastObservations(CorridorEnv(1), 3, across_episodes=across)
        assert env.observation_shape == (3, 3)
        seen = [env.reset(torch.tensor([1]), generator())]
        for action in (0, 1, 1):  # left, middle, the goal
            seen.append(env.step(torch.tensor([action])).observation)
        windows[across] = [["none" if not cell.any() else int(cell.argmax()) for cell in w[0]] for w in seen]
    start = [["none", "none", 1], ["none", 1, 0], [1, 0, 1]]
    assert windows[False] == [*start, ["none", "none", 1]]
    assert windows[True] == [*start, [0, 1, 1]]


def test_a_window_of_one_and_noise_of_zero_change_nothing() -> None:
    tasks = RandomMDPs().sample(8, generator())
    plain = TabularEnv(episodes_per_trial=2)
    one, silent = LastObservations(TabularEnv(episodes_per_trial=2), 1), NoisyObservations(plain, 0.0)
    actions = torch.randint(5, (20, 8), generator=generator(3))
    trajectories = []
    for env in (TabularEnv(episodes_per_trial=2), one):
        seen = [env.reset(tasks, generator(1))]
        trajectories.append(torch.stack([*seen, *(env.step(column).observation for column in actions)]).flatten(2))
    assert torch.equal(*trajectories)
    assert torch.equal(silent.reset(tasks, generator(1)), plain.reset(tasks, generator(1)))


def test_noise_is_normal_independent_and_on_observations_alone() -> None:
    env = NoisyObservations(CorridorEnv(2), 0.5)
    sides = torch.ones(5000, dtype=torch.int64)
    noise = [env.reset(sides, generator()) - torch.tensor([0.0, 0, 1, 0, 0])]
    step = env.step(sides)
    noise.append(step.observation - torch.tensor([0.0, 0, 0, 1, 0]))
    assert not step.reward.any()
    for blur in noise:
        assert stats.kstest(blur.flatten().numpy(), stats.norm(0, 0.5).cdf).pvalue > 1e-5
    together = torch.cat([noise[0], noise[1]], dim=1).T.corrcoef()
    torch.testing.assert_close(together, torch.eye(10), atol=0.07, rtol=0)


def test_wrappers_go_over_each_other_and_over_bandits() -> None:
    env = LastObservations(NoisyObservations(BanditEnv(2, 4), 1.0), 2, across_episodes=True)
    observation = env.reset(TWO_POINT.sample(3, generator()), generator())
    assert observation.shape == (3, 2, 1) and env.observation_shape == (2, 1) and env.num_actions == 2
    following = env.step(torch.zeros(3, dtype=torch.int64)).observation
    assert torch.equal(following[:, 0], observation[:, 1])


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="half_length: expected at least 1, got 0"):
        CorridorEnv(0)
    with pytest.raises(ValueError, match="horizon: expected at least 1, got -3"):
        CorridorEnv(2, -3)
    with pytest.raises(ValueError, match="num_observations: expected at least 1"):
        LastObservations(CorridorEnv(2), 0)
    with pytest.raises(ValueError, match="std: expected at least 0"):
        NoisyObservations(CorridorEnv(2), -1.0)
    with pytest.raises(ValueError, match="std: expected a finite"):
        NoisyObservations(CorridorEnv(2), float("nan"))
    with pytest.raises(ValueError, match=r"expected values in \[0, 1\], got from 2 to 2"):
        CorridorEnv(2).reset(torch.tensor([2]), generator())
