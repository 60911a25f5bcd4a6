from typing import Any

import pytest
import torch
from torch import Tensor

from rl2lib.agents.bandit import Random
from rl2lib.agents.recurrent import RecurrentPolicy
from rl2lib.rollout import rollout
from rl2lib.tasks.bandit import BanditEnv, IndependentBandits
from rl2lib.tasks.sampling import make_generators
from rl2lib.types import ActsBy, Agent, RuleAgent, Step, StepInput, Trajectory, as_agent


class CountdownEnv:
    """Task i lasts i steps in episodes of two; it observes the step and pays the action's number."""

    num_actions = 4
    observation_shape = (1,)

    def reset(self, tasks: Tensor, generator: torch.Generator) -> Tensor:
        self.left, self.time = tasks.clone(), 0
        return torch.zeros(len(tasks), 1)

    def step(self, actions: Tensor) -> Step:
        self.left, self.time = self.left - 1, self.time + 1
        end = self.left == 0
        timed_out = torch.full_like(end, self.time % 2 == 0) & ~end
        observation = torch.full((len(actions), 1), float(self.time))
        return Step(observation, actions.float(), end | timed_out, timed_out, end)


class Recorder:
    """Plays 1, 2, 3, ... and keeps what it was fed; its state is the number of steps so far."""

    def __init__(self) -> None:
        self.fed: list[StepInput] = []
        self.states_made = 0
        self.told: Any = "never asked"

    def initial_state(self, batch_size: int, *told: Any) -> int:
        self.states_made += 1
        self.told = told
        return 0

    def act(self, state: int, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, int]:
        self.fed.append(inputs)
        return torch.full(inputs.prev_action.shape, state + 1), state + 1


class TaskReader(Recorder, Agent[int]):
    sees_task = True
    mode: ActsBy = "own rule"


def play(policy: Any, env: Any, tasks: Tensor, policy_seed: int = 0, env_seed: int = 0) -> Trajectory:
    return rollout(
        policy,
        env,
        tasks,
        policy_generator=torch.Generator().manual_seed(policy_seed),
        env_generator=torch.Generator().manual_seed(env_seed),
    )


