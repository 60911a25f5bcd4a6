"""Views tell more, or count otherwise, and change nothing else."""

from __future__ import annotations

import torch

from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv
from rl2lib.tasks.pomdp import CorridorEnv
from rl2lib.tasks.views import LastEpisodeOnly, RevealedBelief, RevealedTask
from rl2lib.types import StepInput, Trajectory


def _random_walk(env: RevealedTask | RevealedBelief, sides: list[int], seed: int = 0) -> Trajectory:
    class RandomActions:
        def initial_state(self, batch_size: int, tasks: object = None) -> None:
            return None

        def act(self, state: None, inputs: StepInput, generator: torch.Generator) -> tuple[torch.Tensor, None]:
            return torch.randint(2, inputs.prev_action.shape, generator=generator), None

    generators = [torch.Generator().manual_seed(seed + number) for number in range(2)]
    return rollout(
        RandomActions(), env, torch.tensor(sides), policy_generator=generators[0], env_generator=generators[1]
    )


def test_the_task_is_shown_from_the_second_episode_on_and_never_before() -> None:
    trials = _random_walk(RevealedTask(CorridorEnv(2)), [0, 1, 0, 1, 1, 0])
    over = trials.step_inputs().prev_end.cumsum(dim=1) > 0
    shown = trials.observation[:, :, -2:]
    task = torch.nn.functional.one_hot(torch.tensor([0, 1, 0, 1, 1, 0]), 2)[:, None].expand_as(shown)
    wanted = torch.where((over & trials.mask)[..., None], task, 0)
    assert torch.equal(shown, wanted.to(torch.float32))
    assert bool(over.any()) and not bool(over[:, 0].any())


def test_a_bandits_task_is_its_better_arm() -> None:
    env = RevealedTask(BanditEnv(2, 3))
    first = env.reset(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.Generator())
    assert first.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert env.step(torch.tensor([0, 0])).observation.tolist() == [[0, 0, 1], [0, 1, 0]]


def test_the_belief_shown_is_one_half_until_an_end_tells() -> None:
    trials = _random_walk(RevealedBelief(CorridorEnv(2)), [0, 1] * 10)
    shown, cells_seen = trials.observation[:, :, -1], trials.observation[:, :, :-1].argmax(dim=2)
    side = torch.tensor([0.0, 1.0] * 10)[:, None].expand_as(shown)
    told = (cells_seen == 0) | (cells_seen == 4) | (trials.step_inputs().prev_end > 0)
    knows = told.cumsum(dim=1) > 0
    assert torch.equal(shown[trials.mask], torch.where(knows, side, 0.5)[trials.mask])


def test_only_the_last_pull_counts_for_the_slow_learner_and_all_are_paid() -> None:
    tasks = torch.tensor([[1.0, 0.25]])
    env = LastEpisodeOnly(BanditEnv(2, 3), 3)
    env.reset(tasks, torch.Generator().manual_seed(0))
    steps = [env.step(torch.tensor([arm])) for arm in (0, 0, 1)]
    assert [step.expected_reward.item() for step in steps if step.expected_reward is not None] == [0.0, 0.0, 0.25]
    assert [step.reward.item() for step in steps[:2]] == [1.0, 1.0]