def test_trials_of_different_lengths_are_padded_and_masked() -> None:
    trajectory = play(Recorder(), CountdownEnv(), torch.tensor([3, 1]))
    assert trajectory.mask.tolist() == [[True, True, True], [True, False, False]]
    assert trajectory.action.tolist() == [[1, 2, 3], [1, 0, 0]]
    assert trajectory.reward.tolist() == [[1.0, 2.0, 3.0], [1.0, 0.0, 0.0]]
    assert trajectory.observation[..., 0].tolist() == [[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]
    assert trajectory.trial_end.tolist() == [[False, False, True], [True, False, False]]
    assert trajectory.episode_end.tolist() == [[False, True, True], [True, False, False]]
    assert trajectory.timed_out.tolist() == [[False, True, False], [False, False, False]]
    assert trajectory.expected_reward is None


def test_the_state_is_made_once_a_trial_and_survives_its_episodes() -> None:
    policy = Recorder()
    trajectory = play(policy, CountdownEnv(), torch.tensor([3, 3]))
    assert trajectory.episode_end[0, 1], "an episode ends after step two"
    assert policy.states_made == 1 and trajectory.action[0].tolist() == [1, 2, 3]
    assert play(policy, CountdownEnv(), torch.tensor([2])).action.tolist() == [[1, 2]], "a new trial starts anew"


def test_the_policy_was_fed_what_step_inputs_says() -> None:
    policy = Recorder()
    inputs = play(policy, CountdownEnv(), torch.tensor([3, 3])).step_inputs()
    for field in StepInput._fields:
        fed = torch.stack([getattr(one, field) for one in policy.fed], dim=1)
        assert torch.equal(fed, getattr(inputs, field)), field


def test_only_an_agent_that_declares_it_is_told_the_task() -> None:
    blind, sighted = Recorder(), TaskReader()
    tasks = torch.tensor([2])
    play(blind, CountdownEnv(), tasks)
    play(sighted, CountdownEnv(), tasks)
    assert blind.told == () and torch.equal(sighted.told[0], tasks)


def test_what_an_agent_says_of_itself_counts_only_where_it_is_read_and_whole() -> None:
    class Undeclared(Recorder):
        sees_task = True

    class Misspelt(Recorder, Agent[int]):
        sees_tasks = True
        mode: ActsBy = "own rule"

    with pytest.raises(TypeError, match=r"Undeclared\.sees_task: .*write Undeclared\(Agent\)"):
        play(Undeclared(), CountdownEnv(), torch.tensor([2]))
    with pytest.raises(TypeError, match=r"abstract.*sees_task"):
        Misspelt()  # type: ignore[abstract]
    with pytest.raises(TypeError, match="sees_tasks"):

        class Rule(RuleAgent[int], sees_tasks=True):  # type: ignore[call-arg]
            pass

    assert as_agent(Recorder()).mode == "own rule" and as_agent(Random(3)).sees_task is False


def test_a_trajectory_is_fixed_by_its_two_generators() -> None:
    tasks = IndependentBandits(3).sample(16, torch.Generator().manual_seed(0))
    env = BanditEnv(3, 6)
    first, again = play(Random(3), env, tasks), play(Random(3), env, tasks)
    other = play(Random(3), env, tasks, policy_seed=1)
    for one, two in zip(first, again, strict=True):
        assert one is not None and two is not None and torch.equal(one, two)
    assert not torch.equal(first.action, other.action)
    same = first.action == other.action
    assert torch.equal(first.reward[same], other.reward[same]), "the agent's draws must not shift the environment's"


def test_nothing_before_a_changed_reward_changes_and_something_after_does() -> None:
    """Causality from the environment through the policy: flip the reward at step 3."""

    class Flipped(BanditEnv):
        def step(self, actions: Tensor) -> Step:
            step = super().step(actions)
            return step._replace(reward=1 - step.reward) if self._pulls == 4 else step

    policy = RecurrentPolicy((1,), 3, 16, generator=torch.Generator().manual_seed(0))
    tasks = IndependentBandits(3).sample(64, torch.Generator().manual_seed(1))
    straight, flipped = (play(policy, kind(3, 8), tasks) for kind in (BanditEnv, Flipped))
    assert torch.equal(straight.action[:, :4], flipped.action[:, :4])
    assert torch.equal(straight.reward[:, :3], flipped.reward[:, :3])
    assert not torch.equal(straight.action[:, 4:], flipped.action[:, 4:])


def test_no_trial_notices_its_neighbours() -> None:
    policy = RecurrentPolicy((1,), 3, 16, generator=torch.Generator().manual_seed(0), mode="greedy")
    tasks = IndependentBandits(3).sample(8, torch.Generator().manual_seed(1)).round()  # rewards without luck
    together = play(policy, BanditEnv(3, 8), tasks)
    for i in range(8):
        alone = play(policy, BanditEnv(3, 8), tasks[i : i + 1])
        assert torch.equal(alone.action[0], together.action[i])


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (torch.tensor([0.0, 1.0]), "expected int64"),
        (torch.tensor([[0], [1]]), r"expected \[B\] = \(2,\)"),
        (torch.tensor([0, 4]), "expected 0..3, got values from 0 to 4"),
        (torch.tensor([-1, 0]), "got values from -1"),
    ],
)
def test_bad_actions_are_named(actions: Tensor, message: str) -> None:
    class Bad(Recorder):
        def act(self, state: int, inputs: StepInput, generator: torch.Generator) -> tuple[Tensor, int]:
            return actions, state

    with pytest.raises(ValueError, match=message):
        play(Bad(), CountdownEnv(), torch.tensor([2, 2]))


def test_no_graph_is_kept() -> None:
    generators = make_generators(0, "weights", "tasks")
    policy = RecurrentPolicy((1,), 2, 4, generator=generators["weights"])
    trajectory = play(policy, BanditEnv(2, 3), IndependentBandits(2).sample(2, generators["tasks"]))
    assert not any(value.requires_grad for value in trajectory if value is not None)
